use std::fmt;

use bytes::Bytes;

/// The most that is allocated on an announcement: an announced length costs the sender nothing.
const MOST_ON_TRUST: usize = 1024 * 1024;

/// A body as it arrives. The first chunk is kept as it is; from the second on, chunks are copied into one allocation, as keeping each
/// chunk would cost dozens of bytes for a chunk of one.
pub(crate) struct Buffer {
    limit: usize,
    announced: usize,
    kept: Kept,
}

enum Kept {
    /// Perhaps empty, perhaps the whole body.
    Chunk(Bytes),
    Copied(Vec<u8>),
}

impl Buffer {
    pub(crate) const fn new(limit: usize, announced: usize) -> Self {
        Self { limit, announced, kept: Kept::Chunk(Bytes::new()) }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.kept {
            Kept::Chunk(chunk) => chunk.len(),
            Kept::Copied(copied) => copied.len(),
        }
    }

    /// How many bytes more are within the limit.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.len())
    }

    pub(crate) fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        let len = self.len();
        if len == 0 {
            self.kept = Kept::Chunk(chunk);
            return;
        }
        let needed = len.saturating_add(chunk.len());
        match &mut self.kept {
            Kept::Chunk(first) => {
                let mut copied = Vec::with_capacity(needed.max(self.announced.min(MOST_ON_TRUST)));
                copied.extend_from_slice(first);
                copied.extend_from_slice(&chunk);
                self.kept = Kept::Copied(copied);
            }
            Kept::Copied(copied) => {
                if needed > copied.capacity() {
                    // Doubled as `Vec` would, but never past what may come at all.
                    let capacity = needed.max(len.saturating_mul(2).min(self.limit));
                    copied.reserve_exact(capacity.saturating_sub(len));
                }
                copied.extend_from_slice(&chunk);
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.kept = Kept::Chunk(Bytes::new());
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        match self.kept {
            Kept::Chunk(chunk) => chunk,
            Kept::Copied(copied) => copied.into(),
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("limit", &self.limit).field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(buffer: &Buffer) -> usize {
        match &buffer.kept {
            Kept::Chunk(_) => 0,
            Kept::Copied(copied) => copied.capacity(),
        }
    }

    #[test]
    fn a_single_chunk_is_kept_without_a_copy() {
        let chunk = Bytes::from(vec![1; 100]);
        let mut buffer = Buffer::new(1000, 100);
        buffer.push(Bytes::new());
        buffer.push(chunk.clone());
        buffer.push(Bytes::new());
        assert_eq!(buffer.into_bytes().as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn an_announcement_allocates_nothing_before_the_second_chunk_and_little_then() {
        let mut buffer = Buffer::new(usize::MAX, usize::MAX);
        buffer.push(Bytes::from_static(b"1"));
        assert_eq!(capacity(&buffer), 0);
        buffer.push(Bytes::from_static(b"2"));
        assert!(capacity(&buffer) <= MOST_ON_TRUST);

        let mut honest = Buffer::new(usize::MAX, 5000);
        honest.push(Bytes::from_static(b"1"));
        honest.push(Bytes::from_static(b"2"));
        assert!((5000..6000).contains(&capacity(&honest)), "what is announced is allocated at once");
    }

    #[test]
    fn single_bytes_cost_no_more_than_twice_their_number_and_never_more_than_the_limit() {
        let limit = 100_000;
        let mut buffer = Buffer::new(limit, 0);
        for count in 1..=limit {
            buffer.push(Bytes::from_static(b"x"));
            assert!(capacity(&buffer) <= (2 * count).min(limit));
        }
        assert_eq!(buffer.room(), 0);
        assert_eq!(buffer.into_bytes(), vec![b'x'; limit]);
    }
}
