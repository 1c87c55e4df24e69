use std::error::Error;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Buf;

use crate::body::collector::BodyCollector;
use crate::body::deadline::Deadline;
use crate::body::memory_budget::Exhausted;
use crate::observe::observer::Verdict;
use crate::observe::one_line::one_line;
use crate::observe::span::DeliverySpan;
use crate::receive::outcome::Outcome;
use crate::request::body_source::BodySource;
use crate::request::head::{RequestHead, announced, length};
use crate::request::header_index::{HeaderIndex, HeaderValues};
use crate::request::timer::Timer;
use crate::verdict::rejection::{Phase, Progress, Rejection};
use crate::verdict::rejection_kind::RejectionKind;
use crate::verdict::verified::Verified;
use crate::verifier::config::Config;
use crate::verifier::policy::Policy;
use crate::verifier::state::VerificationState;

/// One delivery on its way, but for what judges it: its body is kept within the limit, and handed out once it is judged.
///
/// A body that comes in one chunk is handed on without a copy (with a [`MemoryBudget`](crate::MemoryBudget), from 64 KiB on). Memory grows with what has
/// arrived, to at most twice of that (three times while it is moved to a larger place), never with what was announced beyond 32 KiB, and
/// never past the limit (but for the old place while it is moved).
pub(crate) struct ReceiveState {
    span: DeliverySpan,
    /// Why the head of a delivery that is only reported on would have been rejected.
    fault: Option<Box<Rejection>>,
    body: BodyCollector,
    /// Whether a delivery that would be answered 401 is handed out, to be reported on.
    report_only: bool,
    is_at_end: bool,
    deadline: Option<Deadline>,
    /// Whether a chunk was missing once, and is asked for again without a wait.
    asked_again: bool,
    /// When an adapter had to wait for the first time.
    waiting_since: Option<Instant>,
}

impl ReceiveState {
    /// The state before the head is judged.
    #[inline]
    pub(crate) fn new(span: DeliverySpan, deadline: Option<Deadline>, report_only: bool) -> Self {
        Self {
            span,
            fault: None,
            body: BodyCollector::new(0, 0, None),
            report_only,
            is_at_end: false,
            deadline,
            asked_again: false,
            waiting_since: None,
        }
    }

    /// Judges what has come of the head, and the length that it announces. What is to be answered 401 is only remembered if it is only to be
    /// reported on.
    pub(crate) fn start<'h>(
        &mut self,
        config: &Config,
        head: &'h dyn RequestHead,
        index: &HeaderIndex<'_, 'h>,
        judge: impl FnOnce() -> Result<(), Rejection>,
    ) -> Result<(), Rejection> {
        match self.span.in_scope(judge) {
            Ok(()) => {}
            Err(rejection) if self.report_only && rejection.status_code() == 401 => self.fault = Some(Box::new(rejection)),
            Err(rejection) => return Err(self.span.rejected(rejection)),
        }
        let announced = match index.get(config.policy.plan.content_length) {
            HeaderValues::None => 0,
            HeaderValues::One(value) => length(value),
            HeaderValues::Several => announced(head),
        };
        self.admit(config, announced)
    }

    /// Gives the body this long to arrive.
    pub(crate) const fn set_deadline(&mut self, deadline: Option<Deadline>) {
        self.deadline = deadline;
    }

    /// Judges the length that the head announces.
    fn admit(&mut self, config: &Config, announced: usize) -> Result<(), Rejection> {
        let Policy { body_limit, budget, .. } = &*config.policy;
        // What is larger than the whole budget can never fit: there is no use in coming again.
        let most = budget.as_ref().map_or(*body_limit, |budget| budget.bytes().min(*body_limit));
        let fault = if announced > most {
            Some(RejectionKind::BodyTooLarge)
        } else if budget.as_ref().is_some_and(|budget| announced > budget.room()) {
            // What does not fit need not be begun; what fits now may yet find it spent.
            Some(RejectionKind::BudgetExhausted)
        } else {
            None
        };
        if let Some(kind) = fault {
            return Err(self.span.rejected(config.reject(kind)));
        }
        self.body = BodyCollector::new(most, announced, budget.clone());
        if config.policy.observer.is_some() {
            self.span.begin();
        }
        Ok(())
    }

    /// Takes in the next chunk: limit and budget are checked before a byte is copied or hashed. [`Bytes`](bytes::Bytes) are kept without a copy if they
    /// are the whole body (with a [`MemoryBudget`](crate::MemoryBudget), from 64 KiB on).
    ///
    /// # Errors
    /// [`RejectionKind::BodyTooLarge`] if the body grows past the limit, or the whole budget, with this chunk, [`RejectionKind::BudgetExhausted`]
    /// if there is no room for it in the budget now. What was kept is dropped.
    fn push(&mut self, config: &Config, verification: &mut VerificationState, mut chunk: impl Buf) -> Result<(), Rejection> {
        let len = chunk.remaining();
        if len > self.body.room() {
            return Err(self.give_up(config, RejectionKind::BodyTooLarge));
        }
        if let Err(Exhausted) = self.body.admit(len) {
            return Err(self.give_up(config, RejectionKind::BudgetExhausted));
        }
        let _entered = self.span.enter();
        let chunk = chunk.copy_to_bytes(len);
        if self.fault.is_none() {
            verification.update(&chunk);
        }
        self.body.push(chunk);
        Ok(())
    }

    /// Until when to wait, now that there is no chunk; `None` for as long as it takes, without a [`Deadline`]. The clock is only read if there is a
    /// deadline, and runs from the first call on.
    ///
    /// # Errors
    /// [`RejectionKind::BodyTimeout`] if that moment is over. What was kept is dropped.
    fn wait(&mut self, config: &Config, now: impl FnOnce() -> Instant) -> Result<Option<Instant>, Rejection> {
        let Some(deadline) = self.deadline else { return Ok(None) };
        let now = now();
        match deadline.due(*self.waiting_since.get_or_insert(now), self.body.len()) {
            Some(due) if due <= now => Err(self.give_up(config, RejectionKind::BodyTimeout)),
            due => Ok(due),
        }
    }

    /// Takes in the body to its end.
    ///
    /// With a deadline, the first time that a chunk is missing the task is woken at once, to ask again; from the second time on `timer` is asked.
    ///
    /// # Errors
    /// Those of [`push`](Self::push) and [`wait`](Self::wait), and what [`failed`](Self::failed) makes of an error.
    pub(crate) fn poll_body<B: BodySource>(
        &mut self,
        config: &Config,
        verification: &mut VerificationState,
        cx: &mut Context<'_>,
        body: &mut B,
        timer: &mut impl Timer,
    ) -> Poll<Result<(), Rejection>> {
        while !self.is_at_end {
            match body.poll_data(cx) {
                Poll::Ready(Some(Ok(chunk))) => self.push(config, verification, chunk)?,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(self.failed::<B>(config, error.into()))),
                Poll::Ready(None) => self.is_at_end = true,
                Poll::Pending => return self.poll_wait(config, cx, timer),
            }
        }
        // The body is whole: here a key is awaited that only the body names.
        #[cfg(test)]
        ready!(verification.poll_key(cx, self.body.bytes()));
        Poll::Ready(Ok(()))
    }

    /// Pending until there may be a chunk, or too late.
    fn poll_wait(&mut self, config: &Config, cx: &mut Context<'_>, timer: &mut impl Timer) -> Poll<Result<(), Rejection>> {
        // Some servers, such as actix-web's, hand over a body that came with its head when they have seen that somebody waits for it: then it is
        // there the next time, and no clock has to be set.
        if self.deadline.is_some() && !std::mem::replace(&mut self.asked_again, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // A timer that has rung is asked again whether it was for long enough: what came meanwhile may have earned more.
        while let Some(until) = self.wait(config, || timer.now())? {
            ready!(timer.poll_until(until, cx));
        }
        Poll::Pending
    }

    /// Whether the body was read to its end: then nothing is left of what was rejected.
    pub(crate) const fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    fn give_up(&mut self, config: &Config, kind: RejectionKind) -> Rejection {
        let rejection = self.span.rejected(self.rejection(config, kind));
        self.body.clear();
        rejection
    }

    fn progress(&self) -> Progress {
        Progress { phase: Phase::Body, body_bytes: self.body.len(), time: self.span.time() }
    }

    /// Judges the body at its end, by what `finish` comes to. Once.
    pub(crate) fn conclude(&mut self, config: &Config, finish: impl FnOnce() -> Result<Verified, Rejection>) -> Result<Outcome, Rejection> {
        let progress = Progress { phase: Phase::End, ..self.progress() };
        let _entered = self.span.enter();
        let judged = match self.fault.take() {
            None => finish(),
            Some(fault) => Err(*fault),
        };
        match judged {
            Ok(verified) => {
                tell(config, &self.span, &verified, progress);
                Ok(Outcome::Verified(verified, self.body.take()))
            }
            Err(rejection) if self.report_only => {
                let rejection = rejection.at(progress);
                self.span.let_through(&rejection);
                Ok(Outcome::Unverified(rejection, self.body.take()))
            }
            Err(rejection) => {
                self.body.clear();
                Err(self.span.rejected(rejection.at(progress)))
            }
        }
    }

    /// The body broke off with `error`.
    #[cold]
    fn failed<B: BodySource>(&self, config: &Config, error: Box<dyn Error + Send + Sync>) -> Rejection {
        let failed = Progress { phase: Phase::Failed, ..self.progress() };
        let mut cause = Some(&*error as &(dyn Error + 'static));
        while cause.is_some_and(|error| !B::is_length_limit(error)) {
            cause = cause.and_then(Error::source);
        }
        let rejection = match cause {
            Some(_) => self.rejection(config, RejectionKind::BodyTooLarge),
            None => self.rejection(config, RejectionKind::BodyUnreadable).with_source(error),
        };
        self.span.rejected(rejection.at(failed))
    }

    fn rejection(&self, config: &Config, kind: RejectionKind) -> Rejection {
        config.reject(kind).at(self.progress())
    }
}

/// Tells whoever looks of a delivery that is verified: the span, the log at `DEBUG`, and whoever observes.
fn tell(config: &Config, span: &DeliverySpan, verified: &Verified, progress: Progress) {
    span.verified(verified, progress);
    let Progress { body_bytes, time, .. } = progress;
    let (scheme, seconds) = (verified.scheme(), time.as_ref().map(Duration::as_secs_f64));
    let tenant = || verified.tenant().map(one_line);
    tracing::debug!(
        target: "countersign",
        verdict = "verified", scheme, tenant = tenant().as_deref(), key = &*one_line(verified.key_id().as_str()), body_bytes, seconds, "delivery verified"
    );
    if let Some(observer) = &config.policy.observer {
        observer.observe(&Verdict::new(Ok(verified), false, body_bytes, time.unwrap_or_default()));
    }
}
