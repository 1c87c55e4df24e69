//! The current core. This file holds the code for each interface that differs from the earlier core, and the head.

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

use bytes::Buf;
use library::adapter::{BodySource, Connection, HeaderIndex, Outcome, Receive, ReceiveOptions, Timer, VerifierSource};
use library::{Deadline, DrainPolicy, Rejection, RequestHead};

use crate::request::Request;
use crate::script::BodyError;

/// The head interface of this side. No other code depends on this interface.
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

/// A head with the tenant named by the application, if any.
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

/// A received delivery. The core drains a rejected body.
struct Received {
    options: ReceiveOptions,
    receive: Receive,
}

impl Received {
    fn new(source: &VerifierSource, deadline: Option<Deadline>, insecure_report_only: bool) -> Self {
        let options = ReceiveOptions {
            verifiers: source.clone(),
            deadline,
            drain: Some(DrainPolicy::default()),
            insecure_report_only,
            ..ReceiveOptions::new(source.clone())
        };
        Self { options, receive: Receive::new() }
    }

    fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        head: &impl RequestHead,
        tenant: Option<&str>,
        timer: &mut impl Timer,
    ) -> Poll<Result<(), (Rejection, bool)>> {
        let polled = self.receive.poll_head(context, &self.options, &OfTenant { head, tenant }, timer);
        polled.map_err(|rejection| (rejection, self.receive.connection() == Connection::Close))
    }

    fn poll<D: Buf>(
        &mut self,
        context: &mut Context<'_>,
        head: &impl RequestHead,
        tenant: Option<&str>,
        next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<D, BodyError>>>,
        timer: &mut impl Timer,
    ) -> Poll<Result<Outcome, (Rejection, bool)>> {
        let mut body = Body(next);
        let polled = self.receive.poll(context, &self.options, &OfTenant { head, tenant }, &mut body, timer);
        polled.map_err(|rejection| (rejection, self.receive.connection() == Connection::Close))
    }
}

struct Body<F>(F);

impl<D: Buf, F: FnMut(&mut Context<'_>) -> Poll<Option<Result<D, BodyError>>>> BodySource for Body<F> {
    type Data = D;
    type Error = BodyError;

    fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<D, BodyError>>> {
        (self.0)(context)
    }

    fn is_length_limit(error: &(dyn std::error::Error + 'static)) -> bool {
        BodyError::is_limit(error)
    }
}
