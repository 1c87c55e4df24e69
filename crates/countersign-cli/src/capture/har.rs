use data_encoding::BASE64;
use serde::Deserialize;

use crate::delivery::Delivery;
use crate::failure::Failure;

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    request: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Field>,
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
struct Field {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct PostData {
    #[serde(default)]
    text: String,
    encoding: Option<String>,
}

/// The requests of a HAR file, of which there is at least one.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Delivery>, Failure> {
    let json = bytes.trim_ascii_start();
    let har: Har = serde_json::from_slice(json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json))
        .map_err(|error| Failure::because("that is no HAR file", error))?;
    let deliveries: Result<Vec<_>, _> = har.log.entries.into_iter().map(|entry| delivery(entry.request)).collect();
    deliveries
        .and_then(|deliveries| if deliveries.is_empty() { Err(Failure::new("the HAR file holds no request")) } else { Ok(deliveries) })
}

fn delivery(request: Request) -> Result<Delivery, Failure> {
    let Request { method, url, headers, post_data } = request;
    let body = match post_data {
        None => Vec::new(),
        Some(PostData { text, encoding: None }) => text.into_bytes(),
        Some(PostData { text, encoding: Some(_) }) => {
            BASE64.decode(text.as_bytes()).map_err(|error| Failure::because("a body of the HAR file is not in base64", error))?
        }
    };
    let after_host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let target = after_host.find('/').and_then(|slash| after_host.get(slash..)).unwrap_or("/").to_owned();
    let headers = headers.into_iter().map(|Field { name, value }| (name, value.into_bytes())).collect();
    Ok(Delivery { method, target, headers, body })
}
