use std::pin::Pin;
use std::task::{Context, Poll};

use countersign::Verified;
use countersign::adapter::guard_response;
use countersign_once::Once;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::VerifiedBody;
use crate::layer::VerifyLayer;
use crate::response::EmptyResponse;
use crate::service::Verify;

/// A layer that verifies deliveries and handles each once. [`VerifyLayer::once`] creates the layer.
#[derive(Clone, Debug)]
pub struct OnceLayer<R = EmptyResponse> {
    verify: VerifyLayer<R>,
    once: Once,
}

/// The service inside of a [`OnceLayer`]: calls the inner service once for each delivery.
#[derive(Clone, Debug)]
pub struct OnceService<S> {
    inner: S,
    once: Once,
}

impl<R> VerifyLayer<R> {
    /// Handles each verified delivery once, with the guard `once`.
    ///
    /// A repeat of a handled delivery gets the stored status, and a concurrent repeat gets 503 with
    /// `Retry-After`. The inner service runs in a task of its own, so a disconnecting sender does not
    /// stop the handler.
    ///
    /// The request extensions hold `ClaimInfo` of `countersign-once`, with the key of the delivery. A
    /// delivery without an identity is handled without the guard, and has a `ClaimInfo` too. In
    /// report-only mode, this includes each unverified delivery: a stranger could choose its identity.
    ///
    /// ```
    /// # use axum::{Router, routing::post};
    /// use countersign::{Secret, Verifier, providers};
    /// use countersign_once::{MemoryStore, Once};
    /// use countersign_tower::VerifyLayer;
    ///
    /// let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("secret")).build()?;
    /// let once = Once::builder("jira", MemoryStore::new(100_000)).build(&verifier)?;
    /// # let on_event = async |_: String| {};
    /// let layer = VerifyLayer::new(verifier).once(once);
    /// let app: Router = Router::new().route("/jira", post(on_event)).route_layer(layer);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn once(mut self, once: Once) -> OnceLayer<R> {
        self.settings_mut().options.digest_body = once.identity().is_by_digest();
        OnceLayer { verify: self, once }
    }
}

impl<S, R: Clone> Layer<S> for OnceLayer<R> {
    type Service = Verify<OnceService<S>, R>;

    fn layer(&self, inner: S) -> Self::Service {
        self.verify.layer(OnceService { inner, once: self.once.clone() })
    }
}

impl<S, B> Service<Request<VerifiedBody>> for OnceService<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<B>, Future: Send + 'static, Error: Send> + Clone + Send + 'static,
    B: Default + Send + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<VerifiedBody>) -> Self::Future {
        // The clone has not been polled ready.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let verified = request.extensions().get::<Verified>().cloned();
        let (once, body) = (self.once.clone(), request.body().bytes().clone());
        Box::pin(async move {
            let status = |result: &Result<Response<B>, S::Error>| result.as_ref().map_or(500, |response| response.status().as_u16());
            let handled = once.handle(verified.as_ref(), &body, status, |claim| {
                request.extensions_mut().insert(claim);
                inner.call(request)
            });
            handled.await.response_or(|status| Ok(guard_response(status)))
        })
    }
}
