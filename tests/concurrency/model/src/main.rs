//! Every interleaving of a few threads, by `loom`: `cargo run --release -p model`. It takes a minute or two.
//!
//! The sources of the budget and of the tenants' lookups are compiled as they are into this crate, which calls itself `std` and has the atomics
//! and locks of `loom` there. A step of what else is in them is atomic here: of tokio's `watch`, through which a lookup is waited for, and of
//! the verifiers that it brings.

#![forbid(unsafe_code)]

extern crate self as std;
extern crate std as real;

#[cfg_attr(not(test), expect(dead_code, reason = "what is not modelled is compiled too"))]
#[path = "../../../../crates/countersign/src/body/memory_budget.rs"]
mod memory_budget;
mod model_of_budget;
mod model_of_lookups;
#[expect(dead_code, reason = "what is not modelled is compiled too")]
#[path = "../../../../crates/countersign-tenants/src/single_flight.rs"]
mod single_flight;

use real::sync::Arc;
use real::sync::atomic::{AtomicUsize, Ordering};

/// What those sources name of `std`.
pub use real::{collections, fmt, time};

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
