use std::fmt;
use std::sync::Arc;

use countersign::Verified;

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
    /// Run the handler without a guard: the delivery has no identity, or the store failed and
    /// [`WhenDown::Run`] is set.
    Unguarded,
}

impl Once {
    /// Claims a delivery. `body` is the verified body.
    ///
    /// Adapters call this; handlers behind an adapter need not.
    pub async fn begin(&self, verified: &Verified, body: &[u8]) -> Admission {
        let guard = &self.0;
        let Some((first, second)) = guard.identity.keys(guard.events.guard(), verified, body) else {
            guard.events.record(Event::Unguarded, None, None);
            return Admission::Unguarded;
        };
        let Some(owner) = Owner::random() else { return self.unavailable(StoreError::new("no random numbers")) };
        // Created before the store is asked: if this future is dropped, or the answer is lost, the
        // drop of the claim releases the keys.
        let mut claim = Claim::new(Arc::clone(guard), first, second, owner);
        while let Some(key) = claim.ask() {
            let event = match guard.store.claim(key, owner, guard.lease).within(guard.patience).await {
                Ok(ClaimReply::Acquired) => continue,
                Ok(ClaimReply::Done(status)) => (Event::Repeated, Admission::Repeated(status)),
                Ok(ClaimReply::Running) => (Event::Running, Admission::Running),
                Err(error) => return self.unavailable(error),
            };
            claim.refused();
            guard.events.record(event.0, Some(key), None);
            if let Admission::Repeated(status) = event.1 {
                // The other key is new, and belongs to the same handled delivery. Without its mark, the
                // same body could come again under another id.
                claim.complete(status).await;
            }
            return event.1;
        }
        guard.events.record(Event::Claimed, Some(first), None);
        claim.start_renewal();
        Admission::Run(claim)
    }

    fn unavailable(&self, error: StoreError) -> Admission {
        self.0.events.record(Event::Unavailable, None, Some(&error));
        match self.0.when_down {
            WhenDown::Refuse => Admission::Unavailable(error),
            WhenDown::Run => Admission::Unguarded,
        }
    }

    /// Returns how often an event has happened.
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

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("name", &self.0.events.guard()).field("identity", &self.0.identity).finish_non_exhaustive()
    }
}
