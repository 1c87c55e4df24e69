use data_encoding::HEXLOWER_PERMISSIVE;

use crate::failure::Failure;

const SENT: [&str; 2] = ["=> Send header, ", "=> Send data, "];

/// Returns whether the bytes are output of `curl --trace`.
pub(crate) fn is_one(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.lines().any(|line| line.contains(SENT[0])))
}

/// Returns the bytes of each request sent, head and body.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|error| Failure::because("the trace is not text", error))?;
    let mut requests: Vec<Vec<u8>> = Vec::new();
    let mut sending = false;
    for line in text.lines() {
        let data = line.split_once(": ").filter(|(offset, _)| offset.len() >= 4 && offset.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match data {
            // A line outside a dump begins the next section of the trace.
            None => {
                sending = SENT.iter().any(|sent| line.contains(sent));
                if line.contains(SENT[0]) {
                    requests.push(Vec::new());
                }
            }
            Some((_, dump)) if sending => {
                let row = row(dump)?;
                requests.last_mut().into_iter().for_each(|request| request.extend_from_slice(&row));
            }
            Some(_) => {}
        }
    }
    Ok(requests)
}

/// Decodes a row of a dump: up to 16 bytes in hex, followed by the same bytes as text.
fn row(dump: &str) -> Result<Vec<u8>, Failure> {
    let hex = dump.get(..dump.len().min(48)).unwrap_or(dump);
    let digits: String = hex.split(' ').take_while(|pair| pair.len() == 2).collect();
    let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok().filter(|bytes| !bytes.is_empty());
    bytes.ok_or_else(|| Failure::new("the trace is not in hex: give curl --trace, not --trace-ascii"))
}
