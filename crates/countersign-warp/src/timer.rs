use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use countersign::adapter::Timer;
use tokio::time::Sleep;

/// An alarm clock that is only made when there is something to wait for.
#[derive(Default)]
pub(crate) struct TokioTimer(Option<Pin<Box<Sleep>>>);

impl Timer for TokioTimer {
    /// By the runtime's clock, which tests can stop.
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn poll_until(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let until = until.into();
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(cx)
    }
}
