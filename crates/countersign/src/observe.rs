//! Reports for the application: verdicts, keys and metrics.

pub(crate) mod log;
#[cfg(feature = "metrics")]
pub(crate) mod metrics;
pub(crate) mod observer;
pub(crate) mod one_line;
pub(crate) mod rate;
pub(crate) mod secret_warnings;
pub(crate) mod span;

#[cfg(feature = "metrics")]
pub use metrics::MetricsObserver;
pub use observer::{KeysEvent, Observer, Verdict};
pub use one_line::one_line;
