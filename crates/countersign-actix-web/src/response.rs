use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use countersign::Rejection;

/// Adds the required header field and the `Rejection` to the response.
pub(crate) fn finish(response: HttpResponse, rejection: Rejection) -> HttpResponse {
    // A response of the application may lack the `WWW-Authenticate` required for a 401.
    let mut response = with_required_header(response);
    response.extensions_mut().insert(rejection);
    response
}

/// Creates the empty response of a guard that does not run the handler.
#[cfg(feature = "once")]
pub(crate) fn guard_response(code: u16) -> HttpResponse {
    with_required_header(HttpResponse::new(status(code)))
}

fn with_required_header(mut response: HttpResponse) -> HttpResponse {
    if let Some((name, value)) = Rejection::required_header(response.status().as_u16())
        && !response.headers().contains_key(name)
    {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

pub(crate) fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::UNAUTHORIZED)
}
