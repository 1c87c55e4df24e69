use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use countersign::identity::DeliveryKey;

use crate::owner::Owner;
use crate::store::{ClaimReply, MarkReply, RenewReply, Store, StoreError, StoreFuture};

/// A store in the memory of one process.
///
/// Claims have no lease: a claim ends with its handler, or with the process. Marks are forgotten
/// after their time, or earlier if the store is full: the oldest mark goes first. A claim is never
/// evicted. The store has 16 shards. If claims alone fill a shard, the store is unavailable for a new
/// delivery of this shard: see [`WhenDown`](crate::WhenDown).
///
/// Several processes need a shared store, such as that of the crate `countersign-once-redis`.
pub struct MemoryStore {
    shards: Box<[Mutex<Shard>]>,
    /// The largest number of entries in one shard.
    shard_capacity: usize,
    evicted: AtomicU64,
}

/// With more shards, fewer threads wait for each other.
const SHARDS: usize = 16;

#[derive(Default)]
struct Shard {
    entries: HashMap<DeliveryKey, Entry>,
    /// The marks, oldest first, with their numbers. An item is stale unless the entry of its key is
    /// a mark with the same number.
    marks: VecDeque<(u64, DeliveryKey)>,
    next_number: u64,
}

enum Entry {
    Claimed(Owner),
    /// If `until` is beyond the range of `Instant`, it is `None`, and the mark never ends.
    Marked {
        owner: Owner,
        status: u16,
        until: Option<Instant>,
        number: u64,
    },
}

impl MemoryStore {
    /// Creates a store for about `capacity` claims and marks, rounded up to a multiple of
    /// 16, and at least 32. An entry takes about 150 bytes.
    ///
    /// A delivery takes an entry, or two with
    /// [`Identity::BODY_OR_UNAUTHENTICATED_ID`](countersign::identity::Identity::BODY_OR_UNAUTHENTICATED_ID).
    /// Choose a capacity for all deliveries that arrive while a mark is kept.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, shard_capacity: capacity.div_ceil(SHARDS).max(2), evicted: AtomicU64::new(0) }
    }

    /// Returns the number of marks evicted before their time.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Returns the shard of a key. Always `Some`: the lints of this project forbid an index.
    fn shard(&self, key: DeliveryKey) -> Option<MutexGuard<'_, Shard>> {
        // The key is a digest, so every byte is evenly spread.
        let place = usize::from(key.as_bytes()[0]) % SHARDS;
        Some(self.shards.get(place)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn claim_now(&self, key: DeliveryKey, owner: Owner) -> Result<ClaimReply, StoreError> {
        let Some(mut shard) = self.shard(key) else { return Ok(ClaimReply::Running) };
        match shard.entries.get(&key) {
            Some(Entry::Claimed(holder)) => {
                return Ok(if *holder == owner { ClaimReply::Acquired } else { ClaimReply::Running });
            }
            Some(Entry::Marked { status, until, .. }) if is_in_force(*until) => return Ok(ClaimReply::Marked(*status)),
            // A mark past its time makes room for the claim.
            Some(Entry::Marked { .. }) => {}
            None => self.make_room(&mut shard)?,
        }
        shard.entries.insert(key, Entry::Claimed(owner));
        Ok(ClaimReply::Acquired)
    }

    fn renew_now(&self, key: DeliveryKey, owner: Owner) -> Result<RenewReply, StoreError> {
        let Some(mut shard) = self.shard(key) else { return Ok(RenewReply::Lost) };
        match shard.entries.get(&key) {
            Some(Entry::Claimed(holder)) if *holder == owner => Ok(RenewReply::Held),
            Some(_) => Ok(RenewReply::Lost),
            None => {
                self.make_room(&mut shard)?;
                shard.entries.insert(key, Entry::Claimed(owner));
                Ok(RenewReply::Restored)
            }
        }
    }

    fn mark_now(&self, key: DeliveryKey, owner: Owner, status: u16, keep: Duration) -> Result<MarkReply, StoreError> {
        let Some(mut shard) = self.shard(key) else { return Ok(MarkReply::Unclaimed) };
        let reply = match shard.entries.get(&key) {
            // A mark of the same owner: the operation is repeated.
            Some(Entry::Claimed(holder) | Entry::Marked { owner: holder, .. }) if *holder == owner => MarkReply::Own,
            Some(Entry::Claimed(_)) => MarkReply::Other,
            Some(Entry::Marked { until, .. }) if is_in_force(*until) => return Ok(MarkReply::Other),
            Some(Entry::Marked { .. }) => MarkReply::Unclaimed,
            None => {
                self.make_room(&mut shard)?;
                MarkReply::Unclaimed
            }
        };
        let until = Instant::now().checked_add(keep);
        let number = shard.next_number;
        shard.next_number = number.wrapping_add(1);
        shard.entries.insert(key, Entry::Marked { owner, status, until, number });
        shard.marks.push_back((number, key));
        shard.drop_stale_marks(self.shard_capacity);
        Ok(reply)
    }

    fn release_now(&self, key: DeliveryKey, owner: Owner) {
        if let Some(mut shard) = self.shard(key)
            && matches!(shard.entries.get(&key), Some(Entry::Claimed(holder)) if *holder == owner)
        {
            shard.entries.remove(&key);
        }
    }

    /// Makes room for an entry. Fails if claims alone fill the shard.
    fn make_room(&self, shard: &mut Shard) -> Result<(), StoreError> {
        while shard.entries.len() >= self.shard_capacity {
            let Some((number, key)) = shard.marks.pop_front() else { return Err(StoreError::new("every entry is a claim")) };
            let Some(Entry::Marked { number: current, until, .. }) = shard.entries.get(&key) else { continue };
            if *current == number {
                if is_in_force(*until) {
                    self.evicted.fetch_add(1, Ordering::Relaxed);
                }
                shard.entries.remove(&key);
            }
        }
        Ok(())
    }
}

fn is_in_force(until: Option<Instant>) -> bool {
    until.is_none_or(|until| Instant::now() < until)
}

impl Shard {
    /// Drops stale items from the queue, once the queue is longer than twice the capacity of the shard.
    fn drop_stale_marks(&mut self, shard_capacity: usize) {
        if self.marks.len() > shard_capacity.saturating_mul(2) {
            let entries = &self.entries;
            self.marks.retain(|(number, key)| matches!(entries.get(key), Some(Entry::Marked { number: current, .. }) if current == number));
        }
    }
}

impl Store for MemoryStore {
    fn claim(&self, key: DeliveryKey, owner: Owner, _lease: Duration) -> StoreFuture<ClaimReply> {
        StoreFuture::ready(self.claim_now(key, owner))
    }

    fn renew(&self, key: DeliveryKey, owner: Owner, _lease: Duration) -> StoreFuture<RenewReply> {
        StoreFuture::ready(self.renew_now(key, owner))
    }

    fn mark(&self, key: DeliveryKey, owner: Owner, status: u16, keep: Duration) -> StoreFuture<MarkReply> {
        StoreFuture::ready(self.mark_now(key, owner, status, keep))
    }

    fn release(&self, key: DeliveryKey, owner: Owner) -> StoreFuture<()> {
        self.release_now(key, owner);
        StoreFuture::ready(Ok(()))
    }

    fn has_leases(&self) -> bool {
        false
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("evicted", &self.evicted()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use countersign::identity::Identity;
    use countersign::{Secret, Signer, Verifier, providers};

    use super::*;

    const KEEP: Duration = Duration::from_secs(60);

    fn key(text: &str) -> DeliveryKey {
        let secret = || Secret::new("a secret of some length");
        let verifier = Verifier::builder(providers::JIRA).key("k", secret()).build().unwrap();
        let head = Signer::new(providers::JIRA, secret()).unwrap().sign(text.as_bytes());
        let verified = verifier.verify(&head, text.as_bytes()).unwrap();
        Identity::BODY.keys("guard", &verified, text.as_bytes()).unwrap().0
    }

    fn owner() -> Owner {
        Owner::random().unwrap()
    }

    #[test]
    fn claim_excludes_others_until_its_end() {
        let (store, one, two) = (MemoryStore::new(100), owner(), owner());
        let key = key("a");
        assert_eq!(store.claim_now(key, one).unwrap(), ClaimReply::Acquired);
        assert_eq!(store.claim_now(key, one).unwrap(), ClaimReply::Acquired, "an operation may be repeated");
        assert_eq!(store.claim_now(key, two).unwrap(), ClaimReply::Running);
        store.release_now(key, two);
        assert_eq!(store.claim_now(key, two).unwrap(), ClaimReply::Running, "only the owner releases");
        store.release_now(key, one);
        assert_eq!(store.claim_now(key, two).unwrap(), ClaimReply::Acquired);
        assert_eq!(store.mark_now(key, two, 204, KEEP).unwrap(), MarkReply::Own);
        assert_eq!(store.claim_now(key, one).unwrap(), ClaimReply::Marked(204));
        store.release_now(key, two);
        assert_eq!(store.claim_now(key, one).unwrap(), ClaimReply::Marked(204), "a mark is not released");
    }

    #[test]
    fn mark_tells_whose_claim_it_was() {
        let (store, one, two) = (MemoryStore::new(100), owner(), owner());
        let key = key("a");
        assert_eq!(store.mark_now(key, one, 200, KEEP).unwrap(), MarkReply::Unclaimed);
        assert_eq!(store.mark_now(key, one, 200, KEEP).unwrap(), MarkReply::Own, "an operation may be repeated");
        for _ in 0..2 {
            assert_eq!(store.mark_now(key, two, 204, KEEP).unwrap(), MarkReply::Other);
        }
        assert_eq!(store.claim_now(key, two).unwrap(), ClaimReply::Marked(200), "the first mark stays");
        assert_eq!(store.renew_now(key, one).unwrap(), RenewReply::Lost);
        let key = self::key("b");
        store.claim_now(key, one).unwrap();
        assert_eq!(store.mark_now(key, two, 204, Duration::ZERO).unwrap(), MarkReply::Other);
        assert_eq!(store.mark_now(key, one, 200, KEEP).unwrap(), MarkReply::Unclaimed, "a mark past its time is forgotten");
        assert_eq!(store.claim_now(key, two).unwrap(), ClaimReply::Marked(200));
    }

    #[test]
    fn renewal_sets_a_missing_claim() {
        let (store, one) = (MemoryStore::new(100), owner());
        let key = key("a");
        assert_eq!(store.renew_now(key, one).unwrap(), RenewReply::Restored);
        assert_eq!(store.renew_now(key, one).unwrap(), RenewReply::Held);
        assert_eq!(store.renew_now(key, owner()).unwrap(), RenewReply::Lost, "only the owner renews");
        assert_eq!(store.claim_now(key, owner()).unwrap(), ClaimReply::Running);
    }

    #[test]
    fn mark_is_forgotten_after_its_time() {
        let (store, one) = (MemoryStore::new(100), owner());
        let key = key("a");
        store.mark_now(key, one, 200, Duration::ZERO).unwrap();
        assert_eq!(store.claim_now(key, one).unwrap(), ClaimReply::Acquired);
    }

    #[test]
    fn full_store_evicts_the_oldest_marks_and_never_a_claim() {
        // Two entries for each shard.
        let store = MemoryStore::new(1);
        let keys: Vec<_> = (0..200).map(|number| key(&number.to_string())).collect();
        for key in &keys {
            store.mark_now(*key, owner(), 200, KEEP).unwrap();
        }
        let kept = keys.iter().filter(|key| matches!(store.claim_now(**key, owner()), Ok(ClaimReply::Marked(_)))).count();
        assert!(kept <= 2 * SHARDS, "{kept}");
        assert!(store.evicted() >= 200 - 2 * SHARDS as u64);

        let store = MemoryStore::new(1);
        let claimed: Vec<_> = keys.iter().filter(|key| store.claim_now(**key, owner()).is_ok()).collect();
        assert_eq!(claimed.len(), 2 * SHARDS, "a claim stays, and others find no room");
        for key in claimed {
            assert_eq!(store.claim_now(*key, owner()).unwrap(), ClaimReply::Running);
        }
    }

    #[test]
    fn mark_written_again_counts_as_new() {
        // Two entries for each shard. The first byte of a key chooses the shard: here shard 0 for all three.
        let store = MemoryStore::new(1);
        let [one, two, three] = [0, 16, 32].map(|byte| DeliveryKey::from_bytes([byte; 32]));
        let owner = owner();
        for key in [one, two, one, three] {
            store.mark_now(key, owner, 200, KEEP).unwrap();
        }
        assert_eq!(store.evicted(), 1);
        assert_eq!(store.claim_now(one, owner).unwrap(), ClaimReply::Marked(200));
        assert_eq!(store.claim_now(three, owner).unwrap(), ClaimReply::Marked(200));
    }

    #[test]
    fn queue_of_marks_stays_bounded_if_one_mark_is_replaced_again_and_again() {
        let store = MemoryStore::new(SHARDS * 4);
        let (key, owner) = (key("a"), owner());
        for _ in 0..1000 {
            store.mark_now(key, owner, 200, KEEP).unwrap();
        }
        assert!(store.shard(key).unwrap().marks.len() <= 9);
    }
}
