use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, EXPECT, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};

use crate::client::{Client, NoAnswer};

/// Header fields of the connection (RFC 9110 §7.6.1), and `Expect`, already answered. Other fields
/// named in `Connection` are forwarded: a sender could name the signature header there, to remove
/// the signature.
const CONNECTION_FIELDS: [HeaderName; 8] = [
    CONNECTION,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Limit of a response body, in bytes.
const MAX_RESPONSE_BODY: usize = 64 * 1024 * 1024;

/// Forwards a delivery as received. Returns the complete response, and an error for the operator.
pub(crate) async fn forward(client: &Client, to: &Uri, parts: Parts, body: Bytes, within: Duration) -> (Response, Result<(), String>) {
    let fail = |status: StatusCode, error: String| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        (response, Err(error))
    };
    let uri = match target(to, &parts.uri) {
        Ok(uri) => uri,
        Err(error) => return fail(StatusCode::BAD_GATEWAY, error.to_string()),
    };
    // The extensions preserve the case of header names.
    let mut request = Request::from_parts(parts, Full::new(body));
    *request.uri_mut() = uri;
    *request.version_mut() = http::Version::HTTP_11;
    drop_connection_fields(request.headers_mut());
    let began = Instant::now();
    match client.send(request, within).await {
        Ok(answer) => {
            let (mut head, body) = answer.into_parts();
            drop_connection_fields(&mut head.headers);
            head.version = http::Version::HTTP_11;
            // A broken-off response must become a 502, so the whole body arrives before the first
            // byte is returned.
            match tokio::time::timeout(within.saturating_sub(began.elapsed()), Limited::new(body, MAX_RESPONSE_BODY).collect()).await {
                Ok(Ok(body)) => (Response::from_parts(head, Body::new(body)), Ok(())),
                Ok(Err(error)) => fail(StatusCode::BAD_GATEWAY, format!("the response broke off or is too large: {error}")),
                Err(_) => fail(StatusCode::GATEWAY_TIMEOUT, NoAnswer::TimedOut(within).to_string()),
            }
        }
        Err(error @ NoAnswer::TimedOut(_)) => fail(StatusCode::GATEWAY_TIMEOUT, error.to_string()),
        Err(error @ NoAnswer::Failed(_)) => fail(StatusCode::BAD_GATEWAY, error.to_string()),
    }
}

/// Returns the URL of the forwarded request: the path of `to`, or the delivery's path if `to` has
/// no path. The query is the delivery's in both cases.
fn target(to: &Uri, received: &Uri) -> Result<Uri, http::Error> {
    let own = received.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let target = match (to.path(), received.query()) {
        ("" | "/", _) => own.to_owned(),
        (path, None) => path.to_owned(),
        (path, Some(query)) => format!("{path}?{query}"),
    };
    let builder = Uri::builder().scheme(to.scheme_str().unwrap_or("http")).authority(to.authority().map_or("", |host| host.as_str()));
    builder.path_and_query(target).build()
}

fn drop_connection_fields(headers: &mut HeaderMap) {
    // `HeaderMap::remove` would move the last field into the gap.
    let kept: HeaderMap =
        headers.iter().filter(|(name, _)| !CONNECTION_FIELDS.contains(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
    *headers = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_forward_url_with_a_path_replaces_the_path() {
        let cases = [
            ("http://h:1", "/a?b", "http://h:1/a?b"),
            ("http://h:1/", "/a", "http://h:1/a"),
            ("https://h/x/y", "/a?b", "https://h/x/y?b"),
            ("http://h/x", "/a", "http://h/x"),
        ];
        for (to, received, expected) in cases {
            assert_eq!(target(&to.parse().unwrap(), &received.parse().unwrap()).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn connection_fields_are_not_forwarded() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-first", "1"),
            ("connection", "keep-alive, X-Kept"),
            ("keep-alive", "5"),
            ("te", "trailers"),
            ("x-kept", "1"),
            ("x-last", "1"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        drop_connection_fields(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-first", "x-kept", "x-last"]);
    }
}
