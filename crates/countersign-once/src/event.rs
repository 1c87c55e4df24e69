use std::sync::atomic::{AtomicU64, Ordering};

use countersign::identity::DeliveryKey;

/// An event of a guard, for counts, logs and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A delivery was claimed: the handler runs.
    Claimed,
    /// A delivery was handled before: the stored status is the response.
    Repeated,
    /// Another handler runs for the same delivery: the response is 503.
    Running,
    /// The store failed, or did not answer in time.
    Unavailable,
    /// A claim was lost under a running handler: another handler may run for the same delivery.
    Expired,
    /// A handler ended, and the delivery belonged to another handler: the delivery was handled
    /// twice.
    DoubleRun,
    /// A delivery was handled without a guard: the delivery has no identity, or the store failed
    /// and [`WhenDown::Run`](crate::WhenDown::Run) is set, or the guard is in report-only mode.
    Unguarded,
}

impl Event {
    const ALL: [Self; 7] =
        [Self::Claimed, Self::Repeated, Self::Running, Self::Unavailable, Self::Expired, Self::DoubleRun, Self::Unguarded];

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
        }
    }
}

/// A function of the application for each event.
pub(crate) type Observer = Box<dyn Fn(Event, DeliveryKey) + Send + Sync>;

/// Counts and logs the events of one guard.
pub(crate) struct Events {
    guard: String,
    observer: Option<Observer>,
    counts: [AtomicU64; Event::ALL.len()],
}

impl Events {
    pub(crate) fn new(guard: String, observer: Option<Observer>) -> Self {
        #[cfg(feature = "metrics")]
        for event in Event::ALL {
            // Each counter starts at 0, so a rate sees the first event.
            metrics::counter!("countersign_once_total", "guard" => guard.clone(), "event" => event.as_str()).increment(0);
        }
        Self { guard, observer, counts: Default::default() }
    }

    pub(crate) fn guard(&self) -> &str {
        &self.guard
    }

    pub(crate) fn count(&self, event: Event) -> u64 {
        self.counts.get(event as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    pub(crate) fn record(&self, event: Event, key: DeliveryKey, error: Option<&dyn std::error::Error>) {
        if let Some(count) = self.counts.get(event as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        #[cfg(feature = "metrics")]
        metrics::counter!("countersign_once_total", "guard" => self.guard.clone(), "event" => event.as_str()).increment(1);
        if let Some(observer) = &self.observer {
            observer(event, key);
        }
        let (guard, label, key) = (&*self.guard, event.as_str(), tracing::field::display(key));
        let source = error.and_then(std::error::Error::source).map(tracing::field::display);
        match event {
            Event::Claimed | Event::Repeated | Event::Running => {
                tracing::debug!(target: "countersign", guard, event = label, key, "delivery {label}");
            }
            Event::Unguarded => tracing::debug!(target: "countersign", guard, event = label, key, "delivery handled without a guard"),
            Event::Unavailable => {
                tracing::warn!(target: "countersign", guard, event = label, key, source, "the store of handled deliveries is unavailable");
            }
            Event::Expired => {
                tracing::error!(target: "countersign", guard, event = label, key, "a claim was lost: the delivery may be handled twice");
            }
            Event::DoubleRun => tracing::error!(target: "countersign", guard, event = label, key, "a delivery was handled twice"),
        }
    }
}
