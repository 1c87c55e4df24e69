use std::error::Error;
use std::fmt;

use countersign::ConfigError;

/// Why a look-up brought no keys.
#[derive(Debug)]
pub(crate) enum Miss {
    /// There is no such tenant.
    Unknown,
    Failed(Box<dyn Error + Send + Sync>),
    TimedOut,
    Panicked,
    /// What was found cannot be keys.
    Unfit(ConfigError),
    /// The runtime is shutting down.
    Stopped,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "there is no such tenant",
            Self::Failed(_) => "the source of the keys failed",
            Self::TimedOut => "the source of the keys did not answer in time",
            Self::Panicked => "the source of the keys panicked",
            Self::Unfit(_) => "what the source holds cannot be the keys",
            Self::Stopped => "the look-up was stopped",
        })
    }
}

impl Error for Miss {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(&**error),
            Self::Unfit(error) => Some(error),
            _ => None,
        }
    }
}
