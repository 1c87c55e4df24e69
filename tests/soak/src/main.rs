//! Sends a million deliveries through each adapter. A tenth of the deliveries is bad. Every delivery is counted, and memory stays flat.
//!
//! ```text
//! cargo run --release -- [deliveries] [adapter]
//! ```
//!
//! The program fails in three cases:
//!
//! - A count is not exact.
//! - The memory budget is still charged at the end.
//! - The resident memory grows by 1 MiB or more for a million deliveries, or too few samples show the growth. The growth is the slope of
//!   the least-squares line through samples taken after a warm-up.

mod adapters;
mod delivery;
mod memory;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use adapters::{Adapter, Setup};
use countersign::{MemoryBudget, Secret, Verifier, providers};
use delivery::{Deliveries, KINDS, LIMIT, SECRET};
use memory::{Line, resident};
use tokio::task::{JoinSet, LocalSet};

/// The number of concurrent deliveries.
const TASKS: usize = 8;

/// The number of samples in a run, warm-up included. The warm-up is the first tenth of the run, and takes no samples.
const SAMPLES: usize = 200;

const MAX_GROWTH: f64 = 1024.0 * 1024.0;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let deliveries = match arguments.next().map(|count| count.parse()).transpose() {
        Ok(count) => count.unwrap_or(1_000_000),
        Err(error) => {
            eprintln!("deliveries: {error}");
            return ExitCode::FAILURE;
        }
    };
    let only = arguments.next();
    let names = adapters::all().map(|(name, _)| name);
    if only.as_deref().is_some_and(|only| !names.contains(&only)) {
        eprintln!("no such adapter; choose from: {}", names.join(", "));
        return ExitCode::from(2);
    }
    println!(
        "{:<20} {:>9} {:>8} {:>7} {:>7} {:>8} {:>8} {:>11}",
        "adapter", "handled", "rejected", "µs each", "samples", "from KiB", "to KiB", "B/million"
    );
    let mut faults = Vec::new();
    for (name, adapter) in adapters::all() {
        if only.as_ref().is_none_or(|only| only == name) {
            faults.extend(soak(name, adapter, deliveries).into_iter().map(|fault| format!("{name}: {fault}")));
        }
    }
    for fault in &faults {
        println!("FAILED: {fault}");
    }
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one adapter, prints its row of the table, and returns the faults.
fn soak(name: &str, adapter: Adapter, count: usize) -> Vec<String> {
    let budget = MemoryBudget::new(TASKS * 4 * LIMIT);
    let builder = Verifier::builder(providers::JIRA).key("main", Secret::new(SECRET)).body_limit(LIMIT).memory_budget(budget.clone());
    let verifier = builder.build().expect("the configuration is valid");
    let handled = Arc::new(AtomicUsize::new(0));
    let deliveries = Rc::new(Deliveries::new());
    let statuses = Rc::new(RefCell::new(BTreeMap::<u16, usize>::new()));
    // The full capacity from the start, so that this vector does not grow.
    let samples = Rc::new(RefCell::new(Vec::with_capacity(2 * SAMPLES)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the runtime starts");
    let start = Instant::now();
    LocalSet::new().block_on(&runtime, async {
        let send = adapter(Setup { verifier: verifier.clone(), handled: Arc::clone(&handled), known: deliveries.known() }).await;
        let next = Rc::new(Cell::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let (send, deliveries, next) = (Rc::clone(&send), Rc::clone(&deliveries), Rc::clone(&next));
            let (statuses, samples) = (Rc::clone(&statuses), Rc::clone(&samples));
            tasks.spawn_local(async move {
                while next.get() < count {
                    let number = next.replace(next.get() + 1);
                    let status = send(deliveries.nth(number)).await;
                    *statuses.borrow_mut().entry(status).or_default() += 1;
                    if number >= count / 10 && number.is_multiple_of((count / SAMPLES).max(1)) {
                        samples.borrow_mut().push((number, resident()));
                    }
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.expect("no task panics");
        }
    });
    let each = start.elapsed().as_secs_f64() * 1e6 / count as f64;

    let (statuses, samples) = (statuses.take(), samples.take());
    let expected = Deliveries::expected(count);
    let handled = handled.load(Ordering::Relaxed);
    let line = Line::through(&samples);
    let growth = line.slope * 1e6;
    let rejected: usize = statuses.iter().filter(|(status, _)| **status != 200).map(|(_, count)| count).sum();
    println!(
        "{name:<20} {handled:>9} {rejected:>8} {each:>7.1} {:>7} {:>8} {:>8} {growth:>11.0}",
        samples.len(),
        samples.first().map_or(0, |(_, bytes)| bytes / 1024),
        samples.last().map_or(0, |(_, bytes)| bytes / 1024),
    );

    let mut faults = Vec::new();
    let mut same = |what: String, is: usize, expected: usize| {
        if is != expected {
            faults.push(format!("{what}: {is} instead of {expected}"));
        }
    };
    same("handled".into(), handled, expected.iter().filter(|(kind, _)| kind.rejected().is_none()).map(|(_, count)| count).sum());
    let mut by_status = BTreeMap::<u16, usize>::new();
    for (kind, count) in &expected {
        *by_status.entry(kind.status()).or_default() += count;
    }
    for status in statuses.keys().chain(by_status.keys()).copied().collect::<std::collections::BTreeSet<_>>() {
        let of = |statuses: &BTreeMap<u16, usize>| statuses.get(&status).copied().unwrap_or(0);
        same(format!("status {status}"), of(&statuses), of(&by_status));
    }
    let mut rejections: Vec<_> = KINDS.iter().filter_map(|kind| kind.rejected()).collect();
    // Two kinds are rejected for the same cause.
    rejections.dedup();
    for rejection in rejections {
        let expected = expected.iter().filter(|(kind, _)| kind.rejected() == Some(rejection)).map(|(_, count)| count).sum();
        same(format!("{rejection:?}"), usize::try_from(verifier.rejected(rejection)).unwrap_or(usize::MAX), expected);
    }
    same("used bytes of the budget".into(), budget.used(), 0);
    if samples.len() < 2 || growth.is_nan() || growth >= MAX_GROWTH {
        faults.push(format!("memory grows by {growth:.0} bytes for a million deliveries, according to {} samples", samples.len()));
    }
    faults
}
