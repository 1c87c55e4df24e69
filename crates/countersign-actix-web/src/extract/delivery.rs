use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use bytes::Bytes;
use countersign::adapter::Outcome;
use countersign::{Rejection, Verified};

use crate::bounded_payload::is_taken;
use crate::extract::error::{BODY_TAKEN, NO_VERIFY, TWO_FORMS, VerifyError};
use crate::payload::ReceivedPayload;
use crate::receive::ReceiveRequest;
use crate::verify::Verify;

/// A verified delivery: the proof and the request body. An extractor.
///
/// The extractor verifies with the [`Verify`] in `app_data`, and needs no middleware. A request
/// costs less than with the middleware.
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
/// let secret = Secret::new("It's a Secret to Everybody");
/// let verifier = Verifier::builder(providers::JIRA).key("2026-11", secret).build()?;
/// let jira = web::resource("/jira").app_data(Verify::new(verifier));
/// let app = App::new().service(jira.route(web::post().to(on_event)));
/// # Ok::<(), countersign::ConfigError>(())
/// ```
///
/// A handler with this extractor runs for verified deliveries only, on every route. The verifier's
/// body limit applies, and `PayloadConfig` does not.
///
/// The verdict depends on `app_data` and on the middleware:
///
/// | in `app_data` | middleware | the extractor |
/// |---|---|---|
/// | a `Verify` or a `web::Data<Verify>` | with or without | verifies the delivery, also a delivery verified by the middleware |
/// | nothing | [`Verify`] | returns the delivery verified by the middleware, without a copy of the body and without a second verification |
/// | nothing | none | fails: 500 |
/// | a `Verify` and a `web::Data<Verify>` | with or without | fails: 500 |
///
/// - If `app_data` holds the same form several times, the nearest value applies.
/// - actix-web cannot tell whether a `Verify` or a `web::Data<Verify>` is nearer. An application
///   therefore uses the same form everywhere.
/// - The extractor does not find other wrappers, such as `Arc<Verify>`.
/// - Report-only mode is for the middleware. The extractor rejects in this mode too.
/// - To answer rejections in the handler, take `Result<Delivery, VerifyError>`.
///
/// # Errors
/// [`VerifyError`], in these cases:
/// - The delivery is rejected. The response is the same as that of the middleware.
/// - The application is misconfigured: one of the two cases with 500 above, or another extractor
///   has taken the body. The response is 500. An event names the fault, at `ERROR` at most once a
///   second for each worker, and otherwise at `DEBUG`.
#[derive(Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// The proof: the matching key and the signed metadata.
    pub verified: Verified,
    /// The request body, byte for byte as signed. Cloning the body copies no bytes.
    pub body: Bytes,
}

impl Delivery {
    /// Returns the delivery verified by the middleware.
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
            // actix-web finds the nearest value of each type, and does not compare two types. The
            // verifier farther away may belong to another route.
            (Some(_), Some(_)) => return Box::pin(async { Err(VerifyError::misconfigured(TWO_FORMS)) }),
            (Some(verify), None) => verify,
            (None, Some(data)) => data,
            (None, None) => {
                let request = request.clone();
                return Box::pin(async move { Self::received(&request) });
            }
        };
        // Otherwise an empty body would be verified instead of the missing body. A static token
        // would match.
        if is_taken(request, payload) {
            return Box::pin(async { Err(VerifyError::misconfigured(BODY_TAKEN)) });
        }
        // Not `from_parts`: in a debug build it warns of each cloned request, because some methods of
        // `HttpRequest` would panic. Nothing here calls them.
        let mut service_request = ServiceRequest::from_request(request.clone());
        service_request.set_payload(payload.take());
        let mut receive = ReceiveRequest::new(verify.strict_settings(), service_request);
        Box::pin(async move {
            match poll_fn(|cx| receive.poll(cx)).await {
                Ok(Outcome::Verified(verified, body)) => Ok(Self { verified, body }),
                // Strict settings let nothing through unverified.
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
