use crate::delivery::Delivery;
use crate::failure::Failure;

/// Header fields of one request.
const MAX_FIELDS: usize = 256;

/// A request as it stands on the wire in HTTP/1; the versions 2 and 3 written down likewise.
pub(crate) fn parse(bytes: &[u8]) -> Result<Delivery, Failure> {
    let bytes = as_http1(bytes);
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let head = match request.parse(&bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Err(Failure::new("the head of the request has no end, which is an empty line")),
        Err(error) => return Err(Failure::because("that is no HTTP request", error)),
    };
    let headers = request.headers.iter().map(|field| (field.name.to_owned(), field.value.to_vec())).collect();
    let mut delivery = Delivery {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        headers,
        body: Vec::new(),
    };
    let rest = bytes.get(head..).unwrap_or_default();
    let chunked = delivery.text_of("transfer-encoding").is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"));
    let length = delivery.text_of("content-length").and_then(|length| length.parse().ok());
    delivery.body = match length {
        _ if chunked => dechunk(rest)?,
        // What an editor has put behind it does not belong to it.
        Some(length) => {
            rest.get(..length).ok_or_else(|| Failure::new(format!("of {length} bytes of body, {} are there", rest.len())))?.to_vec()
        }
        None => rest.to_vec(),
    };
    Ok(delivery)
}

/// With the version in the first line that the parser knows.
fn as_http1(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at_checked(end).unwrap_or((bytes, b""));
    let line = line.trim_ascii_end();
    for version in [&b" HTTP/2.0"[..], b" HTTP/2", b" HTTP/3.0", b" HTTP/3"] {
        if let Some(line) = line.strip_suffix(version) {
            return [line, b" HTTP/1.1\r", rest].concat();
        }
    }
    bytes.to_vec()
}

fn dechunk(mut rest: &[u8]) -> Result<Vec<u8>, Failure> {
    let cut = || Failure::new("the chunks of the body break off");
    let mut body = Vec::new();
    loop {
        match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete((_, 0))) => return Ok(body),
            Ok(httparse::Status::Complete((head, length))) => {
                let length = usize::try_from(length).map_err(|_| cut())?;
                let chunk = rest.get(head..).ok_or_else(cut)?;
                let (data, behind) = chunk.split_at_checked(length).ok_or_else(cut)?;
                body.extend_from_slice(data);
                rest = behind.strip_prefix(b"\r\n").ok_or_else(cut)?;
            }
            Ok(httparse::Status::Partial) | Err(_) => return Err(cut()),
        }
    }
}
