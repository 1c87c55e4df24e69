use std::error::Error;
use std::fmt;

use countersign::ConfigError;

/// Why a look-up brought no keys.
#[derive(Debug)]
pub(crate) enum Miss {
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

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed(_) => "the source of the keys failed",
            Self::TimedOut => "the source of the keys did not answer in time",
            Self::Panicked => "the source of the keys panicked",
            Self::Unfit(_) => "what the source holds cannot be the keys",
            Self::Full => "too many look-ups wait for their turn",
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
