use std::fmt;

use bytes::Bytes;

use crate::body::memory_budget::{Charge, Exhausted, MemoryBudget};

/// The most that is allocated on an announcement: an announced length costs the sender nothing.
const MAX_ON_TRUST: usize = 32 * 1024;

/// With a budget, a smaller chunk is not kept as it is: what it is a piece of, such as a server's read buffer, can be many times as large.
const MIN_KEPT: usize = 64 * 1024;

/// A body as it arrives. The first chunk is kept as it is; from the second on, chunks are copied into one allocation, as keeping each
/// chunk would cost dozens of bytes for a chunk of one.
pub(crate) struct BodyCollector {
    limit: usize,
    announced: usize,
    kept: Storage,
    charge: Option<Charge>,
    /// What has been charged: no more may be allocated, if there is a budget.
    granted: usize,
}

enum Storage {
    /// Perhaps empty, perhaps the whole body.
    Chunk(Bytes),
    Copied(Vec<u8>),
}

impl BodyCollector {
    pub(crate) fn new(limit: usize, announced: usize, budget: Option<MemoryBudget>) -> Self {
        Self { limit, announced, kept: Storage::Chunk(Bytes::new()), charge: budget.map(Charge::new), granted: usize::MAX }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.kept {
            Storage::Chunk(chunk) => chunk.len(),
            Storage::Copied(copied) => copied.len(),
        }
    }

    /// What there is so far.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.kept {
            Storage::Chunk(chunk) => chunk,
            Storage::Copied(copied) => copied,
        }
    }

    /// How many bytes more are within the limit.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.len())
    }

    /// Charges the budget, if there is one, for a chunk of `more` bytes that is to be pushed.
    pub(crate) fn admit(&mut self, more: usize) -> Result<(), Exhausted> {
        if self.charge.is_none() {
            return Ok(());
        }
        let needed = self.len().saturating_add(more);
        let wanted = self.capacity_for(self.len(), needed);
        let Some(charge) = &mut self.charge else { return Ok(()) };
        // Room to grow, if there is any; if not, just what is needed.
        self.granted = match charge.raise_to(wanted) {
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
        let capacity = self.capacity_for(len, len.saturating_add(chunk.len())).min(self.granted);
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

    /// How much is to be allocated for `needed` bytes, `len` of which are there.
    fn capacity_for(&self, len: usize, needed: usize) -> usize {
        // Doubled as `Vec` would, but never past what may come at all.
        let doubled = len.saturating_mul(2).min(self.limit);
        let trusted = if self.charge.is_some() { doubled } else { doubled.max(MAX_ON_TRUST) };
        match &self.kept {
            Storage::Chunk(_) => needed.max(trusted.min(self.announced)),
            Storage::Copied(copied) if needed <= copied.capacity() => copied.capacity(),
            // What is announced is not overshot, as long as it holds.
            Storage::Copied(_) if needed <= self.announced => needed.max(doubled.min(self.announced)),
            Storage::Copied(_) => needed.max(doubled),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.kept = Storage::Chunk(Bytes::new());
        self.charge = None;
    }

    /// Hands out the whole, and is empty after that.
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

impl fmt::Debug for BodyCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyCollector").field("limit", &self.limit).field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that come one by one. Under Miri, which takes its time, fewer.
    const MANY: usize = if cfg!(miri) { 2_000 } else { 100_000 };

    fn capacity(buffer: &BodyCollector) -> usize {
        match &buffer.kept {
            Storage::Chunk(_) => 0,
            Storage::Copied(copied) => copied.capacity(),
        }
    }

    #[test]
    fn a_single_chunk_is_kept_without_a_copy() {
        let chunk = Bytes::from(vec![1; 100]);
        let mut buffer = BodyCollector::new(1000, 100, None);
        buffer.push(Bytes::new());
        buffer.push(chunk.clone());
        buffer.push(Bytes::new());
        assert_eq!(buffer.take().as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn an_announcement_allocates_nothing_before_the_second_chunk_and_little_then() {
        let mut buffer = BodyCollector::new(usize::MAX, usize::MAX, None);
        buffer.push(Bytes::from_static(b"1"));
        assert_eq!(capacity(&buffer), 0);
        buffer.push(Bytes::from_static(b"2"));
        assert!(capacity(&buffer) <= MAX_ON_TRUST);

        let mut honest = BodyCollector::new(usize::MAX, 5000, None);
        honest.push(Bytes::from_static(b"1"));
        honest.push(Bytes::from_static(b"2"));
        assert!((5000..6000).contains(&capacity(&honest)), "what is announced is allocated at once, if it is little");
    }

    #[test]
    fn single_bytes_cost_no_more_than_twice_their_number_and_never_more_than_the_limit() {
        let limit = MANY;
        let mut buffer = BodyCollector::new(limit, 0, None);
        for count in 1..=limit {
            buffer.push(Bytes::from_static(b"x"));
            assert!(capacity(&buffer) <= (2 * count).min(limit));
        }
        assert_eq!(buffer.room(), 0);
        assert_eq!(buffer.take(), vec![b'x'; limit]);
    }

    #[test]
    fn a_budget_is_charged_for_what_is_allocated_and_never_on_trust() {
        let budget = MemoryBudget::new(1_000_000);
        let mut buffer = BodyCollector::new(MANY, MANY, Some(budget.clone()));
        for count in 1..=MANY {
            buffer.admit(1).unwrap();
            buffer.push(Bytes::from_static(b"x"));
            assert!((count..=2 * count).contains(&budget.used()), "{count}: {}", budget.used());
            assert!(count == 1 || budget.used() == capacity(&buffer));
        }
        assert_eq!(budget.used(), MANY, "what was announced is not overshot");
        let body = buffer.take();
        assert_eq!((body.len(), budget.used()), (MANY, MANY));
        drop(body);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_spent_budget_rejects_before_it_allocates() {
        let budget = MemoryBudget::new(10);
        let mut buffer = BodyCollector::new(1000, 0, Some(budget.clone()));
        assert!(buffer.admit(11).is_err());
        assert_eq!(budget.used(), 0);
        buffer.admit(10).unwrap();
        buffer.push(Bytes::from_static(b"ten bytes!"));
        assert!(buffer.admit(1).is_err());
        assert_eq!(budget.used(), 10);
        buffer.clear();
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn what_is_announced_up_to_32_kib_is_allocated_at_the_second_chunk() {
        for (announced, expected) in [(10_000, 10_000), (32 * 1024, 32 * 1024), (1_000_000, 32 * 1024), (1, 2)] {
            let mut buffer = BodyCollector::new(usize::MAX, announced, None);
            buffer.push(Bytes::from_static(b"1"));
            buffer.push(Bytes::from_static(b"2"));
            assert_eq!(capacity(&buffer), expected, "{announced}");
        }
    }

    #[test]
    fn what_fits_into_what_is_allocated_is_not_moved() {
        let mut buffer = BodyCollector::new(usize::MAX, 1000, None);
        buffer.push(Bytes::from(vec![0; 400]));
        buffer.push(Bytes::from(vec![0; 100]));
        // Half of it is more than there was.
        buffer.push(Bytes::from(vec![0; 500]));
        assert_eq!((buffer.len(), capacity(&buffer)), (1000, 1000));
        // What goes beyond what was announced doubles.
        buffer.push(Bytes::from_static(b"1"));
        assert_eq!(capacity(&buffer), 2000);
        buffer.push(Bytes::from(vec![0; 999]));
        assert_eq!((buffer.len(), capacity(&buffer)), (2000, 2000));
    }

    #[test]
    fn what_is_announced_is_reached_and_not_overshot() {
        let mut buffer = BodyCollector::new(usize::MAX, 1_000_000, None);
        for _ in 0..10 {
            buffer.push(Bytes::from(vec![0; 100_000]));
            assert!(capacity(&buffer) <= 1_000_000);
        }
        assert_eq!((buffer.len(), capacity(&buffer)), (1_000_000, 1_000_000));
    }

    #[test]
    fn where_there_is_no_room_to_grow_what_fits_is_taken_in_all_the_same() {
        let budget = MemoryBudget::new(1000);
        let mut buffer = BodyCollector::new(usize::MAX, 0, Some(budget.clone()));
        for _ in 0..100 {
            buffer.admit(10).unwrap();
            buffer.push(Bytes::from_static(b"ten bytes!"));
            assert!(budget.used() >= capacity(&buffer), "what is allocated is charged");
        }
        assert!(buffer.admit(1).is_err());
        assert_eq!(buffer.take().len(), 1000);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn with_a_budget_a_small_chunk_does_not_hold_on_to_a_large_buffer() {
        let read = Bytes::from(vec![1; 400_000]);
        for (len, kept) in [(100, false), (65_535, false), (65_536, true)] {
            let mut buffer = BodyCollector::new(usize::MAX, 0, Some(MemoryBudget::new(1_000_000)));
            buffer.admit(len).unwrap();
            buffer.push(read.slice(..len));
            let body = buffer.take();
            assert_eq!((body.len(), body.as_ptr() == read.as_ptr()), (len, kept));
        }
    }
}
