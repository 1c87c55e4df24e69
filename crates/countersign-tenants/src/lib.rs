//! [`Tenants`]: crate::Tenants
//! [`Tenants::invalidate`]: crate::Tenants::invalidate
//! [`TenantsBuilder::by`]: crate::TenantsBuilder::by
//! [`TenantsBuilder::by_path`]: crate::TenantsBuilder::by_path
//! [`TenantsBuilder::capacity`]: crate::TenantsBuilder::capacity
//! [`TenantsBuilder::max_concurrent_lookups`]: crate::TenantsBuilder::max_concurrent_lookups
//! [`TenantsBuilder::negative_ttl`]: crate::TenantsBuilder::negative_ttl
//! [`TenantsBuilder::time_to_live`]: crate::TenantsBuilder::time_to_live
//! [`TenantsBuilder::timeout`]: crate::TenantsBuilder::timeout
//! [`Verified::tenant`]: countersign::Verified::tenant
//! [`Verifier`]: countersign::Verifier
//! [`one_line`]: countersign::observe::one_line()
//! [guide to rotation]: countersign::manual::rotation
//! [guide to tenants]: countersign::manual::tenants
//! [threat model]: countersign::manual::threat_model
// rustdoc takes the first definition of a link, so the links above win over the URLs at the end of
// README.md. crates.io knows the URLs only.
#![doc = include_str!("../README.md")]

mod lookup;
mod lookup_error;
mod path_pattern;
mod single_flight;
mod tenants;
mod tenants_builder;
mod tenants_error;

pub use path_pattern::PathPattern;
pub use tenants::Tenants;
pub use tenants_builder::TenantsBuilder;
pub use tenants_error::TenantsError;
