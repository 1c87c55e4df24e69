use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::verifier::Verifier;

/// The lookup of the verifier for one delivery, returned by
/// [`Resolver::resolve`](crate::tenant::Resolver::resolve).
///
/// The future returns a verifier, or `None` for an unknown tenant. The future returns an error if
/// the answer is not available now.
#[must_use = "futures do nothing unless polled"]
pub struct ResolveFuture(State);

pub(crate) type ResolveResult = Result<Option<Verifier>, Box<dyn Error + Send + Sync>>;

enum State {
    Ready(Option<ResolveResult>),
    Pending(Pin<Box<dyn Future<Output = ResolveResult> + Send>>),
}

impl ResolveFuture {
    /// Creates a future with a known answer.
    pub const fn ready(found: Option<Verifier>) -> Self {
        Self(State::Ready(Some(Ok(found))))
    }

    /// Creates a future from another future, boxed, for an answer that arrives later.
    pub fn new<E: Into<Box<dyn Error + Send + Sync>>>(future: impl Future<Output = Result<Option<Verifier>, E>> + Send + 'static) -> Self {
        Self(State::Pending(Box::pin(async { future.await.map_err(Into::into) })))
    }
}

impl Future for ResolveFuture {
    type Output = Result<Option<Verifier>, Box<dyn Error + Send + Sync>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Ready(found) => found.take().map_or(Poll::Pending, Poll::Ready),
            State::Pending(future) => future.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for ResolveFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolveFuture").finish_non_exhaustive()
    }
}
