use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

/// What came of one delivery.
pub(crate) struct Answer {
    pub(crate) status: Result<StatusCode, String>,
    /// Of the last attempt.
    pub(crate) took: Duration,
    pub(crate) attempts: u32,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

/// In the words of the standard, as far as it has any.
pub(crate) fn named(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()).trim_end().to_owned()
}
