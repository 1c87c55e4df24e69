//! Polls `Receive` by hand, as an adapter would.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use bytes::Bytes;

use super::build::Built;
use super::judge;
use super::library::adapter::{Outcome, Receive, ReceiveOptions, ReceiveRejection, Timer, VerifierSource};
use super::library::{Deadline, DrainPolicy, RequestHead};
use crate::answer::{End, TakenIn};
use crate::case::{Case, Limit};
use crate::script::{Alarm, BodyError, Clock, Playing};

/// How often it is polled without having been woken, before it is given up.
const PATIENCE: usize = 24;

/// No script has so many events.
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

/// A delivery on its way.
struct Delivery<'a, H> {
    case: &'a Case,
    head: &'a H,
    options: ReceiveOptions<'a>,
    receive: Receive,
    timer: ScriptTimer<'a>,
    body: Playing<'a>,
    is_head_due: bool,
}

impl<H: RequestHead> Delivery<'_, H> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Outcome, ReceiveRejection>> {
        let Self { case, head, options, receive, timer, body, is_head_due } = self;
        if *is_head_due {
            match super::poll_head(receive, context, timer, options, *head, case.tenant) {
                Poll::Ready(Ok(())) => *is_head_due = false,
                Poll::Ready(Err(rejection)) => return Poll::Ready(Err(rejection)),
                Poll::Pending => return Poll::Pending,
            }
        }
        super::poll(receive, context, timer, options, *head, case.tenant, |context| body.poll(context))
    }

    /// To its end, if it comes to one, and how often it waited without having been woken.
    fn drive(&mut self) -> (Option<Result<Outcome, ReceiveRejection>>, usize) {
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
        panic!("it wakes itself again and again");
    }
}

/// The body of a delivery that is there at once, and sound.
pub fn at_once(source: &VerifierSource, head: &impl RequestHead, body: Bytes) -> Option<Bytes> {
    let clock = Clock::new();
    let mut timer = ScriptTimer { clock: &clock, alarm: Alarm::Never };
    let options = ReceiveOptions { verifiers: source, deadline: None, insecure_report_only: false };
    let mut chunks = [body].into_iter();
    let next = |_: &mut Context<'_>| Poll::Ready(chunks.next().map(Ok::<_, BodyError>));
    let mut context = Context::from_waker(Waker::noop());
    match super::poll(&mut Receive::new(), &mut context, &mut timer, &options, head, None, next) {
        Poll::Ready(Ok(Outcome::Verified(_, body))) => Some(body),
        _ => None,
    }
}

pub fn receive(built: &Built, case: &Case, head: &impl RequestHead, is_head_due: bool) -> TakenIn {
    let clock = Clock::new();
    let deadline = |Limit { within, pace }| match pace {
        None => Deadline::new(within),
        Some((pace, grace)) => Deadline::new(within).minimum_pace(pace, grace),
    };
    let options =
        ReceiveOptions { verifiers: &built.source, deadline: case.deadline.map(deadline), insecure_report_only: case.report_only };
    let timer = ScriptTimer { clock: &clock, alarm: case.script.alarm };
    let body = Playing::new(&case.script, &clock);
    let mut delivery = Delivery { case, head, options, receive: Receive::new(), timer, body, is_head_due };
    let (outcome, slept) = delivery.drive();
    let Playing { taken, polled_after_end, .. } = delivery.body;

    let is_over = outcome.is_some();
    let is_pending_again = !is_over || delivery.poll(&mut Context::from_waker(Waker::noop())).is_pending();
    let (mut is_uncopied, mut charged) = (false, built.charged());
    let end = match outcome {
        None => End::Waits,
        Some(outcome) => {
            (is_uncopied, charged) = judge::of_outcome(built, case, &outcome);
            let left = |rejection: &ReceiveRejection| (rejection.is_at_end(), rejection.drain(DrainPolicy::default(), head).is_some());
            let left = outcome.as_ref().err().map_or((false, false), left);
            judge::end(outcome.map_err(ReceiveRejection::into_rejection), |_| left)
        }
    };
    TakenIn { end, is_uncopied, charged, taken, polled_after_end, slept, is_pending_again }
}
