use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign::identity::DeliveryKey;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::claim_info::ClaimInfo;
use crate::event::GuardEvent;
use crate::owner::Owner;
use crate::renewal::Renewal;
use crate::shared::{Active, Shared, pauses, spawn};
use crate::store::{MarkReply, StoreError};

/// The right to handle a delivery.
///
/// Call [`complete`](Self::complete) with the status of the response. A claim dropped before
/// `complete` is released, so the sender's next repeat is handled.
///
/// An [unguarded](ClaimInfo::is_guarded) delivery has a claim too. Such a claim is in no store, and
/// `complete` does nothing.
#[must_use = "a dropped claim is released"]
pub struct Claim {
    shared: Arc<Shared>,
    /// The number of keys that the store may hold for this claim.
    held: usize,
    /// The number of held keys with a mark.
    marked: usize,
    /// The status of the response, once the handler has succeeded. The keys are then marked, and
    /// never released.
    status: Option<u16>,
    /// The worst reply to a mark, over all keys.
    worst: MarkReply,
    /// Whether this value belongs to the task that ends a dropped claim. A runtime at shutdown drops
    /// each spawned task at once: without this flag, each drop would spawn another task.
    is_background: bool,
    owner: Owner,
    info: ClaimInfo,
    renewal: Option<Renewal>,
    /// The runtime of the claim, for a drop outside of the runtime.
    runtime: Option<Handle>,
    /// The last field, so that the claim counts until its release.
    _active: Active,
}

/// Time limit for retries of a mark.
const MARK_RETRY_LIMIT: Duration = Duration::from_secs(300);

impl Claim {
    /// Creates a claim without a key in the store. [`next_key`](Self::next_key) returns the keys to
    /// claim.
    pub(crate) fn new(shared: Arc<Shared>, first: DeliveryKey, second: Option<DeliveryKey>, owner: Owner, active: Active) -> Self {
        Self::of(shared, owner, ClaimInfo::new(first, second, true), active)
    }

    /// Creates the claim of an unguarded delivery.
    pub(crate) fn unguarded(shared: Arc<Shared>, first: DeliveryKey, second: Option<DeliveryKey>) -> Self {
        let active = Active::new(&shared);
        Self::of(shared, Owner::NONE, ClaimInfo::new(first, second, false), active)
    }

    fn of(shared: Arc<Shared>, owner: Owner, info: ClaimInfo, active: Active) -> Self {
        Self {
            shared,
            held: 0,
            marked: 0,
            status: None,
            worst: MarkReply::Own,
            is_background: false,
            owner,
            info,
            renewal: None,
            runtime: Handle::try_current().ok(),
            _active: active,
        }
    }

    /// Returns the first key of the delivery. See [`ClaimInfo::key`].
    #[must_use]
    pub fn key(&self) -> DeliveryKey {
        self.info.key()
    }

    /// Returns the key and the state of the claim, for the handler.
    #[must_use]
    pub fn info(&self) -> ClaimInfo {
        self.info.clone()
    }

    /// Ends the claim with the status of the response. With a 2xx status, the delivery is marked as
    /// handled. With another status, the claim is released.
    ///
    /// If the store does not answer, or this future is dropped, the mark is retried in the background
    /// for five minutes. The handler has run, so the response stays 2xx.
    ///
    /// # Panics
    /// Outside of a runtime of tokio with a time driver, if the store does not answer at once.
    pub fn complete(mut self, status: u16) -> impl Future<Output = ()> + Send {
        let is_success = (200..300).contains(&status);
        // Set before the `async` block: if the block is dropped before its first poll, a handled
        // delivery must not be released.
        if is_success {
            self.status = Some(status);
            self.info.succeed();
        }
        async move {
            if !is_success {
                return self.release().await;
            }
            // Renewals go on until the marks are written, because a store may be slow. If a mark is
            // missing, `drop` retries the marks in the background.
            if let Err((key, error)) = self.mark(status).await {
                self.shared.events.record_failure("mark", key, &error);
            }
        }
    }

    /// Marks the keys. Ends at the first key without an answer of the store.
    async fn mark(&mut self, status: u16) -> Result<(), (DeliveryKey, StoreError)> {
        while let Some(key) = self.key_at(self.marked) {
            let shared = &self.shared;
            let reply = shared.store.mark(key, self.owner, status, shared.keep).within(shared.patience).await;
            let reply = reply.map_err(|error| (key, error))?;
            self.worst = match (self.worst, reply) {
                (MarkReply::Other, _) | (_, MarkReply::Other) => MarkReply::Other,
                (MarkReply::Unclaimed, _) | (_, MarkReply::Unclaimed) => MarkReply::Unclaimed,
                (MarkReply::Own, MarkReply::Own) => MarkReply::Own,
            };
            self.marked = self.marked.saturating_add(1);
        }
        self.info.mark();
        self.record_worst();
        Ok(())
    }

    /// Records one event for the claim, not for each key.
    fn record_worst(&self) {
        match self.worst {
            MarkReply::Unclaimed if self.info.lose() => self.shared.events.record(GuardEvent::Expired, self.key()),
            MarkReply::Own | MarkReply::Unclaimed => {}
            MarkReply::Other => self.shared.events.record(GuardEvent::DoubleRun, self.key()),
        }
    }

    /// Retries the marks. The claim is renewed meanwhile.
    async fn retry_marks(mut self, status: u16) {
        for pause in pauses(MARK_RETRY_LIMIT) {
            tokio::time::sleep(pause).await;
            if self.mark(status).await.is_ok() {
                break;
            }
        }
        if self.marked < self.held {
            self.shared.events.record(GuardEvent::MarkLost, self.key());
            self.record_worst();
        }
        // Nothing is left for `drop`: the lease ends a claim without a mark.
        self.held = 0;
    }

    async fn release(mut self) {
        // If this future is dropped here, `drop` waits for the renewal in the background.
        if let Some(renewal) = &mut self.renewal {
            renewal.stop().await;
        }
        self.renewal = None;
        while let Some(key) = self.last_held() {
            // If this future is dropped here, `drop` releases this key and the others.
            if self.shared.store.release(key, self.owner).within(self.shared.patience).await.is_err() {
                self.shared.release_detached(key, self.owner, self.runtime.as_ref());
            }
            self.forget_last();
        }
    }

    /// Returns the key at a place. An unguarded delivery has none.
    fn key_at(&self, place: usize) -> Option<DeliveryKey> {
        self.info.keys().nth(place).filter(|_| self.info.is_guarded())
    }

    fn last_held(&self) -> Option<DeliveryKey> {
        self.key_at(self.held.checked_sub(1)?)
    }

    /// Returns the next key to claim. Counts the key as held, before the store is asked: a lost answer
    /// may mean a claim.
    pub(crate) fn next_key(&mut self) -> Option<DeliveryKey> {
        let key = self.key_at(self.held)?;
        self.held = self.held.saturating_add(1);
        Some(key)
    }

    /// Counts the last key as not held.
    pub(crate) const fn forget_last(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    /// Starts to renew the claim, if the store has leases. The lease runs from `started` on.
    pub(crate) fn start_renewal(&mut self, started: Instant) {
        if self.shared.store.has_leases() {
            self.info.hold_until(started.checked_add(self.shared.lease));
            self.renewal = Renewal::start(Arc::clone(&self.shared), self.owner, self.info.clone());
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let renewal = self.renewal.take();
        let needs_task = match self.status {
            // The handler has succeeded: the claim is not released, and its marks are retried.
            Some(_) => self.marked < self.held,
            // A renewal on its way would set the released claim again, and `drop` cannot wait.
            None => renewal.is_some(),
        };
        if needs_task && !self.is_background {
            let (shared, info, runtime) = (Arc::clone(&self.shared), self.info.clone(), self.runtime.clone());
            // `..*self` copies the counts, the status and the owner. Nothing can be moved out of `self`.
            let rest = Self { _active: Active::new(&shared), shared, info, runtime, renewal, is_background: true, ..*self };
            spawn(self.runtime.as_ref(), async move {
                match rest.status {
                    Some(status) => rest.retry_marks(status).await,
                    None => rest.release().await,
                }
            });
            return;
        }
        drop(renewal);
        while self.status.is_none()
            && let Some(key) = self.last_held()
        {
            self.shared.release_detached(key, self.owner, self.runtime.as_ref());
            self.forget_last();
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("key", &self.info.key()).finish_non_exhaustive()
    }
}
