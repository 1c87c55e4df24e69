/// The part of a server's response that the fuzz targets check.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Whether the server closes the connection after the response.
    pub closes: bool,
}

/// Reads the responses of an HTTP/1 server. `heads` tells for each request whether the method was `HEAD`. If the connection `broke`, the
/// last response may be incomplete.
///
/// # Panics
/// If a response is malformed or incomplete.
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
                assert!(broke && other.is_ok(), "the response head is malformed or incomplete, {other:?}: {shown}");
                break;
            }
        };
        bytes = &bytes[head..];
        let status = response.code.expect("a complete response has a status");
        if status == 100 {
            continue;
        }
        let value = |name: &str| {
            let mut values = response.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
            let value = values.next().map(|field| std::str::from_utf8(field.value).expect("the header value is UTF-8"));
            assert!(values.next().is_none(), "the response has two {name} headers: {shown}");
            value
        };
        let rejection = Some(status).filter(|status| *status == 401);
        assert_eq!(value("www-authenticate"), rejection.map(|_| "WebhookSignature"), "wrong challenge: {shown}");
        let length: Option<usize> = value("content-length").map(|length| length.parse().expect("the content length is a number"));
        let empty = heads.get(answers.len()).copied().unwrap_or(false) || matches!(status, 204 | 304);
        match (empty, length, value("transfer-encoding")) {
            (true, _, _) => {}
            (false, Some(length), None) => {
                assert!(length == 0 || status != 401, "the 401 response has a body: {shown}");
                if length > bytes.len() {
                    assert!(broke, "the response is incomplete: {shown}");
                    break;
                }
                bytes = &bytes[length..];
            }
            other => panic!("the response has unexpected framing {other:?}: {shown}"),
        }
        answers.push(Answer { status, closes: value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) });
    }
    answers
}
