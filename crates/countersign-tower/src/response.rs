use countersign::Rejection;
use countersign::adapter::empty_response;
use http::Response;

/// What makes the response to a rejected delivery: [`EmptyResponse`], or a function given to
/// [`VerifyLayer::with_rejection_response`](crate::VerifyLayer::with_rejection_response). It cannot be implemented elsewhere.
pub trait RejectionResponse<B>: sealed::RejectionResponse<B> {}

impl<B, R: sealed::RejectionResponse<B>> RejectionResponse<B> for R {}

/// The default response: the status, a constant `WWW-Authenticate` with a 401, and no body, so that a stranger learns nothing from the response.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyResponse {
    /// Answers 204 in place of 401.
    pub(crate) acknowledge: bool,
}

pub(crate) mod sealed {
    use countersign::Rejection;
    use http::Response;

    #[expect(unnameable_types, reason = "so that nobody else can implement it")]
    pub trait RejectionResponse<B> {
        fn response(&self, rejection: &Rejection) -> Response<B>;
    }
}

impl<B: Default> sealed::RejectionResponse<B> for EmptyResponse {
    fn response(&self, rejection: &Rejection) -> Response<B> {
        empty_response(if self.acknowledge { rejection.acknowledging_status_code() } else { rejection.status_code() })
    }
}

impl<B, F: Fn(&Rejection) -> Response<B>> sealed::RejectionResponse<B> for F {
    fn response(&self, rejection: &Rejection) -> Response<B> {
        self(rejection)
    }
}
