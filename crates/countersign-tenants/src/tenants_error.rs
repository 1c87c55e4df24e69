use std::error::Error;
use std::fmt;

use countersign::ConfigError;

/// What is wrong with the description of [`Tenants`](crate::Tenants), found when it is built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TenantsError {
    /// It was not said where the tenant's name is.
    NoName,
    /// The pattern for paths is none.
    InvalidPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        fault: String,
    },
    /// There is room for no tenant, no time to look one up, or no lookup at all.
    Zero,
    /// No verifier can be built by this.
    Verifier(ConfigError),
}

impl fmt::Display for TenantsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName => f.write_str("it is not said where the tenant's name is"),
            Self::InvalidPattern { pattern, fault } => write!(f, "{pattern:?} is no pattern for tenants: {fault}"),
            Self::Zero => f.write_str("capacity, timeout and the number of lookups cannot be zero"),
            Self::Verifier(_) => f.write_str("the tenants' verifiers cannot be built"),
        }
    }
}

impl Error for TenantsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Verifier(error) => Some(error),
            _ => None,
        }
    }
}
