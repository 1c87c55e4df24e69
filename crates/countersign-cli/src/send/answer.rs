use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

/// The result of a delivery.
pub(crate) struct Answer {
    pub(crate) status: Result<StatusCode, String>,
    /// Duration of the last attempt.
    pub(crate) took: Duration,
    pub(crate) attempts: u32,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

/// Formats a status, with the standard's reason phrase if there is any.
pub(crate) fn named(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()).trim_end().to_owned()
}
