use std::task::{Context, Poll};
use std::time::Instant;

/// The clock and the timer of a runtime, for [`Receive::poll`](crate::adapter::Receive::poll). For
/// adapters.
///
/// A timer is used only while a body or a resolver is pending, so an implementation can allocate at
/// first use.
pub trait Timer {
    /// Returns the current time of the runtime's clock.
    fn now(&self) -> Instant;

    /// Returns `Ready` once `until` has come. Before then, returns `Pending` and wakes the task at
    /// `until`. A later call with another moment replaces the earlier moment.
    fn poll_until(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()>;
}

/// A timer that never fires, for use without a known runtime. Deadlines and drains need another
/// timer. A resolver has no timeout with this timer.
///
/// # Panics
/// `now` panics on a target without a clock, such as `wasm32-unknown-unknown`.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTimer;

impl Timer for NoTimer {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn poll_until(&mut self, _: Instant, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// `None` acts like [`NoTimer`].
impl<T: Timer> Timer for Option<T> {
    fn now(&self) -> Instant {
        self.as_ref().map_or_else(|| NoTimer.now(), T::now)
    }

    fn poll_until(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        self.as_mut().map_or(Poll::Pending, |timer| timer.poll_until(until, cx))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// A timer at a fixed moment, always `Ready`.
    struct FixedTimer(Instant);

    impl Timer for FixedTimer {
        fn now(&self) -> Instant {
            self.0
        }

        fn poll_until(&mut self, _: Instant, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }

    #[test]
    fn missing_timer_never_fires_and_reads_the_machine_clock() {
        let (mut cx, past) = (Context::from_waker(Waker::noop()), Instant::now());
        assert!(NoTimer.poll_until(past, &mut cx).is_pending() && NoTimer.now() >= past);
        let mut none = None::<FixedTimer>;
        assert!(none.poll_until(past, &mut cx).is_pending() && none.now() >= past);
        let mut some = Some(FixedTimer(past));
        assert!(some.poll_until(past, &mut cx).is_ready() && some.now() == past);
    }
}
