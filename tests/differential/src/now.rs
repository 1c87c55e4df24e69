//! The core as it is now. Where its interface is another than before, what differs stands here, beside the head.

pub use countersign as library;

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

    fn headers<'h>(&'h self, index: &mut library::adapter::HeaderIndex<'_, 'h>) {
        index.extend(self.fields.iter().map(|(name, value)| (name, value)));
    }
}
