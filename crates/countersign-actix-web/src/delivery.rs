use std::fmt;
use std::pin::Pin;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use bytes::Bytes;
use countersign::{Rejection, Reported, Verified};

use crate::received_payload::ReceivedPayload;
use crate::receiving::{Refusal, receive};
use crate::{Refused, Verify};

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
/// A handler that asks for it is not run but for a verified delivery, wherever it is routed; what is refused is answered by [`Refused`], as the
/// middleware answers it. The verifier's limit for bodies holds, and `PayloadConfig` does not.
///
/// - The data is a `Verify` or a `web::Data<Verify>`, the nearest one, whatever middleware has judged before.
/// - Where there is none, but the middleware, it is the delivery that the middleware has verified: the body is neither copied nor judged again.
/// - Where there is neither, or another extractor has taken the body, the answer is 500.
/// - Report-only is the middleware's alone: the extractor refuses all the same.
/// - A handler that is to answer refusals itself asks for `Result<Delivery, Refused>`.
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

    async fn receive(request: HttpRequest, payload: Payload) -> Result<Self, Refused> {
        let data = request.app_data::<Verify>().or_else(|| request.app_data::<web::Data<Verify>>().map(|data| &***data));
        let Some(verify) = data.cloned() else {
            let extensions = request.extensions();
            // By the middleware, of which nothing else has taken the body.
            if let (Some(verified), Some(received)) = (extensions.get::<Verified>(), extensions.get::<ReceivedPayload>()) {
                let delivery = received.take().map(|body| Self { verified: verified.clone(), body });
                return delivery.ok_or_else(Refused::unconfigured);
            }
            return Err(extensions.get::<Rejection>().map_or_else(Refused::unconfigured, Refused::again));
        };
        let mut request = ServiceRequest::from_parts(request, payload);
        let choosing = verify.choose(&request);
        match receive(&verify, choosing, &mut request, false).await {
            Ok(Reported::Verified(verified, body)) => Ok(Self { verified, body }),
            Ok(Reported::Unverified(rejection, _)) => Err(Refused::again(&rejection)),
            Err(Refusal { rejection, response }) => Err(Refused::new(rejection, response)),
        }
    }
}

impl FromRequest for Delivery {
    type Error = Refused;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refused>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Box::pin(Self::receive(request.clone(), payload.take()))
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("verified", &self.verified).field("len", &self.body.len()).finish_non_exhaustive()
    }
}
