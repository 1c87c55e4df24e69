use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arc_swap::Guard;
use bytes::{Buf, Bytes};

use crate::body::deadline::Deadline;
use crate::observe::span::DeliverySpan;
use crate::receive::drain::{Drain, DrainPolicy};
use crate::receive::outcome::Outcome;
use crate::receive::state::ReceiveState;
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
pub(crate) mod state;

/// Settings that an adapter passes to every delivery.
#[derive(Clone, Copy, Debug)]
pub struct ReceiveOptions<'a> {
    /// The verifier, or the source of one for each delivery.
    pub verifiers: &'a VerifierSource,
    /// How long a body may take.
    pub deadline: Option<Deadline>,
    /// Report-only mode: a delivery that would be answered 401 is let through, **whoever sent it**, and logged.
    pub insecure_report_only: bool,
}

/// One delivery on its way from its head to its verdict: the verifier is chosen, the head judged, the body taken in and judged. For adapters,
/// which need only poll it.
///
/// It is small until there is something to wait for: a delivery whose body is there already when it is first polled, as nearly every one is, takes no
/// memory but for its body.
#[must_use = "it is for the adapter to poll"]
pub struct Receive(State);

enum State {
    Start,
    Resolve(Box<Resolve>),
    Collect(Box<PendingDelivery>),
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
        Self(State::Start)
    }

    /// Polls the delivery to its outcome. Returns the outcome once; further calls return `Pending`. `options` and `head` are to be the same each time; what the application says of
    /// the [tenant](RequestHead::tenant) is only asked by a [`Resolver`](crate::tenant::Resolver); `next` polls the framework for the next chunk of the body,
    /// and is not asked again after an error or the end.
    ///
    /// A limit that the application has put around the body itself shows as an error of the body. If `is_limit` recognises that error or one of its
    /// sources, the cause is [`BodyTooLarge`](crate::RejectionKind::BodyTooLarge); otherwise it is [`BodyUnreadable`](crate::RejectionKind::BodyUnreadable), with the
    /// error as its source.
    ///
    /// With a [`Deadline`], the first time that a chunk is missing the task is woken at once, to ask again; from the second time on `timer` is asked.
    ///
    /// # Errors
    /// Every rejection, which has been [reported](Verifier::report). A delivery that report-only mode lets through has been reported as well.
    pub fn poll<D: Buf, E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        cx: &mut Context<'_>,
        timer: &mut impl Timer,
        options: &ReceiveOptions<'_>,
        head: &impl RequestHead,
        next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<D, E>>>,
        is_limit: impl Fn(&(dyn Error + 'static)) -> bool,
    ) -> Poll<Result<Outcome, ReceiveRejection>> {
        if let State::Collect(pending) = &mut self.0 {
            let PendingDelivery { verifier, verification, state } = &mut **pending;
            let received = ready!(state.poll_body(&verification.config, &mut verification.state, cx, timer, next, is_limit));
            let config = Arc::clone(&verification.config);
            let outcome = received.and_then(|()| state.conclude(&config, || verification.finish()));
            let reported = reported(verifier, outcome, state.is_at_end());
            self.0 = State::Done;
            return Poll::Ready(reported);
        }
        let ChosenVerifier { span, verifier } = ready!(self.choose(cx, timer, options, head));
        let mut state = ReceiveState::new(span, options.deadline, options.insecure_report_only);
        let (mut verification, mut clock) = (VerificationState::new(), Clock::Unread);
        let mut index = HeaderIndex::new(&verifier.0.first.policy.plan.names_and_length);
        head.headers(&mut index);
        let chosen = verifier.0.choose(&head, &mut index);
        let config = chosen.unwrap_or(&verifier.0.first);
        let keys = config.keys.load();
        let snapshot = Snapshot { config, keys: &keys };
        let mut parts = SignedParts::NONE;
        let judge = || match chosen {
            Some(_) => verifier.0.start(&mut verification, snapshot, &head, &index, &mut parts, &mut clock),
            None => Err(verifier.0.missing(&head)),
        };
        if let Err(rejection) = state.start(config, &head, &index, judge) {
            return Poll::Ready(Err(ReceiveRejection::new(&verifier, rejection, false)));
        }
        let Poll::Ready(received) = state.poll_body(config, &mut verification, cx, timer, next, is_limit) else {
            // Only now does it move from the stack.
            let mut verification = OwnedVerification::new(Arc::clone(config), Guard::into_inner(keys), verification);
            verification.keep(&parts, &index);
            self.0 = State::Collect(Box::new(PendingDelivery { verifier: verifier.into_owned(), verification, state }));
            return Poll::Pending;
        };
        let outcome = received.and_then(|()| state.conclude(config, || verification.finish_with(snapshot, &parts, &index, &clock)));
        Poll::Ready(reported(&verifier, outcome, state.is_at_end()))
    }

    /// As [`poll`](Self::poll), but ready once the head is judged to be in order, for frameworks that hand out the body after that; then go on
    /// with `poll`.
    ///
    /// # Errors
    /// Every rejection by the head, which has been [reported](Verifier::report).
    pub fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        timer: &mut impl Timer,
        options: &ReceiveOptions<'_>,
        head: &impl RequestHead,
    ) -> Poll<Result<(), ReceiveRejection>> {
        // A body of which nothing has come yet, and for which no time runs.
        let head_only = ReceiveOptions { deadline: None, ..*options };
        let nothing_yet = |_: &mut Context<'_>| Poll::<Option<Result<Bytes, Infallible>>>::Pending;
        let polled = self.poll(cx, timer, &head_only, head, nothing_yet, |_| false);
        match (polled, &mut self.0) {
            (Poll::Ready(Err(rejection)), _) => Poll::Ready(Err(rejection)),
            (Poll::Pending, State::Collect(pending)) => {
                pending.state.set_deadline(options.deadline);
                Poll::Ready(Ok(()))
            }
            _ => Poll::Pending,
        }
    }

    fn choose<'t>(
        &mut self,
        cx: &mut Context<'_>,
        timer: &mut impl Timer,
        options: &ReceiveOptions<'t>,
        head: &impl RequestHead,
    ) -> Poll<ChosenVerifier<'t>> {
        let chosen = match &mut self.0 {
            State::Start => match options.verifiers.start(DeliverySpan::new(), head) {
                Ok(chosen) => chosen,
                Err(mut choosing) => match choosing.poll(cx, timer) {
                    Poll::Ready(chosen) => chosen,
                    Poll::Pending => {
                        self.0 = State::Resolve(Box::new(choosing));
                        return Poll::Pending;
                    }
                },
            },
            State::Resolve(choosing) => ready!(choosing.poll(cx, timer)),
            State::Collect(_) | State::Done => return Poll::Pending,
        };
        // Unless the caller goes on to `Collect`: the outcome may fall within this same poll.
        self.0 = State::Done;
        Poll::Ready(chosen)
    }
}

impl Default for Receive {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::result_large_err, reason = "no larger than what is verified")]
fn reported(verifier: &Verifier, outcome: Result<Outcome, Rejection>, is_at_end: bool) -> Result<Outcome, ReceiveRejection> {
    match outcome {
        Ok(outcome) => {
            if let Outcome::Unverified(rejection, _) = &outcome {
                verifier.report_only(rejection);
            }
            Ok(outcome)
        }
        Err(rejection) => Err(ReceiveRejection::new(verifier, rejection, is_at_end)),
    }
}

/// A delivery that has been rejected and [reported](Verifier::report). For adapters.
#[derive(Debug)]
pub struct ReceiveRejection {
    rejection: Rejection,
    at_end: bool,
    body_limit: usize,
}

impl ReceiveRejection {
    fn new(verifier: &Verifier, rejection: Rejection, at_end: bool) -> Self {
        // Now, and not after draining: if the client disconnects meanwhile, this future is dropped, and nothing would be reported.
        verifier.report(&rejection);
        Self { rejection, at_end, body_limit: verifier.body_limit() }
    }

    /// Whether the body was read to its end, so that nothing of it is left.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// What to do with the rest of the body: `None` to answer at once.
    #[must_use]
    pub fn drain(&self, drain: DrainPolicy, head: &impl RequestHead) -> Option<Drain> {
        drain.start(&self.rejection, head, self.body_limit)
    }

    /// The cause.
    #[must_use]
    pub const fn rejection(&self) -> &Rejection {
        &self.rejection
    }

    /// The cause, to keep.
    #[must_use]
    pub fn into_rejection(self) -> Rejection {
        self.rejection
    }
}

impl fmt::Debug for Receive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receive").finish_non_exhaustive()
    }
}
