use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use countersign::identity::DeliveryKey;

use crate::owner::Owner;

/// Keeps claims and marks. A claim says that a delivery is being handled, and a mark says that a
/// delivery was handled.
///
/// Every operation may be repeated: an operation without an answer may have happened. Operations on
/// one key happen in the order of their calls: a `release` must not overtake the `claim` or `renew`
/// before.
pub trait Store: Send + Sync + 'static {
    /// Claims a delivery for `owner`, for at most `lease`. The guard takes no lease longer than 30 minutes.
    ///
    /// Returns [`ClaimReply::Acquired`] also for the present owner.
    fn claim(&self, key: DeliveryKey, owner: Owner, lease: Duration) -> StoreFuture<ClaimReply>;

    /// Extends the claim of `owner` to `lease` from now. If the store has forgotten the claim, sets
    /// the claim again.
    fn renew(&self, key: DeliveryKey, owner: Owner, lease: Duration) -> StoreFuture<RenewReply>;

    /// Marks the delivery as handled with `status`, for the time `keep`, whoever holds the claim: the
    /// handler has run.
    ///
    /// Another owner's mark stays: after a lost answer, the guard calls this again, and needs the answer
    /// [`MarkReply::Other`] again.
    fn mark(&self, key: DeliveryKey, owner: Owner, status: u16, keep: Duration) -> StoreFuture<MarkReply>;

    /// Removes the claim of `owner`. Another owner's claim, and a mark, stay.
    fn release(&self, key: DeliveryKey, owner: Owner) -> StoreFuture<()>;

    /// Returns whether claims end by themselves after their lease. A store inside of one process needs
    /// no leases: its claims end with the process. Without leases, [`release`](Self::release) must not
    /// fail: nothing else would end the claim.
    fn has_leases(&self) -> bool {
        true
    }
}

/// For a store that the application also needs itself, such as for
/// [`MemoryStore::evicted`](crate::MemoryStore::evicted).
impl<S: Store + ?Sized> Store for Arc<S> {
    fn claim(&self, key: DeliveryKey, owner: Owner, lease: Duration) -> StoreFuture<ClaimReply> {
        (**self).claim(key, owner, lease)
    }

    fn renew(&self, key: DeliveryKey, owner: Owner, lease: Duration) -> StoreFuture<RenewReply> {
        (**self).renew(key, owner, lease)
    }

    fn mark(&self, key: DeliveryKey, owner: Owner, status: u16, keep: Duration) -> StoreFuture<MarkReply> {
        (**self).mark(key, owner, status, keep)
    }

    fn release(&self, key: DeliveryKey, owner: Owner) -> StoreFuture<()> {
        (**self).release(key, owner)
    }

    fn has_leases(&self) -> bool {
        (**self).has_leases()
    }
}

/// The answer to [`Store::claim`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimReply {
    /// The delivery is claimed.
    Acquired,
    /// Another owner handles the delivery now.
    Running,
    /// The delivery was handled, with this status.
    Marked(u16),
}

/// The answer to [`Store::renew`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RenewReply {
    /// The claim was held, and is extended.
    Held,
    /// The store had forgotten the claim, and the claim is set again.
    Restored,
    /// Another owner has claimed or handled the delivery.
    Lost,
}

/// The answer to [`Store::mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MarkReply {
    /// The owner held the claim, or had marked the delivery.
    Own,
    /// Nobody held the claim any more.
    Unclaimed,
    /// Another owner held the claim, or had marked the delivery: the handler ran twice.
    Other,
}

/// An error of a store.
#[derive(Debug)]
pub struct StoreError(Box<dyn Error + Send + Sync>);

impl StoreError {
    /// Wraps an error.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store failed")
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// The answer of a store, at once or later.
#[must_use = "futures do nothing unless polled"]
pub struct StoreFuture<T>(State<T>);

enum State<T> {
    Ready(Option<Result<T, StoreError>>),
    Pending(Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>),
}

// The answer is never pinned.
impl<T> Unpin for StoreFuture<T> {}

impl<T> StoreFuture<T> {
    /// Creates a future with an answer.
    pub const fn ready(answer: Result<T, StoreError>) -> Self {
        Self(State::Ready(Some(answer)))
    }

    /// Creates a future from another future, boxed.
    pub fn new(future: impl Future<Output = Result<T, StoreError>> + Send + 'static) -> Self {
        Self(State::Pending(Box::pin(future)))
    }

    /// Waits for the answer, for at most `patience`. An answer at hand needs no timer.
    pub(crate) async fn within(mut self, patience: Duration) -> Result<T, StoreError> {
        let at_once = poll_fn(|cx| Poll::Ready(Pin::new(&mut self).poll(cx))).await;
        if let Poll::Ready(answer) = at_once {
            return answer;
        }
        match tokio::time::timeout(patience, self).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(StoreError::new(elapsed)),
        }
    }
}

impl<T> Future for StoreFuture<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Ready(answer) => answer.take().map_or(Poll::Pending, Poll::Ready),
            State::Pending(future) => future.as_mut().poll(cx),
        }
    }
}

impl<T> fmt::Debug for StoreFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreFuture").finish_non_exhaustive()
    }
}
