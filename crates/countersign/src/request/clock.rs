use std::time::{Duration, SystemTime};

#[cfg(target_os = "linux")]
use rustix::time::{ClockId, clock_gettime};

#[cfg(not(target_os = "linux"))]
use crate::machine_clock;
use crate::machine_clock::HAS_CLOCK;

/// The time at which a delivery is judged. The machine's clock is read once, and only by what needs it.
pub(crate) enum Clock {
    Unread,
    /// The machine's, since 1970.
    Read(Duration),
    /// The caller said so.
    Given(SystemTime),
}

impl Clock {
    /// By the clock that the verifier was given, unless the caller has said what time it is.
    #[inline]
    pub(crate) fn or(self, given: Option<fn() -> SystemTime>) -> Self {
        match (self, given) {
            (Self::Unread, Some(read)) => Self::Given(read()),
            (clock, _) => clock,
        }
    }

    pub(crate) fn now(&mut self) -> SystemTime {
        match *self {
            Self::Given(now) => now,
            Self::Read(_) | Self::Unread => SystemTime::UNIX_EPOCH.checked_add(self.of_machine()).unwrap_or(SystemTime::UNIX_EPOCH),
        }
    }

    /// What the machine's clock says, since 1970. Before that counts as 1970.
    #[inline]
    pub(crate) fn of_machine(&mut self) -> Duration {
        if let Self::Read(now) = *self {
            return now;
        }
        let now = since_1970();
        if let Self::Unread = self {
            *self = Self::Read(now);
        }
        now
    }

    /// Seconds since 1970 by the machine's clock, whatever the caller said.
    #[inline]
    pub(crate) fn seconds_of_machine(&self) -> u64 {
        match self {
            Self::Read(now) => now.as_secs(),
            Self::Given(now) if !HAS_CLOCK => since_1970_at(*now).as_secs(),
            Self::Unread | Self::Given(_) => coarse_seconds(),
        }
    }
}

#[cfg(target_os = "linux")]
fn since_1970() -> Duration {
    clock_gettime(ClockId::Realtime).try_into().unwrap_or_default()
}

/// By the coarse clock of Linux, which is some milliseconds late and takes a quarter of the time: 8 ns for 30.
#[cfg(target_os = "linux")]
fn coarse_seconds() -> u64 {
    clock_gettime(ClockId::RealtimeCoarse).tv_sec.try_into().unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
fn since_1970() -> Duration {
    machine_clock::system_time().map(since_1970_at).unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
fn coarse_seconds() -> u64 {
    since_1970().as_secs()
}

fn since_1970_at(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_machines_clock_read_once_unless_it_was_given() {
        let before = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let mut clock = Clock::Unread;
        let coarse = clock.seconds_of_machine();
        let now = clock.of_machine();
        assert!(now >= before && now < before + Duration::from_secs(60));
        assert!(coarse.abs_diff(now.as_secs()) <= 60 && coarse <= now.as_secs());
        assert_eq!((clock.of_machine(), clock.seconds_of_machine()), (now, now.as_secs()));
        assert_eq!(clock.now(), SystemTime::UNIX_EPOCH + now);

        let long_ago = SystemTime::UNIX_EPOCH - Duration::from_secs(7);
        let mut given = Clock::Given(long_ago);
        assert!(given.of_machine() >= before && given.seconds_of_machine() >= before.as_secs() - 1);
        assert_eq!(given.now(), long_ago);
    }

    #[test]
    fn it_is_the_verifiers_own_unless_the_caller_says_another_time() {
        let own: fn() -> SystemTime = || SystemTime::UNIX_EPOCH + Duration::from_secs(7);
        assert_eq!(Clock::Unread.or(Some(own)).now(), own());
        assert_eq!(Clock::Given(SystemTime::UNIX_EPOCH).or(Some(own)).now(), SystemTime::UNIX_EPOCH);
        assert!(matches!(Clock::Unread.or(None), Clock::Unread));
    }
}
