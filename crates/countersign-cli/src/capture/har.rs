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
    text: Option<String>,
    encoding: Option<String>,
}

/// Parses the requests of a HAR file. A file without requests is an error.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Delivery>, Failure> {
    let json = bytes.trim_ascii_start();
    let har: Har = serde_json::from_slice(json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json))
        .map_err(|error| Failure::because("not a HAR file", error))?;
    let deliveries: Result<Vec<_>, _> = har.log.entries.into_iter().map(|entry| delivery(entry.request)).collect();
    deliveries.and_then(|deliveries| if deliveries.is_empty() { Err(Failure::new("the HAR file has no request")) } else { Ok(deliveries) })
}

fn delivery(request: Request) -> Result<Delivery, Failure> {
    let Request { method, url, headers, post_data } = request;
    let body = match post_data {
        None => Vec::new(),
        Some(PostData { text: None, .. }) => {
            return Err(Failure::new(
                "the HAR file has form fields in place of a request body: capture the raw body, as only the raw body is signed",
            ));
        }
        Some(PostData { text: Some(text), encoding: None }) => text.into_bytes(),
        Some(PostData { text: Some(text), encoding: Some(_) }) => {
            BASE64.decode(text.as_bytes()).map_err(|error| Failure::because("a body in the HAR file is not base64", error))?
        }
    };
    let after_host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let after_host = after_host.split('#').next().unwrap_or_default();
    let target = match after_host.find(['/', '?']).and_then(|place| after_host.get(place..)) {
        Some(query) if query.starts_with('?') => format!("/{query}"),
        Some(target) => target.to_owned(),
        None => "/".to_owned(),
    };
    let headers = headers.into_iter().map(|Field { name, value }| (name, value.into_bytes())).collect();
    Ok(Delivery { method, target, headers, body })
}
