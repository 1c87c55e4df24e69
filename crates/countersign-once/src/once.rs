use std::fmt;
use std::sync::Arc;

use countersign::Verified;
use countersign::identity::{DeliveryKey, Identity};

use crate::claim::Claim;
use crate::event::Event;
use crate::guard::{Guard, WhenDown};
use crate::owner::Owner;
use crate::store::{ClaimReply, StoreError};

/// A guard: handles each verified delivery once.
///
/// A clone shares the store, the settings and the counts.
#[derive(Clone)]
pub struct Once(pub(crate) Arc<Guard>);

/// The decision on a delivery.
#[derive(Debug)]
pub enum Admission {
    /// Run the handler, then call [`Claim::complete`].
    Run(Claim),
    /// The delivery was handled with this status. Answer with the status, and run nothing.
    Repeated(u16),
    /// The delivery is being handled. Answer 503 with `Retry-After`, and run nothing.
    Running,
    /// The store failed. Answer 503 with `Retry-After`, and run nothing.
    Unavailable(StoreError),
}

impl Once {
    /// Claims a delivery. `body` is the verified body.
    ///
    /// A delivery without an identity is admitted without a guard, and so is a delivery that was let
    /// through in report-only mode, with `None` for `verified`: a stranger could choose its identity.
    ///
    /// The guards of the adapters call this function. Call `begin` or [`handle`](Self::handle) in a
    /// handler that receives its delivery from an extractor or from `Verify::delivery` of warp.
    pub async fn begin<'v>(&self, verified: impl Into<Option<&'v Verified>>, body: &[u8]) -> Admission {
        let guard = &self.0;
        match verified.into().and_then(|verified| guard.identity.keys(guard.events.guard(), verified, body)) {
            Some((first, second)) => self.claim(first, second).await,
            None => self.unguarded(None),
        }
    }

    /// Claims one event of a delivery with several events, by its id in the verified body.
    ///
    /// Senders of batches repeat a whole batch after one failure. With a claim for each event, only
    /// the failed events run again.
    pub async fn begin_event(&self, verified: &Verified, id: &str) -> Admission {
        self.claim(DeliveryKey::of_event(self.0.events.guard(), verified, id), None).await
    }

    async fn claim(&self, first: DeliveryKey, second: Option<DeliveryKey>) -> Admission {
        let guard = &self.0;
        let Some(owner) = Owner::random() else { return self.unavailable(first, StoreError::new("no random numbers")) };
        // Created before the store is asked: if this future is dropped, or the answer is lost, the
        // drop of the claim releases the keys.
        let mut claim = Claim::new(Arc::clone(guard), first, second, owner);
        while let Some(key) = claim.ask() {
            let (event, refusal) = match guard.store.claim(key, owner, guard.lease).within(guard.patience).await {
                Ok(ClaimReply::Acquired) => continue,
                Ok(ClaimReply::Done(status)) => (Event::Repeated, Admission::Repeated(status)),
                Ok(ClaimReply::Running) => (Event::Running, Admission::Running),
                Err(error) => return self.unavailable(first, error),
            };
            claim.refused();
            guard.events.record(event, key, None);
            if guard.report_only {
                return self.unguarded(Some(first));
            }
            if let Admission::Repeated(status) = refusal {
                // The other key is new, and belongs to the same handled delivery. Without its mark, the
                // same body could come again under another id.
                claim.complete(status).await;
            }
            return refusal;
        }
        guard.events.record(Event::Claimed, first, None);
        claim.start_renewal();
        Admission::Run(claim)
    }

    fn unavailable(&self, key: DeliveryKey, error: StoreError) -> Admission {
        self.0.events.record(Event::Unavailable, key, Some(&error));
        match self.0.when_down {
            WhenDown::Refuse => Admission::Unavailable(error),
            WhenDown::Run => self.unguarded(Some(key)),
        }
    }

    /// Admits a delivery without a guard. Without an identity, the delivery is unlike any other, and
    /// so is its random key.
    fn unguarded(&self, key: Option<DeliveryKey>) -> Admission {
        let Some(key) = key.or_else(random_key) else { return Admission::Unavailable(StoreError::new("no random numbers")) };
        self.0.events.record(Event::Unguarded, key, None);
        Admission::Run(Claim::unguarded(Arc::clone(&self.0), key))
    }

    /// Returns the identity of deliveries.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.0.identity
    }

    /// Returns how often an event has happened since the guard was built.
    #[must_use]
    pub fn count(&self, event: Event) -> u64 {
        self.0.events.count(event)
    }

    /// Waits until no handler runs. Call this at shutdown: a handler runs on after its sender has
    /// disconnected, and a server does not wait for such a handler.
    pub async fn idle(&self) {
        let mut running = self.0.running.subscribe();
        // The sender lives in `self`.
        let _ = running.wait_for(|running| *running == 0).await;
    }
}

fn random_key() -> Option<DeliveryKey> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).ok()?;
    Some(DeliveryKey::from_bytes(key))
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("name", &self.0.events.guard()).field("identity", &self.0.identity).finish_non_exhaustive()
    }
}
