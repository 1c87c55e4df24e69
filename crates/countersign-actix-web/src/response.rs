use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use countersign::Rejection;

/// Adds the required header field and the `Rejection` to the response.
pub(crate) fn finish(mut response: HttpResponse, rejection: Rejection) -> HttpResponse {
    // A response of the application may lack the `WWW-Authenticate` required for a 401.
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
