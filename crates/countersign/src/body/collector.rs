use bytes::Bytes;

use crate::body::memory_budget::{Charge, Exhausted, MemoryBudget};

/// The largest allocation for an announced length, in bytes. An announcement costs the sender
/// nothing.
const MAX_ON_TRUST: usize = 32 * 1024;

/// The smallest chunk kept without a copy under a budget, in bytes. A smaller chunk may belong to a
/// much larger buffer, such as the server's read buffer.
const MIN_KEPT: usize = 64 * 1024;

/// A body while it arrives. The first chunk is kept without a copy. From the second chunk on, all
/// chunks are copied into one allocation. Keeping each chunk would cost dozens of bytes for a chunk
/// of one byte.
pub(crate) struct BodyCollector {
    limit: usize,
    announced: usize,
    kept: Storage,
    charge: Option<Charge>,
    /// The largest allowed allocation: with a budget, the charged bytes.
    max_capacity: usize,
}

enum Storage {
    /// Empty, or the first chunk. The first chunk may be the whole body.
    Chunk(Bytes),
    Copied(Vec<u8>),
}

impl BodyCollector {
    pub(crate) fn new(limit: usize, announced: usize, budget: Option<MemoryBudget>) -> Self {
        Self { limit, announced, kept: Storage::Chunk(Bytes::new()), charge: budget.map(Charge::new), max_capacity: usize::MAX }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.kept {
            Storage::Chunk(chunk) => chunk.len(),
            Storage::Copied(copied) => copied.len(),
        }
    }

    /// Returns the bytes received so far.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.kept {
            Storage::Chunk(chunk) => chunk,
            Storage::Copied(copied) => copied,
        }
    }

    /// Returns the number of bytes left within the limit.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.len())
    }

    /// Charges the budget, if any, for the next chunk of `more` bytes. Call before
    /// [`push`](Self::push).
    pub(crate) fn admit(&mut self, more: usize) -> Result<(), Exhausted> {
        if self.charge.is_none() {
            return Ok(());
        }
        let needed = self.len().saturating_add(more);
        let wanted = self.capacity_for(self.len(), needed);
        let Some(charge) = &mut self.charge else { return Ok(()) };
        // Charge room to grow if the budget allows. Otherwise charge only the needed bytes.
        self.max_capacity = match charge.raise_to(wanted) {
            Ok(()) => wanted,
            Err(Exhausted) => charge.raise_to(needed).map(|()| needed)?,
        };
        Ok(())
    }

    pub(crate) fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        let len = self.len();
        if len == 0 {
            self.kept = Storage::Chunk(chunk);
            return;
        }
        let capacity = self.capacity_for(len, len.saturating_add(chunk.len())).min(self.max_capacity);
        match &mut self.kept {
            Storage::Chunk(first) => {
                let mut copied = Vec::with_capacity(capacity);
                copied.extend_from_slice(first);
                copied.extend_from_slice(&chunk);
                self.kept = Storage::Copied(copied);
            }
            Storage::Copied(copied) => {
                copied.reserve_exact(capacity.saturating_sub(len));
                copied.extend_from_slice(&chunk);
            }
        }
    }

    /// Returns the capacity to allocate for `needed` bytes. The collector already keeps `len` of
    /// these bytes.
    fn capacity_for(&self, len: usize, needed: usize) -> usize {
        // Doubles like `Vec`, but never past the limit.
        let doubled = len.saturating_mul(2).min(self.limit);
        let trusted = if self.charge.is_some() { doubled } else { doubled.max(MAX_ON_TRUST) };
        match &self.kept {
            Storage::Chunk(_) => needed.max(trusted.min(self.announced)),
            Storage::Copied(copied) if needed <= copied.capacity() => copied.capacity(),
            // Growth stops at the announced length, until the body exceeds this length.
            Storage::Copied(_) if needed <= self.announced => needed.max(doubled.min(self.announced)),
            Storage::Copied(_) => needed.max(doubled),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.kept = Storage::Chunk(Bytes::new());
        self.charge = None;
    }

    /// Returns the whole body, and leaves the collector empty.
    pub(crate) fn take(&mut self) -> Bytes {
        let body = match std::mem::replace(&mut self.kept, Storage::Chunk(Bytes::new())) {
            Storage::Chunk(chunk) if self.charge.is_some() && chunk.len() < MIN_KEPT => Bytes::copy_from_slice(&chunk),
            Storage::Chunk(chunk) => chunk,
            Storage::Copied(copied) => copied.into(),
        };
        match self.charge.take() {
            Some(charge) => charge.hold(body),
            None => body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of one-byte chunks. Smaller under Miri, because Miri is slow.
    const MANY: usize = if cfg!(miri) { 2_000 } else { 100_000 };

    fn capacity(collector: &BodyCollector) -> usize {
        match &collector.kept {
            Storage::Chunk(_) => 0,
            Storage::Copied(copied) => copied.capacity(),
        }
    }

    #[test]
    fn single_chunk_is_kept_without_a_copy() {
        let chunk = Bytes::from(vec![1; 100]);
        let mut collector = BodyCollector::new(1000, 100, None);
        collector.push(Bytes::new());
        collector.push(chunk.clone());
        collector.push(Bytes::new());
        assert_eq!(collector.take().as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn announced_length_allocates_little_and_only_at_the_second_chunk() {
        let mut collector = BodyCollector::new(usize::MAX, usize::MAX, None);
        collector.push(Bytes::from_static(b"1"));
        assert_eq!(capacity(&collector), 0);
        collector.push(Bytes::from_static(b"2"));
        assert!(capacity(&collector) <= MAX_ON_TRUST);

        let mut honest = BodyCollector::new(usize::MAX, 5000, None);
        honest.push(Bytes::from_static(b"1"));
        honest.push(Bytes::from_static(b"2"));
        assert!((5000..6000).contains(&capacity(&honest)), "a small announced length is allocated at once");
    }

    #[test]
    fn capacity_stays_within_twice_the_bytes_and_the_limit() {
        let limit = MANY;
        let mut collector = BodyCollector::new(limit, 0, None);
        for count in 1..=limit {
            collector.push(Bytes::from_static(b"x"));
            assert!(capacity(&collector) <= (2 * count).min(limit));
        }
        assert_eq!(collector.room(), 0);
        assert_eq!(collector.take(), vec![b'x'; limit]);
    }

    #[test]
    fn budget_is_charged_for_allocations_not_announcements() {
        let budget = MemoryBudget::new(1_000_000);
        let mut collector = BodyCollector::new(MANY, MANY, Some(budget.clone()));
        for count in 1..=MANY {
            collector.admit(1).unwrap();
            collector.push(Bytes::from_static(b"x"));
            assert!((count..=2 * count).contains(&budget.used()), "{count}: {}", budget.used());
            assert!(count == 1 || budget.used() == capacity(&collector));
        }
        assert_eq!(budget.used(), MANY, "the charge stops at the announced length");
        let body = collector.take();
        assert_eq!((body.len(), budget.used()), (MANY, MANY));
        drop(body);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn exhausted_budget_rejects_before_allocation() {
        let budget = MemoryBudget::new(10);
        let mut collector = BodyCollector::new(1000, 0, Some(budget.clone()));
        assert!(collector.admit(11).is_err());
        assert_eq!(budget.used(), 0);
        collector.admit(10).unwrap();
        collector.push(Bytes::from_static(b"ten bytes!"));
        assert!(collector.admit(1).is_err());
        assert_eq!(budget.used(), 10);
        collector.clear();
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn announced_length_up_to_32_kib_is_allocated_at_the_second_chunk() {
        for (announced, expected) in [(10_000, 10_000), (32 * 1024, 32 * 1024), (1_000_000, 32 * 1024), (1, 2)] {
            let mut collector = BodyCollector::new(usize::MAX, announced, None);
            collector.push(Bytes::from_static(b"1"));
            collector.push(Bytes::from_static(b"2"));
            assert_eq!(capacity(&collector), expected, "{announced}");
        }
    }

    #[test]
    fn chunk_within_capacity_does_not_reallocate() {
        let mut collector = BodyCollector::new(usize::MAX, 1000, None);
        collector.push(Bytes::from(vec![0; 400]));
        collector.push(Bytes::from(vec![0; 100]));
        // This chunk fills the announced capacity exactly.
        collector.push(Bytes::from(vec![0; 500]));
        assert_eq!((collector.len(), capacity(&collector)), (1000, 1000));
        // Beyond the announced length, the capacity doubles.
        collector.push(Bytes::from_static(b"1"));
        assert_eq!(capacity(&collector), 2000);
        collector.push(Bytes::from(vec![0; 999]));
        assert_eq!((collector.len(), capacity(&collector)), (2000, 2000));
    }

    #[test]
    fn capacity_grows_to_the_announced_length_and_no_further() {
        let mut collector = BodyCollector::new(usize::MAX, 1_000_000, None);
        for _ in 0..10 {
            collector.push(Bytes::from(vec![0; 100_000]));
            assert!(capacity(&collector) <= 1_000_000);
        }
        assert_eq!((collector.len(), capacity(&collector)), (1_000_000, 1_000_000));
    }

    #[test]
    fn body_within_budget_is_collected_without_room_to_grow() {
        let budget = MemoryBudget::new(1000);
        let mut collector = BodyCollector::new(usize::MAX, 0, Some(budget.clone()));
        for _ in 0..100 {
            collector.admit(10).unwrap();
            collector.push(Bytes::from_static(b"ten bytes!"));
            assert!(budget.used() >= capacity(&collector), "the capacity is charged");
        }
        assert!(collector.admit(1).is_err());
        assert_eq!(collector.take().len(), 1000);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn budgeted_collector_copies_chunks_under_64_kib() {
        let read = Bytes::from(vec![1; 400_000]);
        for (len, kept) in [(100, false), (65_535, false), (65_536, true)] {
            let mut collector = BodyCollector::new(usize::MAX, 0, Some(MemoryBudget::new(1_000_000)));
            collector.admit(len).unwrap();
            collector.push(read.slice(..len));
            let body = collector.take();
            assert_eq!((body.len(), body.as_ptr() == read.as_ptr()), (len, kept));
        }
    }
}
