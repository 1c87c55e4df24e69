pub(crate) mod log;
#[cfg(feature = "metrics")]
pub(crate) mod metrics;
pub(crate) mod observer;
pub(crate) mod one_line;
pub(crate) mod rate;
pub(crate) mod secret_warnings;
pub(crate) mod span;
