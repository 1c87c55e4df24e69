use countersign::{Rejection, Verifier};
use http::Response;
use tower_layer::Layer;

use crate::{EmptyResponse, Verify};

/// Lets only verified deliveries through to the service that it is laid around.
///
/// ```
/// use axum::{Extension, Router, routing::post};
/// use countersign::{Secret, Verified, Verifier, providers};
/// use countersign_tower::VerifyLayer;
///
/// async fn on_event(Extension(verified): Extension<Verified>, body: String) {
///     println!("{body}, signed with {}", verified.key_id());
/// }
///
/// let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("It's a Secret to Everybody")).build()?;
/// let app: Router = Router::new().route("/jira", post(on_event)).route_layer(VerifyLayer::new(verifier));
/// # Ok::<(), countersign::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct VerifyLayer<R = EmptyResponse> {
    verifier: Verifier,
    refuse: R,
}

impl VerifyLayer {
    /// A layer that judges by `verifier` and answers a refusal with its status and no body.
    #[must_use]
    pub const fn new(verifier: Verifier) -> Self {
        Self { verifier, refuse: EmptyResponse }
    }
}

impl<R> VerifyLayer<R> {
    /// Answers refusals with what `refuse` returns, instead of with [`EmptyResponse`].
    ///
    /// A 401 is given its `WWW-Authenticate` if it has none. Keep the status unless there is a reason not to
    /// ([`Rejection::status_code`]): senders repeat some and take others for final. Do not tell the sender the cause.
    ///
    /// ```
    /// # use countersign::{Rejection, Secret, Verifier, providers};
    /// # use countersign_tower::VerifyLayer;
    /// # let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("secret")).build()?;
    /// use axum::response::IntoResponse;
    /// use axum::http::StatusCode;
    ///
    /// let layer = VerifyLayer::new(verifier).refuse_with(|rejection: &Rejection| {
    ///     let status = StatusCode::from_u16(rejection.status_code()).unwrap_or(StatusCode::UNAUTHORIZED);
    ///     (status, "not a delivery of ours\n").into_response()
    /// });
    /// # let app: axum::Router = axum::Router::new().layer(layer);
    /// # Ok::<(), countersign::ConfigError>(())
    /// ```
    #[must_use]
    pub fn refuse_with<F, B>(self, refuse: F) -> VerifyLayer<F>
    where
        F: Fn(&Rejection) -> Response<B>,
    {
        VerifyLayer { verifier: self.verifier, refuse }
    }
}

impl<S, R: Clone> Layer<S> for VerifyLayer<R> {
    type Service = Verify<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Verify::new(inner, self.verifier.clone(), self.refuse.clone())
    }
}
