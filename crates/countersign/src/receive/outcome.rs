use std::fmt;

use bytes::Bytes;

use crate::verdict::rejection::Rejection;
use crate::verdict::verified::Verified;

/// A whole delivery that was received: verified, or let through unverified in report-only mode.
// There is no third case, and whoever takes it in has to decide both.
#[derive(Clone)]
#[must_use = "it holds the body"]
pub enum Outcome {
    /// It was signed. The proof, and the body.
    Verified(Verified, Bytes),
    /// It would have been rejected, and **nothing of it is to be believed**. Why, and the body.
    Unverified(Rejection, Bytes),
}

impl Outcome {
    /// The body, as it was sent.
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

/// What to do with the connection of a rejected delivery, once it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// It can go on: nothing of the body is left, or the rejection ends a stream of its own.
    Keep,
    /// Something of the body is left on it, so answer with `connection: close`.
    Close,
}
