//! The core as it was at the commit that `run` names.

pub use countersign_before as library;

#[path = "side/answers.rs"]
mod answers;
#[path = "side/build.rs"]
pub mod build;
#[path = "side/judge.rs"]
pub mod judge;
#[path = "side/receive.rs"]
mod receive;
#[path = "side/schemes.rs"]
pub mod schemes;

use crate::request::Request;

/// How this side reads a head. The only place that knows.
impl library::RequestHead for Request {
    fn method(&self) -> &str {
        &self.method
    }

    fn target(&self) -> &str {
        &self.target
    }

    fn original_target(&self) -> &str {
        &self.original_target
    }

    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        for (key, value) in &self.fields {
            if key.eq_ignore_ascii_case(name) {
                visit(value);
            }
        }
    }
}
