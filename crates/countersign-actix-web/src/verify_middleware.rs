use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::HttpMessage as _;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, forward_ready};
use actix_web::error::PayloadError;
use countersign::{Intake, Rejection, Reported, Verified};
use futures_core::Stream as _;

use crate::Verify;
use crate::refusal_body::RefusalBody;
use crate::request_head::RequestHead;
use crate::timer::ActixTimer;

/// The service that [`Verify`] makes: calls the wrapped service with verified deliveries only.
///
/// The wrapped service finds [`Verified`] in the request's extensions; whatever is further out finds [`Rejection`] in the response's. A
/// refusal is a response and never an error: errors are the wrapped service's.
pub struct VerifyMiddleware<S> {
    service: Rc<S>,
    verify: Verify,
}

impl<S> VerifyMiddleware<S> {
    pub(crate) fn new(service: S, verify: Verify) -> Self {
        Self { service: Rc::new(service), verify }
    }
}

impl<S, B> Service<ServiceRequest> for VerifyMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>> + 'static,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>>>>;

    forward_ready!(service);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let (service, verify) = (Rc::clone(&self.service), self.verify.clone());
        let mut choosing = verify.choose(&request);
        Box::pin(async move {
            let mut timer = ActixTimer::default();
            let chosen = poll_fn(|cx| choosing.poll(cx, &mut timer)).await;
            let (verifier, intake) = chosen.intake(&RequestHead::new(&request), verify.report_only);
            let received = match intake {
                Ok(intake) => receive(request.parts_mut().1, intake.within(verify.deadline), verify.report_only, &mut timer).await,
                Err(rejection) => Err(rejection),
            };
            match received {
                Ok(Reported::Verified(verified, body)) => {
                    request.set_payload(body.into());
                    request.extensions_mut().insert(verified);
                    service.call(request).await.map(ServiceResponse::map_into_left_body)
                }
                Ok(Reported::Unverified(rejection, body)) => {
                    verifier.report_only(&rejection);
                    request.set_payload(body.into());
                    // Whatever somebody further out has put there.
                    request.extensions_mut().remove::<Verified>();
                    request.extensions_mut().insert(rejection);
                    service.call(request).await.map(ServiceResponse::map_into_left_body)
                }
                Err(rejection) => {
                    // At once: whoever waits for the rest to be thrown away may go before it is.
                    verifier.report(&rejection);
                    if let Some(mut rest) = verify.discarding(&rejection, &request, verifier.body_limit()) {
                        let payload = request.parts_mut().1;
                        poll_fn(|cx| rest.poll_to_end(cx, &mut timer, |cx| Pin::new(&mut *payload).poll_next(cx))).await;
                    }
                    let rest = request.take_payload();
                    let response = verify.refuse(rejection).map_body(|_, body| BoxBody::new(RefusalBody::new(body, rest)));
                    Ok(request.into_response(response).map_into_right_body())
                }
            }
        })
    }
}

/// Takes in the body to its end: the payload itself, which no extractor has decompressed.
async fn receive(payload: &mut Payload, mut intake: Intake, report_only: bool, timer: &mut ActixTimer) -> Result<Reported, Rejection> {
    poll_fn(|cx| intake.poll_to_end(cx, timer, |cx| Pin::new(&mut *payload).poll_next(cx), is_limit)).await?;
    if report_only { intake.insecure_finish() } else { intake.finish().map(|(verified, body)| Reported::Verified(verified, body)) }
}

/// A limit that the application has put around the payload further out.
fn is_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(PayloadError::Overflow))
}

impl<S> fmt::Debug for VerifyMiddleware<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyMiddleware").field("verify", &self.verify).finish_non_exhaustive()
    }
}
