use crate::delivery::JsonError;
use countersign::Rejection;
use countersign::adapter::{Connection, finish_response};
use std::fmt;
use std::sync::Arc;
use warp::Reply;
use warp::reject::Reject;
use warp::reply::Response;

/// The application's function for the response to a rejection.
pub(crate) type Respond = Arc<dyn Fn(&Rejection) -> Response + Send + Sync>;

/// The rejection of [`Verify::delivery`](crate::Verify::delivery), for a custom `recover`.
///
/// A `VerifyRejection` is a [`Reply`]: the response to the rejected delivery. The response
/// extensions hold the [`Rejection`].
///
/// ```
/// use countersign_warp::VerifyRejection;
/// use warp::Reply;
/// use warp::reply::Response;
///
/// async fn recover(rejection: warp::Rejection) -> Result<Response, warp::Rejection> {
///     match rejection.find::<VerifyRejection>() {
///         Some(rejected) => Ok(rejected.clone().into_response()),
///         None => Err(rejection),
///     }
/// }
/// ```
#[derive(Clone)]
pub struct VerifyRejection {
    rejection: Rejection,
    reject: Respond,
    connection: Connection,
}

impl VerifyRejection {
    pub(crate) fn new(rejection: Rejection, reject: Respond, connection: Connection) -> Self {
        Self { rejection, reject, connection }
    }

    /// Returns the rejection with the cause, for the operator. Do not tell the sender.
    #[must_use]
    pub const fn rejection(&self) -> &Rejection {
        &self.rejection
    }
}

impl Reject for VerifyRejection {}

impl Reply for VerifyRejection {
    fn into_response(self) -> Response {
        // Under HTTP/2, hyper drops the field `connection`. Closing the connection would end other
        // streams, too.
        finish_response((self.reject)(&self.rejection), self.rejection, self.connection)
    }
}

/// Shows no cause. warp sends the `Debug` text of an unrecovered rejection to the sender.
impl fmt::Debug for VerifyRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyRejection").finish_non_exhaustive()
    }
}

/// Responds to the rejections of this crate, for warp's `recover`.
///
/// - A [`VerifyRejection`] gets the response of the [`Verify`](crate::Verify).
/// - A [`JsonError`] gets an empty 400.
///
/// # Errors
/// Returns the rejection of any other filter unchanged.
pub async fn recover(rejection: warp::Rejection) -> Result<Response, warp::Rejection> {
    if let Some(rejected) = rejection.find::<VerifyRejection>() {
        Ok(rejected.clone().into_response())
    } else if rejection.find::<JsonError>().is_some() {
        Ok(JsonError::response())
    } else {
        Err(rejection)
    }
}
