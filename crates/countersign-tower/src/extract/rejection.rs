use std::error::Error;
use std::fmt;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use countersign::Rejection;
use countersign::adapter::{Connection, finish_response};

use crate::response::EmptyResponse;
use crate::response::sealed::RejectionResponse as _;

/// The rejection of [`Delivery`](crate::Delivery). The rejected delivery is already
/// [reported](countersign::Verifier::report).
///
/// The response equals the response of the [`VerifyLayer`](crate::VerifyLayer) in the state: the
/// status without a body, and the [`Rejection`] in the response extensions. After
/// [`acknowledge_and_drop`](crate::VerifyLayer::acknowledge_and_drop), the status is 204 instead of
/// 401.
#[derive(Debug)]
// Boxed, to keep the `Result` of a verified delivery small.
pub struct VerifyRejection(Box<RejectionParts>);

#[derive(Debug)]
struct RejectionParts {
    rejection: Rejection,
    connection: Connection,
    reject: EmptyResponse,
}

impl VerifyRejection {
    pub(crate) fn new(rejection: Rejection, connection: Connection, reject: EmptyResponse) -> Self {
        Self(Box::new(RejectionParts { rejection, connection, reject }))
    }

    /// Returns the rejection, for the operator. Do not reveal the cause to the sender.
    #[must_use]
    pub const fn rejection(&self) -> &Rejection {
        &self.0.rejection
    }
}

impl IntoResponse for VerifyRejection {
    fn into_response(self) -> Response {
        let RejectionParts { rejection, connection, reject } = *self.0;
        finish_response::<Body>(reject.response(&rejection), rejection, connection)
    }
}

impl fmt::Display for VerifyRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the delivery was rejected")
    }
}

impl Error for VerifyRejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0.rejection)
    }
}
