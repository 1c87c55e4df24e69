//! Secrets of webhooks from files, re-read when they change while the service runs.
//!
//! Kubernetes and Docker hand secrets to a service as files, and Kubernetes changes them under the service's feet. With [`KeyFiles`] a secret
//! is rotated by changing the file, and no delivery is lost:
//!
//! ```no_run
//! use std::time::Duration;
//! use countersign::{Verifier, providers};
//! use countersign_keys::KeyFiles;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let files = KeyFiles::new()
//!     .file("current", "/run/secrets/jira/current")
//!     // There while the secret is being changed, and not otherwise.
//!     .optional_file("previous", "/run/secrets/jira/previous");
//! let verifier = files.verifier(Verifier::builder(providers::JIRA))?;
//! let watch = files.watch(verifier.keys(), Duration::from_secs(10))?;
//! // … serve; `watch` ends when it is dropped.
//! # drop(watch);
//! # Ok(())
//! # }
//! ```
//!
//! # How a change is noticed
//! The files are read at intervals, and compared by what is in them. So it does not matter how they were changed: written to, moved into
//! place, or behind the symbolic links that Kubernetes swaps all at once. It needs no runtime: a thread of its own sleeps in between.
//!
//! # What happens then
//! All keys are replaced at once ([`Keys::replace`](countersign::Keys::replace)), if all of the files can be read and every secret is one that
//! the provider could have. Otherwise the last good keys stay in force, and an event of `tracing` says why: at `WARN`, with the target
//! `countersign` and the field `error`, once for each new cause. A change that was made is an event at `INFO` with the ids of the keys. No
//! event holds a secret.
//!
//! A file loses one line break at its end, as [`Secret::from_file`](countersign::Secret::from_file) says. A key that was given an expiry by
//! [`Keys::expire`](countersign::Keys::expire) has none any more after a change: take its file away instead.

mod key_files;
mod load_error;
mod watch;

pub use key_files::KeyFiles;
pub use load_error::LoadError;
pub use watch::Watch;
