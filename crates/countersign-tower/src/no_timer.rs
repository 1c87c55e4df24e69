use std::task::{Context, Poll};
use std::time::Instant;

use countersign::adapter::Timer;

/// What stands for a timer where no runtime is known: it never rings. Only a resolver is waited for by it, for as long as it takes.
pub(crate) struct RuntimeTimer(());

impl RuntimeTimer {
    pub(crate) const fn new(_: bool) -> Self {
        Self(())
    }
}

impl Timer for RuntimeTimer {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn poll_until(&mut self, _: Instant, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}
