use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use bytes::{Buf, Bytes};

use crate::body::deadline::Deadline;
use crate::keys::key_set::KeySet;
use crate::observe::span::DeliverySpan;
use crate::receive::outcome::Outcome;
use crate::receive::state::ReceiveState;
use crate::request::head::{RequestHead, announced};
use crate::request::header_index::HeaderIndex;
use crate::request::timer::Timer;
use crate::verdict::rejection::Rejection;
use crate::verdict::verified::Verified;
use crate::verifier::Verifier;
use crate::verifier::config::{Config, Snapshot};

/// A delivery whose body is being taken in: kept within the limit, hashed as it arrives, and handed out once it is verified.
///
/// For callers that drive the body themselves, where [`Receive`](crate::adapter::Receive) does not fit:
/// [`Verifier::intake`](crate::Verifier::intake) with the head, then [`push`](Self::push) for each chunk and [`finish`](Self::finish) at the end,
/// or [`poll_to_end`](Self::poll_to_end) for all of that. Drop it to give up.
///
/// A body that comes in one chunk is handed on without a copy (with a [`MemoryBudget`](crate::MemoryBudget), from 64 KiB on). Memory grows with what has
/// arrived, to at most twice of that (three times while it is moved to a larger place), never with what was announced beyond 32 KiB, and
/// never past the limit (but for the old place while it is moved).
///
/// ```
/// # use countersign::{Secret, Verifier, providers};
/// # let head = [("X-Hub-Signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9")];
/// # let chunks = ["Hello ", "World!"];
/// let verifier = Verifier::builder(providers::JIRA)
///     .key("2026-11", Secret::new("It's a Secret to Everybody"))
///     .build()?;
/// let mut intake = verifier.intake(&head)?;
/// for chunk in chunks {
///     intake.push(chunk.as_bytes())?;
/// }
/// let (verified, body) = intake.finish()?;
/// assert_eq!(body, "Hello World!");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a delivery is only verified by `finish`"]
pub struct Intake {
    config: Arc<Config>,
    /// Those that there were when it began.
    keys: Arc<KeySet>,
    state: ReceiveState,
}

impl Intake {
    /// One whose head has been judged, by the same.
    pub(crate) const fn new(config: Arc<Config>, keys: Arc<KeySet>, state: ReceiveState) -> Self {
        Self { config, keys, state }
    }

    /// What it is made of.
    pub(crate) fn parts(&mut self) -> (&mut ReceiveState, Snapshot<'_>) {
        (&mut self.state, Snapshot { config: &self.config, keys: &self.keys })
    }

    /// Gives the body this long to arrive: see [`wait`](Self::wait).
    pub const fn set_deadline(&mut self, deadline: Option<Deadline>) {
        self.state.set_deadline(deadline);
    }

    /// Takes in the next chunk: limit and budget are checked before a byte is copied or hashed. [`Bytes`] are kept without a copy if they
    /// are the whole body (with a [`MemoryBudget`](crate::MemoryBudget), from 64 KiB on).
    ///
    /// # Errors
    /// [`RejectionKind::BodyTooLarge`](crate::RejectionKind::BodyTooLarge) if the body grows past the limit, or the whole budget, with this chunk, [`RejectionKind::BudgetExhausted`](crate::RejectionKind::BudgetExhausted)
    /// if there is no room for it in the budget now. What was kept is dropped, and every later call fails alike.
    pub fn push(&mut self, chunk: impl Buf) -> Result<(), Rejection> {
        self.state.push(&self.config, chunk)
    }

    /// Until when to wait, now that there is no chunk; `None` for as long as it takes, without a [`Deadline`]. An adapter asks when its body
    /// is pending, and again when that moment has come. The clock is only read if there is a deadline, and runs from the first call on.
    ///
    /// # Errors
    /// [`RejectionKind::BodyTimeout`](crate::RejectionKind::BodyTimeout) if that moment is over. What was kept is dropped, and every later call fails alike.
    pub fn wait(&mut self, now: impl FnOnce() -> Instant) -> Result<Option<Instant>, Rejection> {
        self.state.wait(&self.config, now)
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
    /// [`RejectionKind::SignatureMismatch`](crate::RejectionKind::SignatureMismatch).
    pub fn poll_to_end<D: Buf, E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        cx: &mut Context<'_>,
        timer: &mut impl Timer,
        next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<D, E>>>,
        is_limit: impl Fn(&(dyn Error + 'static)) -> bool,
    ) -> Poll<Result<Outcome, Rejection>> {
        let (state, snapshot) = self.parts();
        state.poll_to_end(snapshot, cx, timer, next, is_limit)
    }

    /// Whether [`poll_to_end`](Self::poll_to_end) has come to the end of the body: then nothing is left of what it rejected.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.state.is_at_end()
    }

    /// Judges the body at its end, and hands it out if it was signed.
    ///
    /// # Errors
    /// [`RejectionKind::SignatureMismatch`](crate::RejectionKind::SignatureMismatch); what `push` or `wait` said before.
    pub fn finish(mut self) -> Result<(Verified, Bytes), Rejection> {
        match self.conclude(false)? {
            Outcome::Verified(verified, body) => Ok((verified, body)),
            Outcome::Unverified(rejection, _) => Err(rejection),
        }
    }

    /// As [`finish`](Self::finish), but hands out the body of a delivery that would be answered 401 as well, **whoever sent it**: for an
    /// adapter's report-only mode, by which a secret is tried out before anything depends on it. Begin it by
    /// [`Verifier::insecure_intake`](crate::Verifier::insecure_intake).
    ///
    /// # Errors
    /// What `push` or `wait` said before: limit, budget and deadline hold for it too.
    pub fn insecure_finish(mut self) -> Result<Outcome, Rejection> {
        self.conclude(true)
    }

    /// The body failed with `error`: what an adapter says when its framework reports one.
    ///
    /// A limit that the application has put around the body itself shows as such an error. If `is_limit` recognises `error` or one of its
    /// sources as that, the cause is [`BodyTooLarge`](crate::RejectionKind::BodyTooLarge); otherwise it is
    /// [`BodyUnreadable`](crate::RejectionKind::BodyUnreadable), with `error` as its source.
    #[must_use]
    pub fn failed(&self, error: impl Into<Box<dyn Error + Send + Sync>>, is_limit: impl Fn(&(dyn Error + 'static)) -> bool) -> Rejection {
        self.state.failed(&self.config, error, is_limit)
    }

    fn conclude(&mut self, report_only: bool) -> Result<Outcome, Rejection> {
        let (state, snapshot) = self.parts();
        state.conclude(snapshot, report_only)
    }
}

impl Verifier {
    /// Judges the head and the length that its `Content-Length` announces, and starts to take in the body.
    ///
    /// # Errors
    /// Any kind that answers 401, but for [`RejectionKind::SignatureMismatch`](crate::RejectionKind::SignatureMismatch), and [`RejectionKind::KeysExpired`](crate::RejectionKind::KeysExpired); after those,
    /// [`RejectionKind::BodyTooLarge`](crate::RejectionKind::BodyTooLarge) and [`RejectionKind::BudgetExhausted`](crate::RejectionKind::BudgetExhausted).
    pub fn intake(&self, head: &(impl RequestHead + ?Sized)) -> Result<Intake, Rejection> {
        self.begin_intake(&head, None, false)
    }

    /// [`intake`](Self::intake) at a given time.
    ///
    /// # Errors
    /// Any kind that answers 401, but for [`RejectionKind::SignatureMismatch`](crate::RejectionKind::SignatureMismatch), and [`RejectionKind::KeysExpired`](crate::RejectionKind::KeysExpired); after those,
    /// [`RejectionKind::BodyTooLarge`](crate::RejectionKind::BodyTooLarge) and [`RejectionKind::BudgetExhausted`](crate::RejectionKind::BudgetExhausted).
    pub fn intake_at(&self, head: &(impl RequestHead + ?Sized), now: SystemTime) -> Result<Intake, Rejection> {
        self.begin_intake(&head, Some(now), false)
    }

    /// As [`intake`](Self::intake), but takes in the body of a delivery that is to be answered 401 as well, to be finished by
    /// [`Intake::insecure_finish`]: **nothing of that is to be believed**. For an adapter's report-only mode.
    ///
    /// # Errors
    /// [`RejectionKind::BodyTooLarge`](crate::RejectionKind::BodyTooLarge), [`RejectionKind::BudgetExhausted`](crate::RejectionKind::BudgetExhausted), [`RejectionKind::KeysExpired`](crate::RejectionKind::KeysExpired).
    pub fn insecure_intake(&self, head: &(impl RequestHead + ?Sized)) -> Result<Intake, Rejection> {
        self.begin_intake(&head, None, true)
    }

    fn begin_intake(&self, head: &dyn RequestHead, now: Option<SystemTime>, report_only: bool) -> Result<Intake, Rejection> {
        let mut state = ReceiveState::new(DeliverySpan::new());
        let (config, fault) = self.config_or_first(head);
        let keys = config.keys.load_full();
        self.receive_head(&mut state, Snapshot { config, keys: &keys }, head, now, report_only, fault)?;
        Ok(Intake::new(Arc::clone(config), keys, state))
    }

    /// The scheme that judges; where none does, the first one, and what is to be said of that.
    pub(crate) fn config_or_first(&self, head: &dyn RequestHead) -> (&Arc<Config>, Option<Rejection>) {
        match self.require_config(head) {
            Ok(config) => (config, None),
            Err(fault) => (&self.0.first, Some(fault)),
        }
    }

    /// Judges the head, and what it announces. What is to be answered 401 is only remembered if it is only to be reported on.
    pub(crate) fn receive_head(
        &self,
        state: &mut ReceiveState,
        snapshot: Snapshot<'_>,
        head: &dyn RequestHead,
        now: Option<SystemTime>,
        report_only: bool,
        fault: Option<Rejection>,
    ) -> Result<(), Rejection> {
        let head = HeaderIndex::new(head, &snapshot.config.policy.names);
        let (verification, span) = state.head();
        let read = match fault {
            None => span.in_scope(|| self.read(verification, snapshot, &head, now)),
            Some(fault) => Err(fault),
        };
        match read {
            Ok(()) if report_only => state.report_only(None),
            Ok(()) => {}
            Err(rejection) if report_only && rejection.status_code() == 401 => state.report_only(Some(rejection)),
            Err(rejection) => return Err(span.rejected(rejection)),
        }
        state.admit(snapshot.config, announced(&head))
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("scheme", &self.config.scheme_name()).field("body", self.state.buffer()).finish_non_exhaustive()
    }
}
