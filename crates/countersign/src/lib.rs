//! [`RequestHead`]: crate::RequestHead
//! [`MemoryBudget`]: crate::MemoryBudget
//! [`Verifier`]: crate::Verifier
//! [`ConfigError`]: crate::ConfigError
//! [`Verified`]: crate::Verified
//! [`Scheme::insecure_static_token`]: crate::scheme::Scheme::insecure_static_token
//! [`Deadline`]: crate::Deadline
//! [`Observer`]: crate::observe::Observer
//! [`manual`]: crate::manual
//! [`providers`]: crate::providers
//! [threat model]: crate::manual::threat_model
//! [observability]: crate::manual::observability
//! [rotation]: crate::manual::rotation
//! [tenants]: crate::manual::tenants
//! [limits]: crate::manual::limits
//! [rollout]: crate::manual::rollout
//! [deployment]: crate::manual::deployment
//! [troubleshooting]: crate::manual::troubleshooting
#![cfg_attr(feature = "metrics", doc = "[`MetricsObserver`]: crate::observe::MetricsObserver")]
#![cfg_attr(feature = "tokio", doc = "[`TokioTimer`]: crate::adapter::TokioTimer")]
// rustdoc takes the first definition of a link, so the links above win over the URLs at the end of
// README.md. crates.io knows the URLs only.
#![doc = include_str!("../README.md")]
// Without a root, `cargo doc` drops links from the other crates if it documents those crates first.
// The pages of a crate are one folder deep. docs.rs sets its own root.
#![doc(html_root_url = "..")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![expect(clippy::inline_always, reason = "on the hot path, a call costs more than the called function")]

mod algorithm;
mod body;
mod config_error;
mod crypto;
pub mod identity;
mod key_id;
mod keys;
mod machine_clock;
// The snippets of the guides need the adapters. The conformance package compiles the snippets.
#[cfg(not(doctest))]
pub mod manual;
pub mod observe;
#[expect(clippy::doc_markdown, reason = "names of companies")]
pub mod providers;
mod receive;
mod request;
pub mod scheme;
mod signer;
pub mod tenant;
mod verdict;
mod verifier;

pub use body::deadline::Deadline;
pub use body::memory_budget::MemoryBudget;
pub use config_error::ConfigError;
pub use key_id::KeyId;
pub use keys::key_status::KeyStatus;
pub use keys::secret::Secret;
pub use receive::drain::DrainPolicy;
pub use request::head::RequestHead;
pub use signer::{Signer, SignerBuilder};
pub use verdict::hint::Hint;
pub use verdict::rejection::Rejection;
pub use verdict::rejection_kind::RejectionKind;
pub use verdict::verified::Verified;
pub use verifier::Verifier;
pub use verifier::builder::VerifierBuilder;
pub use verifier::keys::Keys;
pub use verifier::verification::Verification;

pub mod adapter {
    //! The parts of an adapter for a framework.
    //!
    //! An adapter does three things, and decides nothing:
    //!
    //! - **The next chunk.** The adapter passes a [`BodySource`] to [`Receive::poll`], beside a
    //!   [`RequestHead`](crate::RequestHead) of the framework's request and a [`Timer`] of the
    //!   runtime.
    //! - **The body back.** [`Receive::poll`] returns an [`Outcome`]. Its body goes to the handler.
    //!   Its [`Verified`](crate::Verified) goes into the request's extensions.
    //! - **No.** A [`Rejection`](crate::Rejection) becomes a response with its
    //!   [status](crate::Rejection::status_code) and the
    //!   [header](crate::Rejection::required_header) of that status. [`Receive::connection`] tells
    //!   whether to close the connection. The rejection goes into the response's extensions, for
    //!   middleware.
    //!
    //! The guide to adding a framework, in the module `manual`, builds an adapter step by step.

    pub use crate::receive::outcome::{Connection, Outcome};
    #[cfg(feature = "http")]
    pub use crate::receive::response::{empty_response, finish_response, guard_response};
    pub use crate::receive::{Receive, ReceiveOptions};
    pub use crate::request::body_source::BodySource;
    pub use crate::request::header_index::HeaderIndex;
    pub use crate::request::timer::{NoTimer, Timer};
    #[cfg(feature = "tokio")]
    pub use crate::request::tokio_timer::TokioTimer;
    pub use crate::tenant::source::VerifierSource;
}
