//! Polls `Receive` by hand, as an adapter does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use bytes::Bytes;

use super::Received;
use super::build::Built;
use super::judge;
use super::library::adapter::{Outcome, Timer, VerifierSource};
use super::library::{Deadline, Rejection, RequestHead};
use crate::answer::{End, Receipt};
use crate::case::{Case, Limit};
use crate::script::{Alarm, BodyError, Clock, Playing};

/// The number of pending polls without a wake-up before a delivery is given up.
const PATIENCE: usize = 24;

/// The greatest number of polls. No script has this number of events.
const MOST_POLLS: usize = 1000;

struct ScriptTimer<'c> {
    clock: &'c Clock,
    alarm: Alarm,
}

impl Timer for ScriptTimer<'_> {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn poll_until(&mut self, until: Instant, _: &mut Context<'_>) -> Poll<()> {
        self.clock.poll_until(self.alarm, until)
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A delivery in progress.
struct Delivery<'a, H> {
    case: &'a Case,
    head: &'a H,
    receive: Received,
    timer: ScriptTimer<'a>,
    body: Playing<'a>,
    is_head_due: bool,
}

/// The outcome, or a rejection with a flag for closing the connection.
type Ended = Result<Outcome, (Rejection, bool)>;

impl<H: RequestHead> Delivery<'_, H> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Ended> {
        let Self { case, head, receive, timer, body, is_head_due } = self;
        if *is_head_due {
            match receive.poll_head(context, *head, case.tenant, timer) {
                Poll::Ready(Ok(())) => *is_head_due = false,
                Poll::Ready(Err(rejected)) => return Poll::Ready(Err(rejected)),
                Poll::Pending => return Poll::Pending,
            }
        }
        receive.poll(context, *head, case.tenant, |context| body.poll(context), timer)
    }

    /// Polls the delivery to its end, if any. Returns the outcome, and the number of pending polls without a wake-up.
    fn drive(&mut self) -> (Option<Ended>, usize) {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut slept = 0;
        for _ in 0..MOST_POLLS {
            if let Poll::Ready(outcome) = self.poll(&mut context) {
                return (Some(outcome), slept);
            }
            if !woken.0.swap(false, Ordering::Relaxed) {
                slept += 1;
            }
            if slept > PATIENCE {
                return (None, slept);
            }
        }
        panic!("the delivery wakes its task again and again");
    }
}

/// Receives a delivery with a complete body. Returns the body of a verified delivery.
pub fn at_once(source: &VerifierSource, head: &impl RequestHead, body: Bytes) -> Option<Bytes> {
    let clock = Clock::new();
    let mut timer = ScriptTimer { clock: &clock, alarm: Alarm::Never };
    let mut chunks = [body].into_iter();
    let next = |_: &mut Context<'_>| Poll::Ready(chunks.next().map(Ok::<_, BodyError>));
    let mut context = Context::from_waker(Waker::noop());
    match Received::new(source, None, false).poll(&mut context, head, None, next, &mut timer) {
        Poll::Ready(Ok(Outcome::Verified(_, body))) => Some(body),
        _ => None,
    }
}

pub fn receive(built: &Built, case: &Case, head: &impl RequestHead, is_head_due: bool) -> Receipt {
    let clock = Clock::new();
    let deadline = |Limit { within, pace }| match pace {
        None => Deadline::new(within),
        Some((pace, grace)) => Deadline::new(within).minimum_pace(pace, grace),
    };
    let received = Received::new(&built.source, case.deadline.map(deadline), case.report_only);
    let timer = ScriptTimer { clock: &clock, alarm: case.script.alarm };
    let body = Playing::new(&case.script, &clock);
    let mut delivery = Delivery { case, head, receive: received, timer, body, is_head_due };
    let (outcome, slept) = delivery.drive();
    let Playing { taken, polled_after_end, .. } = delivery.body;

    let is_over = outcome.is_some();
    let is_pending_again = !is_over || delivery.poll(&mut Context::from_waker(Waker::noop())).is_pending();
    let (mut is_uncopied, mut charged) = (false, built.charged());
    let end = match outcome {
        None => End::Waits,
        Some(outcome) => {
            (is_uncopied, charged) = judge::of_outcome(built, case, &outcome);
            judge::end(outcome)
        }
    };
    Receipt { end, is_uncopied, charged, taken, polled_after_end, slept, is_pending_again }
}
