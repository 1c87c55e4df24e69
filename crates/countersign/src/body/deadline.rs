use std::num::{NonZeroU32, NonZeroU64};
use std::time::{Duration, Instant};

/// The time limit for receiving a body. A slower delivery is rejected with 408.
///
/// Two bounds apply together:
/// - The total time, set by [`new`](Self::new).
/// - The [minimum pace](Self::minimum_pace) after a grace period, if set.
///
/// The clock starts when the second poll of the body is still pending. A body received with the
/// head therefore costs nothing.
///
/// The default is 30 seconds in total, and 1 KiB per second after the first 5 seconds. No known
/// sender waits much longer than 30 seconds for the response. Jira Cloud waits 20 seconds, by
/// third-party accounts. Under the default pace, a client dripping single bytes is rejected shortly
/// after 5 seconds.
#[doc(alias("timeout", "slow loris"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    within: Duration,
    pace: Option<NonZeroU32>,
    grace: Duration,
}

impl Deadline {
    /// Creates a deadline of `within` for the whole body, at any pace.
    #[must_use]
    pub const fn new(within: Duration) -> Self {
        Self { within, pace: None, grace: Duration::ZERO }
    }

    /// Sets the minimum pace after the grace period, on average since the start. 0 allows any pace.
    ///
    /// Faster bytes earn time: after a fast start, a body may pause, up to the end of the total
    /// time.
    #[must_use]
    pub const fn minimum_pace(mut self, bytes_per_second: u32, grace: Duration) -> Self {
        self.pace = NonZeroU32::new(bytes_per_second);
        self.grace = grace;
        self
    }

    /// Returns the moment by which the body must continue or end, after `received` bytes.
    pub(crate) fn due(&self, since: Instant, received: usize) -> Option<Instant> {
        let by_pace = self.pace.map(|pace| {
            let earned = u64::try_from(received).unwrap_or(u64::MAX).saturating_mul(1000) / NonZeroU64::from(pace);
            self.grace.saturating_add(Duration::from_millis(earned))
        });
        // A moment past the range of the clock never comes.
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
    fn received_bytes_extend_the_deadline_up_to_the_total() {
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
