use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use countersign::Verified;
use countersign::identity::{DeliveryKey, Identity};
use tokio::time::Instant;

use crate::claim::Claim;
use crate::event::GuardEvent;
use crate::owner::Owner;
use crate::shared::{Active, Shared, WhenDown};
use crate::store::{ClaimReply, StoreError};

/// A guard: handles each verified delivery once, [within limits].
///
/// A *claim* reserves a delivery while its handler runs, and a *mark* records that the delivery was
/// handled. If a handler runs *unguarded*, the store has no claim of this run, so no repeat is held
/// back.
///
/// A clone shares the store, the settings and the counts.
///
/// [within limits]: countersign::manual::once#what-is-promised-and-what-is-not
#[derive(Clone)]
pub struct Once(pub(crate) Arc<Shared>);

/// The decision on a delivery.
// Not `#[non_exhaustive]`: every caller must decide each case.
#[derive(Debug)]
#[must_use = "a delivery is either handled or answered without its handler"]
pub enum Admission {
    /// Run the handler, then call [`Claim::complete`].
    Run(Claim),
    /// The delivery was handled with this status. Answer with the status, and run nothing. Never returned
    /// by a guard that only [counts](crate::OnceBuilder::count_only).
    Repeated(u16),
    /// The delivery is being handled. Answer 503 with `Retry-After`, and run nothing. Never returned by a
    /// guard that only [counts](crate::OnceBuilder::count_only).
    Running,
    /// The guard is [closed](Once::close), the store failed, or the system has no random numbers. Answer
    /// 503 with `Retry-After`, and run nothing. After a failure, a delivery with an identity runs
    /// unguarded instead if [`WhenDown::Run`] is set, or if the guard only
    /// [counts](crate::OnceBuilder::count_only).
    Unavailable(StoreError),
}

impl Once {
    /// Claims a delivery. `body` is the verified body.
    ///
    /// The handler of a delivery without an identity runs unguarded. An adapter passes `None` for
    /// `verified` if report-only mode has let the delivery through. Such a delivery is unguarded too: a
    /// stranger could choose its identity.
    ///
    /// The layer of tower, the middleware of actix-web and the filter of warp claim each delivery
    /// themselves: do not call `begin` behind them. Call `begin` or [`handle`](Self::handle) in a handler
    /// with an extractor, or behind `Verify::delivery` of warp.
    ///
    /// Outside of a runtime of tokio, nothing renews a claim: it ends after its lease.
    ///
    /// # Panics
    /// If the store does not answer at once, and no runtime of tokio with a time driver is running.
    pub async fn begin<'v>(&self, verified: impl Into<Option<&'v Verified>>, body: &[u8]) -> Admission {
        let shared = &self.0;
        let keys = verified.into().and_then(|verified| shared.identity.keys(shared.events.name(), verified, body));
        self.admit(keys).await
    }

    /// Claims one event of a delivery with several events. `id` has the values of the verified body that
    /// together identify the event.
    ///
    /// Senders of batches repeat a whole batch after one failure. With a claim for each event, only
    /// the failed events run again. The handler of an event runs unguarded if `id` is empty, if one of its
    /// values is empty, or if the sender uses a static token: the token covers no body.
    ///
    /// # Panics
    /// The same as [`begin`](Self::begin).
    pub async fn begin_event(&self, verified: &Verified, id: &[&str]) -> Admission {
        self.admit(DeliveryKey::of_event(self.0.events.name(), verified, id).map(|key| (key, None))).await
    }

    /// Returns the identity of deliveries.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.0.identity
    }

    /// Returns how often an event has happened since the guard was built.
    #[must_use]
    pub fn count(&self, event: GuardEvent) -> u64 {
        self.0.events.count(event)
    }

    /// Closes the guard. Every later call of [`begin`](Self::begin) and [`begin_event`](Self::begin_event)
    /// returns [`Admission::Unavailable`], whatever [`WhenDown`] says, and also if the guard only
    /// [counts](crate::OnceBuilder::count_only). Use this while a server still accepts deliveries and the
    /// process waits for [`idle`](Self::idle).
    ///
    /// A sender that never repeats, such as GitHub, loses such a delivery. So first end the traffic to
    /// this process, for example by a failing readiness check. A batch whose handler is running gets no
    /// claims for its remaining events: the sender must repeat the batch.
    pub fn close(&self) {
        self.0.is_closed.store(true, Ordering::SeqCst);
    }

    /// Waits for the end of all claims, also of those from [`begin`](Self::begin), and for marks and
    /// releases in the background. Call this at shutdown: a handler runs on after its sender has
    /// disconnected, and a server does not wait for such a handler.
    ///
    /// While the store is down, marks are retried for up to five minutes. Releases are retried for the time
    /// of the lease, but for at most one minute. Put a timeout around this call if the process must end earlier.
    ///
    /// Under actix-web, switch off the handling of signals by `HttpServer::disable_signals`. At a signal,
    /// call [`close`](Self::close), then `idle`, and only then `ServerHandle::stop`: a stopped worker drops
    /// its handlers.
    pub async fn idle(&self) {
        let mut active = self.0.active.subscribe();
        // `wait_for` fails only after the drop of the `watch::Sender`, which `self` owns.
        let _ = active.wait_for(|active| *active == 0).await;
    }

    async fn admit(&self, keys: Option<(DeliveryKey, Option<DeliveryKey>)>) -> Admission {
        // Count first, then read the flag: so `idle`, called after `close`, waits for this delivery, or this
        // delivery finds the flag.
        let active = Active::new(&self.0);
        if self.0.is_closed.load(Ordering::SeqCst) {
            return Admission::Unavailable(StoreError::new("the guard is closed"));
        }
        match keys {
            Some((first, second)) => self.claim(first, second, active).await,
            None => self.without_identity(),
        }
    }

    async fn claim(&self, first: DeliveryKey, second: Option<DeliveryKey>, active: Active) -> Admission {
        let shared = &self.0;
        let Some(owner) = Owner::random() else { return self.unavailable(first, second, no_random_numbers()) };
        // Created before the store is asked: if this future is dropped, or the answer is lost, the
        // drop of the claim releases the keys.
        let (mut claim, started) = (Claim::new(Arc::clone(shared), first, second, owner, active), Instant::now());
        while let Some(key) = claim.next_key() {
            match shared.store.claim(key, owner, shared.lease).within(shared.patience).await {
                Ok(ClaimReply::Acquired) => {}
                Ok(ClaimReply::Running) => {
                    claim.forget_last();
                    shared.events.record(GuardEvent::Running, first);
                    return if shared.count_only { self.unguarded(first, second) } else { Admission::Running };
                }
                Ok(ClaimReply::Marked(status)) => {
                    claim.forget_last();
                    shared.events.record(GuardEvent::Repeated, first);
                    // Never mark the other key. Say a delivery has failed and will be repeated, and a
                    // stranger sends its body under the id of a handled delivery. With a mark for that
                    // body, the repeat would never run. The same holds with id and body exchanged.
                    return if shared.count_only { self.unguarded(first, second) } else { Admission::Repeated(status) };
                }
                Err(error) => return self.unavailable(first, second, error),
            }
        }
        shared.events.record(GuardEvent::Claimed, first);
        claim.start_renewal(started);
        Admission::Run(claim)
    }

    fn unavailable(&self, first: DeliveryKey, second: Option<DeliveryKey>, error: StoreError) -> Admission {
        self.0.events.record_failure("claim", first, &error);
        match self.0.when_down {
            WhenDown::Refuse if !self.0.count_only => Admission::Unavailable(error),
            WhenDown::Refuse | WhenDown::Run => self.unguarded(first, second),
        }
    }

    fn unguarded(&self, first: DeliveryKey, second: Option<DeliveryKey>) -> Admission {
        self.0.events.record(GuardEvent::Unguarded, first);
        Admission::Run(Claim::unguarded(Arc::clone(&self.0), first, second))
    }

    /// Admits a delivery without an identity. A random key matches no other delivery.
    fn without_identity(&self) -> Admission {
        match random_key() {
            Some(key) => self.unguarded(key, None),
            None => Admission::Unavailable(no_random_numbers()),
        }
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("name", &self.0.events.name()).field("identity", &self.0.identity).finish_non_exhaustive()
    }
}

fn random_key() -> Option<DeliveryKey> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).ok()?;
    Some(DeliveryKey::from_bytes(key))
}

fn no_random_numbers() -> StoreError {
    StoreError::new("the system has no random numbers")
}
