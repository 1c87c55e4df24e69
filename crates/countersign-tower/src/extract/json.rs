use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRef, FromRequest, Request};
use axum::response::{IntoResponse, Response};
use countersign::Verified;
use serde::de::DeserializeOwned;

use crate::extract::delivery::Delivery;
use crate::extract::rejection::VerifyRejection;
use crate::layer::VerifyLayer;

/// A verified delivery with a JSON body: the proof and the parsed value. An extractor for axum,
/// like [`Delivery`].
///
/// ```
/// use axum::{Router, routing::post};
/// use countersign_tower::VerifiedJson;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Event {
///     #[serde(rename = "webhookEvent")]
///     kind: String,
/// }
///
/// async fn on_event(VerifiedJson(verified, event): VerifiedJson<Event>) {
///     println!("{}, signed with {}", event.kind, verified.key_id());
/// }
///
/// # fn app(layer: countersign_tower::VerifyLayer) -> Router {
/// Router::new().route("/jira", post(on_event)).with_state(layer)
/// # }
/// ```
///
/// The body is parsed only after the verification. `Content-Type` is ignored: the header field is
/// not signed.
#[derive(Clone, Debug)]
pub struct VerifiedJson<T>(pub Verified, pub T);

impl<S, T> FromRequest<S> for VerifiedJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    VerifyLayer: FromRef<S>,
{
    type Rejection = VerifiedJsonRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, VerifiedJsonRejection> {
        let delivery = Delivery::from_request(request, state).await.map_err(VerifiedJsonRejection::Rejected)?;
        let Json(value) = Json::from_bytes(&delivery.body).map_err(VerifiedJsonRejection::Json)?;
        Ok(Self(delivery.verified, value))
    }
}

/// The rejection of [`VerifiedJson`].
#[derive(Debug)]
#[non_exhaustive]
pub enum VerifiedJsonRejection {
    /// The delivery was rejected.
    Rejected(VerifyRejection),
    /// The delivery was verified, but the body is not the expected JSON. The response is that of
    /// axum's `Json`: 400 or 422, with the error text.
    Json(JsonRejection),
}

impl IntoResponse for VerifiedJsonRejection {
    fn into_response(self) -> Response {
        match self {
            Self::Rejected(rejected) => rejected.into_response(),
            Self::Json(rejection) => rejection.into_response(),
        }
    }
}
