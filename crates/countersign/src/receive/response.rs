use http::header::{CONNECTION, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::receive::outcome::Connection;
use crate::verdict::rejection::Rejection;

/// Creates an empty response with this status. An invalid status becomes 401. For adapters.
#[must_use]
pub fn empty_response<B: Default>(status: u16) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::UNAUTHORIZED);
    response
}

/// Creates an empty response with this status, for a guard that answers a verified delivery without
/// the handler. Adds the [header](Rejection::required_header) required by the status. For adapters.
#[must_use]
pub fn guard_response<B: Default>(status: u16) -> Response<B> {
    with_required_header(empty_response(status))
}

/// Completes an application's response to a rejection. For adapters.
///
/// Adds to the response:
/// - the [header](Rejection::required_header) required by the status, unless the response already
///   has this header;
/// - `connection: close`, if `connection` is [`Connection::Close`];
/// - the [`Rejection`], in the response extensions.
#[must_use]
pub fn finish_response<B>(mut response: Response<B>, rejection: Rejection, connection: Connection) -> Response<B> {
    response = with_required_header(response);
    if connection == Connection::Close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response.extensions_mut().insert(rejection);
    response
}

fn with_required_header<B>(mut response: Response<B>) -> Response<B> {
    if let Some((name, value)) = Rejection::required_header(response.status().as_u16()) {
        response.headers_mut().entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    response
}
