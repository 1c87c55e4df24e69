use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::machine_clock;

/// Rejections examined for a [`Hint`](crate::Hint) in each second. Examining every rejection of a
/// flood would waste work.
const MAX_A_SECOND: u64 = 10;

/// Allows [`MAX_A_SECOND`] calls in each second.
pub(crate) struct Rate {
    /// `None` without a clock. Every call is then allowed.
    began: Option<Instant>,
    /// The upper half holds the second since `began`. The lower half holds the number of calls in
    /// that second.
    state: AtomicU64,
}

impl Rate {
    pub(crate) fn new() -> Self {
        Self { began: machine_clock::instant(), state: AtomicU64::new(0) }
    }

    pub(crate) fn allows(&self, now: Option<Instant>) -> bool {
        let Some((now, began)) = now.zip(self.began) else { return true };
        let second = now.saturating_duration_since(began).min(Duration::from_secs(u32::MAX.into())).as_secs();
        let next = |state: u64| {
            let count = if state >> 32 == second { state & u64::from(u32::MAX) } else { 0 };
            (count < MAX_A_SECOND).then(|| (second << 32) | count.saturating_add(1))
        };
        self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_allows_ten_calls_a_second() {
        let rate = Rate::new();
        let at = |millis| rate.began.map(|began| began + Duration::from_millis(millis));
        let count = |millis| (0..1000).filter(|_| rate.allows(at(millis))).count();
        assert_eq!([count(0), count(999), count(1000), count(1500), count(5000), count(100_000_000)], [10, 0, 10, 0, 10, 10]);
        assert_eq!((0..1000).filter(|_| rate.allows(None)).count(), 1000);
    }
}
