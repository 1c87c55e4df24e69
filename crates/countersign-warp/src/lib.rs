//! [warp]: warp
//! [`Delivery`]: crate::Delivery
//! [`recover`]: crate::recover()
//! [`Rejection`]: countersign::Rejection
//! [`Verifier::report`]: countersign::Verifier::report
//! [`Verify::delivery`]: crate::Verify::delivery
//! [`Verify::new`]: crate::Verify::new
//! [`Verify::then`]: crate::Verify::then
//! [`Verify::with_rejection_response`]: crate::Verify::with_rejection_response
//! [`warp::service`]: warp::service()
//! [guide for warp]: countersign::manual::warp
//! [guide to responses]: countersign::manual::responses
// rustdoc takes the first definition of a link, so the links above win over the URLs at the end of
// README.md. crates.io knows the URLs only.
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod delivery;
mod head;
#[cfg(feature = "once")]
mod once;
mod rejection;
mod tenant;
mod verify;

pub use delivery::{Delivery, JsonError};
#[cfg(feature = "once")]
pub use once::VerifyOnce;
pub use rejection::{VerifyRejection, recover};
pub use tenant::VerifyTenant;
pub use verify::Verify;
