use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use countersign::Rejection;

/// The response to a rejection, with what every one needs.
pub(crate) fn finish(mut response: HttpResponse, rejection: Rejection) -> HttpResponse {
    // Whoever replaces the response need not know that a 401 must have one.
    if let Some((name, value)) = Rejection::required_header(response.status().as_u16())
        && !response.headers().contains_key(name)
    {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response.extensions_mut().insert(rejection);
    response
}

pub(crate) fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::UNAUTHORIZED)
}
