use std::sync::Arc;
use std::time::Duration;

use countersign::identity::Identity;
use tokio::sync::watch;

use crate::event::Events;
use crate::store::Store;

/// The store, the settings and the counts of a guard, shared by all clones.
pub(crate) struct Guard {
    pub(crate) store: Box<dyn Store>,
    pub(crate) events: Events,
    pub(crate) identity: Identity,
    pub(crate) keep: Duration,
    pub(crate) lease: Duration,
    pub(crate) patience: Duration,
    pub(crate) when_down: WhenDown,
    pub(crate) report_only: bool,
    /// The handlers that run, and the tasks that write marks and releases.
    pub(crate) running: watch::Sender<usize>,
}

/// The response to a delivery while the store fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenDown {
    /// Answers 503: the sender repeats the delivery later.
    Refuse,
    /// Runs the handler without a guard: right for senders that never repeat a delivery.
    Run,
}

/// Counts a running handler or task, for [`Once::idle`](crate::Once::idle).
pub(crate) struct Running(Arc<Guard>);

impl Running {
    pub(crate) fn new(guard: &Arc<Guard>) -> Self {
        guard.running.send_modify(|running| *running = running.saturating_add(1));
        Self(Arc::clone(guard))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running = running.saturating_sub(1));
    }
}
