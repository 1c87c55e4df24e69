use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::rt::time::{Instant as RuntimeInstant, Sleep, sleep_until};
use countersign::adapter::Timer;

/// An alarm clock that is only made when there is something to wait for.
#[derive(Default)]
pub(crate) struct ActixTimer(Option<Pin<Box<Sleep>>>);

impl Timer for ActixTimer {
    /// By the runtime's clock, which tests can stop.
    fn now(&self) -> Instant {
        RuntimeInstant::now().into_std()
    }

    fn poll_until(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let until = until.into();
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(cx)
    }
}
