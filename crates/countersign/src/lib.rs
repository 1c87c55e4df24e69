//! Proves that a webhook delivery comes from its sender, before a byte of it is believed.
//!
//! This crate judges. It knows the schemes by which providers sign ([`providers`]), does no I/O but to read a
//! [`Secret`] when asked, and needs no runtime. Adapters carry it into frameworks: `countersign-tower` into axum, hyper and everything else
//! that speaks tower, `countersign-actix-web` into actix-web, `countersign-warp` into warp.
//!
//! ```
//! use countersign::{Secret, Verifier, providers};
//!
//! let verifier = Verifier::builder(providers::JIRA)
//!     .key("2026-11", Secret::new("It's a Secret to Everybody"))
//!     .build()?;
//!
//! let head = [("X-Hub-Signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9")];
//! let verified = verifier.verify(&head, b"Hello World!")?;
//! assert_eq!(verified.key_id(), "2026-11");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How a delivery is judged
//! 1. The head, before any of the body is read. The signature header must be there once, in the scheme's form, with an algorithm that
//!    this receiver accepts and a signature of that algorithm's full length. A timestamp must be within the scheme's tolerance, and what else is signed
//!    in its form to the letter. A static token must be one that is known. Otherwise: 401. No key that
//!    has not expired: 503.
//! 2. The announced length. Over the limit: 413. No room in the [`MemoryBudget`], if there is one: 503.
//! 3. The body, hashed as it arrives and kept within limit and budget, which hold for bodies that announce nothing or lie, too.
//! 4. The signature, compared in constant time (crate `subtle`) with what each key makes of the body. No match: 401.
//!
//! The receiver fixes the algorithms: what the header names selects among the accepted ones and is looked up nowhere else. Any fault is
//! a rejection, and a [`Verifier`] that could let things through cannot be built, but by what is called `insecure_…`: see
//! [`ConfigError`].
//!
//! # What is not promised
//! [`manual::threat_model`] says who is kept out, and which test shows it. In short:
//!
//! - **Replay.** The `method=signature` family signs the body alone. A delivery that somebody recorded verifies again, unless the scheme
//!   has a timestamp, and then for as long as its tolerance. Senders repeat deliveries too: make the handler idempotent.
//! - **Headers** are not authenticated, but for a timestamp or id that the scheme signs. What [`Verified`] calls unauthenticated, such as
//!   Jira's `X-Atlassian-Webhook-Identifier`, is not signed.
//! - **The body, by a static token.** [`Scheme::insecure_static_token`](crate::scheme::Scheme::insecure_static_token) says what it is worth.
//! - **Memory and time beyond what is set.** Each delivery is bounded by the limit, their number only by a [`MemoryBudget`]. A body may take as long
//!   as its [`Deadline`] says, which adapters set. Connections, heads and what a server reads ahead are the server's.
//!
//! # Seeing it
//! Each rejection is an event of `tracing` ([`Verifier::report`]) at `WARN`, and a verified delivery is one at `DEBUG`, with the target
//! `countersign`. Each delivery that is taken in is a span `delivery` at `DEBUG`, too, of the same target: it is entered while the delivery is
//! judged (its busy time is the hashing, and what a resolver does), and closed when there is a verdict or the delivery was given up. The event
//! of a rejection follows it, and does not stand in it. Their fields:
//!
//! | field | |
//! |---|---|
//! | `verdict` | `verified`, `rejected`, `let_through`; the span of a delivery that was given up has no field |
//! | `scheme` | who judged: `jira` |
//! | `tenant` | whose keys it was judged by, where there are [tenants](crate::tenant::VerifierTemplate::for_tenant) and this is a known one |
//! | `key` | of a verified delivery, the id of the key that matched |
//! | `cause` | of one that was not, [`RejectionKind::as_str`] |
//! | `body_bytes` | how many bytes of the body had been taken in |
//! | `seconds` | from the head to the verdict, the waiting for the resolver and the body included; in the events only where it is measured, as `DEBUG` is enabled for this target or there is an [`Observer`](crate::observe::Observer) or a [`Resolver`](crate::tenant::Resolver) |
//! | `status`, `hint`, `source`, `report_only` | of the events of rejections, and of what is let through: see [`Verifier::report`] |
//!
//! A tenant's name and the texts of errors are written by others: they are escaped, so that an event is one line (see [`one_line`](observe::one_line())).
//!
//! A secret that verifies and is probably a mistake is an event at `WARN` when it is given to a verifier: see [`Keys`].
//!
//! With [`VerifierBuilder::hints`] a rejection's event also tells what is probably the matter. An [`Observer`](crate::observe::Observer) is told of every verdict. The
//! feature `metrics` has one that counts by the facade of the crate `metrics`.
//!
//! # Tenants
//! Where each tenant has keys of its own, a [`Resolver`](crate::tenant::Resolver) chooses the verifier by the head. Adapters take one in place of a verifier. The crate
//! `countersign-tenants` has one with a cache.
//!
//! # Sources
//! HMAC: RFC 2104, with the values of RFC 2202, RFC 4231 and Project Wycheproof as tests. `method=signature`:
//! [WebSub §7](https://www.w3.org/TR/websub/#signing-content). Statuses: RFC 9110 §15.5. Each provider's own page stands at its
//! constant in [`providers`], which also tells how to add one.

// For links from the other crates' pages: `cargo doc` may write those before this crate's folder is there, and then leaves the links out. Their pages
// stand one folder deep, and docs.rs sets a root of its own.
#![doc(html_root_url = "..")]
#![expect(clippy::inline_always, reason = "on the one hot path, a call and a frame of its own cost more than what is called")]

mod algorithm;
mod body;
mod config_error;
mod crypto;
mod key_id;
mod keys;
mod machine_clock;
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
    //! What an adapter for a framework is made of.
    //!
    //! An adapter does three things, and decides nothing ([how to add a framework](crate::manual::adding_a_framework)):
    //! - It hands **the next chunk** to [`Receive::poll`], as a [`BodySource`], beside a [`RequestHead`](crate::RequestHead) over the framework's request and a
    //!   [`Timer`] of its runtime.
    //! - It puts **the body back**: [`Receive::poll`] comes to an [`Outcome`], whose body goes to the handler, and whose [`Verified`](crate::Verified) goes where
    //!   handlers find such things.
    //! - It says **no**: a [`Rejection`](crate::Rejection) is answered with its [status](crate::Rejection::status_code) and the
    //!   [header](crate::Rejection::required_header) that the status requires, on a connection that is kept or closed as [`Receive::connection`] says; and it
    //!   goes where middleware finds it.

    pub use crate::receive::outcome::{Connection, Outcome};
    #[cfg(feature = "http")]
    pub use crate::receive::response::{empty_response, finish_response};
    pub use crate::receive::{Receive, ReceiveOptions};
    pub use crate::request::body_source::BodySource;
    pub use crate::request::header_index::HeaderIndex;
    pub use crate::request::timer::{NoTimer, Timer};
    #[cfg(feature = "tokio")]
    pub use crate::request::tokio_timer::TokioTimer;
    pub use crate::tenant::source::VerifierSource;
}
