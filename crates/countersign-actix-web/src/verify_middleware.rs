use std::fmt;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::HttpMessage as _;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, forward_ready};
use countersign::{Reported, Verified};

use crate::Verify;
use crate::received_payload::ReceivedPayload;
use crate::receiving::{Refusal, receive};

/// The service that [`Verify`] makes: calls the wrapped service with verified deliveries only.
///
/// The wrapped service finds [`Verified`] in the request's extensions; whatever is further out finds
/// [`Rejection`](countersign::Rejection) in the response's. A refusal is a response and never an error: errors are the wrapped service's.
pub struct VerifyMiddleware<S> {
    service: Rc<S>,
    verify: Rc<Verify>,
}

impl<S> VerifyMiddleware<S> {
    pub(crate) fn new(service: S, verify: Verify) -> Self {
        Self { service: Rc::new(service), verify: Rc::new(verify) }
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
        let (service, verify) = (Rc::clone(&self.service), Rc::clone(&self.verify));
        let choosing = verify.choose(&request);
        Box::pin(async move {
            match receive(&verify, choosing, &mut request, verify.report_only).await {
                Ok(Reported::Verified(verified, body)) => {
                    let received = ReceivedPayload::new(body);
                    request.set_payload(received.payload());
                    let mut extensions = request.extensions_mut();
                    extensions.insert(verified);
                    extensions.insert(received);
                }
                Ok(Reported::Unverified(rejection, body)) => {
                    request.set_payload(ReceivedPayload::new(body).payload());
                    // Whatever somebody further out has put there.
                    let mut extensions = request.extensions_mut();
                    extensions.remove::<Verified>();
                    extensions.remove::<ReceivedPayload>();
                    extensions.insert(rejection);
                }
                Err(Refusal { response, .. }) => return Ok(request.into_response(response).map_into_right_body()),
            }
            service.call(request).await.map(ServiceResponse::map_into_left_body)
        })
    }
}

impl<S> fmt::Debug for VerifyMiddleware<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyMiddleware").field("verify", &self.verify).finish_non_exhaustive()
    }
}
