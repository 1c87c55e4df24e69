use bytes::Bytes;
use countersign::Verified;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::fmt;
use warp::Reply;
use warp::http::StatusCode;
use warp::reject::Reject;
use warp::reply::Response;

/// A verified delivery: the body, byte for byte as it was signed, and the proof. Only a [`Verify`](crate::Verify) makes one.
#[derive(Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// The proof: the key that matched, and the signed metadata.
    pub verified: Verified,
    /// The request body, byte for byte as it was signed. Cloning it makes no copy.
    pub body: Bytes,
}

impl Delivery {
    /// The body as JSON. The `Content-Type` is not looked at: it is not signed.
    ///
    /// # Errors
    /// [`JsonError`], which is a response of 400, if the body is not JSON or not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        serde_json::from_slice(&self.body).map_err(JsonError::new)
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("verified", &self.verified).field("len", &self.body.len()).finish_non_exhaustive()
    }
}

/// The body of a verified delivery is not the JSON that was asked for.
///
/// As a [`Reply`] it is an empty 400, so that a handler can return it: `Result<impl Reply, JsonError>`. Handlers of `and_then` can reject
/// with it; [`recover`](crate::recover()) answers it alike. What is wrong is its [`source`](Error::source), which may quote a value from
/// the body; `Debug` tells the place alone, for warp shows that of a rejection which nobody recovers to the sender.
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
        f.write_str("the body is not the JSON that was asked for")
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
