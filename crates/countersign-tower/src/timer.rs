use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use countersign::adapter::Timer;
use tokio::time::Sleep;

/// An alarm clock that is only made when there is something to wait for.
pub(crate) struct RuntimeTimer {
    /// Without, nobody has said that tokio is there.
    enabled: bool,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl RuntimeTimer {
    pub(crate) const fn new(enabled: bool) -> Self {
        Self { enabled, sleep: None }
    }
}

impl Timer for RuntimeTimer {
    /// By the runtime's clock, which tests can stop.
    fn now(&self) -> Instant {
        if self.enabled { tokio::time::Instant::now().into_std() } else { Instant::now() }
    }

    fn poll_until(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if !self.enabled {
            return Poll::Pending;
        }
        let until = until.into();
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(cx)
    }
}
