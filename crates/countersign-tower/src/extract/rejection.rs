use std::error::Error;
use std::fmt;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use countersign::Rejection;

use crate::future::answer;
use crate::receive::Refusal;
use crate::response::EmptyResponse;
use crate::response::sealed::Refuse as _;

/// A refused delivery, which [`Delivery`](crate::Delivery) rejects with. It has been [reported](countersign::Verifier::report).
///
/// As a response it is what [`VerifyLayer`](crate::VerifyLayer) answers: the status and no body, with the [`Rejection`] in its extensions.
#[derive(Debug)]
pub struct Refused {
    // Boxed, so that the way of a verified delivery need not carry the room for it.
    refusal: Box<Refusal>,
}

impl Refused {
    pub(crate) fn new(refusal: Refusal) -> Self {
        Self { refusal: Box::new(refusal) }
    }

    /// Why, for the operator. Do not tell the sender.
    #[must_use]
    pub const fn rejection(&self) -> &Rejection {
        &self.refusal.rejection
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        answer::<Body>(EmptyResponse.response(&self.refusal.rejection), *self.refusal)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the delivery was refused")
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.refusal.rejection)
    }
}
