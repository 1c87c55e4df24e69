//! Every interleaving of a few threads, by `loom`: `cargo run --release -p model`. It takes a minute or two.
//!
//! The sources of the budget, of the tenants' lookups and of the memory store of `countersign-once` are compiled unchanged into this crate. The
//! crate calls itself `std`, with the atomics and locks of `loom`. Other steps are atomic here: those of tokio's `watch` and of the verifiers.

#![forbid(unsafe_code)]

extern crate self as std;
extern crate std as real;

#[cfg_attr(not(test), expect(dead_code, reason = "what is not modelled is compiled too"))]
#[path = "../../../../crates/countersign/src/body/memory_budget.rs"]
mod memory_budget;
#[path = "../../../../crates/countersign-once/src/memory_store.rs"]
mod memory_store;
mod model_of_budget;
mod model_of_lookups;
mod model_of_once;
#[expect(dead_code, reason = "what is not modelled is compiled too")]
#[path = "../../../../crates/countersign-once/src/owner.rs"]
mod owner;
#[expect(dead_code, reason = "what is not modelled is compiled too")]
#[path = "../../../../crates/countersign-tenants/src/single_flight.rs"]
mod single_flight;
#[expect(dead_code, reason = "what is not modelled is compiled too")]
#[path = "../../../../crates/countersign-once/src/store.rs"]
mod store;

use real::sync::Arc;
use real::sync::atomic::{AtomicUsize, Ordering};

/// What those sources name of `std`.
pub use real::{collections, error, fmt, future, pin, task, time};

pub mod sync {
    pub use loom::sync::{Mutex, MutexGuard, atomic};
    pub use real::sync::{Arc, PoisonError};
}

mod lookup_error {
    /// Why a lookup brought nothing: as much of it as there is in a lookup itself.
    pub enum LookupError {
        Stopped,
    }
}

fn main() {
    println!("budget: {} interleavings held", model_of_budget::run());
    println!("handled once: {} interleavings held", model_of_once::run());
    println!("lookups: {} interleavings held", model_of_lookups::run());
}

/// Runs it under every interleaving, and tells how many there were.
fn every(model: impl Fn() + Send + Sync + 'static) -> usize {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    loom::model(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    runs.load(Ordering::Relaxed)
}
