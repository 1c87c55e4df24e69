use std::task::{Context, Poll};
use std::time::Instant;

use countersign::Timer;

/// What stands for a timer where no runtime is known. Without one no time can be set, so it is never asked.
#[derive(Default)]
pub(crate) struct RuntimeTimer(());

impl Timer for RuntimeTimer {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn poll_until(&mut self, _: Instant, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}
