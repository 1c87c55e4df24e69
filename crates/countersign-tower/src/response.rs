use countersign::Rejection;
use countersign::adapter::empty_response;
use http::Response;

/// Creates the response to a rejected delivery. Implemented by [`EmptyResponse`] and by the
/// functions for [`with_rejection_response`](crate::VerifyLayer::with_rejection_response). Other
/// crates cannot implement this trait.
pub trait RejectionResponse<B>: sealed::RejectionResponse<B> {}

impl<B, R: sealed::RejectionResponse<B>> RejectionResponse<B> for R {}

/// The default response to a rejected delivery: the status and no body.
///
/// The layer adds a constant `WWW-Authenticate` to a 401, and a constant `Retry-After` to a 503. A
/// stranger learns nothing from the response. After
/// [`acknowledge_and_drop`](crate::VerifyLayer::acknowledge_and_drop), the status is 204 instead of
/// 401. The layer and the extractors answer alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyResponse {
    /// Whether to answer 204 instead of 401.
    pub(crate) acknowledge: bool,
}

pub(crate) mod sealed {
    use countersign::Rejection;
    use http::Response;

    #[expect(unnameable_types, reason = "sealed: other crates must not implement the trait")]
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
