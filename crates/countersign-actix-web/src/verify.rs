use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use countersign::adapter::{ReceiveOptions, VerifierSource};
use countersign::{Deadline, DrainPolicy, Rejection};

use crate::middleware::VerifyMiddleware;
use crate::response::status;
use crate::settings::Settings;

/// Verifies each delivery, and calls the inner service for verified deliveries only.
///
/// Wrap an `App`, a `scope`, a `resource` or a route with a `Verify`. Or pass the `Verify` to
/// `app_data`, for the extractors [`Delivery`](crate::Delivery) and
/// [`VerifiedJson`](crate::VerifiedJson).
///
/// ```
/// use actix_web::{App, HttpResponse, web};
/// use countersign::{Secret, Verified, Verifier, providers};
/// use countersign_actix_web::Verify;
///
/// async fn on_event(verified: web::ReqData<Verified>, body: String) -> HttpResponse {
///     println!("{body}, signed with {}", verified.key_id());
///     HttpResponse::Ok().finish()
/// }
///
/// let secret = Secret::new("It's a Secret to Everybody");
/// let verifier = Verifier::builder(providers::JIRA).key("2026-11", secret).build()?;
/// let jira = web::resource("/jira").route(web::post().to(on_event));
/// let app = App::new().service(jira.wrap(Verify::new(verifier)));
/// # Ok::<(), countersign::ConfigError>(())
/// ```
#[doc(alias("hmac", "webhook signature", "middleware"))]
#[derive(Clone)]
pub struct Verify {
    // In an `Arc`, because an extractor clones the settings for every request.
    pub(crate) settings: Arc<Settings>,
}

impl Verify {
    /// Creates a `Verify` from a [`Verifier`](countersign::Verifier), or from a
    /// [`Resolver`](countersign::tenant::Resolver) with a verifier for each tenant.
    ///
    /// The defaults are:
    /// - A rejection is answered with the status and an empty body.
    /// - A body has the default [`Deadline`].
    /// - After an early rejection, up to 64 KiB of the rest of the body are drained, for at most
    ///   five seconds. If more of the body is left, actix-web itself reads on for one second before
    ///   closing the connection.
    #[must_use]
    pub fn new(verifiers: impl Into<VerifierSource>) -> Self {
        let drain = DrainPolicy::new(64 * 1024, Duration::from_secs(5));
        let options = ReceiveOptions { drain: Some(drain), ..ReceiveOptions::new(verifiers) };
        let reject = |rejection: &Rejection| HttpResponse::new(status(rejection.status_code()));
        let settings = Settings { options, tenant_by: None, reject: Arc::new(reject) };
        Self { settings: Arc::new(settings) }
    }

    /// Sets the time limit for a request body. A slower body is answered 408. `None` sets no limit.
    #[must_use]
    pub fn deadline(mut self, deadline: impl Into<Option<Deadline>>) -> Self {
        self.settings_mut().options.deadline = deadline.into();
        self
    }

    /// Sets the limits for draining a request body after an early rejection over HTTP/1.
    ///
    /// `None` drains nothing. A rejection by the head is then answered without polling the body.
    #[must_use]
    pub fn drain(mut self, drain: impl Into<Option<DrainPolicy>>) -> Self {
        self.settings_mut().options.drain = drain.into();
        self
    }

    /// Sets the response to a rejection. The default is the status with an empty body.
    ///
    /// A 401 without `WWW-Authenticate` gets the header field, and a 503 without `Retry-After` gets
    /// that header field. Keep the status ([`Rejection::status_code`]) unless you have a reason to
    /// change the status. Senders repeat after some statuses, and take others for final. Do not
    /// tell the sender the cause.
    ///
    /// ```
    /// # use countersign::{Rejection, Secret, Verifier, providers};
    /// # use countersign_actix_web::Verify;
    /// # let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("secret")).build()?;
    /// use actix_web::HttpResponse;
    /// use actix_web::http::StatusCode;
    ///
    /// let verify = Verify::new(verifier).with_rejection_response(|rejection: &Rejection| {
    ///     let status = StatusCode::from_u16(rejection.status_code()).unwrap_or(StatusCode::UNAUTHORIZED);
    ///     HttpResponse::build(status).body("not a delivery of ours\n")
    /// });
    /// # let app = actix_web::App::new().wrap(verify);
    /// # Ok::<(), countersign::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_rejection_response(mut self, reject: impl Fn(&Rejection) -> HttpResponse + Send + Sync + 'static) -> Self {
        self.settings_mut().reject = Arc::new(reject);
        self
    }

    /// Answers 204 instead of 401, and still drops the delivery. The sender takes the delivery for
    /// received.
    ///
    /// WebSub allows the 204 (§7), and `PubSubHubbub` 0.4 requires the 204. Other rejections keep
    /// their status. The setting replaces a response set by
    /// [`with_rejection_response`](Self::with_rejection_response).
    ///
    /// Do not use the setting for providers with a test by wrong signatures, such as Xero. The test
    /// expects the 401.
    #[must_use]
    pub fn acknowledge_and_drop(self) -> Self {
        self.with_rejection_response(|rejection| HttpResponse::new(status(rejection.acknowledging_status_code())))
    }

    /// Turns on report-only mode. Deliveries that would be answered 401 are let through, **from any
    /// sender**, and logged.
    ///
    /// The mode is for trying out a secret before anything depends on the secret. Turn the mode
    /// off afterwards.
    ///
    /// - Rejections with 413, 400, 408 and 503 stay rejections.
    /// - A verified delivery has a [`Verified`](countersign::Verified) in the extensions of the
    ///   request, as without the mode.
    /// - An unverified delivery has the [`Rejection`] there instead, and never a `Verified`.
    /// - A handler takes `Option<web::ReqData<Verified>>` during the trial.
    #[must_use]
    pub fn insecure_report_only(mut self) -> Self {
        self.settings_mut().options.insecure_report_only = true;
        self
    }

    /// Sets a function to name the tenant of a request. Outer middleware may have stored the name
    /// in the extensions of the request.
    ///
    /// A [`Resolver`](countersign::tenant::Resolver) reads the name by [`RequestHead::tenant`]. A
    /// single verifier never calls the function.
    ///
    /// ```
    /// # fn middleware(tenants: impl countersign::tenant::Resolver) -> countersign_actix_web::Verify {
    /// use actix_web::HttpMessage;
    /// use countersign_actix_web::Verify;
    ///
    /// struct Workspace(String);
    ///
    /// Verify::new(tenants)
    ///     .tenant_by(|request| request.extensions().get().map(|Workspace(name)| name.clone()))
    /// # }
    /// ```
    ///
    /// [`RequestHead::tenant`]: countersign::RequestHead::tenant
    #[must_use]
    pub fn tenant_by(mut self, find: impl Fn(&ServiceRequest) -> Option<String> + Send + Sync + 'static) -> Self {
        self.settings_mut().tenant_by = Some(Arc::new(find));
        self
    }

    /// Returns the settings without report-only mode, for the extractors.
    pub(crate) fn strict_settings(&self) -> Arc<Settings> {
        let mut settings = Arc::clone(&self.settings);
        if settings.options.insecure_report_only {
            Arc::make_mut(&mut settings).options.insecure_report_only = false;
        }
        settings
    }

    pub(crate) fn settings_mut(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }
}

impl<S, B> Transform<S, ServiceRequest> for Verify
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>> + 'static,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = S::Error;
    type Transform = VerifyMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<VerifyMiddleware<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(VerifyMiddleware::new(service, Arc::clone(&self.settings))))
    }
}

impl fmt::Debug for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verify").field("verifiers", &self.settings.options.verifiers).finish_non_exhaustive()
    }
}
