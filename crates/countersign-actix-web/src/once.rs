use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::HttpMessage as _;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use countersign::Verified;
use countersign_once::Once;

use crate::middleware::VerifyMiddleware;
use crate::payload::ReceivedPayload;
use crate::response::guard_response;
use crate::verify::Verify;

/// A middleware that verifies deliveries and handles each once. [`Verify::once`] creates the
/// middleware.
#[derive(Clone, Debug)]
pub struct VerifyOnce {
    verify: Verify,
    once: Once,
}

/// The service inside of the [`VerifyOnce`] middleware: calls the inner service once for each
/// delivery.
#[derive(Debug)]
pub struct OnceMiddleware<S> {
    service: Rc<S>,
    once: Once,
}

impl Verify {
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
    /// use actix_web::{HttpResponse, web};
    /// use countersign::{Secret, Verifier, providers};
    /// use countersign_actix_web::Verify;
    /// use countersign_once::{MemoryStore, Once};
    ///
    /// let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("secret")).build()?;
    /// let once = Once::builder("jira", MemoryStore::new(100_000)).build(&verifier)?;
    /// let verify = Verify::new(verifier).once(once);
    /// let jira = web::resource("/jira").route(web::post().to(HttpResponse::Ok)).wrap(verify);
    /// # let _ = jira;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn once(mut self, once: Once) -> VerifyOnce {
        self.settings_mut().options.digest_body = once.identity().is_by_digest();
        VerifyOnce { verify: self, once }
    }
}

impl<S, B> Transform<S, ServiceRequest> for VerifyOnce
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error: 'static, Future: 'static> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<EitherBody<B>>>;
    type Error = S::Error;
    type Transform = VerifyMiddleware<OnceMiddleware<S>>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let once = OnceMiddleware { service: Rc::new(service), once: self.once.clone() };
        ready(Ok(VerifyMiddleware::new(once, Arc::clone(&self.verify.settings))))
    }
}

impl<S, B> Service<ServiceRequest> for OnceMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error: 'static, Future: 'static> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (service, once) = (Rc::clone(&self.service), self.once.clone());
        let verified = request.extensions().get::<Verified>().cloned();
        let body = request.extensions().get::<ReceivedPayload>().and_then(ReceivedPayload::peek).unwrap_or_default();
        Box::pin(async move {
            let claim = match once.begin(verified.as_ref(), &body).await.claim() {
                Ok(claim) => claim,
                Err(status) => return Ok(request.into_response(guard_response(status)).map_into_right_body()),
            };
            request.extensions_mut().insert(claim.info());
            let status = |result: &Result<ServiceResponse<B>, _>| result.as_ref().map_or(500, |response| response.status().as_u16());
            claim.run_local(service.call(request), status).await.map(ServiceResponse::map_into_left_body)
        })
    }
}
