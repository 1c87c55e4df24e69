use std::error::Error;
use std::fmt;

use countersign::ConfigError;

/// A configuration error of [`Tenants`](crate::Tenants), found by
/// [`TenantsBuilder::build`](crate::TenantsBuilder::build), or of
/// [`PathPattern`](crate::PathPattern).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TenantsError {
    /// No source of the tenant's name is set: call [`by_path`](crate::TenantsBuilder::by_path) or
    /// [`by`](crate::TenantsBuilder::by).
    NoName,
    /// The path pattern is invalid. [`PathPattern::new`](crate::PathPattern::new) lists the rules.
    InvalidPattern {
        /// The pattern.
        pattern: String,
        /// The reason, as text.
        fault: String,
    },
    /// The capacity, the timeout or the number of concurrent lookups is zero.
    Zero,
    /// The verifier of the tenants cannot be built. The source names the cause.
    Verifier(ConfigError),
}

impl fmt::Display for TenantsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName => f.write_str("no source of the tenant's name: call `.by_path(…)` or `.by(…)`"),
            Self::InvalidPattern { pattern, fault } => write!(f, "{pattern:?} is no path pattern for tenants: {fault}"),
            Self::Zero => f.write_str("capacity, timeout and the number of lookups must not be zero"),
            Self::Verifier(_) => f.write_str("the verifiers of the tenants cannot be built"),
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
