use crate::delivery::JsonError;
use countersign::Rejection;
use countersign::adapter::{Connection, finish_response};
use std::fmt;
use std::sync::Arc;
use warp::Reply;
use warp::reject::Reject;
use warp::reply::Response;

/// How an application answers a rejection.
pub(crate) type Respond = Arc<dyn Fn(&Rejection) -> Response + Send + Sync>;

/// What [`Verify::delivery`](crate::Verify::delivery) rejects with, to be found by a `recover` of one's own. As a [`Reply`] it is the
/// answer to the rejected delivery, with [`Rejection`] in the response's extensions.
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
    answer: Respond,
    connection: Connection,
}

impl VerifyRejection {
    pub(crate) fn new(rejection: Rejection, answer: Respond, connection: Connection) -> Self {
        Self { rejection, answer, connection }
    }

    /// The cause.
    #[must_use]
    pub const fn rejection(&self) -> &Rejection {
        &self.rejection
    }
}

impl Reject for VerifyRejection {}

impl Reply for VerifyRejection {
    fn into_response(self) -> Response {
        // hyper leaves `connection` out over HTTP/2, where a connection is not closed for one stream.
        finish_response((self.answer)(&self.rejection), self.rejection, self.connection)
    }
}

/// Without the cause: warp shows this to the sender, in its answer to a rejection that nobody recovers.
impl fmt::Debug for VerifyRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyRejection").finish_non_exhaustive()
    }
}

/// Answers what [`Verify::delivery`](crate::Verify::delivery) rejected, for warp's `recover`, and a [`JsonError`] with 400. Rejections of
/// other filters pass through untouched.
///
/// # Errors
/// The rejection itself, if it is not ours.
pub async fn recover(rejection: warp::Rejection) -> Result<Response, warp::Rejection> {
    if let Some(rejected) = rejection.find::<VerifyRejection>() {
        Ok(rejected.clone().into_response())
    } else if rejection.find::<JsonError>().is_some() {
        Ok(JsonError::response())
    } else {
        Err(rejection)
    }
}
