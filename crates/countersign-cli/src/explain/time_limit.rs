use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Limit of a small body, in bytes. A larger body is tried in fewer ways.
pub(crate) const SMALL: usize = 64 * 1024;

/// The time limit of a search. The sender of a delivery decides how much there is to try.
pub(crate) struct TimeLimit {
    until: Option<Instant>,
    was_cut_short: AtomicBool,
}

impl TimeLimit {
    pub(crate) fn of(time: Duration) -> Self {
        Self { until: Instant::now().checked_add(time), was_cut_short: AtomicBool::new(false) }
    }

    /// Returns whether time is left. A `false` is remembered for `was_cut_short`.
    pub(crate) fn is_left(&self) -> bool {
        let is_left = self.until.is_none_or(|until| Instant::now() < until);
        if !is_left {
            self.was_cut_short.store(true, Ordering::Relaxed);
        }
        is_left
    }

    /// Returns whether the time limit stopped any attempt.
    pub(crate) fn was_cut_short(&self) -> bool {
        self.was_cut_short.load(Ordering::Relaxed)
    }
}

/// A writer with a time limit.
pub(crate) struct TimedWriter<'w, W> {
    inner: W,
    limit: &'w TimeLimit,
}

impl<'w, W> TimedWriter<'w, W> {
    pub(crate) const fn new(inner: W, limit: &'w TimeLimit) -> Self {
        Self { inner, limit }
    }
}

impl<W: Write> Write for TimedWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.limit.is_left() { self.inner.write(bytes) } else { Err(io::ErrorKind::TimedOut.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
