//! [`Deadline`]: countersign::Deadline
//! [`Delivery`]: crate::Delivery
//! [`Rejection`]: countersign::Rejection
//! [`VerifiedJson`]: crate::VerifiedJson
//! [`Verified`]: countersign::Verified
//! [`Verifier::report`]: countersign::Verifier::report
//! [`VerifyLayer::new`]: crate::VerifyLayer::new
//! [`VerifyLayer::tenant_by`]: crate::VerifyLayer::tenant_by
//! [`VerifyLayer::with_rejection_response`]: crate::VerifyLayer::with_rejection_response
//! [`VerifyLayer::without_clock`]: crate::VerifyLayer::without_clock
//! [`VerifyLayer`]: crate::VerifyLayer
//! [`base_url`]: countersign::VerifierBuilder::base_url
//! [guide to axum]: countersign::manual::axum
//! [guide to limits]: countersign::manual::limits
//! [guide to responses]: countersign::manual::responses
//! [guide to tenants]: countersign::manual::tenants
// rustdoc takes the first definition of a link, so the links above win over the URLs at the end of
// README.md. crates.io knows the URLs only.
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
#[cfg(feature = "axum")]
mod default_body_limit;
#[cfg(feature = "axum")]
mod extract;
mod future;
mod head;
mod layer;
#[cfg(feature = "once")]
mod once;
mod receive;
mod response;
mod service;
mod settings;

pub use body::VerifiedBody;
#[cfg(feature = "axum")]
pub use extract::delivery::Delivery;
#[cfg(feature = "axum")]
pub use extract::json::{VerifiedJson, VerifiedJsonRejection};
#[cfg(feature = "axum")]
pub use extract::rejection::VerifyRejection;
pub use future::VerifyFuture;
pub use layer::VerifyLayer;
#[cfg(feature = "once")]
pub use once::{OnceLayer, OnceService};
pub use response::{EmptyResponse, RejectionResponse};
pub use service::Verify;
