use warp::Reply;
use warp::reply::Response;

use crate::Refused;

/// Answers what [`Verify::delivery`](crate::Verify::delivery) refused, for warp's `recover`. Rejections of other filters pass through
/// untouched.
///
/// # Errors
/// The rejection itself, if it is not ours.
pub async fn recover(rejection: warp::Rejection) -> Result<Response, warp::Rejection> {
    match rejection.find::<Refused>() {
        Some(refused) => Ok(refused.clone().into_response()),
        None => Err(rejection),
    }
}
