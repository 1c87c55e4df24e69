//! The core at the commit named in `run`.

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

use std::task::{Context, Poll, ready};

use bytes::Buf;
use library::adapter::{Drain, Outcome, Receive, ReceiveOptions, Timer, VerifierSource};
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

    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        for (key, value) in &self.fields {
            if key.eq_ignore_ascii_case(name) {
                visit(value);
            }
        }
    }
}

/// A received delivery. The code here drains a rejected body by hand, as every adapter did at this commit.
struct Received {
    source: VerifierSource,
    deadline: Option<Deadline>,
    report_only: bool,
    receive: Receive,
    draining: Option<(Rejection, Drain)>,
}

impl Received {
    fn new(source: &VerifierSource, deadline: Option<Deadline>, report_only: bool) -> Self {
        Self { source: source.clone(), deadline, report_only, receive: Receive::new(), draining: None }
    }

    fn options(&self) -> ReceiveOptions<'_> {
        ReceiveOptions { verifiers: &self.source, deadline: self.deadline, insecure_report_only: self.report_only }
    }

    fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        head: &impl RequestHead,
        tenant: Option<&str>,
        timer: &mut impl Timer,
    ) -> Poll<Result<(), (Rejection, bool)>> {
        let mut receive = std::mem::take(&mut self.receive);
        let polled = receive.poll_head(context, timer, &self.options(), head, || tenant.map(str::to_owned));
        self.receive = receive;
        polled.map_err(|rejected| (rejected.into_rejection(), head.announces_body()))
    }

    fn poll<D: Buf>(
        &mut self,
        context: &mut Context<'_>,
        head: &impl RequestHead,
        tenant: Option<&str>,
        mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<D, BodyError>>>,
        timer: &mut impl Timer,
    ) -> Poll<Result<Outcome, (Rejection, bool)>> {
        if self.draining.is_none() {
            let mut receive = std::mem::take(&mut self.receive);
            let tenant = || tenant.map(str::to_owned);
            let polled = receive.poll(context, timer, &self.options(), head, tenant, &mut next, BodyError::is_limit);
            self.receive = receive;
            let rejected = match ready!(polled) {
                Ok(outcome) => return Poll::Ready(Ok(outcome)),
                Err(rejected) => rejected,
            };
            let has_rest = !rejected.is_at_end() && head.announces_body();
            let drain = if has_rest { rejected.drain(DrainPolicy::default(), head) } else { None };
            let rejection = rejected.into_rejection();
            let Some(drain) = drain else { return Poll::Ready(Err((rejection, has_rest))) };
            self.draining = Some((rejection, drain));
        }
        let Some((_, drain)) = &mut self.draining else { return Poll::Pending };
        let is_whole = ready!(drain.poll(context, timer, next));
        match self.draining.take() {
            Some((rejection, _)) => Poll::Ready(Err((rejection, !is_whole))),
            None => Poll::Pending,
        }
    }
}
