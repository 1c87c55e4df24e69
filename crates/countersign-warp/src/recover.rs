use warp::Reply;
use warp::reply::Response;

use crate::json_error::JsonError;
use crate::refused::Refused;

/// Answers what [`Verify::delivery`](crate::Verify::delivery) refused, for warp's `recover`, and a [`JsonError`] with 400. Rejections of
/// other filters pass through untouched.
///
/// # Errors
/// The rejection itself, if it is not ours.
pub async fn recover(rejection: warp::Rejection) -> Result<Response, warp::Rejection> {
    if let Some(refused) = rejection.find::<Refused>() {
        Ok(refused.clone().into_response())
    } else if rejection.find::<JsonError>().is_some() {
        Ok(JsonError::response())
    } else {
        Err(rejection)
    }
}
