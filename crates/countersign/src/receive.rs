use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arc_swap::Guard;
use bytes::Bytes;

use crate::body::deadline::Deadline;
use crate::observe::span::DeliverySpan;
use crate::receive::drain::{Drain, DrainPolicy};
use crate::receive::outcome::{Connection, Outcome};
use crate::receive::state::ReceiveState;
use crate::request::body_source::BodySource;
use crate::request::clock::Clock;
use crate::request::head::RequestHead;
use crate::request::header_index::HeaderIndex;
use crate::request::timer::Timer;
use crate::tenant::resolve::{ChosenVerifier, Resolve};
use crate::tenant::source::VerifierSource;
use crate::verdict::rejection::Rejection;
use crate::verdict::verified::Verified;
use crate::verifier::config::Snapshot;
use crate::verifier::parse::SignedParts;
use crate::verifier::state::VerificationState;
use crate::verifier::verification::OwnedVerification;
use crate::verifier::{Schemes, Verifier};

pub(crate) mod drain;
pub(crate) mod outcome;
#[cfg(feature = "http")]
pub(crate) mod response;
pub(crate) mod state;

/// Settings for receiving deliveries. All deliveries of an adapter share the settings.
#[derive(Clone, Debug)]
pub struct ReceiveOptions {
    /// The verifier, or a resolver to choose a verifier for each delivery.
    pub verifiers: VerifierSource,
    /// The time limit for a body. `None` sets no limit.
    pub deadline: Option<Deadline>,
    /// The limits for draining a rejected body. `None` drains nothing.
    pub drain: Option<DrainPolicy>,
    /// Turns on report-only mode. Deliveries that would be answered 401 are let through, **from any
    /// sender**, and logged.
    pub insecure_report_only: bool,
    /// Hashes the body while the body arrives, for `Identity::keys`. Otherwise `Identity::keys`
    /// hashes the whole body at once. Off by default. Does nothing without the feature `identity`.
    pub digest_body: bool,
}

impl ReceiveOptions {
    /// Creates options with the default [`Deadline`] and the default [`DrainPolicy`]. Both limits
    /// need a [`Timer`] able to wake the task. Report-only mode is off.
    pub fn new(verifiers: impl Into<VerifierSource>) -> Self {
        let (deadline, drain) = (Some(Deadline::default()), Some(DrainPolicy::default()));
        Self { verifiers: verifiers.into(), deadline, drain, insecure_report_only: false, digest_body: false }
    }
}

/// The state machine of one delivery, from the head to the outcome. For adapters.
///
/// An adapter only polls the delivery. The steps are:
/// - Choose the verifier.
/// - Check the head.
/// - Receive and verify the body.
/// - After a rejection, [drain](DrainPolicy) the rest of the body.
///
/// A `Receive` is small. If the whole body is ready at the first poll, `Receive` usually allocates
/// only the body.
#[must_use = "a delivery does nothing unless polled"]
pub struct Receive {
    state: State,
    connection: Connection,
}

enum State {
    Start,
    Resolve(Box<Resolve>),
    Collect(Box<PendingDelivery>),
    /// The rejection is reported. The decision to drain the rest of the body is still open.
    Rejected {
        is_at_end: bool,
        body_limit: usize,
    },
    Drain(Box<(Rejection, Drain)>),
    Done,
}

/// A delivery waiting for the rest of the body.
struct PendingDelivery {
    verifier: Verifier,
    verification: OwnedVerification,
    state: ReceiveState,
}

impl Receive {
    /// Creates the state of a delivery. Reads nothing of the delivery.
    pub const fn new() -> Self {
        Self { state: State::Start, connection: Connection::Keep }
    }

    /// Polls the delivery to the outcome. Returns the outcome once; further calls return `Pending`.
    ///
    /// Every call needs the same `options`, `head` and `body`.
    ///
    /// With a [`Deadline`], the first missing chunk wakes the task at once, for a second poll of
    /// the body. Some servers hand over a body received with the head only after the first poll.
    /// From the second missing chunk on, `timer` limits the wait.
    ///
    /// # Errors
    /// Any [`RejectionKind`](crate::RejectionKind), after draining the rest of the body. The
    /// rejection is [reported](Verifier::report) before draining.
    ///
    /// Report-only mode returns [`Outcome::Unverified`] instead of a rejection with status 401.
    /// Such a delivery is reported by [`Verifier::report_only`].
    pub fn poll<B: BodySource>(
        &mut self,
        cx: &mut Context<'_>,
        options: &ReceiveOptions,
        head: &impl RequestHead,
        body: &mut B,
        timer: &mut impl Timer,
    ) -> Poll<Result<Outcome, Rejection>> {
        if self.is_draining() {
            return self.poll_drain(cx, body, timer);
        }
        match self.poll_outcome(cx, options, options.deadline, head, body, timer) {
            Poll::Ready(Err(rejection)) => self.poll_rejected(rejection, cx, options, head, body, timer),
            polled => polled,
        }
    }

    /// Polls the delivery until the head is checked. Needs no body. For frameworks that hand out
    /// the body only after this check.
    ///
    /// After `Ok`, continue with [`poll`](Self::poll).
    ///
    /// # Errors
    /// Any rejection by the head or by the announced body length. The rejection is already
    /// [reported](Verifier::report). Nothing is drained. Report-only mode returns no rejection with
    /// status 401.
    pub fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        options: &ReceiveOptions,
        head: &impl RequestHead,
        timer: &mut impl Timer,
    ) -> Poll<Result<(), Rejection>> {
        if let State::Collect(_) = self.state {
            return Poll::Pending;
        }
        // This body never has a chunk. Without a deadline, the missing chunk neither wakes the task
        // nor starts the clock.
        let mut nothing_yet = |_: &mut Context<'_>| Poll::<Option<Result<Bytes, Infallible>>>::Pending;
        match (self.poll_outcome(cx, options, None, head, &mut nothing_yet, timer), &mut self.state) {
            (Poll::Ready(Err(rejection)), _) => {
                self.decide_connection(None, head);
                Poll::Ready(Err(rejection))
            }
            (Poll::Pending, State::Collect(pending)) => {
                pending.state.set_deadline(options.deadline);
                Poll::Ready(Ok(()))
            }
            // The verifier is not chosen yet, or the delivery is done. Without a body, `Ok` is
            // impossible.
            _ => Poll::Pending,
        }
    }

    /// Returns whether the connection stays open after the response to a rejection.
    #[must_use]
    pub const fn connection(&self) -> Connection {
        self.connection
    }

    /// Returns whether the rest of a rejected body is being drained. An adapter can then free
    /// everything needed only for a verified delivery.
    #[must_use]
    pub const fn is_draining(&self) -> bool {
        matches!(self.state, State::Drain(_))
    }

    /// Runs all steps from the head to the outcome. [`poll`](Self::poll) and
    /// [`poll_head`](Self::poll_head) share this code.
    fn poll_outcome<B: BodySource>(
        &mut self,
        cx: &mut Context<'_>,
        options: &ReceiveOptions,
        deadline: Option<Deadline>,
        head: &impl RequestHead,
        body: &mut B,
        timer: &mut impl Timer,
    ) -> Poll<Result<Outcome, Rejection>> {
        if let State::Collect(pending) = &mut self.state {
            let PendingDelivery { verifier, verification, state } = &mut **pending;
            let received = ready!(state.poll_body(&verification.config, &mut verification.state, cx, body, timer));
            let config = Arc::clone(&verification.config);
            let outcome =
                received.and_then(|()| state.conclude(&config, || with_digest(options, verification.finish(), &mut verification.state)));
            report(verifier, &outcome);
            self.state = State::after(&outcome, state.is_at_end(), verifier);
            return Poll::Ready(outcome);
        }
        let ChosenVerifier { span, verifier } = ready!(self.choose(cx, options, head, timer));
        let mut state = ReceiveState::new(span, deadline, options.insecure_report_only);
        let mut verification = VerificationState::new();
        #[cfg(feature = "identity")]
        if options.digest_body {
            verification.start_digest();
        }
        // Start with the header names of the first scheme, nearly always the only scheme.
        let mut index = HeaderIndex::new(&verifier.0.first.policy.plan.names_and_length);
        let chosen = verifier.0.choose(&head, &mut index);
        let config = chosen.unwrap_or(&verifier.0.first);
        let mut clock = Clock::Unread.or_own(config.policy.clock);
        let keys = config.keys.load();
        let snapshot = Snapshot { config, keys: &keys };
        let mut parts = SignedParts::NONE;
        let judge = || match chosen {
            Some(_) => Schemes::start(&mut verification, snapshot, &head, &index, &mut parts, &mut clock),
            None => Err(verifier.0.missing(&head)),
        };
        let received = match state.start(config, &head, &index, judge) {
            Ok(()) => state.poll_body(config, &mut verification, cx, body, timer),
            Err(rejection) => Poll::Ready(Err(rejection)),
        };
        let Poll::Ready(received) = received else {
            // The verification moves from the stack to a box only here. A box from the start would
            // cost every delivery with a ready body an allocation.
            let mut verification = OwnedVerification::new(Arc::clone(config), Guard::into_inner(keys), verification);
            verification.keep(&parts, &index, clock);
            self.state = State::Collect(Box::new(PendingDelivery { verifier: verifier.into_owned(), verification, state }));
            return Poll::Pending;
        };
        let outcome = received.and_then(|()| {
            state.conclude(config, || {
                let verified = verification.finish_with(snapshot, &parts, &index, &clock);
                with_digest(options, verified, &mut verification)
            })
        });
        report(&verifier, &outcome);
        self.state = State::after(&outcome, state.is_at_end(), &verifier);
        Poll::Ready(outcome)
    }

    fn choose<'o>(
        &mut self,
        cx: &mut Context<'_>,
        options: &'o ReceiveOptions,
        head: &impl RequestHead,
        timer: &mut impl Timer,
    ) -> Poll<ChosenVerifier<'o>> {
        let chosen = match &mut self.state {
            State::Start => match options.verifiers.start(DeliverySpan::new(), head) {
                Ok(chosen) => chosen,
                Err(mut resolve) => match resolve.poll(cx, timer) {
                    Poll::Ready(chosen) => chosen,
                    Poll::Pending => {
                        self.state = State::Resolve(Box::new(resolve));
                        return Poll::Pending;
                    }
                },
            },
            State::Resolve(resolve) => ready!(resolve.poll(cx, timer)),
            State::Collect(_) | State::Rejected { .. } | State::Drain(_) | State::Done => return Poll::Pending,
        };
        // `Done` stays if this same poll reaches an outcome. The caller replaces `Done` for a
        // pending or rejected delivery.
        self.state = State::Done;
        Poll::Ready(chosen)
    }

    /// Sets the connection for a rejection without draining. Returns whether a part of the body may
    /// be left on the connection.
    fn decide_connection(&mut self, is_at_end: Option<bool>, head: &impl RequestHead) -> bool {
        let is_at_end = is_at_end.unwrap_or_else(|| !head.announces_body());
        let has_rest = !is_at_end && !head.is_multiplexed();
        self.connection = if has_rest { Connection::Close } else { Connection::Keep };
        has_rest
    }

    /// Starts to drain the rest of the body, if any is left.
    #[cold]
    fn poll_rejected(
        &mut self,
        rejection: Rejection,
        cx: &mut Context<'_>,
        options: &ReceiveOptions,
        head: &impl RequestHead,
        body: &mut impl BodySource,
        timer: &mut impl Timer,
    ) -> Poll<Result<Outcome, Rejection>> {
        if let State::Rejected { is_at_end, body_limit } = self.state {
            self.state = State::Done;
            let has_rest = self.decide_connection(if is_at_end { Some(true) } else { body.is_at_end() }, head);
            let drain = options.drain.filter(|_| has_rest).and_then(|policy| policy.start(&rejection, &head, body_limit));
            if let Some(drain) = drain {
                self.state = State::Drain(Box::new((rejection, drain)));
                return self.poll_drain(cx, body, timer);
            }
        }
        Poll::Ready(Err(rejection))
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>, body: &mut impl BodySource, timer: &mut impl Timer) -> Poll<Result<Outcome, Rejection>> {
        let State::Drain(draining) = &mut self.state else { return Poll::Pending };
        if ready!(draining.1.poll(cx, body, timer)) {
            self.connection = Connection::Keep;
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Drain(drained) => Poll::Ready(Err(drained.0)),
            _ => Poll::Pending,
        }
    }
}

impl Default for Receive {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn after(outcome: &Result<Outcome, Rejection>, is_at_end: bool, verifier: &Verifier) -> Self {
        match outcome {
            Ok(_) => Self::Done,
            Err(_) => Self::Rejected { is_at_end, body_limit: verifier.body_limit() },
        }
    }
}

/// Adds the digest of the body to the proof, if the adapter has asked for the digest.
#[cfg(feature = "identity")]
#[inline(always)]
fn with_digest(
    options: &ReceiveOptions,
    verified: Result<Verified, Rejection>,
    verification: &mut VerificationState,
) -> Result<Verified, Rejection> {
    if options.digest_body { verified.map(|verified| verification.add_digest(verified)) } else { verified }
}

#[cfg(not(feature = "identity"))]
#[inline(always)]
fn with_digest(_: &ReceiveOptions, verified: Result<Verified, Rejection>, _: &mut VerificationState) -> Result<Verified, Rejection> {
    verified
}

/// Reports a rejected delivery, and a delivery let through in report-only mode.
/// [`ReceiveState::conclude`] has already reported a verified delivery.
///
/// The report comes before draining. A later report would be lost if the client disconnects while
/// draining.
fn report(verifier: &Verifier, outcome: &Result<Outcome, Rejection>) {
    match outcome {
        Ok(Outcome::Verified(..)) => {}
        Ok(Outcome::Unverified(rejection, _)) => verifier.report_only(rejection),
        Err(rejection) => verifier.report(rejection),
    }
}

impl fmt::Debug for Receive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receive").finish_non_exhaustive()
    }
}
