use std::task::{Context, Poll};
use std::time::Instant;

/// What stands for a timer where no runtime is known. Without one no time can be set, so it is never asked.
#[derive(Default)]
pub(crate) struct Timer(());

impl Timer {
    pub(crate) fn now() -> Instant {
        Instant::now()
    }

    #[expect(clippy::unused_self, reason = "as the timer of a runtime")]
    pub(crate) const fn poll_until(&mut self, _: Instant, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}
