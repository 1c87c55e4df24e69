use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::{Resolving, Timer, Verifier};

/// The choice of a verifier for one delivery, made by [`Verifiers::choose`](crate::Verifiers::choose). For adapters.
#[must_use = "it is for the adapter to poll"]
pub struct Choosing(State);

enum State {
    Made(Option<Verifier>),
    Pending {
        decoy: Verifier,
        resolving: Resolving,
        timeout: Duration,
        /// Known once there was something to wait for.
        until: Option<Instant>,
    },
}

impl Choosing {
    pub(crate) const fn made(verifier: Verifier) -> Self {
        Self(State::Made(Some(verifier)))
    }

    pub(crate) const fn new(decoy: Verifier, resolving: Resolving, timeout: Duration) -> Self {
        Self(State::Pending { decoy, resolving, timeout, until: None })
    }

    /// Ready with the verifier that is to judge the delivery. Where none is known, or none can be had now, that is one which refuses it: so
    /// an adapter goes on with [`Verifier::intake`] whatever came of it. Not to be polled again after that.
    pub fn poll(&mut self, cx: &mut Context<'_>, timer: &mut impl Timer) -> Poll<Verifier> {
        let verifier = match &mut self.0 {
            State::Made(verifier) => match verifier.take() {
                Some(verifier) => verifier,
                None => return Poll::Pending,
            },
            State::Pending { decoy, resolving, timeout, until } => {
                match catch_unwind(AssertUnwindSafe(|| Pin::new(resolving).poll(cx))) {
                    Ok(Poll::Ready(Ok(Some(verifier)))) => verifier,
                    Ok(Poll::Ready(Ok(None))) => decoy.clone(),
                    Ok(Poll::Ready(Err(error))) => decoy.unavailable(error),
                    Ok(Poll::Pending) => {
                        // Past what the clock can say is never.
                        let until = match *until {
                            Some(until) => Some(until),
                            None => timer.now().checked_add(*timeout).inspect(|due| *until = Some(*due)),
                        };
                        let Some(until) = until else { return Poll::Pending };
                        while timer.now() < until {
                            ready!(timer.poll_until(until, cx));
                        }
                        decoy.unavailable(Fault::TimedOut.into())
                    }
                    Err(_) => decoy.unavailable(Fault::Panicked.into()),
                }
            }
        };
        // What is left of the search is given up.
        self.0 = State::Made(None);
        Poll::Ready(verifier)
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
