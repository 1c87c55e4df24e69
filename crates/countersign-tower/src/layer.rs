use std::sync::Arc;

use countersign::Rejection;
use countersign::adapter::VerifierSource;
#[cfg(feature = "tokio")]
use countersign::{Deadline, DrainPolicy};
use http::Response;
use http::request::Parts;
use tower_layer::Layer;

use crate::response::EmptyResponse;
use crate::service::Verify;
use crate::settings::Settings;

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
///
/// Bodies have a deadline, and rejected ones are drained, by the clock of tokio. On another runtime, see [`without_clock`](Self::without_clock).
#[derive(Clone, Debug)]
pub struct VerifyLayer<R = EmptyResponse> {
    // Behind one pointer, as axum clones a layer for every request.
    settings: Arc<Settings>,
    reject: R,
}

impl VerifyLayer {
    /// A layer that judges by a [`Verifier`](countersign::Verifier), or by the ones that a [`Resolver`](countersign::tenant::Resolver) chooses, and
    /// answers a rejection with its status and no body.
    ///
    /// Bodies have the default [`Deadline`], after an early rejection the rest of the body is thrown away as the default [`DrainPolicy`] says, and a resolver
    /// has its timeout: by the clock of tokio, which axum and hyper run on. Its time has to be enabled, as `#[tokio::main]` does: waiting for a body
    /// panics otherwise.
    ///
    /// If the verifier signs path and query ([`base_url`](countersign::VerifierBuilder::base_url)) and the feature `axum` is off, there is one
    /// event at `WARN`: the layer then knows the path only as the request has it, without what a router has taken off.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn new(verifiers: impl Into<VerifierSource>) -> Self {
        Self::of(Settings::new(verifiers.into()))
    }

    /// As [`new`](Self::new), for another runtime than tokio: no clock is asked. A body, and a resolver, may take as long as they like, and an early
    /// rejection is answered at once, with `connection: close`. Put a timeout of your runtime around the service.
    #[must_use]
    pub fn without_clock(verifiers: impl Into<VerifierSource>) -> Self {
        Self::of(Settings::without_clock(verifiers.into()))
    }

    fn of(settings: Settings) -> Self {
        #[cfg(not(feature = "axum"))]
        warn_of_cut_paths(&settings.options.verifiers);
        Self { settings: Arc::new(settings), reject: EmptyResponse::default() }
    }
}

#[cfg(feature = "tokio")]
impl<R> VerifyLayer<R> {
    /// How long a body may take, by tokio's clock: past it 408. `None` for as long as it likes.
    #[must_use]
    pub fn deadline(mut self, deadline: impl Into<Option<Deadline>>) -> Self {
        let settings = self.settings_mut();
        settings.options.deadline = deadline.into();
        settings.clock |= settings.options.deadline.is_some();
        self
    }

    /// How much of a body is read and thrown away after an early rejection over HTTP/1, by tokio's clock. `None` for nothing: then what is
    /// rejected by its head is answered without its body being polled.
    #[must_use]
    pub fn drain(mut self, drain: impl Into<Option<DrainPolicy>>) -> Self {
        let settings = self.settings_mut();
        settings.options.drain = drain.into();
        settings.clock |= settings.options.drain.is_some();
        self
    }
}

impl<R> VerifyLayer<R> {
    /// Answers rejections with what `reject` returns, instead of with [`EmptyResponse`].
    ///
    /// A 401 is given its `WWW-Authenticate`, and a 503 its `Retry-After`, if it has none. Keep the status unless there is a reason not to
    /// ([`Rejection::status_code`]): senders repeat some and take others for final. Do not tell the sender the cause.
    ///
    /// ```
    /// # use countersign::{Rejection, Secret, Verifier, providers};
    /// # use countersign_tower::VerifyLayer;
    /// # let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("secret")).build()?;
    /// use axum::response::IntoResponse;
    /// use axum::http::StatusCode;
    ///
    /// let layer = VerifyLayer::new(verifier).with_rejection_response(|rejection: &Rejection| {
    ///     let status = StatusCode::from_u16(rejection.status_code()).unwrap_or(StatusCode::UNAUTHORIZED);
    ///     (status, "not a delivery of ours\n").into_response()
    /// });
    /// # let app: axum::Router = axum::Router::new().layer(layer);
    /// # Ok::<(), countersign::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_rejection_response<F, B>(self, reject: F) -> VerifyLayer<F>
    where
        F: Fn(&Rejection) -> Response<B>,
    {
        VerifyLayer { settings: self.settings, reject }
    }

    /// How a [`Resolver`](countersign::tenant::Resolver) gets at what only the application knows of the tenant ([`RequestHead::tenant`]): a middleware
    /// further out may have put it into the request's extensions. A verifier does not ask.
    ///
    /// ```
    /// # fn layer(tenants: impl countersign::tenant::Resolver) -> countersign_tower::VerifyLayer {
    /// use countersign_tower::VerifyLayer;
    ///
    /// #[derive(Clone)]
    /// struct Workspace(String);
    ///
    /// VerifyLayer::new(tenants).tenant_by(|parts| parts.extensions.get().map(|Workspace(name)| name.clone()))
    /// # }
    /// ```
    ///
    /// [`RequestHead::tenant`]: countersign::RequestHead::tenant
    #[must_use]
    pub fn tenant_by(mut self, find: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        self.settings_mut().tenant_by = Some(Arc::new(find));
        self
    }

    /// Lets deliveries through that would be answered 401, **whoever sent them**, and says so in the log: to try a secret out before anything
    /// depends on it. Take it off again.
    ///
    /// Nothing but that changes: 413, 400, 408 and 503 still reject. A delivery that is signed carries [`Verified`](countersign::Verified) as
    /// ever; one that is not carries the [`Rejection`] in its place, and never a proof. So a handler asks for `Option<Extension<Verified>>`
    /// meanwhile.
    #[must_use]
    pub fn insecure_report_only(mut self) -> Self {
        self.settings_mut().options.insecure_report_only = true;
        self
    }

    fn settings_mut(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }
}

impl VerifyLayer {
    /// Answers 204 where it would answer 401, and drops the delivery all the same, so that its sender takes it for received: WebSub lets a
    /// subscriber do so (§7), and `PubSubHubbub` 0.4 demands it. Other rejections are answered as ever. Not for providers that send wrong
    /// signatures on purpose, to see the 401, as Xero does.
    #[must_use]
    pub const fn acknowledge_and_drop(mut self) -> Self {
        self.reject.acknowledge = true;
        self
    }

    /// Returns the settings without report-only mode, for the extractors.
    #[cfg(feature = "axum")]
    pub(crate) fn into_strict_settings(mut self) -> Arc<Settings> {
        if self.settings.options.insecure_report_only {
            self.settings_mut().options.insecure_report_only = false;
        }
        self.settings
    }
}

/// Warns of a signature that may not bind the whole path: only a router tells what it has taken off, and without the feature `axum` none is known.
/// `tests/no-axum` tests it, for every build of this crate's own tests has the feature.
#[cfg(not(feature = "axum"))]
fn warn_of_cut_paths(verifiers: &VerifierSource) {
    if verifiers.signs_target() {
        tracing::warn!(
            target: "countersign",
            "the signed path is the one that the request has at this layer: turn on the feature `axum` of `countersign-tower`, or put the layer \
             outside whatever takes a prefix off the path, such as `nest`"
        );
    }
}

impl<S, R: Clone> Layer<S> for VerifyLayer<R> {
    type Service = Verify<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Verify::new(inner, Arc::clone(&self.settings), self.reject.clone())
    }
}
