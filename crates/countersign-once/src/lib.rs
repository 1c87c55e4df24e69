//! [`Once`]: crate::Once
//! [`MemoryStore`]: crate::MemoryStore
//! [`Store`]: crate::Store
//! [`Claim`]: crate::Claim
//! [`ClaimInfo::keys`]: crate::ClaimInfo::keys
//! [`Once::idle`]: crate::Once::idle
//! [`Identity`]: countersign::identity::Identity
// rustdoc takes the first definition of a link, so the links above win over the URLs at the end of
// README.md. crates.io knows the URLs only.
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod claim;
mod claim_info;
mod event;
mod handle;
mod memory_store;
mod once;
mod once_builder;
mod owner;
mod renewal;
mod shared;
mod store;

pub use claim::Claim;
pub use claim_info::ClaimInfo;
pub use event::GuardEvent;
pub use handle::Handled;
pub use memory_store::MemoryStore;
pub use once::{Admission, Once};
pub use once_builder::{OnceBuilder, OnceError};
pub use owner::Owner;
pub use shared::WhenDown;
pub use store::{ClaimReply, MarkReply, RenewReply, Store, StoreError, StoreFuture};
