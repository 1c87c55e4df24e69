use std::error::Error;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::body::VerifiedBody;
use crate::future::VerifyFuture;
use crate::response::RejectionResponse;
use crate::settings::Settings;

/// The service of a [`VerifyLayer`](crate::VerifyLayer). Calls the inner service only for verified
/// deliveries, except in [report-only mode](crate::VerifyLayer::insecure_report_only).
///
/// The inner service finds [`Verified`](countersign::Verified) in the request extensions. Outer
/// middleware finds the [`Rejection`](countersign::Rejection) in the response extensions. A
/// rejection is a response, never an error. Every error comes from the inner service.
#[derive(Clone, Debug)]
pub struct Verify<S, R = crate::response::EmptyResponse> {
    inner: S,
    settings: Arc<Settings>,
    reject: R,
}

impl<S, R> Verify<S, R> {
    pub(crate) const fn new(inner: S, settings: Arc<Settings>, reject: R) -> Self {
        Self { inner, settings, reject }
    }
}

impl<S, R, B, T> Service<Request<B>> for Verify<S, R>
where
    S: Service<Request<VerifiedBody>, Response = Response<T>> + Clone,
    R: RejectionResponse<T> + Clone,
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = VerifyFuture<S, R, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // Call the service polled ready, and keep the clone. The clone may not be ready.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        VerifyFuture::new(ready, self.reject.clone(), Arc::clone(&self.settings), request)
    }
}
