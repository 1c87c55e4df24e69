use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use actix_web::HttpMessage as _;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, forward_ready};
use actix_web::error::{JsonPayloadError, PayloadError, UrlencodedError};
use actix_web::http::StatusCode;
use countersign::Verified;
use countersign::adapter::Outcome;
use pin_project_lite::pin_project;

use crate::payload::ReceivedPayload;
use crate::receive::ReceiveRequest;
use crate::settings::Settings;

/// The service of [`Verify`](crate::Verify). Calls the inner service for verified deliveries only.
///
/// - The inner service finds [`Verified`] in the extensions of the request.
/// - Outer middleware finds [`Rejection`](countersign::Rejection) in the extensions of the
///   response.
/// - A rejection is a response, and never an error. Every error comes from the inner service.
pub struct VerifyMiddleware<S> {
    service: Rc<S>,
    settings: Arc<Settings>,
}

impl<S> VerifyMiddleware<S> {
    pub(crate) fn new(service: S, settings: Arc<Settings>) -> Self {
        Self { service: Rc::new(service), settings }
    }
}

impl<S, B> Service<ServiceRequest> for VerifyMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>> + 'static,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = S::Error;
    type Future = VerifyFuture<S>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let receive = ReceiveRequest::new(Arc::clone(&self.settings), request);
        VerifyFuture { service: Rc::clone(&self.service), state: State::Receive { receive: Some(receive) } }
    }
}

pin_project! {
    /// The future returned by [`VerifyMiddleware`].
    #[must_use = "futures do nothing unless polled"]
    pub struct VerifyFuture<S>
    where
        S: Service<ServiceRequest>,
    {
        service: Rc<S>,
        #[pin]
        state: State<S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Receive {
            // `None` after the outcome.
            receive: Option<ReceiveRequest>,
        },
        Call {
            #[pin]
            response: F,
        },
    }
}

impl<S, B> Future for VerifyFuture<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let StateProj::Receive { receive: place } = this.state.as_mut().project() {
            let Some(receive) = place else { return Poll::Pending };
            let received = ready!(receive.poll(cx));
            let Some(receive) = place.take() else { return Poll::Pending };
            let request = match received {
                Ok(outcome) => with_outcome(receive.into_request(), outcome),
                Err(rejection) => {
                    let (request, response) = receive.reject(rejection);
                    return Poll::Ready(Ok(request.into_response(response).map_into_right_body()));
                }
            };
            let response = this.service.call(request);
            this.state.set(State::Call { response });
        }
        let StateProj::Call { response } = this.state.project() else { return Poll::Pending };
        let response = ready!(response.poll(cx))?;
        warn_of_limit(&response);
        Poll::Ready(Ok(response.map_into_left_body()))
    }
}

/// Puts the body back into the request, and inserts the proof or the rejection.
fn with_outcome(mut request: ServiceRequest, outcome: Outcome) -> ServiceRequest {
    match outcome {
        Outcome::Verified(verified, body) => {
            let received = ReceivedPayload::new(body);
            request.set_payload(received.payload());
            let mut extensions = request.extensions_mut();
            extensions.insert(verified);
            extensions.insert(received);
        }
        Outcome::Unverified(rejection, body) => {
            request.set_payload(ReceivedPayload::new(body).payload());
            // An outer `Verify` may have inserted a proof. The handler would take the proof for a
            // verdict on this body.
            let mut extensions = request.extensions_mut();
            extensions.remove::<Verified>();
            extensions.remove::<ReceivedPayload>();
            extensions.insert(rejection);
        }
    }
    request
}

/// Warns once for a verified body over one of actix-web's own limits. The sender gets a 413 for a
/// verified delivery.
fn warn_of_limit<B>(response: &ServiceResponse<B>) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    let is_verified = || response.request().extensions().contains::<Verified>();
    let Some(error) = response.response().error().filter(|_| response.status() == StatusCode::PAYLOAD_TOO_LARGE && is_verified()) else {
        return;
    };
    let limit = match (error.as_error(), error.as_error(), error.as_error()) {
        (Some(JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. }), ..) => "JsonConfig",
        (_, Some(UrlencodedError::Overflow { .. }), _) => "FormConfig",
        (_, _, Some(PayloadError::Overflow)) => "PayloadConfig",
        _ => return,
    };
    if !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!(target: "countersign", limit, "a verified body is larger than a limit of actix-web: raise the limit to the verifier's body limit");
    }
}

impl<S: Service<ServiceRequest>> fmt::Debug for VerifyFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyFuture").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for VerifyMiddleware<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyMiddleware").field("verifiers", &self.settings.options.verifiers).finish_non_exhaustive()
    }
}
