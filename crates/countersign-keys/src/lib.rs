//! [`KeyFiles`]: crate::KeyFiles
//! [`KeyFiles::watch`]: crate::KeyFiles::watch
//! [`Keys::expire`]: countersign::Keys::expire
//! [`Keys::replace`]: countersign::Keys::replace
//! [`Observer::observe_keys`]: countersign::observe::Observer::observe_keys
//! [`Secret::from_file`]: countersign::Secret::from_file
//! [`Watch`]: crate::Watch
//! [guide to rotation]: countersign::manual::rotation
//! [guide to tenants]: countersign::manual::tenants
// rustdoc takes the first definition of a link, so the links above win over the URLs at the end of
// README.md. crates.io knows the URLs only.
#![doc = include_str!("../README.md")]

mod key_files;
mod load_error;
mod watch;

pub use key_files::KeyFiles;
pub use load_error::LoadError;
pub use watch::Watch;
