//! The arrival of a body.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use crate::random::Random;
use crate::script::{Alarm, Event, Failure, Script};

/// Divides this number of bytes into pieces. Some pieces are empty.
pub fn pieces(random: &mut Random, count: usize) -> Vec<Range<usize>> {
    let cuts = match random.below(100) {
        0..30 => 0,
        30..95 => random.between(1, 6),
        // As many cuts as bytes, for a short body.
        _ if count < 100 => count,
        _ => 20,
    };
    let mut places: Vec<usize> = (0..cuts).map(|_| random.below(count + 1)).collect();
    places.push(0);
    places.push(count);
    places.sort_unstable();
    places.windows(2).map(|ends| ends[0]..ends[1]).collect()
}

pub fn script(random: &mut Random, body: Bytes) -> Script {
    let alarms = [Alarm::Never, Alarm::InTime, Alarm::InTime, Alarm::AtOnce, Alarm::TooEarly(2)];
    let alarm = *random.one_of(&alarms);
    let chunk = |random: &mut Random, range: Range<usize>| {
        let split = random.percent(15).then(|| random.below(range.len() + 1));
        Event::Chunk { range, split }
    };
    // Nearly every real body arrives at once, in one piece.
    if random.percent(32) {
        let events = if body.is_empty() { Vec::new() } else { vec![chunk(random, 0..body.len())] };
        return Script { body, events, stalls: false, alarm };
    }
    let waits = *random.one_of(&[0, 0, 20, 50]);
    let mut events = Vec::new();
    for range in pieces(random, body.len()) {
        while random.percent(waits) {
            events.push(pending(random));
        }
        events.push(chunk(random, range));
    }
    while random.percent(waits) {
        events.push(pending(random));
    }
    let stalls = random.percent(5);
    if random.percent(6) {
        let failure = *random.one_of(&[Failure::BrokeOff, Failure::Limit, Failure::AroundLimit]);
        let place = random.below(events.len() + 1);
        events.insert(place, Event::Failed(failure));
    }
    Script { body, events, stalls, alarm }
}

fn pending(random: &mut Random) -> Event {
    let passes = *random.one_of(&[0, 0, 1, 400, 999, 1000, 1001, 5000, 31_000].map(Duration::from_millis));
    Event::Pending { wakes: random.percent(60), passes }
}
