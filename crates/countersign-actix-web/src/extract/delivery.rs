use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use bytes::Bytes;
use countersign::adapter::Outcome;
use countersign::{Rejection, Verified};

use crate::extract::error::{Misconfiguration, VerifyError};
use crate::payload::ReceivedPayload;
use crate::receive::ReceiveRequest;
use crate::verify::Verify;

/// A verified delivery: the body, byte for byte as it was signed, and the proof. An extractor, which judges by the [`Verify`] in the
/// application's data: with less on the way, it is faster than the middleware, which then need not be there.
///
/// ```
/// use actix_web::{App, HttpResponse, web};
/// use countersign::{Secret, Verifier, providers};
/// use countersign_actix_web::{Delivery, Verify};
///
/// async fn on_event(delivery: Delivery) -> HttpResponse {
///     println!("{} bytes, signed with {}", delivery.body().len(), delivery.verified().key_id());
///     HttpResponse::Ok().finish()
/// }
///
/// let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("It's a Secret to Everybody")).build()?;
/// let jira = web::resource("/jira").app_data(Verify::new(verifier)).route(web::post().to(on_event));
/// let app = App::new().service(jira);
/// # Ok::<(), countersign::ConfigError>(())
/// ```
///
/// A handler that asks for it is not run but for a verified delivery, wherever it is routed; what is rejected is answered by [`VerifyError`], as the
/// middleware answers it. The verifier's limit for bodies holds, and `PayloadConfig` does not.
///
/// - The data is the nearest `Verify`, or the nearest `web::Data<Verify>`. An application uses one of the two forms throughout: which of a `Verify`
///   and a `web::Data<Verify>` is nearer cannot be told, so a request that finds both is answered 500. Other wrappers, such as `Arc<Verify>`, are
///   not found.
/// - Where there is data, it judges again what a middleware has judged before.
/// - Where there is none, but the middleware, it is the delivery that the middleware has verified: the body is neither copied nor judged again.
/// - Where there is neither, or another extractor has taken the body, the answer is 500.
/// - Each 500 is an event that says which of these it was: at `ERROR`, once a second for each worker, and otherwise at `DEBUG`.
/// - Report-only is the middleware's alone: the extractor rejects all the same.
/// - A handler that is to answer rejections itself asks for `Result<Delivery, VerifyError>`.
#[derive(Clone)]
pub struct Delivery {
    verified: Verified,
    body: Bytes,
}

impl Delivery {
    /// The proof: which key matched, and what else was signed.
    #[must_use]
    pub const fn verified(&self) -> &Verified {
        &self.verified
    }

    /// The body. Cloning it makes no copy.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Both, to keep.
    #[must_use]
    pub fn into_parts(self) -> (Verified, Bytes) {
        (self.verified, self.body)
    }

    /// What the middleware has verified, if nothing else has taken the body.
    fn received(request: &HttpRequest) -> Result<Self, VerifyError> {
        let extensions = request.extensions();
        if let (Some(verified), Some(received)) = (extensions.get::<Verified>(), extensions.get::<ReceivedPayload>()) {
            let delivery = received.take().map(|body| Self { verified: verified.clone(), body });
            return delivery.ok_or_else(|| VerifyError::misconfigured(Misconfiguration::BodyTaken));
        }
        match extensions.get::<Rejection>() {
            Some(rejection) => Err(VerifyError::again(rejection)),
            None => Err(VerifyError::misconfigured(Misconfiguration::NoVerify)),
        }
    }
}

impl FromRequest for Delivery {
    type Error = VerifyError;
    type Future = DeliveryFuture;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let verify = match (request.app_data::<Verify>(), request.app_data::<web::Data<Verify>>()) {
            // Each is the nearest of its form, and which of the two is nearer cannot be told.
            (Some(_), Some(_)) => return DeliveryFuture(State::TwoForms),
            (Some(verify), None) => verify,
            (None, Some(data)) => data,
            (None, None) => return DeliveryFuture(State::Received(request.clone())),
        };
        let request = ServiceRequest::from_parts(request.clone(), payload.take());
        DeliveryFuture(State::ReceiveRequest(ReceiveRequest::new(verify.strict_settings(), request)))
    }
}

/// The extraction of a [`Delivery`].
#[must_use = "futures do nothing unless polled"]
pub struct DeliveryFuture(State);

enum State {
    ReceiveRequest(ReceiveRequest),
    /// By the middleware, if nothing else takes the body first.
    Received(HttpRequest),
    /// It is not judged, for there are two verifiers.
    TwoForms,
    Done,
}

impl Future for DeliveryFuture {
    type Output = Result<Delivery, VerifyError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let delivering = match &mut self.0 {
            State::ReceiveRequest(delivering) => delivering,
            State::Received(request) => {
                let delivery = Delivery::received(request);
                self.0 = State::Done;
                return Poll::Ready(delivery);
            }
            State::TwoForms => {
                self.0 = State::Done;
                return Poll::Ready(Err(VerifyError::misconfigured(Misconfiguration::TwoForms)));
            }
            State::Done => return Poll::Pending,
        };
        let delivery = match ready!(delivering.poll(cx)) {
            Ok(Outcome::Verified(verified, body)) => Ok(Delivery { verified, body }),
            Ok(Outcome::Unverified(rejection, _)) => Err(VerifyError::again(&rejection)),
            Err(rejection) => {
                let response = delivering.reject(rejection.clone());
                Err(VerifyError::new(rejection, response))
            }
        };
        self.0 = State::Done;
        Poll::Ready(delivery)
    }
}

impl fmt::Debug for DeliveryFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryFuture").finish_non_exhaustive()
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("verified", &self.verified).field("len", &self.body.len()).finish_non_exhaustive()
    }
}
