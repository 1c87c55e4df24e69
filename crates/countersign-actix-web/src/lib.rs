//! [`Delivery`]: crate::Delivery
//! [`Rejection`]: countersign::Rejection
//! [`Verified`]: countersign::Verified
//! [`VerifiedJson`]: crate::VerifiedJson
//! [`Verifier::body_limit`]: countersign::Verifier::body_limit
//! [`Verifier::report`]: countersign::Verifier::report
//! [`Verify`]: crate::Verify
//! [`Verify::deadline`]: crate::Verify::deadline
//! [`Verify::with_rejection_response`]: crate::Verify::with_rejection_response
//! [guide to actix-web]: countersign::manual::actix_web
//! [guide to limits]: countersign::manual::limits
//! [guide to responses]: countersign::manual::responses
//! [guide to tenants]: countersign::manual::tenants
// rustdoc takes the first definition of a link, so the links above win over the URLs at the end of
// README.md. crates.io knows the URLs only.
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod bounded_payload;
mod extract;
mod head;
mod middleware;
#[cfg(feature = "once")]
mod once;
mod payload;
mod receive;
mod response;
mod settings;
mod verify;

pub use extract::delivery::Delivery;
pub use extract::error::VerifyError;
pub use extract::json::VerifiedJson;
pub use middleware::{VerifyFuture, VerifyMiddleware};
#[cfg(feature = "once")]
pub use once::{OnceMiddleware, VerifyOnce};
pub use verify::Verify;
