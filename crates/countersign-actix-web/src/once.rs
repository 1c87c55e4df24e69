use std::fmt;
use std::future::{Ready, pending, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage as _, HttpResponse};
use countersign::{Rejection, Verified};
use countersign_once::{Admission, Once};

use crate::middleware::VerifyMiddleware;
use crate::payload::ReceivedPayload;
use crate::response::status;
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
pub struct OnceMiddleware<S> {
    service: Rc<S>,
    once: Once,
}

impl Verify {
    /// Handles each verified delivery once, with the guard `once`.
    ///
    /// A repeat of a handled delivery gets the stored status, and a concurrent repeat gets 503 with
    /// `Retry-After`. The inner service runs in a task of its own, so a disconnecting sender does not
    /// stop the handler. The request extensions hold `ClaimInfo` of `countersign-once`.
    ///
    /// In report-only mode, a delivery without a proof is handled without the guard: a stranger could
    /// choose its identity.
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
    pub const fn once(self, once: Once) -> VerifyOnce {
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
        let body = request.extensions().get::<ReceivedPayload>().and_then(ReceivedPayload::peek);
        Box::pin(async move {
            let Some((verified, body)) = verified.zip(body) else {
                return service.call(request).await.map(ServiceResponse::map_into_left_body);
            };
            let claim = match once.begin(&verified, &body).await {
                Admission::Run(claim) => Some(claim),
                Admission::Unguarded => None,
                Admission::Repeated(stored) => return Ok(request.into_response(HttpResponse::new(status(stored))).map_into_right_body()),
                Admission::Running | Admission::Unavailable(_) => return Ok(request.into_response(try_later()).map_into_right_body()),
            };
            if let Some(claim) = &claim {
                request.extensions_mut().insert(claim.info());
            }
            let status_of =
                |result: &Result<ServiceResponse<B>, S::Error>| result.as_ref().map_or(500, |response| response.status().as_u16());
            match once.run_local(claim, service.call(request), status_of).await {
                Some(result) => result.map(ServiceResponse::map_into_left_body),
                // The runtime is shutting down, and polls nothing any more.
                None => pending().await,
            }
        })
    }
}

fn try_later() -> HttpResponse {
    let mut response = HttpResponse::new(status(503));
    if let Some((name, value)) = Rejection::required_header(503) {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

impl<S> fmt::Debug for OnceMiddleware<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceMiddleware").field("once", &self.once).finish_non_exhaustive()
    }
}
