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

/// The state of receiving one delivery, without the verification. Keeps the body within the limit,
/// and hands out the body with the outcome.
///
/// A body in one chunk is handed out without a copy. With a [`MemoryBudget`](crate::MemoryBudget),
/// a chunk under 64 KiB is copied.
///
/// The memory for a body has these bounds:
/// - At most twice the received bytes, and three times while the body moves to a larger allocation.
/// - At most 32 KiB for an announced length.
/// - Never more than the body limit, except for the old allocation while the body moves.
pub(crate) struct ReceiveState {
    span: DeliverySpan,
    /// The rejection by the head, kept for the outcome in report-only mode.
    fault: Option<Box<Rejection>>,
    body: BodyCollector,
    /// Whether a delivery that would be answered 401 is let through and reported.
    report_only: bool,
    is_at_end: bool,
    deadline: Option<Deadline>,
    /// Whether a first missing chunk has already led to a second poll without a wait.
    polled_again: bool,
    /// The moment of the first wait.
    waiting_since: Option<Instant>,
}

impl ReceiveState {
    /// Creates the state before the head is checked.
    #[inline]
    pub(crate) fn new(span: DeliverySpan, deadline: Option<Deadline>, report_only: bool) -> Self {
        Self {
            span,
            fault: None,
            body: BodyCollector::new(0, 0, None),
            report_only,
            is_at_end: false,
            deadline,
            polled_again: false,
            waiting_since: None,
        }
    }

    /// Checks the head by `judge`, and then the announced body length. Report-only mode keeps a
    /// rejection with status 401 and continues.
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

    /// Sets the time limit for the body.
    pub(crate) const fn set_deadline(&mut self, deadline: Option<Deadline>) {
        self.deadline = deadline;
    }

    /// Checks the announced body length, and creates the collector for the body.
    fn admit(&mut self, config: &Config, announced: usize) -> Result<(), Rejection> {
        let Policy { body_limit, budget, .. } = &*config.policy;
        // A body larger than the whole budget can never fit. A 503 would make the sender repeat the
        // delivery in vain.
        let most = budget.as_ref().map_or(*body_limit, |budget| budget.bytes().min(*body_limit));
        let fault = if announced > most {
            Some(RejectionKind::BodyTooLarge)
        } else if budget.as_ref().is_some_and(|budget| announced > budget.room()) {
            // A body without room now need not be read. A body with room now may still find the
            // budget exhausted later.
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

    /// Adds the next chunk. Checks the limit and the budget before copying or hashing any byte.
    ///
    /// [`Bytes`](bytes::Bytes) are kept without a copy if the chunk is the whole body. With a
    /// [`MemoryBudget`](crate::MemoryBudget), a chunk under 64 KiB is copied.
    ///
    /// # Errors
    /// - [`RejectionKind::BodyTooLarge`] if the chunk takes the body over the limit or over the
    ///   whole budget.
    /// - [`RejectionKind::BudgetExhausted`] if the budget has no room for the chunk now.
    ///
    /// Both errors drop the kept bytes.
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

    /// Returns the moment to wait for, after a missing chunk. Returns `None` if there is no time
    /// limit. Reads the clock only with a [`Deadline`]. The time runs from the first call.
    ///
    /// # Errors
    /// [`RejectionKind::BodyTimeout`] if the moment has passed. The kept bytes are dropped.
    fn wait(&mut self, config: &Config, now: impl FnOnce() -> Instant) -> Result<Option<Instant>, Rejection> {
        let Some(deadline) = self.deadline else { return Ok(None) };
        let now = now();
        match deadline.due(*self.waiting_since.get_or_insert(now), self.body.len()) {
            Some(due) if due <= now => Err(self.give_up(config, RejectionKind::BodyTimeout)),
            due => Ok(due),
        }
    }

    /// Receives the body to the end.
    ///
    /// With a deadline, the first missing chunk wakes the task at once, for a second poll of the
    /// body. From the second missing chunk on, `timer` limits the wait.
    ///
    /// # Errors
    /// - The errors of [`push`](Self::push) and [`wait`](Self::wait).
    /// - The rejection from [`failed`](Self::failed) for an error of the body.
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
        // The body is complete. A scheme of the tests has a key id in the body, and waits for the
        // key here.
        #[cfg(test)]
        ready!(verification.poll_key(cx, self.body.bytes()));
        Poll::Ready(Ok(()))
    }

    /// Waits for the next chunk, until the deadline at most.
    fn poll_wait(&mut self, config: &Config, cx: &mut Context<'_>, timer: &mut impl Timer) -> Poll<Result<(), Rejection>> {
        // Some servers, such as the server of actix-web, hand over a body received with the head
        // only after a first poll. The second poll then returns the body, without a timer.
        if self.deadline.is_some() && !std::mem::replace(&mut self.polled_again, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // The moment may have moved since the timer was set: received bytes earn time. So compute
        // the moment again after the timer fires.
        while let Some(until) = self.wait(config, || timer.now())? {
            ready!(timer.poll_until(until, cx));
        }
        Poll::Pending
    }

    /// Returns whether the body was read to the end. After a rejection, nothing is then left to
    /// drain.
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

    /// Verifies the complete body by `finish`, and returns the outcome. Call this method once.
    pub(crate) fn conclude(&mut self, config: &Config, finish: impl FnOnce() -> Result<Verified, Rejection>) -> Result<Outcome, Rejection> {
        let progress = self.progress();
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

    /// Returns the rejection for a body that failed with `error`.
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

/// Reports a verified delivery to the span, to the log at `DEBUG` and to the observer.
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
