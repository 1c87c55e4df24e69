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
use crate::verifier::Verifier;
use crate::verifier::config::Snapshot;
use crate::verifier::parse::SignedParts;
use crate::verifier::state::VerificationState;
use crate::verifier::verification::OwnedVerification;

pub(crate) mod drain;
pub(crate) mod outcome;
#[cfg(feature = "http")]
pub(crate) mod response;
pub(crate) mod state;

/// Settings for receiving deliveries, which all deliveries of an adapter share.
#[derive(Clone, Debug)]
pub struct ReceiveOptions {
    /// The verifier, or the source of one for each delivery.
    pub verifiers: VerifierSource,
    /// How long a body may take. `None` for as long as it likes.
    pub deadline: Option<Deadline>,
    /// How much of a rejected body is thrown away. `None` for nothing.
    pub drain: Option<DrainPolicy>,
    /// Report-only mode: a delivery that would be answered 401 is let through, **whoever sent it**, and logged.
    pub insecure_report_only: bool,
}

impl ReceiveOptions {
    /// With the default [`Deadline`] and the default [`DrainPolicy`], which need a [`Timer`] that can wake the task.
    pub fn new(verifiers: impl Into<VerifierSource>) -> Self {
        let (deadline, drain) = (Some(Deadline::default()), Some(DrainPolicy::default()));
        Self { verifiers: verifiers.into(), deadline, drain, insecure_report_only: false }
    }
}

/// One delivery on its way from its head to its outcome: the verifier is chosen, the head judged, the body taken in and judged; after a rejection the rest of
/// the body is [drained](DrainPolicy). For adapters, which need only poll it.
///
/// It is small. Nothing is allocated but the body, if the body is there when it is first polled, as it nearly always is.
#[must_use = "it is for the adapter to poll"]
pub struct Receive {
    state: State,
    connection: Connection,
}

enum State {
    Start,
    Resolve(Box<Resolve>),
    Collect(Box<PendingDelivery>),
    /// Reported. Whether to drain the rest of the body is not decided yet.
    Rejected {
        is_at_end: bool,
        body_limit: usize,
    },
    Drain(Box<(Rejection, Drain)>),
    Done,
}

/// A delivery whose body is awaited.
struct PendingDelivery {
    verifier: Verifier,
    verification: OwnedVerification,
    state: ReceiveState,
}

impl Receive {
    /// Creates the state of a delivery. Nothing of the delivery has been read.
    pub const fn new() -> Self {
        Self { state: State::Start, connection: Connection::Keep }
    }

    /// Polls the delivery to its outcome. Returns the outcome once; further calls return `Pending`. `options`, `head` and `body` are to be the same each time.
    ///
    /// With a [`Deadline`], the first time that a chunk is missing the task is woken at once, to ask again: some servers hand over a body that came with its
    /// head only when they see that somebody waits for it. From the second time on, `timer` is asked.
    ///
    /// # Errors
    /// Every rejection, after what is to be drained of the body is drained. It was [reported](Verifier::report) before that. A delivery that report-only
    /// mode lets through has been reported as well.
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

    /// As [`poll`](Self::poll), but ready once the head is judged to be in order, for frameworks that hand out the body after that; then go on
    /// with `poll`.
    ///
    /// # Errors
    /// Every rejection by the head, which has been [reported](Verifier::report). Nothing is drained.
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
        // A body of which nothing has come yet, and without a deadline.
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
            // Without a body, there is no other outcome.
            _ => Poll::Pending,
        }
    }

    /// What to do with the connection once a rejection is answered.
    #[must_use]
    pub const fn connection(&self) -> Connection {
        self.connection
    }

    /// Whether the delivery is rejected, and the rest of its body is being drained. What only a verified delivery needs can be freed.
    #[must_use]
    pub const fn is_draining(&self) -> bool {
        matches!(self.state, State::Drain(_))
    }

    /// The way from a head to an outcome, for [`poll`](Self::poll) and [`poll_head`](Self::poll_head) alike.
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
            let outcome = received.and_then(|()| state.conclude(&config, || verification.finish()));
            report(verifier, &outcome);
            self.state = State::after(&outcome, state.is_at_end(), verifier);
            return Poll::Ready(outcome);
        }
        let ChosenVerifier { span, verifier } = ready!(self.choose(cx, options, head, timer));
        let mut state = ReceiveState::new(span, deadline, options.insecure_report_only);
        let mut verification = VerificationState::new();
        // With the names of the first scheme, which is nearly always the only one.
        let mut index = HeaderIndex::new(&verifier.0.first.policy.plan.names_and_length);
        let chosen = verifier.0.choose(&head, &mut index);
        let config = chosen.unwrap_or(&verifier.0.first);
        let mut clock = Clock::Unread.or(config.policy.clock);
        let keys = config.keys.load();
        let snapshot = Snapshot { config, keys: &keys };
        let mut parts = SignedParts::NONE;
        let judge = || match chosen {
            Some(_) => verifier.0.start(&mut verification, snapshot, &head, &index, &mut parts, &mut clock),
            None => Err(verifier.0.missing(&head)),
        };
        let received = match state.start(config, &head, &index, judge) {
            Ok(()) => state.poll_body(config, &mut verification, cx, body, timer),
            Err(rejection) => Poll::Ready(Err(rejection)),
        };
        let Poll::Ready(received) = received else {
            // Only now does the verification move from the stack.
            let mut verification = OwnedVerification::new(Arc::clone(config), Guard::into_inner(keys), verification);
            verification.keep(&parts, &index);
            self.state = State::Collect(Box::new(PendingDelivery { verifier: verifier.into_owned(), verification, state }));
            return Poll::Pending;
        };
        let outcome = received.and_then(|()| state.conclude(config, || verification.finish_with(snapshot, &parts, &index, &clock)));
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
                Err(mut choosing) => match choosing.poll(cx, timer) {
                    Poll::Ready(chosen) => chosen,
                    Poll::Pending => {
                        self.state = State::Resolve(Box::new(choosing));
                        return Poll::Pending;
                    }
                },
            },
            State::Resolve(choosing) => ready!(choosing.poll(cx, timer)),
            State::Collect(_) | State::Rejected { .. } | State::Drain(_) | State::Done => return Poll::Pending,
        };
        // In case the outcome falls within this same poll. What is pending, or rejected, is put in its place.
        self.state = State::Done;
        Poll::Ready(chosen)
    }

    /// Decides what becomes of the connection if nothing is drained. Returns whether something of a rejected body may be left on it.
    fn decide_connection(&mut self, is_at_end: Option<bool>, head: &impl RequestHead) -> bool {
        let is_at_end = is_at_end.unwrap_or_else(|| !head.announces_body());
        let has_rest = !is_at_end && !head.is_multiplexed();
        self.connection = if has_rest { Connection::Close } else { Connection::Keep };
        has_rest
    }

    /// Begins to drain what is left of the body, if there is something.
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

/// Reports what is not verified; [`ReceiveState::conclude`] has told of what is. Now, and not after draining: if the client disconnects meanwhile,
/// nothing would be reported.
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
