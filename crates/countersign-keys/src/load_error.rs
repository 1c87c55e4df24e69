use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use countersign::{ConfigError, KeyId};

/// Cause of a failed load of keys from files.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// A file could not be read.
    Unreadable {
        /// The id of the key.
        key: KeyId,
        /// The path of the file.
        path: PathBuf,
        /// The error of [`Secret::from_file`](countersign::Secret::from_file).
        source: io::Error,
    },
    /// No verifier can have these keys. The source names the cause.
    Unfit(ConfigError),
    /// The files changed at each read: for one second during the first load, or at eleven reads in
    /// a row of a watch.
    Unsettled,
    /// The thread of the watch could not be started.
    Thread(io::Error),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The source names the file.
            Self::Unreadable { key, .. } => write!(f, "no secret for the key {key:?}"),
            Self::Unfit(_) => f.write_str("the contents of the key files are no valid keys"),
            Self::Thread(_) => f.write_str("the thread for the key files did not start"),
            Self::Unsettled => f.write_str("the key files change at each read: move complete files into place"),
        }
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::Unfit(error) => Some(error),
            Self::Unsettled => None,
            Self::Thread(error) => Some(error),
        }
    }
}
