use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use countersign::{ConfigError, KeyId};

/// Why keys could not be had from their files.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// A file could not be read.
    Unreadable {
        /// The key whose file it is.
        key: KeyId,
        /// The file.
        path: PathBuf,
        /// What is the matter with it.
        source: io::Error,
    },
    /// What was read cannot be the keys of a verifier.
    Unfit(ConfigError),
    /// The files changed at each look: for a second at the first load, or at ten looks in a row.
    Unsettled,
    /// The thread that watches the files could not be started.
    Thread(io::Error),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The source names the file.
            Self::Unreadable { key, .. } => write!(f, "no secret for the key {key:?}"),
            Self::Unfit(_) => f.write_str("what the files hold cannot be the keys"),
            Self::Thread(_) => f.write_str("the thread that watches the key files cannot be started"),
            Self::Unsettled => f.write_str("the key files change at each look: write them faster, or move them into place"),
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
