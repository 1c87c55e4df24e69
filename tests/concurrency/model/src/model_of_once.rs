use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use real::pin::Pin;
use real::sync::Arc;
use real::task::{Context, Poll, Waker};
use real::time::Duration;

use countersign::identity::DeliveryKey;

use crate::memory_store::MemoryStore;
use crate::owner::Owner;
use crate::store::{ClaimReply, MarkReply, Store as _, StoreError, StoreFuture};

const LEASE: Duration = Duration::from_secs(30);
const KEEP: Duration = Duration::from_secs(60);

/// Runs the model with room for all keys, and with room for two of three keys.
pub fn run() -> usize {
    interleavings(48) + interleavings(1)
}

/// Two workers receive one delivery at the same time, beside other deliveries. One worker fails.
fn interleavings(capacity: usize) -> usize {
    crate::explore(move || {
        let store = Arc::new(MemoryStore::new(capacity));
        let (running, successes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let worker = |fails: bool| {
            let (store, running, successes) = (Arc::clone(&store), Arc::clone(&running), Arc::clone(&successes));
            thread::spawn(move || handle(&store, &running, &successes, fails))
        };
        let others = {
            let store = Arc::clone(&store);
            thread::spawn(move || [1, 2].map(|other| fill(&store, key(other))))
        };
        let (one, two) = (worker(true), worker(false));
        one.join().unwrap();
        two.join().unwrap();
        others.join().unwrap();
        // The sender repeats the delivery.
        handle(&store, &running, &successes, false);
        let successes = successes.load(Ordering::SeqCst);
        // A full store forgets its oldest marks.
        assert!(successes == 1 || capacity == 1, "{successes} successful runs");
    })
}

/// Claims the delivery. Fails, or handles and marks the delivery.
fn handle(store: &MemoryStore, running: &AtomicUsize, successes: &AtomicUsize, fails: bool) {
    let owner = Owner::random().unwrap();
    // A full store is unavailable, and the sender repeats the delivery.
    if !matches!(now(store.claim(key(0), owner, LEASE)), Ok(ClaimReply::Acquired)) {
        return;
    }
    assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "two handlers at the same time");
    thread::yield_now();
    running.fetch_sub(1, Ordering::SeqCst);
    if fails {
        now(store.release(key(0), owner)).unwrap();
    } else {
        successes.fetch_add(1, Ordering::SeqCst);
        assert_eq!(now(store.mark(key(0), owner, 200, KEEP)).unwrap(), MarkReply::Own, "a live claim is never evicted");
    }
}

/// Handles another delivery of the same part of the store.
fn fill(store: &MemoryStore, key: DeliveryKey) {
    let owner = Owner::random().unwrap();
    if let Ok(ClaimReply::Acquired) = now(store.claim(key, owner, LEASE)) {
        now(store.mark(key, owner, 200, Duration::ZERO)).unwrap();
    }
}

fn key(number: u8) -> DeliveryKey {
    let mut bytes = [0; 32];
    bytes[31] = number;
    DeliveryKey::from_bytes(bytes)
}

/// Returns the answer of the store. The store answers at once.
fn now<T>(mut answer: StoreFuture<T>) -> Result<T, StoreError> {
    match Pin::new(&mut answer).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the answer of the store is pending"),
    }
}
