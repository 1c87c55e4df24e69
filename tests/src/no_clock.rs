//! A timer for tests that wait for nothing.

use std::task::{Context, Poll};
use std::time::Instant;

use countersign::adapter::Timer;

/// A timer that never rings, for deliveries that wait for nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoClock;

impl Timer for NoClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn poll_until(&mut self, _: Instant, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}
