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
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { key, path, .. } => write!(f, "the secret of key {key:?} cannot be read from {}", path.display()),
            Self::Unfit(_) => f.write_str("what the files hold cannot be the keys"),
        }
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::Unfit(error) => Some(error),
        }
    }
}
