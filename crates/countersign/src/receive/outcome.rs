use std::fmt;

use bytes::Bytes;

use crate::verdict::rejection::Rejection;
use crate::verdict::verified::Verified;

/// A completely received delivery: verified, or let through unverified in report-only mode.
// Not `#[non_exhaustive]`: there is no third case, and every caller must decide both.
#[derive(Clone)]
#[must_use = "an outcome holds the body"]
pub enum Outcome {
    /// A verified delivery: the proof and the body.
    Verified(Verified, Bytes),
    /// An unverified delivery, let through in report-only mode: the rejection and the body. **Do
    /// not trust any part of this delivery.**
    Unverified(Rejection, Bytes),
}

impl Outcome {
    /// Returns the body, unchanged.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        match self {
            Self::Verified(_, body) | Self::Unverified(_, body) => body,
        }
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified(verified, body) => f.debug_tuple("Verified").field(verified).field(&body.len()).finish(),
            Self::Unverified(rejection, body) => f.debug_tuple("Unverified").field(rejection).field(&body.len()).finish(),
        }
    }
}

/// Whether the connection stays open after the response to a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// The connection stays open. Nothing of the body is left, or the rejection ends only a stream.
    Keep,
    /// A part of the body is left on the connection. Answer with `connection: close`.
    Close,
}
