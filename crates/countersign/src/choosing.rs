use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::span::DeliverySpan;
use crate::{Head, Intake, Rejection, Resolving, Timer, Verifier};

/// The choice of a verifier for one delivery, made by [`Verifiers::choose`](crate::Verifiers::choose). For adapters.
#[must_use = "it is for the adapter to poll"]
pub struct Choosing {
    span: Option<DeliverySpan>,
    state: State,
}

enum State {
    Made(Option<Verifier>),
    // Boxed, so that where there is nobody to choose, what holds this need not carry the room for it.
    Pending(Box<Pending>),
}

struct Pending {
    decoy: Verifier,
    resolving: Resolving,
    timeout: Duration,
    /// Known once there was something to wait for.
    until: Option<Instant>,
}

impl Choosing {
    pub(crate) const fn made(span: DeliverySpan, verifier: Verifier) -> Self {
        Self { span: Some(span), state: State::Made(Some(verifier)) }
    }

    pub(crate) fn new(span: DeliverySpan, decoy: Verifier, resolving: Resolving, timeout: Duration) -> Self {
        Self { span: Some(span), state: State::Pending(Box::new(Pending { decoy, resolving, timeout, until: None })) }
    }

    /// Ready with the verifier that is to judge the delivery. Where none is known, or none can be had now, that is one which refuses it: so
    /// an adapter goes on with [`Chosen::intake`] whatever came of it. Not to be polled again after that.
    pub fn poll(&mut self, cx: &mut Context<'_>, timer: &mut impl Timer) -> Poll<Chosen> {
        let verifier = ready!(self.poll_verifier(cx, timer));
        // What is left of the search is given up, and what it does about that is its own affair.
        let left = std::mem::replace(&mut self.state, State::Made(None));
        let _ = catch_unwind(AssertUnwindSafe(|| drop(left)));
        match self.span.take() {
            Some(span) => Poll::Ready(Chosen { span, verifier }),
            None => Poll::Pending,
        }
    }

    fn poll_verifier(&mut self, cx: &mut Context<'_>, timer: &mut impl Timer) -> Poll<Verifier> {
        let _entered = self.span.as_ref().map(DeliverySpan::enter);
        let (decoy, resolving, timeout, until) = match &mut self.state {
            State::Made(verifier) => return verifier.take().map_or(Poll::Pending, Poll::Ready),
            State::Pending(pending) => (&pending.decoy, &mut pending.resolving, pending.timeout, &mut pending.until),
        };
        let found = match catch_unwind(AssertUnwindSafe(|| Pin::new(resolving).poll(cx))) {
            Ok(Poll::Ready(found)) => found,
            Err(_) => Err(Fault::Panicked.into()),
            Ok(Poll::Pending) => {
                // Past what the clock can say is never.
                let due = match *until {
                    Some(until) => Some(until),
                    None => timer.now().checked_add(timeout).inspect(|due| *until = Some(*due)),
                };
                let Some(due) = due else { return Poll::Pending };
                // A timer that never rings is none, whatever the time.
                ready!(timer.poll_until(due, cx));
                while timer.now() < due {
                    ready!(timer.poll_until(due, cx));
                }
                Err(Fault::TimedOut.into())
            }
        };
        Poll::Ready(match found {
            Ok(Some(verifier)) => verifier,
            Ok(None) => decoy.clone(),
            Err(error) => decoy.unavailable(error),
        })
    }
}

/// The verifier that was chosen for one delivery. For adapters.
#[derive(Debug)]
pub struct Chosen {
    span: DeliverySpan,
    verifier: Verifier,
}

impl Chosen {
    /// [`Verifier::intake`], of the delivery for which it was chosen; or, if an adapter only reports, [`Verifier::insecure_intake`]. And the
    /// verifier, to be [told](Verifier::report) of a refusal.
    ///
    /// The intake is put into `place`, where it is to stay: it is some hundred bytes, and moving it about costs as much as judging a head.
    /// What is refused leaves `None` there.
    pub fn intake<'p>(
        self,
        head: &(impl Head + ?Sized),
        insecure_report_only: bool,
        place: &'p mut Option<Intake>,
    ) -> (Verifier, Result<&'p mut Intake, Rejection>) {
        let Self { span, verifier } = self;
        let begun = verifier.take_in_at(place, &head, span, insecure_report_only);
        (verifier, begun)
    }
}

/// What is the matter with a resolver.
#[derive(Debug)]
pub(crate) enum Fault {
    TimedOut,
    Panicked,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "the resolver did not answer in time",
            Self::Panicked => "the resolver panicked",
        })
    }
}

impl Error for Fault {}

impl fmt::Debug for Choosing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choosing").finish_non_exhaustive()
    }
}
