//! Keys, budget and tenants under many threads at once: `cargo run --release`, and `cargo run --release -- keys|budget|tenants|all [seconds]
//! [seed]` for one of them, for another time than five seconds each, or for the seed of an earlier run.
//!
//! | part | what happens at once | what holds |
//! |---|---|---|
//! | `keys` | `add`, `retire`, `expire`, `replace`, deliveries | what was there throughout the beginning of a delivery verifies and is named; what was gone before it, or not there after it, does not; `last_matched` never goes back |
//! | `budget` | bodies of one and of several chunks, kept, sliced, dropped, given up and rejected | what is charged is never more than there is, never less than what is kept, and nothing at the end |
//! | `tenants` | secrets change, tenants come and go, `invalidate`, a source that is slow, fails, panics | who comes after `invalidate` is judged by what the source said after it, by the keys of no other tenant; lookups at once are bounded |
//!
//! It runs in rounds of 200 ms, each with fresh state and a seed of its own, which is told if one fails. A seed fixes what the threads do and
//! not how they are interleaved, so a failure may need more than one run to come again.
//!
//! This is a stress test: it tries many interleavings, and no more. `loom` and `shuttle` try them one by one, where atomics and locks are their
//! own. Those of `arc-swap`, `moka` and `tokio` are of `std` and cannot be changed from outside; budget and lookups can be taken alone, and
//! are, by `model` beside this.

#![forbid(unsafe_code)]

mod budget;
mod keys;
#[path = "../../src/received.rs"]
mod received;
mod round;
mod tenants;

use std::process::ExitCode;
use std::time::Duration;

use crate::round::{Tally, rounds};

/// One round, by what is made of it.
type Part = (&'static str, fn(&round::Round) -> Tally);

const PARTS: [Part; 3] = [("keys", keys::round), ("budget", budget::round), ("tenants", tenants::round)];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_else(|| "all".to_owned());
    let seconds = arguments.next().map_or(Some(5), |seconds| seconds.parse().ok());
    let seed = arguments.next().map_or_else(|| Some(fastrand::u64(..)), |seed| seed.parse().ok());
    let parts: Vec<_> = PARTS.into_iter().filter(|(name, _)| what == "all" || what == *name).collect();
    let (Some(seconds), Some(seed), false) = (seconds, seed, parts.is_empty()) else {
        eprintln!("usage: concurrency [keys|budget|tenants|all] [seconds] [seed]");
        return ExitCode::from(2);
    };
    let held = parts.into_iter().filter(|(name, round)| !rounds(name, Duration::from_secs(seconds), seed, *round)).count() == 0;
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
