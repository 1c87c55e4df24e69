use std::time::Duration;

use countersign::observe::{Observer, Verdict};
use countersign::tenant::{ResolveFuture, Resolver};
use countersign::{Deadline, MemoryBudget, RequestHead, Verifier};
use countersign_once::{MemoryStore, Once};

use crate::delivery::JIRA;
use crate::{actix, axum, core, warp};

/// One kind of delivery. `deliver` prepares it, and what it returns performs it once.
pub struct Case {
    pub name: &'static str,
    /// The cases whose work is part of this one's and none of ours: the hash of the same body, and the framework without us. What is left is the
    /// cost of this project. None of a case that others are compared with.
    pub over: &'static [&'static str],
    pub deliver: fn() -> Box<dyn FnMut()>,
}

/// What ends in `on` stands beside the same case without it, or with it off: what is off must cost nothing.
pub fn all() -> Vec<Case> {
    [core::cases(), axum::cases(), actix::cases(), warp::cases()].into_iter().flatten().collect()
}

pub fn verifier() -> Verifier {
    JIRA.verifier()
}

pub fn verifier_with_budget() -> Verifier {
    JIRA.builder().memory_budget(MemoryBudget::new(256 * 1024 * 1024)).build().unwrap()
}

/// With somebody to be told of each verdict.
pub fn observed() -> Verifier {
    struct Told;

    impl Observer for Told {
        fn observe(&self, verdict: &Verdict<'_>) {
            std::hint::black_box(verdict.body_bytes());
        }
    }

    JIRA.builder().observer(Told).build().unwrap()
}

/// A resolver that has its answer at hand.
pub struct Known(pub Verifier);

impl Resolver for Known {
    fn resolve(&self, _: &dyn RequestHead) -> ResolveFuture {
        ResolveFuture::ready(Some(self.0.clone()))
    }

    fn decoy(&self) -> &Verifier {
        &self.0
    }
}

/// A guard to which each delivery is new: its mark is forgotten at once.
pub fn guard_of_new() -> Once {
    Once::builder("bench", MemoryStore::new(1000)).keep(Duration::ZERO).build(&verifier()).unwrap()
}

/// A guard to which each delivery but the first is a repeat.
pub fn guard_of_repeats() -> Once {
    Once::builder("bench", MemoryStore::new(1000)).build(&verifier()).unwrap()
}

pub fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(20))
}
