use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The time that a search may take. Whoever sends a delivery chooses how much there is to try.
pub(crate) struct Work {
    until: Option<Instant>,
    was_cut_short: AtomicBool,
}

impl Work {
    pub(crate) fn of(time: Duration) -> Self {
        Self { until: Instant::now().checked_add(time), was_cut_short: AtomicBool::new(false) }
    }

    /// Whether there is time left. Remembers that there was none.
    pub(crate) fn is_left(&self) -> bool {
        let is_left = self.until.is_none_or(|until| Instant::now() < until);
        if !is_left {
            self.was_cut_short.store(true, Ordering::Relaxed);
        }
        is_left
    }

    /// Whether something was left out for want of time.
    pub(crate) fn was_cut_short(&self) -> bool {
        self.was_cut_short.load(Ordering::Relaxed)
    }
}
