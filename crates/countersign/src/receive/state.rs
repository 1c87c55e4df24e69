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
use crate::request::timer::Timer;
use crate::verdict::rejection::{Phase, Progress, Rejection};
use crate::verdict::rejection_kind::RejectionKind;
use crate::verdict::verified::Verified;
use crate::verifier::config::{Config, Snapshot};
use crate::verifier::policy::Policy;
use crate::verifier::state::VerificationState;

/// What [`Intake`](crate::adapter::Intake) does, without what it is judged by, which may be borrowed or shared.
pub(crate) struct ReceiveState {
    span: DeliverySpan,
    state: VerificationState,
    /// Why the head of a delivery that is only reported on would have been rejected.
    fault: Option<Box<Rejection>>,
    buffer: BodyCollector,
    /// Whether a delivery that would be answered 401 is handed out, to be reported on.
    report_only: bool,
    end: End,
    deadline: Option<Deadline>,
    /// Whether a chunk was missing once, and is asked for again without a wait.
    asked_again: bool,
    /// When an adapter had to wait for the first time.
    waiting_since: Option<Instant>,
}

/// What has come of it.
#[derive(Clone, Copy)]
enum End {
    Open,
    /// It was given up for this.
    Rejected(RejectionKind),
    Judged,
}

impl ReceiveState {
    /// Of which nothing has been looked at yet.
    #[inline]
    pub(crate) fn new(span: DeliverySpan) -> Self {
        Self {
            span,
            state: VerificationState::new(),
            fault: None,
            buffer: BodyCollector::new(0, 0, None),
            report_only: false,
            end: End::Open,
            deadline: None,
            asked_again: false,
            waiting_since: None,
        }
    }

    /// What judges the head, and the span of doing so.
    pub(crate) const fn head(&mut self) -> (&mut VerificationState, &DeliverySpan) {
        (&mut self.state, &self.span)
    }

    pub(crate) const fn buffer(&self) -> &BodyCollector {
        &self.buffer
    }

    /// To be only reported on, whatever is wrong with its head.
    pub(crate) fn report_only(&mut self, fault: Option<Rejection>) {
        self.report_only = true;
        self.fault = fault.map(Box::new);
    }

    /// Judges the length that the head announces.
    pub(crate) fn admit(&mut self, config: &Config, announced: usize) -> Result<(), Rejection> {
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
        self.buffer = BodyCollector::new(most, announced, budget.clone());
        if config.policy.observer.is_some() {
            self.span.begin();
        }
        Ok(())
    }

    /// Gives the body this long to arrive: see [`wait`](Self::wait).
    pub(crate) const fn set_deadline(&mut self, deadline: Option<Deadline>) {
        self.deadline = deadline;
    }

    /// Takes in the next chunk: limit and budget are checked before a byte is copied or hashed. [`Bytes`](bytes::Bytes) are kept without a copy if they
    /// are the whole body (with a [`MemoryBudget`](crate::MemoryBudget), from 64 KiB on).
    ///
    /// # Errors
    /// [`RejectionKind::BodyTooLarge`] if the body grows past the limit, or the whole budget, with this chunk, [`RejectionKind::BudgetExhausted`]
    /// if there is no room for it in the budget now. What was kept is dropped, and every later call fails alike.
    pub(crate) fn push(&mut self, config: &Config, mut chunk: impl Buf) -> Result<(), Rejection> {
        if let Some(kind) = self.over() {
            return Err(self.rejection(config, kind));
        }
        let len = chunk.remaining();
        if len > self.buffer.room() {
            return Err(self.give_up(config, RejectionKind::BodyTooLarge));
        }
        if let Err(Exhausted) = self.buffer.admit(len) {
            return Err(self.give_up(config, RejectionKind::BudgetExhausted));
        }
        let _entered = self.span.enter();
        let chunk = chunk.copy_to_bytes(len);
        if self.fault.is_none() {
            self.state.update(&chunk);
        }
        self.buffer.push(chunk);
        Ok(())
    }

    /// Until when to wait, now that there is no chunk; `None` for as long as it takes, without a [`Deadline`]. An adapter asks when its body
    /// is pending, and again when that moment has come. The clock is only read if there is a deadline, and runs from the first call on.
    ///
    /// # Errors
    /// [`RejectionKind::BodyTimeout`] if that moment is over. What was kept is dropped, and every later call fails alike.
    pub(crate) fn wait(&mut self, config: &Config, now: impl FnOnce() -> Instant) -> Result<Option<Instant>, Rejection> {
        if let Some(kind) = self.over() {
            return Err(self.rejection(config, kind));
        }
        let Some(deadline) = self.deadline else { return Ok(None) };
        let now = now();
        match deadline.due(*self.waiting_since.get_or_insert(now), self.buffer.len()) {
            Some(due) if due <= now => Err(self.give_up(config, RejectionKind::BodyTimeout)),
            due => Ok(due),
        }
    }

    /// Takes in the body to its end, and judges it. `next` polls the framework for the next chunk; after an error it is not polled again.
    ///
    /// With a deadline, the first time that a chunk is missing the task is woken at once, to ask again; from the second time on `timer` is asked.
    ///
    /// What was begun by [`Verifier::intake`](crate::Verifier::intake) only ever comes out as [`Outcome::Verified`]; what was begun by
    /// [`Verifier::insecure_intake`](crate::Verifier::insecure_intake) comes out whoever sent it. It is judged once: polled again it stays pending, and every other call is rejected.
    ///
    /// `is_limit` tells a limit that the application has put around the body itself, and that shows as an error of the body, from a body that
    /// broke off: see [`failed`](Self::failed).
    ///
    /// # Errors
    /// Those of [`push`](Self::push) and [`wait`](Self::wait), what [`failed`](Self::failed) makes of an error, and at the end
    /// [`RejectionKind::SignatureMismatch`].
    pub(crate) fn poll_to_end<D: Buf, E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        snapshot: Snapshot<'_>,
        cx: &mut Context<'_>,
        timer: &mut impl Timer,
        mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<D, E>>>,
        is_limit: impl Fn(&(dyn Error + 'static)) -> bool,
    ) -> Poll<Result<Outcome, Rejection>> {
        if let End::Judged = self.end {
            return Poll::Pending;
        }
        loop {
            match next(cx) {
                Poll::Ready(Some(Ok(chunk))) => self.push(snapshot.config, chunk)?,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(self.failed(snapshot.config, error, is_limit))),
                Poll::Ready(None) => return Poll::Ready(self.conclude(snapshot, self.report_only)),
                // Some servers, such as actix-web's, hand over a body that came with its head when they have seen that somebody waits for it:
                // then it is there the next time, and no clock has to be set.
                Poll::Pending if self.deadline.is_some() && !self.asked_again => {
                    self.asked_again = true;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Pending => {
                    // A timer that has rung is asked again whether it was for long enough: what came meanwhile may have earned more.
                    while let Some(until) = self.wait(snapshot.config, || timer.now())? {
                        ready!(timer.poll_until(until, cx));
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Whether [`poll_to_end`](Self::poll_to_end) has come to the end of the body: then nothing is left of what it rejected.
    #[must_use]
    pub(crate) const fn is_at_end(&self) -> bool {
        matches!(self.end, End::Judged)
    }

    /// Why nothing more is taken in or judged. What has been judged once must not be again: its body has been handed out.
    const fn over(&self) -> Option<RejectionKind> {
        match self.end {
            End::Open => None,
            End::Rejected(kind) => Some(kind),
            End::Judged => Some(RejectionKind::SignatureMismatch),
        }
    }

    fn give_up(&mut self, config: &Config, kind: RejectionKind) -> Rejection {
        self.end = End::Rejected(kind);
        let rejection = self.span.rejected(self.rejection(config, kind));
        self.buffer.clear();
        rejection
    }

    fn progress(&self) -> Progress {
        Progress { phase: Phase::Body, body_bytes: self.buffer.len(), time: self.span.time() }
    }

    /// Judges the body at its end. Once.
    pub(crate) fn conclude(&mut self, snapshot: Snapshot<'_>, report_only: bool) -> Result<Outcome, Rejection> {
        if let Some(kind) = self.over() {
            return Err(self.rejection(snapshot.config, kind));
        }
        self.end = End::Judged;
        let progress = Progress { phase: Phase::End, ..self.progress() };
        let _entered = self.span.enter();
        let checked = match self.fault.take() {
            None => self.state.conclude(snapshot),
            Some(rejection) => Err(*rejection),
        };
        match checked {
            Ok(verified) => {
                tell(snapshot.config, &self.span, &verified, progress);
                Ok(Outcome::Verified(verified, self.buffer.take()))
            }
            Err(rejection) if report_only => {
                let rejection = rejection.at(progress);
                self.span.let_through(&rejection);
                Ok(Outcome::Unverified(rejection, self.buffer.take()))
            }
            Err(rejection) => {
                self.buffer.clear();
                Err(self.span.rejected(rejection.at(progress)))
            }
        }
    }

    /// The body failed with `error`: what an adapter says when its framework reports one.
    ///
    /// A limit that the application has put around the body itself shows as such an error. If `is_limit` recognises `error` or one of its
    /// sources as that, the cause is [`BodyTooLarge`](RejectionKind::BodyTooLarge); otherwise it is
    /// [`BodyUnreadable`](RejectionKind::BodyUnreadable), with `error` as its source.
    #[must_use]
    pub(crate) fn failed(
        &self,
        config: &Config,
        error: impl Into<Box<dyn Error + Send + Sync>>,
        is_limit: impl Fn(&(dyn Error + 'static)) -> bool,
    ) -> Rejection {
        let error = error.into();
        let failed = Progress { phase: Phase::Failed, ..self.progress() };
        let mut cause = Some(&*error as &(dyn Error + 'static));
        while cause.is_some_and(|error| !is_limit(error)) {
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

/// Tells whoever looks of a delivery that is verified.
fn tell(config: &Config, span: &DeliverySpan, verified: &Verified, progress: Progress) {
    let Progress { body_bytes, time, .. } = progress;
    span.verified(verified, progress);
    log_verified(verified, progress);
    if let Some(observer) = &config.policy.observer {
        observer.observe(&Verdict::new(Ok(verified), false, body_bytes, time.unwrap_or_default()));
    }
}

/// Tells the operator's log, at `DEBUG`, of a delivery that is verified.
pub(crate) fn log_verified(verified: &Verified, Progress { body_bytes, time, .. }: Progress) {
    let scheme = verified.scheme();
    let seconds = time.as_ref().map(Duration::as_secs_f64);
    let tenant = || verified.tenant().map(one_line);
    tracing::debug!(
        target: "countersign",
        verdict = "verified", scheme, tenant = tenant().as_deref(), key = &*one_line(verified.key_id().as_str()), body_bytes, seconds, "delivery verified"
    );
}
