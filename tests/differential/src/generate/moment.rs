//! The time of the signature, and the time of the verification.
//!
//! Some entries read the clock. So each case has times of one of two kinds:
//!
//! - Present times, with timestamps far from the edges of the tolerance.
//! - Other times, further from the present than any tolerance.

use std::time::{Duration, SystemTime};

use crate::layout::Layout;
use crate::plan::{Part, expiry};
use crate::random::Random;

use countersign_before::scheme::TimestampFormat;

pub struct Moment {
    pub now: SystemTime,
    pub at: SystemTime,
}

const DAY: usize = 24 * 3600;

pub fn draw(random: &mut Random, part: &Part, layout: &Layout) -> Moment {
    let tolerance = part.tolerance.or(layout.scheme.tolerance()).unwrap_or(Duration::from_secs(300));
    match random.below(100) {
        0..64 => present(random, tolerance),
        64..92 => past(random, tolerance, layout.scheme.timestamp_format_used()),
        _ => odd(random),
    }
}

fn present(random: &mut Random, tolerance: Duration) -> Moment {
    let now = SystemTime::now();
    let far = Duration::from_secs(random.below(DAY) as u64);
    let at = match random.below(20) {
        0 => now - tolerance - Duration::from_secs(60) - far,
        // The clock advances towards this timestamp. An hour is long enough for the comparison.
        1 => now + tolerance + Duration::from_secs(3600) + far,
        _ => near(random, now, tolerance / 4),
    };
    Moment { now, at }
}

/// Draws times in 2016 to 2018.
fn past(random: &mut Random, tolerance: Duration, format: TimestampFormat) -> Moment {
    let nanoseconds = random.below(1_000_000_000) as u32;
    let since = Duration::new(random.below(400_000) as u64, nanoseconds);
    let around = expiry() - Duration::from_secs(200_000) + since;
    match random.below(10) {
        0 => {
            let now = moved(expiry(), edge(random));
            Moment { now, at: near(random, now, tolerance / 4) }
        }
        1..6 => {
            // The time has the precision of the timestamp, so the case can be exactly on the edge.
            let unit: u128 = if format == TimestampFormat::Milliseconds { 1_000_000 } else { 1_000_000_000 };
            let since_1970 = around.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
            let at = around - Duration::from_nanos((since_1970 % unit) as u64);
            let now = if random.percent(50) { at + tolerance } else { at - tolerance };
            Moment { now: moved(now, edge(random)), at }
        }
        _ => Moment { now: around, at: near(random, around, tolerance * 11 / 10) },
    }
}

/// Draws times before 1970, around 1970, and far from the present.
fn odd(random: &mut Random) -> Moment {
    let epoch = SystemTime::UNIX_EPOCH;
    let nanosecond = Duration::from_nanos(1);
    let seconds = Duration::from_secs;
    let nows = [
        epoch - nanosecond,
        epoch - seconds(1),
        epoch - seconds(300),
        epoch - seconds(300_000_000),
        epoch,
        epoch + nanosecond,
        epoch + seconds(5),
        epoch + seconds(300),
        epoch + seconds(301) + nanosecond,
        epoch + seconds(999_999_999),
        epoch + seconds(1_000_000_000),
        epoch + seconds(40_000_000_000),
        epoch + seconds(253_402_300_799),
        epoch + seconds(253_402_300_900),
    ];
    let now = *random.one_of(&nows);
    let least = epoch + seconds(random.between(0, 2) as u64);
    Moment { now, at: near(random, now, seconds(200)).max(least) }
}

/// Returns a time at most `most` away from `now`.
fn near(random: &mut Random, now: SystemTime, most: Duration) -> SystemTime {
    let distance = Duration::from_nanos(random.below(most.as_nanos() as usize + 1) as u64);
    if random.percent(50) { now + distance } else { now - distance }
}

/// Returns a distance from an edge in nanoseconds: to either side, or zero.
fn edge(random: &mut Random) -> i64 {
    *random.one_of(&[-1_000_000_000, -1, 0, 0, 1, 1_000_000_000])
}

fn moved(time: SystemTime, nanoseconds: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanoseconds.unsigned_abs());
    if nanoseconds < 0 { time - distance } else { time + distance }
}
