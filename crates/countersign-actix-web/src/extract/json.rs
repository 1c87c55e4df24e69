use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use countersign::Verified;
use serde::de::DeserializeOwned;

use crate::extract::delivery::Delivery;
use crate::extract::error::VerifyError;

/// A verified delivery with a JSON body: the proof and the parsed value. An extractor like
/// [`Delivery`].
///
/// ```
/// use actix_web::{HttpResponse, web};
/// use countersign_actix_web::{VerifiedJson, Verify};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Event {
///     #[serde(rename = "webhookEvent")]
///     kind: String,
/// }
///
/// async fn on_event(VerifiedJson(verified, event): VerifiedJson<Event>) -> HttpResponse {
///     println!("{}, signed with {}", event.kind, verified.key_id());
///     HttpResponse::Ok().finish()
/// }
///
/// # fn jira(verify: Verify) -> actix_web::Resource {
/// web::resource("/jira").app_data(verify).route(web::post().to(on_event))
/// # }
/// ```
///
/// - The body is parsed after verification.
/// - The `Content-Type` is ignored, because the header field is not signed.
/// - `JsonConfig` does not apply.
///
/// # Errors
/// [`VerifyError`], in these cases:
/// - The errors of [`Delivery`].
/// - The verified body is not the expected JSON. The response is 400.
#[derive(Clone, Debug)]
pub struct VerifiedJson<T>(pub Verified, pub T);

impl<T: DeserializeOwned> FromRequest for VerifiedJson<T> {
    type Error = VerifyError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, VerifyError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let delivery = Delivery::from_request(request, payload);
        Box::pin(async {
            let Delivery { verified, body } = delivery.await?;
            serde_json::from_slice(&body).map(|value| Self(verified, value)).map_err(VerifyError::json)
        })
    }
}
