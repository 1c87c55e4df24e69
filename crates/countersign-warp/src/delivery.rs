use bytes::Bytes;
use countersign::Verified;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::fmt;
use warp::Reply;
use warp::http::StatusCode;
use warp::reject::Reject;
use warp::reply::Response;

/// A verified delivery: the signed body and the proof. Only a [`Verify`](crate::Verify) creates a
/// `Delivery`.
#[derive(Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// The proof: the key that matched, and the signed metadata.
    pub verified: Verified,
    /// The request body, byte for byte as signed. Cloning the body makes no copy.
    pub body: Bytes,
    /// The claim behind [`Verify::once`](crate::Verify::once). `None` behind other filters.
    #[cfg(feature = "once")]
    pub claim: Option<countersign_once::ClaimInfo>,
}

impl Delivery {
    /// Parses the body as JSON. Ignores the `Content-Type`, because this header field is unsigned.
    ///
    /// # Errors
    /// Returns a [`JsonError`], a response with status 400, in these cases:
    /// - The body is not valid JSON.
    /// - The JSON does not match the type `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        serde_json::from_slice(&self.body).map_err(JsonError::new)
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("verified", &self.verified).field("len", &self.body.len()).finish_non_exhaustive()
    }
}

/// The error of [`Delivery::json`]: a verified body without the expected JSON.
///
/// - A handler returns the error as a [`Reply`], in `Result<impl Reply, JsonError>`. The response
///   is an empty 400.
/// - A handler behind `and_then` rejects with the error. [`recover`](crate::recover()) then sends
///   the same response.
/// - The cause is the [`source`](Error::source). The source may quote a value from the body.
/// - `Debug` shows only the line and the column. warp sends the `Debug` text of an unrecovered
///   rejection to the sender.
pub struct JsonError(serde_json::Error);

impl JsonError {
    pub(crate) const fn new(error: serde_json::Error) -> Self {
        Self(error)
    }

    pub(crate) fn response() -> Response {
        StatusCode::BAD_REQUEST.into_response()
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body is not the expected JSON")
    }
}

impl Error for JsonError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl Reply for JsonError {
    fn into_response(self) -> Response {
        Self::response()
    }
}

impl Reject for JsonError {}

impl fmt::Debug for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonError").field("line", &self.0.line()).field("column", &self.0.column()).finish_non_exhaustive()
    }
}
