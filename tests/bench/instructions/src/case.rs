use std::time::Duration;

use countersign::observe::{Observer, Verdict};
use countersign::tenant::{ResolveFuture, Resolver};
use countersign::{Deadline, MemoryBudget, RequestHead, Verifier};
use countersign_once::{MemoryStore, Once};

use crate::delivery::JIRA;
use crate::{actix, axum, core, warp};

/// One kind of delivery. `deliver` prepares the delivery, and returns a closure that performs the delivery once.
pub struct Case {
    pub name: &'static str,
    /// The cases to subtract: the hash of the same body, and the framework without this project. The difference is the cost of this
    /// project. Empty for a case that other cases subtract.
    pub over: &'static [&'static str],
    pub deliver: fn() -> Box<dyn FnMut()>,
}

/// Returns all cases. A case ending in `on` has a counterpart without the feature, or ending in `off`. A feature must cost nothing while
/// off.
pub fn all() -> Vec<Case> {
    [core::cases(), axum::cases(), actix::cases(), warp::cases()].into_iter().flatten().collect()
}

pub fn verifier() -> Verifier {
    JIRA.verifier()
}

pub fn verifier_with_budget() -> Verifier {
    JIRA.builder().memory_budget(MemoryBudget::new(256 * 1024 * 1024)).build().unwrap()
}

/// Returns a verifier with an observer of each verdict.
pub fn verifier_with_observer() -> Verifier {
    struct BlackBox;

    impl Observer for BlackBox {
        fn observe(&self, verdict: &Verdict<'_>) {
            std::hint::black_box(verdict.body_bytes());
        }
    }

    JIRA.builder().observer(BlackBox).build().unwrap()
}

/// A resolver that returns this verifier at once.
pub struct FixedResolver(pub Verifier);

impl Resolver for FixedResolver {
    fn resolve(&self, _: &dyn RequestHead) -> ResolveFuture {
        ResolveFuture::ready(Some(self.0.clone()))
    }

    fn decoy(&self) -> &Verifier {
        &self.0
    }
}

/// Returns a guard with marks that expire at once, so that each delivery is new.
pub fn guard_of_new() -> Once {
    Once::builder("bench", MemoryStore::new(1000)).keep(Duration::ZERO).build(&verifier()).unwrap()
}

/// Returns a guard that keeps its marks, so that each delivery but the first is a repeat.
pub fn guard_of_repeats() -> Once {
    Once::builder("bench", MemoryStore::new(1000)).build(&verifier()).unwrap()
}

pub fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(20))
}
