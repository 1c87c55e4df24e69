use http::header::{CONNECTION, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::receive::outcome::Connection;
use crate::verdict::rejection::Rejection;

/// A response of this status and nothing else. For adapters.
#[must_use]
pub fn empty_response<B: Default>(status: u16) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::UNAUTHORIZED);
    response
}

/// Adds to an application's response to a rejection what every one needs: the [header](Rejection::required_header) that its status requires, unless it has
/// one; `connection: close` if the connection cannot go on; and the [`Rejection`], in the response's extensions. For adapters.
#[must_use]
pub fn finish_response<B>(mut response: Response<B>, rejection: Rejection, connection: Connection) -> Response<B> {
    if let Some((name, value)) = Rejection::required_header(response.status().as_u16()) {
        response.headers_mut().entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    if connection == Connection::Close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response.extensions_mut().insert(rejection);
    response
}
