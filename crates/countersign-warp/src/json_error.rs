use std::error::Error;
use std::fmt;

use warp::Reply;
use warp::http::StatusCode;
use warp::reject::Reject;
use warp::reply::Response;

/// The body of a verified delivery is not the JSON that was asked for.
///
/// As a [`Reply`] it is an empty 400, so that a handler can return it: `Result<impl Reply, JsonError>`. What is wrong is its
/// [`source`](Error::source); that may quote a value from the body.
#[derive(Debug)]
pub struct JsonError(serde_json::Error);

impl JsonError {
    pub(crate) const fn new(error: serde_json::Error) -> Self {
        Self(error)
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
        StatusCode::BAD_REQUEST.into_response()
    }
}

/// For handlers of `and_then`.
impl Reject for JsonError {}
