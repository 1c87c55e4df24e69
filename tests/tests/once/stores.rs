//! Stores with faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use countersign::identity::DeliveryKey;
use countersign_once::{ClaimReply, MarkReply, MemoryStore, Owner, RenewReply, Store, StoreError, StoreFuture};

/// A store that never answers a claim in time.
pub(crate) struct Down;

impl Store for Down {
    fn claim(&self, _: DeliveryKey, _: Owner, _: Duration) -> StoreFuture<ClaimReply> {
        StoreFuture::new(std::future::pending())
    }

    fn renew(&self, _: DeliveryKey, _: Owner, _: Duration) -> StoreFuture<RenewReply> {
        unreachable!("nothing is claimed")
    }

    fn mark(&self, _: DeliveryKey, _: Owner, _: u16, _: Duration) -> StoreFuture<MarkReply> {
        unreachable!("nothing is claimed")
    }

    fn release(&self, _: DeliveryKey, _: Owner) -> StoreFuture<()> {
        StoreFuture::new(async { Err(StoreError::new("down")) })
    }
}

/// A store that writes each mark after a delay, or fails if `fails` is set.
pub(crate) struct Marks {
    pub(crate) inner: Arc<MemoryStore>,
    pub(crate) written: Arc<AtomicUsize>,
    pub(crate) fails: Arc<AtomicBool>,
}

impl Default for Marks {
    fn default() -> Self {
        Self { inner: Arc::new(MemoryStore::new(100)), written: Arc::default(), fails: Arc::default() }
    }
}

impl Store for Marks {
    fn claim(&self, key: DeliveryKey, owner: Owner, lease: Duration) -> StoreFuture<ClaimReply> {
        self.inner.claim(key, owner, lease)
    }

    fn renew(&self, key: DeliveryKey, owner: Owner, lease: Duration) -> StoreFuture<RenewReply> {
        self.inner.renew(key, owner, lease)
    }

    fn mark(&self, key: DeliveryKey, owner: Owner, status: u16, keep: Duration) -> StoreFuture<MarkReply> {
        let (inner, marks, fails) = (Arc::clone(&self.inner), Arc::clone(&self.written), Arc::clone(&self.fails));
        StoreFuture::new(async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            if fails.load(Ordering::SeqCst) {
                return Err(StoreError::new("full"));
            }
            marks.fetch_add(1, Ordering::SeqCst);
            inner.mark(key, owner, status, keep).await
        })
    }

    fn release(&self, key: DeliveryKey, owner: Owner) -> StoreFuture<()> {
        self.inner.release(key, owner)
    }
}

/// A store with the same replies for each delivery. The operation named by `fails` fails: `claim`, `renew`, `mark` or `release`.
pub(crate) struct Fixed {
    pub(crate) claim: ClaimReply,
    pub(crate) mark: MarkReply,
    pub(crate) fails: &'static str,
}

impl Fixed {
    fn reply<T>(&self, operation: &str, reply: T) -> StoreFuture<T> {
        StoreFuture::ready(if self.fails == operation { Err(StoreError::new("away")) } else { Ok(reply) })
    }
}

impl Store for Fixed {
    fn claim(&self, _: DeliveryKey, _: Owner, _: Duration) -> StoreFuture<ClaimReply> {
        self.reply("claim", self.claim)
    }

    fn renew(&self, _: DeliveryKey, _: Owner, _: Duration) -> StoreFuture<RenewReply> {
        self.reply("renew", RenewReply::Held)
    }

    fn mark(&self, _: DeliveryKey, _: Owner, _: u16, _: Duration) -> StoreFuture<MarkReply> {
        self.reply("mark", self.mark)
    }

    fn release(&self, _: DeliveryKey, _: Owner) -> StoreFuture<()> {
        self.reply("release", ())
    }
}
