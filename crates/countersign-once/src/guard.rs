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
    /// The handlers that run.
    pub(crate) running: watch::Sender<usize>,
}

/// What to do with a delivery if the store fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenDown {
    /// Answers 503: the sender repeats the delivery later.
    Refuse,
    /// Runs the handler without a guard: right for senders that never repeat a delivery.
    Run,
}
