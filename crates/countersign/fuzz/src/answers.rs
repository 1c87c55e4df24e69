/// One answer of a server.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Whether the connection ends behind it.
    pub closes: bool,
}

/// Reads the answers of an HTTP/1 server, to requests that were `HEAD` or not. Everything has to be well formed, but that the last may be cut
/// off if the connection `broke`.
///
/// # Panics
/// If it is not.
#[must_use]
pub fn read_answers(mut bytes: &[u8], heads: &[bool], broke: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut fields);
        let shown = String::from_utf8_lossy(bytes).into_owned();
        let head = match response.parse(bytes) {
            Ok(httparse::Status::Complete(len)) => len,
            other => {
                assert!(broke && other.is_ok(), "{other:?}: {shown}");
                break;
            }
        };
        bytes = &bytes[head..];
        let status = response.code.expect("a status");
        if status == 100 {
            continue;
        }
        let value = |name: &str| {
            let mut values = response.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
            let value = values.next().map(|field| std::str::from_utf8(field.value).expect("text"));
            assert!(values.next().is_none(), "{name} twice: {shown}");
            value
        };
        let rejection = Some(status).filter(|status| *status == 401);
        assert_eq!(value("www-authenticate"), rejection.map(|_| "WebhookSignature"), "{shown}");
        let length: Option<usize> = value("content-length").map(|length| length.parse().expect("a number"));
        let empty = heads.get(answers.len()).copied().unwrap_or(false) || matches!(status, 204 | 304);
        match (empty, length, value("transfer-encoding")) {
            (true, _, _) => {}
            (false, Some(length), None) => {
                assert!(length == 0 || status != 401, "a stranger is told something: {shown}");
                if length > bytes.len() {
                    assert!(broke, "cut off: {shown}");
                    break;
                }
                bytes = &bytes[length..];
            }
            other => panic!("{other:?}: {shown}"),
        }
        answers.push(Answer { status, closes: value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) });
    }
    answers
}
