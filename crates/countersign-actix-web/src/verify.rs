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

/// Lets only verified deliveries through to what it is wrapped around.
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
/// let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("It's a Secret to Everybody")).build()?;
/// let app = App::new().service(web::resource("/jira").wrap(Verify::new(verifier)).route(web::post().to(on_event)));
/// # Ok::<(), countersign::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Verify {
    // Behind one pointer, as an extractor holds on to it for every request.
    pub(crate) settings: Arc<Settings>,
}

impl Verify {
    /// Middleware that judges by a [`Verifier`](countersign::Verifier), or by the ones that a [`Resolver`](countersign::tenant::Resolver) chooses, and
    /// answers a rejection with its status and no body.
    ///
    /// Bodies have the default [`Deadline`]. After an early rejection up to 64 KiB of the rest of the body are thrown away, in five seconds:
    /// of more than that, actix-web takes in what comes for a second by itself.
    #[must_use]
    pub fn new(verifiers: impl Into<VerifierSource>) -> Self {
        let drain = DrainPolicy::new(64 * 1024, Duration::from_secs(5));
        let options = ReceiveOptions { drain: Some(drain), ..ReceiveOptions::new(verifiers) };
        let reject = |rejection: &Rejection| HttpResponse::new(status(rejection.status_code()));
        let settings = Settings { options, tenant_by: None, reject: Arc::new(reject) };
        Self { settings: Arc::new(settings) }
    }

    /// How long a body may take: past it 408. `None` for as long as it likes.
    #[must_use]
    pub fn deadline(mut self, deadline: impl Into<Option<Deadline>>) -> Self {
        self.settings_mut().options.deadline = deadline.into();
        self
    }

    /// How much of a body is read and thrown away after an early rejection over HTTP/1. `None` for nothing: then what is rejected by its head
    /// is answered without its body being polled.
    #[must_use]
    pub fn drain(mut self, drain: impl Into<Option<DrainPolicy>>) -> Self {
        self.settings_mut().options.drain = drain.into();
        self
    }

    /// Answers rejections with what `reject` returns, instead of with the status alone.
    ///
    /// A 401 is given its `WWW-Authenticate`, and a 503 its `Retry-After`, if it has none. Keep the status unless there is a reason not to
    /// ([`Rejection::status_code`]): senders repeat some and take others for final. Do not tell the sender the cause.
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

    /// Answers 204 where it would answer 401, and drops the delivery all the same, so that its sender takes it for received: WebSub lets a
    /// subscriber do so (§7), and `PubSubHubbub` 0.4 demands it. Other rejections are answered as ever. Not for providers that send wrong
    /// signatures on purpose, to see the 401, as Xero does.
    #[must_use]
    pub fn acknowledge_and_drop(self) -> Self {
        self.with_rejection_response(|rejection| HttpResponse::new(status(rejection.acknowledging_status_code())))
    }

    /// Lets deliveries through that would be answered 401, **whoever sent them**, and says so in the log: to try a secret out before anything
    /// depends on it. Take it off again.
    ///
    /// Nothing but that changes: 413, 400, 408 and 503 still reject. A delivery that is signed carries [`Verified`](countersign::Verified) as
    /// ever; one that is not carries the [`Rejection`] in its place, and never a proof. So a handler asks for
    /// `Option<web::ReqData<Verified>>` meanwhile.
    #[must_use]
    pub fn insecure_report_only(mut self) -> Self {
        self.settings_mut().options.insecure_report_only = true;
        self
    }

    /// How a [`Resolver`](countersign::tenant::Resolver) gets at what only the application knows of the tenant ([`RequestHead::tenant`]): a middleware
    /// further out may have put it into the request's extensions. A verifier does not ask.
    ///
    /// ```
    /// # fn middleware(tenants: impl countersign::tenant::Resolver) -> countersign_actix_web::Verify {
    /// use actix_web::HttpMessage;
    /// use countersign_actix_web::Verify;
    ///
    /// struct Workspace(String);
    ///
    /// Verify::new(tenants).tenant_by(|request| request.extensions().get().map(|Workspace(name)| name.clone()))
    /// # }
    /// ```
    ///
    /// [`RequestHead::tenant`]: countersign::RequestHead::tenant
    #[must_use]
    pub fn tenant_by(mut self, find: impl Fn(&ServiceRequest) -> Option<String> + Send + Sync + 'static) -> Self {
        self.settings_mut().tenant_by = Some(Arc::new(find));
        self
    }

    /// For what lets nothing through unverified, whatever the middleware does.
    pub(crate) fn strict_settings(&self) -> Arc<Settings> {
        let mut settings = Arc::clone(&self.settings);
        if settings.options.insecure_report_only {
            Arc::make_mut(&mut settings).options.insecure_report_only = false;
        }
        settings
    }

    fn settings_mut(&mut self) -> &mut Settings {
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
