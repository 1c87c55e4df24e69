use std::iter::successors;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use countersign::identity::{DeliveryKey, Identity};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::event::Events;
use crate::owner::Owner;
use crate::store::{Store, StoreFuture};

/// The store, the settings and the counts of a guard, shared by all clones of a [`Once`](crate::Once)
/// and by its claims.
pub(crate) struct Shared {
    pub(crate) store: Box<dyn Store>,
    pub(crate) events: Events,
    pub(crate) identity: Identity,
    pub(crate) keep: Duration,
    pub(crate) lease: Duration,
    pub(crate) patience: Duration,
    pub(crate) when_down: WhenDown,
    pub(crate) count_only: bool,
    /// Whether the guard takes no new delivery: see [`Once::close`](crate::Once::close).
    pub(crate) is_closed: AtomicBool,
    /// The number of claims, and of tasks for releases.
    pub(crate) active: watch::Sender<usize>,
}

/// The response to a delivery while the store fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenDown {
    /// Answers 503: the sender repeats the delivery later.
    Refuse,
    /// Runs the handler without a guard: right for senders that never repeat a delivery.
    Run,
}

/// Time limit for retries of a release. The lease ends the claim at the latest.
const RELEASE_RETRY_LIMIT: Duration = Duration::from_secs(60);

impl Shared {
    /// Releases a key without waiting.
    pub(crate) fn release_detached(self: &Arc<Self>, key: DeliveryKey, owner: Owner, runtime: Option<&Handle>) {
        let mut release = self.store.release(key, owner);
        // The first poll is here: a store with its answer at hand has then released when this function
        // returns. A store with a connection may need its runtime for the poll.
        if Handle::try_current().is_ok() || runtime.is_none() {
            match Pin::new(&mut release).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Ok(())) => return,
                // Tried again below. A finished future is not polled.
                Poll::Ready(Err(error)) => release = StoreFuture::ready(Err(error)),
                Poll::Pending => {}
            }
        }
        let (shared, active) = (Arc::clone(self), Active::new(self));
        spawn(runtime, async move {
            let mut released = release.within(shared.patience).await;
            let mut pauses = pauses(shared.lease.min(RELEASE_RETRY_LIMIT));
            while released.is_err()
                && let Some(pause) = pauses.next()
            {
                tokio::time::sleep(pause).await;
                released = shared.store.release(key, owner).within(shared.patience).await;
            }
            // The lease then ends the claim.
            if let Err(error) = released {
                shared.events.record_failure("release", key, &error);
            }
            drop(active);
        });
    }
}

/// Counts a claim or a task until the drop, for [`Once::idle`](crate::Once::idle).
pub(crate) struct Active(Arc<Shared>);

impl Active {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        shared.active.send_modify(|active| *active = active.saturating_add(1));
        Self(Arc::clone(shared))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.send_modify(|active| *active = active.saturating_sub(1));
    }
}

/// Returns the pauses before the retries of an operation: from 100 milliseconds to 5 seconds, until
/// the limit has passed.
pub(crate) fn pauses(limit: Duration) -> impl Iterator<Item = Duration> {
    let until = Instant::now().checked_add(limit);
    let longer = |pause: &Duration| Some(pause.saturating_mul(2).min(Duration::from_secs(5)));
    successors(Some(Duration::from_millis(100)), longer).take_while(move |_| until.is_none_or(|until| Instant::now() < until))
}

/// Runs a future on the runtime of a claim. A claim without a runtime drops the future: the lease then
/// ends the claim.
pub(crate) fn spawn(runtime: Option<&Handle>, future: impl Future<Output = ()> + Send + 'static) {
    if let Some(runtime) = runtime {
        runtime.spawn(future);
    }
}
