use std::error::Error;
use std::fmt;
use std::sync::Arc;

use countersign::ConfigError;

/// Why a lookup brought no keys.
#[derive(Debug)]
pub(crate) enum LookupError {
    Failed(Box<dyn Error + Send + Sync>),
    TimedOut,
    Panicked,
    /// What was found cannot be keys.
    Unfit(ConfigError),
    /// Too many wait already.
    Full,
    /// The runtime is shutting down.
    Stopped,
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed(_) => "the source of the keys failed",
            Self::TimedOut => "the source of the keys did not answer in time",
            Self::Panicked => "the source of the keys panicked",
            Self::Unfit(_) => "what the source holds cannot be the keys",
            Self::Full => "too many lookups wait for a permit",
            Self::Stopped => "the lookup was stopped",
        })
    }
}

impl Error for LookupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(&**error),
            Self::Unfit(error) => Some(error),
            _ => None,
        }
    }
}

/// Why the keys of a tenant cannot be had. The name is the sender's, and written so that it cannot be taken for anything else.
#[derive(Debug)]
pub(crate) struct Unavailable {
    pub(crate) tenant: String,
    pub(crate) error: Arc<LookupError>,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the keys of {:?} cannot be had", self.tenant)
    }
}

impl Error for Unavailable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.error)
    }
}
