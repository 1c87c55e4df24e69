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

use std::task::{Context, Poll};

use bytes::Bytes;
use library::RequestHead;
use library::adapter::{Outcome, Receive, ReceiveOptions, ReceiveRejection, Timer};

use crate::request::Request;
use crate::script::BodyError;

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

fn poll_head(
    receive: &mut Receive,
    context: &mut Context<'_>,
    timer: &mut impl Timer,
    options: &ReceiveOptions<'_>,
    head: &impl RequestHead,
    tenant: Option<&str>,
) -> Poll<Result<(), ReceiveRejection>> {
    receive.poll_head(context, timer, options, head, || tenant.map(str::to_owned))
}

fn poll(
    receive: &mut Receive,
    context: &mut Context<'_>,
    timer: &mut impl Timer,
    options: &ReceiveOptions<'_>,
    head: &impl RequestHead,
    tenant: Option<&str>,
    next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>>,
) -> Poll<Result<Outcome, ReceiveRejection>> {
    receive.poll(context, timer, options, head, || tenant.map(str::to_owned), next, BodyError::is_limit)
}
