use std::error::Error;
use std::fmt;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use countersign::Rejection;
use countersign::adapter::finish_response;

use crate::receive::RejectedRequest;
use crate::response::EmptyResponse;
use crate::response::sealed::RejectionResponse as _;

/// A rejected delivery, which [`Delivery`](crate::Delivery) rejects with. It has been [reported](countersign::Verifier::report).
///
/// As a response it is what [`VerifyLayer`](crate::VerifyLayer) answers: the status and no body, with the [`Rejection`] in its extensions.
#[derive(Debug)]
pub struct VerifyRejection {
    // Boxed, so that the way of a verified delivery need not carry the room for it.
    rejection: Box<RejectedRequest>,
}

impl VerifyRejection {
    pub(crate) fn new(rejection: RejectedRequest) -> Self {
        Self { rejection: Box::new(rejection) }
    }

    /// Why, for the operator. Do not tell the sender.
    #[must_use]
    pub const fn rejection(&self) -> &Rejection {
        &self.rejection.rejection
    }
}

impl IntoResponse for VerifyRejection {
    fn into_response(self) -> Response {
        let RejectedRequest { rejection, connection } = *self.rejection;
        finish_response::<Body>(EmptyResponse::default().response(&rejection), rejection, connection)
    }
}

impl fmt::Display for VerifyRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the delivery was rejected")
    }
}

impl Error for VerifyRejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.rejection.rejection)
    }
}
