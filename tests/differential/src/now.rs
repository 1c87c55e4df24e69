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

use std::borrow::Cow;
use std::task::{Context, Poll};

use bytes::Bytes;
use library::RequestHead;
use library::adapter::{HeaderIndex, Outcome, Receive, ReceiveOptions, ReceiveRejection, Timer};

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

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        index.extend(self.fields.iter().map(|(name, value)| (name, value)));
    }
}

/// A head whose tenant the application knows, where it knows one.
struct OfTenant<'a, H> {
    head: &'a H,
    tenant: Option<&'a str>,
}

impl<H: RequestHead> RequestHead for OfTenant<'_, H> {
    fn method(&self) -> &str {
        self.head.method()
    }

    fn target(&self) -> &str {
        self.head.target()
    }

    fn original_target(&self) -> &str {
        self.head.original_target()
    }

    fn tenant(&self) -> Option<Cow<'_, str>> {
        self.tenant.map(Cow::Borrowed)
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        self.head.headers(index);
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
    receive.poll_head(context, timer, options, &OfTenant { head, tenant })
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
    receive.poll(context, timer, options, &OfTenant { head, tenant }, next, BodyError::is_limit)
}
