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
use crate::verifier::config::Config;
use crate::verifier::{Schemes, Verifier};

/// The lookup of the verifier for one delivery, started by a [`Resolver`](crate::tenant::Resolver).
pub(crate) struct Resolve {
    /// Taken at the end of the lookup.
    span: Option<DeliverySpan>,
    /// Dropped at the end of the lookup.
    future: Option<ResolveFuture>,
    decoy: Verifier,
    timeout: Duration,
    /// The time limit, set at the first pending poll.
    until: Option<Instant>,
}

/// The chosen verifier, with the span of the delivery.
pub(crate) struct ChosenVerifier<'v> {
    pub(crate) span: DeliverySpan,
    pub(crate) verifier: Cow<'v, Verifier>,
}

impl Resolve {
    pub(crate) const fn new(span: DeliverySpan, decoy: Verifier, future: ResolveFuture, timeout: Duration) -> Self {
        Self { span: Some(span), future: Some(future), decoy, timeout, until: None }
    }

    /// Polls for the verifier of the delivery. Returns the verifier once; further calls return
    /// `Pending`. If the tenant is unknown or the keys are unavailable, the verifier rejects the
    /// delivery.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, timer: &mut impl Timer) -> Poll<ChosenVerifier<'static>> {
        let verifier = ready!(self.poll_verifier(cx, timer));
        // A finished or late lookup is dropped here. A panic in the future's destructor must not
        // affect the delivery.
        let left = self.future.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(left)));
        match self.span.take() {
            Some(span) => Poll::Ready(ChosenVerifier { span, verifier: Cow::Owned(verifier) }),
            None => Poll::Pending,
        }
    }

    fn poll_verifier(&mut self, cx: &mut Context<'_>, timer: &mut impl Timer) -> Poll<Verifier> {
        let Self { span, future: Some(future), decoy, timeout, until } = self else { return Poll::Pending };
        let _entered = span.as_ref().map(DeliverySpan::enter);
        let found = match catch_unwind(AssertUnwindSafe(|| Pin::new(future).poll(cx))) {
            Ok(Poll::Ready(found)) => found,
            Err(_) => Err(Fault::Panicked.into()),
            Ok(Poll::Pending) => {
                // A time limit beyond the range of the clock is no limit.
                let due = match *until {
                    Some(until) => Some(until),
                    None => timer.now().checked_add(*timeout).inspect(|due| *until = Some(*due)),
                };
                let Some(due) = due else { return Poll::Pending };
                // The timer is polled before the clock is read. A timer that never fires sets no
                // time limit, whatever the clock says.
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
    /// Returns the same verifier for a time without keys. A delivery with a fault in the head is
    /// rejected for that fault. Any other delivery is rejected with 503.
    pub(crate) fn unavailable(&self, why: Box<dyn Error + Send + Sync>) -> Self {
        let why: Arc<dyn Error + Send + Sync> = why.into();
        let unavailable = |config: &Arc<Config>| Arc::new(config.unavailable(Arc::clone(&why)));
        let others = self.0.others.iter().map(unavailable).collect();
        Self(Arc::new(Schemes { first: unavailable(&self.0.first), others, ..Schemes::clone(&self.0) }))
    }
}

/// A failure of a resolver.
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
