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

/// The service that [`VerifyLayer`](crate::VerifyLayer) makes: calls the inner service with verified deliveries only.
///
/// The inner service finds [`Verified`](countersign::Verified) in the request's extensions; whatever is further out finds
/// [`Rejection`](countersign::Rejection) in the response's. A rejection is a response and never an error: errors are the inner service's.
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
        // The service that was polled ready is the one to call, and its clone need not be ready.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        VerifyFuture::new(ready, self.reject.clone(), Arc::clone(&self.settings), request)
    }
}
