use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::dev::Payload;
use actix_web::error::JsonPayloadError;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use countersign::Verified;
use serde::de::DeserializeOwned;

use crate::extract::delivery::{Delivery, DeliveryFuture};
use crate::extract::error::VerifyError;

/// A verified delivery whose body is JSON: the proof, and what it says. An extractor, as [`Delivery`] is one.
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
/// Nothing is parsed before it is verified. The `Content-Type` is not looked at: it is not signed. `JsonConfig` does not hold.
#[derive(Clone, Debug)]
pub struct VerifiedJson<T>(pub Verified, pub T);

impl<T: DeserializeOwned> FromRequest for VerifiedJson<T> {
    type Error = VerifiedJsonError;
    type Future = VerifiedJsonFuture<T>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        VerifiedJsonFuture { delivery: Delivery::from_request(request, payload), value: PhantomData }
    }
}

/// The extraction of a [`VerifiedJson`].
#[must_use = "futures do nothing unless polled"]
pub struct VerifiedJsonFuture<T> {
    delivery: DeliveryFuture,
    value: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Future for VerifiedJsonFuture<T> {
    type Output = Result<VerifiedJson<T>, VerifiedJsonError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let delivery = ready!(Pin::new(&mut self.delivery).poll(cx)).map_err(VerifiedJsonError::Rejected);
        Poll::Ready(delivery.map(Delivery::into_parts).and_then(|(verified, body)| {
            let value = serde_json::from_slice(&body);
            value.map(|value| VerifiedJson(verified, value)).map_err(|error| VerifiedJsonError::Json(JsonPayloadError::Deserialize(error)))
        }))
    }
}

impl<T> fmt::Debug for VerifiedJsonFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedJsonFuture").finish_non_exhaustive()
    }
}

/// What [`VerifiedJson`] fails with.
#[derive(Debug)]
#[non_exhaustive]
pub enum VerifiedJsonError {
    /// The delivery was rejected.
    Rejected(VerifyError),
    /// It was verified, and is not the JSON that was asked for: answered as actix-web's `Json` does, with 400 and what is wrong.
    Json(JsonPayloadError),
}

impl ResponseError for VerifiedJsonError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Rejected(rejected) => rejected.status_code(),
            Self::Json(error) => error.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Rejected(rejected) => rejected.error_response(),
            Self::Json(error) => error.error_response(),
        }
    }
}

impl fmt::Display for VerifiedJsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::Json(_) => f.write_str("the body is not the JSON that was asked for"),
        }
    }
}

impl Error for VerifiedJsonError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Rejected(rejected) => rejected.source(),
            Self::Json(error) => Some(error),
        }
    }
}
