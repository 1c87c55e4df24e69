use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign::identity::DeliveryKey;
use tokio::time::Instant;

/// The key and the state of a claim, for handlers.
#[derive(Clone, Debug)]
pub struct ClaimInfo(Arc<ClaimState>);

#[derive(Debug)]
struct ClaimState {
    first: DeliveryKey,
    second: Option<DeliveryKey>,
    is_guarded: bool,
    is_lost: AtomicBool,
    has_succeeded: AtomicBool,
    is_marked: AtomicBool,
    /// The end of the lease, as far as this process knows. `None` without a lease.
    until: Mutex<Option<Instant>>,
}

impl ClaimInfo {
    pub(crate) fn new(first: DeliveryKey, second: Option<DeliveryKey>, is_guarded: bool) -> Self {
        let (is_lost, has_succeeded, is_marked) = Default::default();
        Self(Arc::new(ClaimState { first, second, is_guarded, is_lost, has_succeeded, is_marked, until: Mutex::default() }))
    }

    /// Returns the first key of the delivery: 64 hex digits as text. For logs, and as the id of a job.
    ///
    /// A delivery without an identity has a random key.
    #[must_use]
    pub fn key(&self) -> DeliveryKey {
        self.0.first
    }

    /// Returns the keys of the delivery: one, or two with
    /// [`Identity::BODY_OR_UNAUTHENTICATED_ID`](countersign::identity::Identity::BODY_OR_UNAUTHENTICATED_ID).
    ///
    /// Insert each key into a unique column, in the transaction of the handler's effects. If a key is
    /// there already, the delivery was handled: roll back. The effects then happen exactly once. The
    /// keys do not depend on the store, so this also works while the store is down. A random key
    /// protects nothing.
    pub fn keys(&self) -> impl Iterator<Item = DeliveryKey> + use<> {
        [Some(self.0.first), self.0.second].into_iter().flatten()
    }

    /// Returns whether the store holds a claim of this delivery.
    ///
    /// Returns `false` if the delivery has no identity, is unverified, or is a repeat for a guard that
    /// [only counts](crate::OnceBuilder::count_only). Also returns `false` if the store failed and
    /// [`WhenDown::Run`](crate::WhenDown::Run) is set.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.0.is_guarded
    }

    /// Returns whether the claim was lost, or its lease has run out without a renewal: another handler
    /// may run for the same delivery.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        let is_marked = || self.0.is_marked.load(Ordering::Relaxed);
        let has_run_out = || self.until().is_some_and(|until| Instant::now() >= until);
        self.0.is_lost.load(Ordering::Relaxed) || (!is_marked() && has_run_out())
    }

    /// Notes the end of the lease, after a claim or a renewal.
    pub(crate) fn hold_until(&self, until: Option<Instant>) {
        *self.until() = until;
    }

    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the success of the handler.
    pub(crate) fn succeed(&self) {
        self.0.has_succeeded.store(true, Ordering::Relaxed);
    }

    /// Notes that the delivery is marked. The lease means nothing any more.
    pub(crate) fn mark(&self) {
        self.0.is_marked.store(true, Ordering::Relaxed);
    }

    /// Notes that the claim was lost under its handler. Returns `false` if the handler has succeeded, or
    /// if the loss is known. After the mark, the store answers "lost" to a renewal, and no claim was
    /// lost.
    pub(crate) fn lose_under_handler(&self) -> bool {
        !self.0.has_succeeded.load(Ordering::Relaxed) && self.lose()
    }

    /// Notes that the claim was lost. Returns `false` if the loss is known.
    pub(crate) fn lose(&self) -> bool {
        !self.0.is_lost.swap(true, Ordering::Relaxed)
    }
}
