//! Tests keys, the memory budget, tenants and the guard with many threads. `cargo run --release` runs each part for five seconds.
//! `cargo run --release -- keys|budget|tenants|guard|all [seconds] [seed]` selects a part, another time, and the seed of an earlier run.
//!
//! - `keys`: `add`, `retire`, `expire`, `replace` and deliveries run at once.
//!   - A key present throughout the beginning of a delivery verifies the delivery and is named.
//!   - A key gone before the beginning, or not yet added after the beginning, does not verify the delivery.
//!   - `last_matched` never goes back.
//! - `budget`: bodies of one chunk or several chunks are kept, sliced, dropped, given up and rejected.
//!   - Neither the charge nor the kept bytes exceed the budget.
//!   - The charge is zero at the end.
//! - `tenants`: tenants come, go and change their secrets. `invalidate` runs. The source is slow, fails and panics.
//!   - A delivery after `invalidate` is verified with a later answer of the source.
//!   - No delivery is verified with the keys of another tenant.
//!   - The number of concurrent lookups is bounded.
//! - `guard`: a guard is closed while deliveries arrive.
//!   - After `close`, `idle` returns only once each admitted delivery has ended.
//!
//! The test runs in rounds of 200 ms, each with fresh state and its own seed. A failed round prints its seed. A seed fixes the actions of
//! the threads, but not their interleaving, so a failure may need several runs to occur again.
//!
//! This stress test tries many interleavings, but not all. `loom` and `shuttle` run the interleavings one by one, and need their own
//! atomics and locks. `arc-swap`, `moka` and `tokio` use those of `std`, and cannot be changed from outside. The budget, the lookups and
//! the memory store of `countersign-once` can run alone: the package `model` runs them with `loom`.

#![forbid(unsafe_code)]

mod budget;
mod guard;
mod keys;
#[path = "../../src/received.rs"]
mod received;
mod round;
mod tenants;

use std::process::ExitCode;
use std::time::Duration;

use crate::round::{Tally, rounds};

/// A part of the test: its name, and the function that runs one round.
type Part = (&'static str, fn(&round::Round) -> Tally);

const PARTS: [Part; 4] = [("keys", keys::round), ("budget", budget::round), ("tenants", tenants::round), ("guard", guard::round)];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let part = arguments.next().unwrap_or_else(|| "all".to_owned());
    let seconds = arguments.next().map_or(Some(5), |seconds| seconds.parse().ok());
    let seed = arguments.next().map_or_else(|| Some(fastrand::u64(..)), |seed| seed.parse().ok());
    let parts: Vec<_> = PARTS.into_iter().filter(|(name, _)| part == "all" || part == *name).collect();
    let (Some(seconds), Some(seed), false) = (seconds, seed, parts.is_empty()) else {
        eprintln!("usage: concurrency [keys|budget|tenants|guard|all] [seconds] [seed]");
        return ExitCode::from(2);
    };
    let passed = parts.into_iter().filter(|(name, round)| !rounds(name, Duration::from_secs(seconds), seed, *round)).count() == 0;
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
