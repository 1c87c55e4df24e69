//! The intended differences. Each difference is a narrow condition with a reason. The table counts and prints each reason.
//!
//! ```text
//! // The earlier core rejected a 17th signature before it read the timestamp. The current core reads the timestamp first.
//! if before.label() == "too_many_signatures" && now.label() == "timestamp_too_old" {
//!     return Some("the timestamp is read first");
//! }
//! ```

use crate::answer::{Answer, Entry};
use crate::case::Case;

/// Returns the reason for an intended difference of these answers. A panic is never intended, and never reaches this function.
pub fn meant(_entry: Entry, _before: &Answer, _now: &Answer, _case: &Case) -> Option<&'static str> {
    None
}
