use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::Full;

use crate::client::{Client, NoAnswer};

/// Fields of a connection, and not of the request or answer (RFC 9110 §7.6.1).
const OF_THE_CONNECTION: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Passes a delivery on as it was received, and gives the answer back as it comes. What went wrong is for the operator.
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
    // The extensions hold how the names of the headers were written.
    let mut request = Request::from_parts(parts, Full::new(body));
    *request.uri_mut() = uri;
    *request.version_mut() = http::Version::HTTP_11;
    drop_connection_fields(request.headers_mut());
    match client.send(request, within).await {
        Ok(mut answer) => {
            drop_connection_fields(answer.headers_mut());
            (answer.map(Body::new), Ok(()))
        }
        Err(error @ NoAnswer::TimedOut(_)) => fail(StatusCode::GATEWAY_TIMEOUT, error.to_string()),
        Err(error @ NoAnswer::Failed(_)) => fail(StatusCode::BAD_GATEWAY, error.to_string()),
    }
}

/// The path of the URL if it has one, and the delivery's own otherwise; the delivery's query in any case.
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
    // What `Connection` names belongs to the connection, too.
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&OF_THE_CONNECTION) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_path_leaves_the_path_alone() {
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
    fn fields_of_the_connection_go_no_further() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("connection", "keep-alive, X-Hop"), ("x-hop", "1"), ("keep-alive", "5"), ("te", "trailers"), ("x-kept", "1")]
        {
            headers.insert(name, value.parse().unwrap());
        }
        drop_connection_fields(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-kept"]);
    }
}
