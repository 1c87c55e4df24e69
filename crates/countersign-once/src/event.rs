use std::error::Error as _;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign::identity::DeliveryKey;

use crate::store::StoreError;

/// An event of a guard, for counts, logs and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GuardEvent {
    /// A delivery was claimed: the handler runs.
    Claimed,
    /// A delivery was handled before.
    Repeated,
    /// Another handler runs for the same delivery.
    Running,
    /// The store failed, or did not answer in time.
    Unavailable,
    /// A claim was lost under a running handler: another handler may run for the same delivery.
    Expired,
    /// A handler ended, and the delivery belonged to another handler: the delivery was handled
    /// twice.
    DoubleRun,
    /// A delivery is handled [unguarded](crate::ClaimInfo::is_guarded).
    Unguarded,
    /// The store was away for too long to write a mark: the next repeat is handled again.
    MarkLost,
}

impl GuardEvent {
    const ALL: [Self; 8] =
        [Self::Claimed, Self::Repeated, Self::Running, Self::Unavailable, Self::Expired, Self::DoubleRun, Self::Unguarded, Self::MarkLost];

    /// Returns the label in `snake_case`, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Repeated => "repeated",
            Self::Running => "running",
            Self::Unavailable => "unavailable",
            Self::Expired => "expired",
            Self::DoubleRun => "double_run",
            Self::Unguarded => "unguarded",
            Self::MarkLost => "mark_lost",
        }
    }
}

/// The application's function for each event.
pub(crate) type Observer = Box<dyn Fn(GuardEvent, DeliveryKey) + Send + Sync>;

/// Counts and logs the events of one guard.
pub(crate) struct Events {
    name: String,
    observer: Option<Observer>,
    counts: [AtomicU64; GuardEvent::ALL.len()],
}

impl Events {
    pub(crate) fn new(name: String, observer: Option<Observer>) -> Self {
        #[cfg(feature = "metrics")]
        for event in GuardEvent::ALL {
            // Each counter starts at 0, so a rate sees the first event.
            metrics::counter!("countersign_once_total", "guard" => name.clone(), "event" => event.as_str()).increment(0);
        }
        Self { name, observer, counts: Default::default() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn count(&self, event: GuardEvent) -> u64 {
        self.counts.get(event as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Records a failed operation of the store.
    pub(crate) fn record_failure(&self, operation: &'static str, key: DeliveryKey, error: &StoreError) {
        self.count_and_tell(GuardEvent::Unavailable, key);
        let (guard, label, delivery) = (&*self.name, GuardEvent::Unavailable.as_str(), tracing::field::display(key));
        let source = error.source().map(tracing::field::display);
        tracing::warn!(target: "countersign", guard, event = label, operation, delivery, %error, source, "the store of handled deliveries is unavailable");
    }

    pub(crate) fn record(&self, event: GuardEvent, key: DeliveryKey) {
        self.count_and_tell(event, key);
        let (guard, label, delivery) = (&*self.name, event.as_str(), tracing::field::display(key));
        match event {
            GuardEvent::Claimed | GuardEvent::Repeated | GuardEvent::Running => {
                tracing::debug!(target: "countersign", guard, event = label, delivery, "delivery {label}");
            }
            // Not `debug`: a guard without an effect would go unseen.
            GuardEvent::Unguarded => {
                tracing::info!(target: "countersign", guard, event = label, delivery, "delivery handled without a guard");
            }
            // `record_failure` has the cause.
            GuardEvent::Unavailable => {}
            GuardEvent::Expired => {
                tracing::error!(target: "countersign", guard, event = label, delivery, "a claim was lost: the delivery may be handled twice");
            }
            GuardEvent::DoubleRun => tracing::error!(target: "countersign", guard, event = label, delivery, "a delivery was handled twice"),
            GuardEvent::MarkLost => {
                tracing::error!(target: "countersign", guard, event = label, delivery, "a mark was given up: the next repeat is handled again");
            }
        }
    }

    fn count_and_tell(&self, event: GuardEvent, key: DeliveryKey) {
        if let Some(count) = self.counts.get(event as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        #[cfg(feature = "metrics")]
        metrics::counter!("countersign_once_total", "guard" => self.name.clone(), "event" => event.as_str()).increment(1);
        if let Some(observer) = &self.observer {
            observer(event, key);
        }
    }
}
