use crate::delivery::Delivery;
use crate::failure::Failure;

/// Limit of header fields in a request.
const MAX_FIELDS: usize = 256;

/// Parses a request in the wire form of HTTP/1. A request of HTTP/2 or HTTP/3 has the same form,
/// with another version in the request line.
pub(crate) fn parse(bytes: &[u8]) -> Result<Delivery, Failure> {
    let bytes = as_http1(bytes);
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let head = match request.parse(&bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Err(Failure::new("the request head has no end: put an empty line after the headers")),
        Err(error) => return Err(Failure::because("not an HTTP request", error)),
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
        // Bytes after the length are not part of the body: editors append a line break, for
        // example.
        Some(length) => rest
            .get(..length)
            .ok_or_else(|| Failure::new(format!("the body is cut short: {} of {length} bytes are present", rest.len())))?
            .to_vec(),
        None => rest.to_vec(),
    };
    Ok(delivery)
}

/// Replaces version 2 or 3 in the request line by `HTTP/1.1`, the version known to the parser.
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
    let cut = || Failure::new("the chunked body is malformed or cut short");
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
