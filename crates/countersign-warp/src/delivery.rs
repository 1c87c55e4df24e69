use std::fmt;

use bytes::Bytes;
use countersign::Verified;
use serde::de::DeserializeOwned;

use crate::json_error::JsonError;

/// A verified delivery: the body, byte for byte as it was signed, and the proof. Only a [`Verify`](crate::Verify) makes one.
#[derive(Clone)]
pub struct Delivery {
    verified: Verified,
    body: Bytes,
}

impl Delivery {
    pub(crate) const fn new(verified: Verified, body: Bytes) -> Self {
        Self { verified, body }
    }

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

    /// The body as JSON. The `Content-Type` is not looked at: it is not signed.
    ///
    /// # Errors
    /// [`JsonError`], which is a response of 400, if the body is not JSON or not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        serde_json::from_slice(&self.body).map_err(JsonError::new)
    }

    /// Both, to keep.
    #[must_use]
    pub fn into_parts(self) -> (Verified, Bytes) {
        (self.verified, self.body)
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("verified", &self.verified).field("len", &self.body.len()).finish_non_exhaustive()
    }
}
