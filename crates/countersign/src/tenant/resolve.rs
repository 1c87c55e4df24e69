use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::observe::span::DeliverySpan;
use crate::request::timer::Timer;
use crate::tenant::resolve_future::ResolveFuture;
use crate::verifier::{Schemes, Verifier};

/// The choice of a verifier for one delivery, by a [`Resolver`](crate::tenant::Resolver) that has been asked.
pub(crate) struct Resolve {
    /// Taken when it is made.
    span: Option<DeliverySpan>,
    /// Given up when it is made.
    resolving: Option<ResolveFuture>,
    decoy: Verifier,
    timeout: Duration,
    /// Known once there was something to wait for.
    until: Option<Instant>,
}

/// The verifier that was chosen, and the span of the delivery that it is for.
pub(crate) struct ChosenVerifier<'v> {
    pub(crate) span: DeliverySpan,
    pub(crate) verifier: Cow<'v, Verifier>,
}

impl Resolve {
    pub(crate) const fn new(span: DeliverySpan, decoy: Verifier, resolving: ResolveFuture, timeout: Duration) -> Self {
        Self { span: Some(span), resolving: Some(resolving), decoy, timeout, until: None }
    }

    /// Ready with the verifier that is to judge the delivery. Where none is known, or none can be had now, that is one which rejects it. Once.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, timer: &mut impl Timer) -> Poll<ChosenVerifier<'static>> {
        let verifier = ready!(self.poll_verifier(cx, timer));
        // What is left of the search is given up, and what it does about that is its own affair.
        let left = self.resolving.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(left)));
        match self.span.take() {
            Some(span) => Poll::Ready(ChosenVerifier { span, verifier: Cow::Owned(verifier) }),
            None => Poll::Pending,
        }
    }

    fn poll_verifier(&mut self, cx: &mut Context<'_>, timer: &mut impl Timer) -> Poll<Verifier> {
        let Self { span, resolving: Some(resolving), decoy, timeout, until } = self else { return Poll::Pending };
        let _entered = span.as_ref().map(DeliverySpan::enter);
        let found = match catch_unwind(AssertUnwindSafe(|| Pin::new(resolving).poll(cx))) {
            Ok(Poll::Ready(found)) => found,
            Err(_) => Err(Fault::Panicked.into()),
            Ok(Poll::Pending) => {
                // Past what the clock can say is never.
                let due = match *until {
                    Some(until) => Some(until),
                    None => timer.now().checked_add(*timeout).inspect(|due| *until = Some(*due)),
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

impl Verifier {
    /// The same verifier while its keys cannot be had: what has no fault of its head is answered 503.
    pub(crate) fn unavailable(&self, why: Box<dyn Error + Send + Sync>) -> Self {
        Self(Arc::new(Schemes { unavailable: Some(why.into()), ..Schemes::clone(&self.0) }))
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
