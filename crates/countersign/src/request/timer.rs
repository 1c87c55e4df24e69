use std::task::{Context, Poll};
use std::time::Instant;

/// The clock and the alarm of a runtime, for [`Receive::poll`](crate::adapter::Receive::poll). For adapters.
///
/// It is asked only while a body or a resolver is pending, and so need not make anything before.
pub trait Timer {
    /// What the runtime's clock says.
    fn now(&self) -> Instant;

    /// Ready once that moment has come; until then the task is woken up at it. A later call with another moment replaces the one before.
    fn poll_until(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()>;
}

/// Where no runtime is known: a timer that never rings. Deadlines and drains need one that does, and a resolver is waited for as long as it takes.
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

/// `None` is [`NoTimer`].
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

    /// Tells one moment, and has always rung.
    struct Rung(Instant);

    impl Timer for Rung {
        fn now(&self) -> Instant {
            self.0
        }

        fn poll_until(&mut self, _: Instant, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }

    #[test]
    fn without_a_timer_nothing_rings_and_the_machine_tells_the_time() {
        let (mut cx, past) = (Context::from_waker(Waker::noop()), Instant::now());
        assert!(NoTimer.poll_until(past, &mut cx).is_pending() && NoTimer.now() >= past);
        let mut none = None::<Rung>;
        assert!(none.poll_until(past, &mut cx).is_pending() && none.now() >= past);
        let mut some = Some(Rung(past));
        assert!(some.poll_until(past, &mut cx).is_ready() && some.now() == past);
    }
}
