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
//! The files are read at intervals, and compared by what is in them. A change counts when two looks in a row find the same, so that a file
//! which is being written is not taken for a key. The first load looks twice, too, a tenth of a second apart.
//!
//! **Move files into place**, or change them behind the symbolic links that Kubernetes swaps all at once: then no look finds half a secret. A file
//! that is written in place is safe only if its writer never pauses for longer than the interval, and for the first load never for longer than a
//! tenth of a second: two looks at the same half take it for the secret. While the files change at each look, the keys in force stay; from the
//! eleventh such look on that is a failure like any other.
//!
//! It needs no runtime: a thread of its own sleeps in between.
//!
//! A key file is a regular file, or a link to one, of 64 KiB at most. A folder, a FIFO and a device are errors.
//!
//! # What happens then
//! All keys are replaced at once ([`Keys::replace`](countersign::Keys::replace)), if all of the files can be read and every secret is one that
//! the provider could have. Otherwise the last good keys stay in force, and an event of `tracing` says why: at `WARN`, with the target
//! `countersign` and the field `error`, once for each new cause. An [`Observer`](countersign::observe::Observer) is told of each look that failed so, and
//! of each change ([`observe_keys`](countersign::observe::Observer::observe_keys)): how many keys there are, and when each last matched. A change that was made is an event at `INFO` with the ids of the keys. No
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
