use std::error::Error;
use std::fmt;

use crate::problem::Problem;

/// An error of [`RedisStore::connect`](crate::RedisStore::connect) or
/// [`RedisStore::connect_strict`](crate::RedisStore::connect_strict).
#[derive(Debug)]
#[non_exhaustive]
pub enum RedisStoreError {
    /// The URL is wrong, or the server did not answer in time, or refused. The source says more.
    Connection(Box<dyn Error + Send + Sync>),
    /// The server is unfit for a guard.
    Problems(Vec<Problem>),
}

impl fmt::Display for RedisStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(_) => f.write_str("no connection to Redis"),
            Self::Problems(problems) => {
                let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
                write!(f, "Redis is unfit for a guard: {}", problems.join("; "))
            }
        }
    }
}

impl Error for RedisStoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connection(source) => Some(&**source),
            Self::Problems(_) => None,
        }
    }
}
