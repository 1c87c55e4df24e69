use countersign::Rejection;
use http::{HeaderValue, Response, StatusCode, header};

/// What makes the response to a refused delivery: [`EmptyResponse`], or a function given to
/// [`VerifyLayer::refuse_with`](crate::VerifyLayer::refuse_with).
pub trait Refuse<B> {
    /// The response for this rejection. The [`Rejection`] is put into its extensions afterwards.
    fn response(&self, rejection: &Rejection) -> Response<B>;
}

/// The default: the status, a constant `WWW-Authenticate` with a 401, and no body, so that a stranger learns nothing from the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyResponse;

impl<B: Default> Refuse<B> for EmptyResponse {
    fn response(&self, rejection: &Rejection) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::from_u16(rejection.status_code()).unwrap_or(StatusCode::UNAUTHORIZED);
        if let Some(challenge) = rejection.www_authenticate() {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

impl<B, F: Fn(&Rejection) -> Response<B>> Refuse<B> for F {
    fn response(&self, rejection: &Rejection) -> Response<B> {
        self(rejection)
    }
}
