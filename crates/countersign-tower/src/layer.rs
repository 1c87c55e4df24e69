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

/// Passes only verified deliveries to the inner service.
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
/// let secret = Secret::new("It's a Secret to Everybody");
/// let verifier = Verifier::builder(providers::JIRA).key("2026-11", secret).build()?;
/// let layer = VerifyLayer::new(verifier);
/// let app: Router = Router::new().route("/jira", post(on_event)).route_layer(layer);
/// # Ok::<(), countersign::ConfigError>(())
/// ```
///
/// Bodies have a deadline, and rejected bodies are drained. Both use the clock of tokio. For other
/// runtimes, see [`without_clock`](Self::without_clock).
#[doc(alias("hmac", "webhook signature", "middleware"))]
#[derive(Clone, Debug)]
pub struct VerifyLayer<R = EmptyResponse> {
    // Behind one pointer, because axum clones the layer for every request.
    settings: Arc<Settings>,
    reject: R,
}

impl VerifyLayer {
    /// Creates a layer with a [`Verifier`](countersign::Verifier), or with a
    /// [`Resolver`](countersign::tenant::Resolver) that chooses the verifier of each delivery.
    ///
    /// The defaults are:
    /// - A rejection is answered with the status and no body: see [`EmptyResponse`].
    /// - Bodies have the default [`Deadline`].
    /// - After an early rejection, the rest of the body is drained within the default
    ///   [`DrainPolicy`].
    /// - Each lookup has the [timeout](countersign::tenant::Resolver::timeout) of the resolver.
    ///
    /// The clock of tokio measures these times. axum and hyper run on tokio.
    ///
    /// Without the feature `axum`, a signed path
    /// ([`base_url`](countersign::VerifierBuilder::base_url)) is logged as one event at `WARN`. The
    /// layer then knows only the path of the request at the layer. A prefix that a router has
    /// removed is lost.
    ///
    /// # Panics
    /// `new` never panics. The service panics while waiting for a body outside a tokio runtime, and
    /// in a runtime with the time driver disabled. `#[tokio::main]` enables the time driver.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn new(verifiers: impl Into<VerifierSource>) -> Self {
        Self::of(Settings::new(verifiers.into()))
    }

    /// Creates a layer without a timer, for runtimes other than tokio.
    ///
    /// - Bodies and lookups have no time limit. Put a timeout of the runtime around the service.
    /// - An early rejection is answered at once. Nothing is drained. If a part of the body is left
    ///   over HTTP/1, the response has `connection: close`.
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
    /// Sets the time limit for a body. A slower body is rejected with 408. `None` sets no limit.
    ///
    /// The clock of tokio measures the time, also on a layer from
    /// [`without_clock`](VerifyLayer::without_clock). Such a layer then needs a tokio runtime: see
    /// [`new`](VerifyLayer::new).
    #[must_use]
    pub fn deadline(mut self, deadline: impl Into<Option<Deadline>>) -> Self {
        let settings = self.settings_mut();
        settings.options.deadline = deadline.into();
        settings.clock |= settings.options.deadline.is_some();
        self
    }

    /// Sets the limits for draining a body after an early rejection over HTTP/1. `None` drains
    /// nothing: a delivery rejected by the head is then answered without polling the body.
    ///
    /// The clock of tokio measures the time, also on a layer from
    /// [`without_clock`](VerifyLayer::without_clock). Such a layer then needs a tokio runtime: see
    /// [`new`](VerifyLayer::new).
    #[must_use]
    pub fn drain(mut self, drain: impl Into<Option<DrainPolicy>>) -> Self {
        let settings = self.settings_mut();
        settings.options.drain = drain.into();
        settings.clock |= settings.options.drain.is_some();
        self
    }
}

impl<R> VerifyLayer<R> {
    /// Answers rejections with the response of `reject` instead of [`EmptyResponse`].
    ///
    /// The layer adds to the response:
    /// - `WWW-Authenticate` to a 401, and `Retry-After` to a 503, if the header field is missing;
    /// - `connection: close`, if a part of the body is left over HTTP/1;
    /// - the [`Rejection`], in the response extensions.
    ///
    /// Keep the [status](Rejection::status_code) unless there is a reason not to: senders repeat
    /// deliveries after some statuses, and take others for final. Do not reveal the cause to the
    /// sender.
    ///
    /// The extractors take only a layer with [`EmptyResponse`]. A handler with a
    /// `Result<Delivery, VerifyRejection>` argument answers rejections itself.
    ///
    /// ```
    /// # use countersign::{Rejection, Secret, Verifier, providers};
    /// # use countersign_tower::VerifyLayer;
    /// # let secret = Secret::new("secret");
    /// # let verifier = Verifier::builder(providers::JIRA).key("2026-11", secret).build()?;
    /// use axum::response::IntoResponse;
    /// use axum::http::StatusCode;
    ///
    /// let layer = VerifyLayer::new(verifier).with_rejection_response(|rejection: &Rejection| {
    ///     let status = StatusCode::from_u16(rejection.status_code());
    ///     (status.unwrap_or(StatusCode::UNAUTHORIZED), "not a delivery of ours\n").into_response()
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

    /// Sets a function that finds the tenant, if only the application knows the tenant. A
    /// [`Resolver`](countersign::tenant::Resolver) reads the tenant by [`RequestHead::tenant`].
    ///
    /// `find` can read a value that an outer middleware has put into the request extensions.
    /// Without a resolver, `find` is never called.
    ///
    /// ```
    /// # fn layer(tenants: impl countersign::tenant::Resolver) -> countersign_tower::VerifyLayer {
    /// use countersign_tower::VerifyLayer;
    ///
    /// #[derive(Clone)]
    /// struct Workspace(String);
    ///
    /// VerifyLayer::new(tenants)
    ///     .tenant_by(|parts| parts.extensions.get().map(|Workspace(name)| name.clone()))
    /// # }
    /// ```
    ///
    /// [`RequestHead::tenant`]: countersign::RequestHead::tenant
    #[must_use]
    pub fn tenant_by(mut self, find: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        self.settings_mut().tenant_by = Some(Arc::new(find));
        self
    }

    /// Turns on report-only mode: deliveries that would be answered 401 reach the inner service,
    /// **from any sender**, and are logged.
    ///
    /// Use this mode to try out a secret before any code depends on the secret. Turn the mode off
    /// afterwards.
    ///
    /// - Rejections with 413, 400, 408 and 503 stay rejections.
    /// - A verified delivery has [`Verified`](countersign::Verified) in the request extensions.
    /// - An unverified delivery has the [`Rejection`] instead, and never a proof. Meanwhile, the
    ///   handler therefore takes `Option<Extension<Verified>>`.
    /// - The extractors ignore this mode, and reject unverified deliveries.
    #[must_use]
    pub fn insecure_report_only(mut self) -> Self {
        self.settings_mut().options.insecure_report_only = true;
        self
    }

    pub(crate) fn settings_mut(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }
}

impl VerifyLayer {
    /// Answers 204 instead of 401, and still drops the delivery. The sender takes the delivery for
    /// received.
    ///
    /// WebSub §7 allows a subscriber to do so, and `PubSubHubbub` 0.4 requires a success response.
    /// The layer and the extractors both answer 204. Other rejections keep their status.
    ///
    /// Do not use this setting for providers that send wrong signatures on purpose to see the 401,
    /// such as Xero.
    #[must_use]
    pub const fn acknowledge_and_drop(mut self) -> Self {
        self.reject.acknowledge = true;
        self
    }

    /// Returns the settings without report-only mode, and the response. For the extractors.
    #[cfg(feature = "axum")]
    pub(crate) fn into_strict_parts(mut self) -> (Arc<Settings>, EmptyResponse) {
        if self.settings.options.insecure_report_only {
            self.settings_mut().options.insecure_report_only = false;
        }
        (self.settings, self.reject)
    }
}

/// Logs a warning if the signature may not bind the whole path. Only the router knows a removed
/// prefix, and without the feature `axum` the layer cannot ask a router.
///
/// The test is in `tests/no-axum`: the tests of this crate always have the feature.
#[cfg(not(feature = "axum"))]
fn warn_of_cut_paths(verifiers: &VerifierSource) {
    if verifiers.signs_target() {
        tracing::warn!(
            target: "countersign",
            "the layer verifies the path that it sees, and a router may have removed a prefix: turn on the feature `axum` of `countersign-tower`, \
             or put the layer outside of `nest` and other routers"
        );
    }
}

impl<S, R: Clone> Layer<S> for VerifyLayer<R> {
    type Service = Verify<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Verify::new(inner, Arc::clone(&self.settings), self.reject.clone())
    }
}
