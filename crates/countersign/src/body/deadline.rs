use std::num::{NonZeroU32, NonZeroU64};
use std::time::{Duration, Instant};

/// How long a body may take to arrive, after which the delivery is rejected with 408.
///
/// Two bounds hold at once: the whole body within [`within`](Self::new), and, if there is a [`minimum pace`](Self::minimum_pace), so many
/// bytes a second beyond a grace. The clock starts when a body that was asked for twice is still not there, so that one which came with
/// its head costs nothing.
///
/// The default is 30 seconds in all, and 1 KiB a second after the first 5 seconds. No sender that is known waits much longer than that for
/// its answer (Jira Cloud 20 seconds, by third-party accounts), and at that pace a dripping client ends after 5 seconds and a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    within: Duration,
    pace: Option<NonZeroU32>,
    grace: Duration,
}

impl Deadline {
    /// The whole body within this time, at any pace.
    #[must_use]
    pub const fn new(within: Duration) -> Self {
        Self { within, pace: None, grace: Duration::ZERO }
    }

    /// Beyond a grace, at least so many bytes a second, on average since the beginning; 0 for any pace. What came faster earns time: a body
    /// that was fast may pause, up to the end of the whole time.
    #[must_use]
    pub const fn minimum_pace(mut self, bytes_per_second: u32, grace: Duration) -> Self {
        self.pace = NonZeroU32::new(bytes_per_second);
        self.grace = grace;
        self
    }

    /// When a body of which `received` bytes have come must have gone on, or be there.
    pub(crate) fn due(&self, since: Instant, received: usize) -> Option<Instant> {
        let by_pace = self.pace.map(|pace| {
            let earned = u64::try_from(received).unwrap_or(u64::MAX).saturating_mul(1000) / NonZeroU64::from(pace);
            self.grace.saturating_add(Duration::from_millis(earned))
        });
        // Past what the clock can say is never.
        since.checked_add(by_pace.unwrap_or(Duration::MAX).min(self.within))
    }
}

impl Default for Deadline {
    fn default() -> Self {
        Self::new(Duration::from_secs(30)).minimum_pace(1024, Duration::from_secs(5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_earns_time_up_to_the_whole() {
        let since = Instant::now();
        let due = |deadline: Deadline, received| deadline.due(since, received).map(|due| due - since);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let plain = Deadline::new(Duration::from_secs(30));
        assert_eq!([due(plain, 0), due(plain, 1 << 40)], [seconds(30); 2]);
        let paced = plain.minimum_pace(1000, Duration::from_secs(5));
        assert_eq!([0, 1000, 25_000, 26_000, usize::MAX].map(|received| due(paced, received)), [5, 6, 30, 30, 30].map(seconds));
        assert_eq!(due(paced, 1), Some(Duration::from_millis(5001)));
        assert_eq!(due(paced.minimum_pace(0, Duration::ZERO), 0), seconds(30));
        assert_eq!(due(Deadline::new(Duration::MAX), 0), None);
        assert_eq!(due(Deadline::new(Duration::ZERO), 0), seconds(0));
        assert_eq!(due(Deadline::default(), 0), seconds(5));
    }
}
