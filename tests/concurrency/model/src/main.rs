//! Runs every interleaving of a few threads with `loom`: `cargo run --release -p model`. The run takes a minute or two.
//!
//! This crate compiles the unchanged sources of the memory budget, of the tenant lookups and of the memory store of `countersign-once`. The
//! crate names itself `std`, with the atomics and locks of `loom`. Each step of tokio's `watch` and of the verifiers is atomic here.

#![forbid(unsafe_code)]

extern crate self as std;
extern crate std as real;

#[cfg_attr(not(test), expect(dead_code, reason = "the model uses only a part of this source"))]
#[path = "../../../../crates/countersign/src/body/memory_budget.rs"]
mod memory_budget;
#[path = "../../../../crates/countersign-once/src/memory_store.rs"]
mod memory_store;
mod model_of_budget;
mod model_of_lookups;
mod model_of_once;
#[expect(dead_code, reason = "the model uses only a part of this source")]
#[path = "../../../../crates/countersign-once/src/owner.rs"]
mod owner;
#[expect(dead_code, reason = "the model uses only a part of this source")]
#[path = "../../../../crates/countersign-tenants/src/single_flight.rs"]
mod single_flight;
#[expect(dead_code, reason = "the model uses only a part of this source")]
#[path = "../../../../crates/countersign-once/src/store.rs"]
mod store;

use real::sync::Arc;
use real::sync::atomic::{AtomicUsize, Ordering};

/// The parts of `std` named by the included sources.
pub use real::{collections, error, fmt, future, pin, task, time};

pub mod sync {
    pub use loom::sync::{Mutex, MutexGuard, atomic};
    pub use real::sync::{Arc, PoisonError};
}

mod lookup_error {
    /// The cause of a failed lookup, with only the variant that the included source creates.
    pub enum LookupError {
        Stopped,
    }
}

fn main() {
    println!("budget: {} interleavings passed", model_of_budget::run());
    println!("handled once: {} interleavings passed", model_of_once::run());
    println!("lookups: {} interleavings passed", model_of_lookups::run());
}

/// Runs the model under every interleaving, and returns the number of interleavings.
fn explore(model: impl Fn() + Send + Sync + 'static) -> usize {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    loom::model(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    runs.load(Ordering::Relaxed)
}
