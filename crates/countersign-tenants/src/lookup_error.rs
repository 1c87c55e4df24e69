use std::error::Error;
use std::fmt;
use std::sync::Arc;

use countersign::ConfigError;

/// Cause of a failed lookup.
#[derive(Debug)]
pub(crate) enum LookupError {
    Failed(Box<dyn Error + Send + Sync>),
    TimedOut,
    Panicked,
    /// The returned keys are unfit for a verifier.
    Unfit(ConfigError),
    /// The limit of lookups under way is reached.
    Full,
    /// The task of the lookup ended without a result, because the runtime shut down.
    Stopped,
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed(_) => "the key source failed",
            Self::TimedOut => "the key source did not answer in time",
            Self::Panicked => "the key source panicked",
            Self::Unfit(_) => "the key source returned no valid keys",
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

/// Error of a resolver without keys for a tenant.
///
/// The sender writes the name. `Display` quotes and escapes the name, so the name cannot pass for
/// other text of the message.
#[derive(Debug)]
pub(crate) struct Unavailable {
    pub(crate) tenant: String,
    pub(crate) error: Arc<LookupError>,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the keys of {:?} are unavailable", self.tenant)
    }
}

impl Error for Unavailable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.error)
    }
}
