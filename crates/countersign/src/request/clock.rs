use std::time::{Duration, SystemTime};

#[cfg(target_os = "linux")]
use rustix::time::{ClockId, clock_gettime};

use crate::machine_clock::HAS_CLOCK;
#[cfg(not(target_os = "linux"))]
use portable::{coarse_seconds, read_machine};

/// The time for checking one delivery. Reads the machine's exact clock at most once.
pub(crate) enum Clock {
    Unread,
    /// The time since 1970 by the machine's clock.
    Read(Duration),
    /// The time since 1970 by the verifier's own clock.
    Own(Duration),
    /// A time given by the caller.
    Given(SystemTime),
}

impl Clock {
    /// Reads `own`, the verifier's own clock, if there is such a clock and the caller has given no
    /// time.
    #[inline]
    pub(crate) fn or_own(self, own: Option<fn() -> SystemTime>) -> Self {
        match (self, own) {
            (Self::Unread, Some(read)) => Self::Own(duration_since_1970(read())),
            (clock, _) => clock,
        }
    }

    pub(crate) fn now(&mut self) -> SystemTime {
        match *self {
            Self::Given(now) => now,
            Self::Read(_) | Self::Own(_) | Self::Unread => {
                SystemTime::UNIX_EPOCH.checked_add(self.since_1970()).unwrap_or(SystemTime::UNIX_EPOCH)
            }
        }
    }

    /// Returns the time since 1970. A time before 1970 counts as 1970.
    #[inline]
    pub(crate) fn since_1970(&mut self) -> Duration {
        match *self {
            Self::Read(now) | Self::Own(now) => now,
            Self::Given(now) => duration_since_1970(now),
            Self::Unread => {
                let now = read_machine();
                *self = Self::Read(now);
                now
            }
        }
    }

    /// Returns the seconds since 1970 by the machine's clock, for the last match of a key. The
    /// delivery may be checked against another time. On a target without a clock, that other time
    /// counts. May read the coarse clock.
    #[inline]
    pub(crate) fn seconds_of_machine(&self) -> u64 {
        match self {
            Self::Read(now) => now.as_secs(),
            Self::Own(now) if !HAS_CLOCK => now.as_secs(),
            Self::Given(now) if !HAS_CLOCK => duration_since_1970(*now).as_secs(),
            Self::Unread | Self::Own(_) | Self::Given(_) => coarse_seconds(),
        }
    }
}

#[cfg(target_os = "linux")]
fn read_machine() -> Duration {
    clock_gettime(ClockId::Realtime).try_into().unwrap_or_default()
}

/// Reads the coarse clock of Linux. This clock is some milliseconds late, and takes about a quarter
/// of the time.
#[cfg(target_os = "linux")]
fn coarse_seconds() -> u64 {
    clock_gettime(ClockId::RealtimeCoarse).tv_sec.try_into().unwrap_or(0)
}

/// The clock of other systems.
#[cfg(not(target_os = "linux"))]
mod portable {
    use std::time::Duration;

    pub(super) fn read_machine() -> Duration {
        crate::machine_clock::system_time().map(super::duration_since_1970).unwrap_or_default()
    }

    pub(super) fn coarse_seconds() -> u64 {
        read_machine().as_secs()
    }
}

fn duration_since_1970(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_reads_machine_time_once_and_keeps_a_given_time() {
        let before = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let mut clock = Clock::Unread;
        let coarse = clock.seconds_of_machine();
        let now = clock.since_1970();
        assert!(now >= before && now < before + Duration::from_secs(60));
        assert!(coarse.abs_diff(now.as_secs()) <= 60 && coarse <= now.as_secs());
        assert_eq!((clock.since_1970(), clock.seconds_of_machine()), (now, now.as_secs()));
        assert_eq!(clock.now(), SystemTime::UNIX_EPOCH + now);

        let long_ago = SystemTime::UNIX_EPOCH - Duration::from_secs(7);
        let mut given = Clock::Given(long_ago);
        assert!(given.seconds_of_machine() >= before.as_secs() - 1);
        assert_eq!((given.now(), given.since_1970()), (long_ago, Duration::ZERO));
    }

    #[test]
    fn given_time_takes_precedence_over_the_verifiers_clock() {
        let own: fn() -> SystemTime = || SystemTime::UNIX_EPOCH + Duration::from_secs(7);
        assert_eq!(Clock::Unread.or_own(Some(own)).now(), own());
        assert_eq!(Clock::Given(SystemTime::UNIX_EPOCH).or_own(Some(own)).now(), SystemTime::UNIX_EPOCH);
        assert!(matches!(Clock::Unread.or_own(None), Clock::Unread));
    }
}
