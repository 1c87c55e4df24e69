use std::task::{Context, Poll};
use std::time::Instant;

/// The clock and the alarm of a runtime, for [`Receive::poll`](crate::adapter::Receive::poll) and
/// [`Drain::poll`](crate::adapter::Drain::poll). For adapters.
///
/// It is asked only while a body or a resolver is pending, and so need not make anything before.
pub trait Timer {
    /// What the runtime's clock says.
    fn now(&self) -> Instant;

    /// Ready once that moment has come; until then the task is woken up at it. A later call with another moment replaces the one before.
    fn poll_until(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()>;
}
