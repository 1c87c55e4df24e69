use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use bytes::Bytes;
use countersign::adapter::Outcome;
use countersign::{Rejection, Verified};

use crate::extract::error::{BODY_TAKEN, NO_VERIFY, TWO_FORMS, VerifyError};
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
///     println!("{} bytes, signed with {}", delivery.body.len(), delivery.verified.key_id());
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
#[non_exhaustive]
pub struct Delivery {
    /// The proof: the key that matched, and the signed metadata.
    pub verified: Verified,
    /// The request body, byte for byte as it was signed. Cloning it makes no copy.
    pub body: Bytes,
}

impl Delivery {
    /// The delivery that the middleware has verified.
    fn received(request: &HttpRequest) -> Result<Self, VerifyError> {
        let extensions = request.extensions();
        if let (Some(verified), Some(received)) = (extensions.get::<Verified>(), extensions.get::<ReceivedPayload>()) {
            let delivery = received.take().map(|body| Self { verified: verified.clone(), body });
            return delivery.ok_or_else(|| VerifyError::misconfigured(BODY_TAKEN));
        }
        match extensions.get::<Rejection>() {
            Some(rejection) => Err(VerifyError::rejected(rejection.clone(), None)),
            None => Err(VerifyError::misconfigured(NO_VERIFY)),
        }
    }
}

impl FromRequest for Delivery {
    type Error = VerifyError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, VerifyError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let verify = match (request.app_data::<Verify>(), request.app_data::<web::Data<Verify>>()) {
            // Each is the nearest of its form, and which of the two is nearer cannot be told.
            (Some(_), Some(_)) => return Box::pin(async { Err(VerifyError::misconfigured(TWO_FORMS)) }),
            (Some(verify), None) => verify,
            (None, Some(data)) => data,
            (None, None) => {
                let request = request.clone();
                return Box::pin(async move { Self::received(&request) });
            }
        };
        let request = ServiceRequest::from_parts(request.clone(), payload.take());
        let mut receive = ReceiveRequest::new(verify.strict_settings(), request);
        Box::pin(async move {
            match poll_fn(|cx| receive.poll(cx)).await {
                Ok(Outcome::Verified(verified, body)) => Ok(Self { verified, body }),
                Ok(Outcome::Unverified(rejection, _)) => Err(VerifyError::rejected(rejection, None)),
                Err(rejection) => {
                    let (_, response) = receive.reject(rejection.clone());
                    Err(VerifyError::rejected(rejection, Some(response)))
                }
            }
        })
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("verified", &self.verified).field("len", &self.body.len()).finish_non_exhaustive()
    }
}
