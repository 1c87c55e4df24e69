use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use countersign::identity::DeliveryKey;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::event::Event;
use crate::guard::{Guard, Running};
use crate::owner::Owner;
use crate::store::{FinishReply, RenewReply};

/// The right to handle a delivery.
///
/// Call [`complete`](Self::complete) with the status of the response. A dropped claim is released,
/// so the sender's next repeat is handled.
///
/// A delivery [without a guard](ClaimInfo::is_guarded) has a claim too. Such a claim is in no store,
/// and `complete` does nothing.
#[must_use = "a dropped claim is released"]
pub struct Claim {
    guard: Arc<Guard>,
    /// The keys to claim. Without a guard, none.
    keys: [Option<DeliveryKey>; 2],
    /// The number of keys that the store may hold for this claim.
    held: usize,
    /// The number of held keys with a mark.
    marked: usize,
    /// The status of the response, once the handler has succeeded. The keys are then marked, and
    /// never released.
    status: Option<u16>,
    /// Whether the marks are being tried again. A second retry would never end while a runtime
    /// shuts down and drops every task.
    is_retried: bool,
    owner: Owner,
    info: ClaimInfo,
    renewal: Option<JoinHandle<()>>,
}

/// The key and the state of a claim, for handlers.
#[derive(Clone, Debug)]
pub struct ClaimInfo {
    key: DeliveryKey,
    is_guarded: bool,
    state: Arc<ClaimState>,
}

#[derive(Debug, Default)]
struct ClaimState {
    is_lost: AtomicBool,
    /// Whether the handler has succeeded. A mark then looks lost to a renewal.
    has_succeeded: AtomicBool,
}

/// The time to try a mark again, in the background.
const RETRY_MARKS: Duration = Duration::from_secs(300);

impl Claim {
    /// Creates a claim without a key in the store. `ask` claims the keys one by one.
    pub(crate) fn new(guard: Arc<Guard>, first: DeliveryKey, second: Option<DeliveryKey>, owner: Owner) -> Self {
        let info = ClaimInfo { key: first, is_guarded: true, state: Arc::default() };
        Self { guard, keys: [Some(first), second], held: 0, marked: 0, status: None, is_retried: false, owner, info, renewal: None }
    }

    /// Creates the claim of a delivery that is handled without a guard.
    pub(crate) fn unguarded(guard: Arc<Guard>, key: DeliveryKey) -> Self {
        let mut claim = Self::new(guard, key, None, Owner::NONE);
        claim.keys = [None, None];
        claim.info.is_guarded = false;
        claim
    }

    /// Returns the key of the delivery. See [`ClaimInfo::key`].
    #[must_use]
    pub const fn key(&self) -> DeliveryKey {
        self.info.key
    }

    /// Returns the key and the state of the claim, for the handler.
    #[must_use]
    pub fn info(&self) -> ClaimInfo {
        self.info.clone()
    }

    /// Ends the claim with the status of the response. With a 2xx status, the delivery is marked as
    /// handled. With another status, the claim is released.
    ///
    /// If the store does not answer, or this future is dropped, the mark is tried again in the
    /// background for five minutes. The handler has run, so the response stays 2xx.
    pub async fn complete(mut self, status: u16) {
        if !(200..300).contains(&status) {
            return self.release().await;
        }
        self.status = Some(status);
        self.info.state.has_succeeded.store(true, Ordering::Relaxed);
        if self.mark(status).await {
            self.stop_renewal().await;
        }
        // Otherwise the drop goes on with the marks.
    }

    /// Marks the keys. Returns `false` at the first key without an answer of the store.
    async fn mark(&mut self, status: u16) -> bool {
        while let Some(key) = self.keys.get(self.marked).copied().flatten().filter(|_| self.marked < self.held) {
            let guard = &self.guard;
            match guard.store.finish(key, self.owner, status, guard.keep).within(guard.patience).await {
                // One claim is told of once.
                Ok(reply) if self.marked == 0 => guard.finished(reply, key),
                Ok(_) => {}
                Err(error) => {
                    guard.events.record(Event::Unavailable, key, Some(&error));
                    return false;
                }
            }
            self.marked = self.marked.saturating_add(1);
        }
        true
    }

    /// Tries the marks again. The claim is renewed meanwhile.
    async fn retry_marks(mut self, status: u16) {
        let until = tokio::time::Instant::now().checked_add(RETRY_MARKS);
        let mut pause = Duration::from_millis(100);
        while until.is_none_or(|until| tokio::time::Instant::now() < until) {
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(Duration::from_secs(10));
            if self.mark(status).await {
                break;
            }
        }
        self.stop_renewal().await;
        // Nothing is left for the drop: the lease ends a claim without a mark.
        self.held = 0;
    }

    /// Counts the handler of this claim, until the drop of the returned value.
    pub(crate) fn running(&self) -> Running {
        Running::new(&self.guard)
    }

    async fn release(mut self) {
        self.stop_renewal().await;
        while let Some(key) = self.last_held() {
            // If this future is dropped, the drop of the claim releases this key and the others.
            if self.guard.store.release(key, self.owner).within(self.guard.patience).await.is_err() {
                self.guard.give_back(key, self.owner);
            }
            self.refused();
        }
    }

    fn last_held(&self) -> Option<DeliveryKey> {
        self.keys.get(self.held.checked_sub(1)?).copied().flatten()
    }

    /// Notes that the store may hold one more key for this claim, and returns the key.
    pub(crate) fn ask(&mut self) -> Option<DeliveryKey> {
        let key = (*self.keys.get(self.held)?)?;
        self.held = self.held.saturating_add(1);
        Some(key)
    }

    /// Notes that the store holds the last key no more, or for somebody else.
    pub(crate) const fn refused(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    /// Renews the claim in a task of its own. In the task of the handler, a blocking handler would
    /// delay the renewal.
    pub(crate) fn start_renewal(&mut self) {
        if !self.guard.store.has_leases() {
            return;
        }
        let (guard, keys, owner, info) = (Arc::clone(&self.guard), self.keys, self.owner, self.info.clone());
        let renew = async move {
            // A third of the lease leaves two more tries.
            let pause = guard.lease.checked_div(3).unwrap_or_default();
            loop {
                tokio::time::sleep(pause).await;
                for key in keys.into_iter().flatten() {
                    let reply = guard.store.renew(key, owner, guard.lease).within(guard.patience).await;
                    let is_lost = matches!(reply, Ok(RenewReply::Lost)) && !info.state.has_succeeded.load(Ordering::Relaxed);
                    if is_lost && !info.state.is_lost.swap(true, Ordering::Relaxed) {
                        guard.events.record(Event::Expired, key, None);
                    }
                }
            }
        };
        self.renewal = Handle::try_current().ok().map(|runtime| runtime.spawn(renew));
    }

    /// Waits for the end of the renewal: a renewal on its way would set a released claim again.
    async fn stop_renewal(&mut self) {
        if let Some(renewal) = self.renewal.take() {
            renewal.abort();
            let _ = renewal.await;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let renewal = self.renewal.take();
        match self.status {
            None => {
                if let Some(renewal) = renewal {
                    renewal.abort();
                }
                while let Some(key) = self.last_held() {
                    self.guard.give_back(key, self.owner);
                    self.refused();
                }
            }
            Some(status) if self.marked < self.held && !self.is_retried => {
                let rest = Self { guard: Arc::clone(&self.guard), info: self.info.clone(), renewal, is_retried: true, ..*self };
                let running = Running::new(&self.guard);
                // Nothing is left for this drop, and the rest has a drop of its own.
                self.held = 0;
                spawn(async move {
                    rest.retry_marks(status).await;
                    drop(running);
                });
            }
            Some(_) => {
                if let Some(renewal) = renewal {
                    renewal.abort();
                }
            }
        }
    }
}

impl Guard {
    fn finished(&self, reply: FinishReply, key: DeliveryKey) {
        match reply {
            FinishReply::Own => {}
            FinishReply::Expired => self.events.record(Event::Expired, key, None),
            FinishReply::Other => self.events.record(Event::DoubleRun, key, None),
        }
    }

    /// Releases a key without waiting. A store without an answer at hand is asked in a task.
    fn give_back(self: &Arc<Self>, key: DeliveryKey, owner: Owner) {
        let mut release = self.store.release(key, owner);
        let at_once = Pin::new(&mut release).poll(&mut Context::from_waker(Waker::noop()));
        if at_once.is_pending() {
            let (patience, running) = (self.patience, Running::new(self));
            spawn(async move {
                // If this fails too, the lease ends the claim.
                let _ = release.within(patience).await;
                drop(running);
            });
        }
    }
}

/// Runs a future on the current runtime. Without a runtime, the process is about to end.
fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(future);
    }
}

impl ClaimInfo {
    /// Returns the key of the delivery: 64 hex digits as text.
    ///
    /// In the same transaction as the effects of the handler, a unique column with this key makes
    /// the effects happen exactly once. While the store is down, the key is the same. A delivery
    /// without an identity has a random key.
    #[must_use]
    pub const fn key(&self) -> DeliveryKey {
        self.key
    }

    /// Returns whether the guard holds a claim of this delivery. Otherwise the delivery has no
    /// identity, or the store failed and [`WhenDown::Run`](crate::WhenDown::Run) is set.
    #[must_use]
    pub const fn is_guarded(&self) -> bool {
        self.is_guarded
    }

    /// Returns whether the claim was lost: another handler may run for the same delivery.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.state.is_lost.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("key", &self.info.key).finish_non_exhaustive()
    }
}
