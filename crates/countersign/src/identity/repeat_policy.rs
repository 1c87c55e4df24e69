use std::time::Duration;

use crate::identity::Identity;

/// How a sender repeats deliveries, for the default settings of a guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatPolicy {
    identity: Option<Identity>,
    keep: Duration,
    lease: Duration,
    is_repeated: bool,
}

impl RepeatPolicy {
    /// Creates a policy without an identity. `keep` is the time to remember a handled delivery, and
    /// `lease` is the longest time of a claim.
    ///
    /// Choose `keep` longer than the sender's whole window of repeats, and `lease` shorter than the
    /// last gap between two repeats.
    #[must_use]
    pub const fn new(keep: Duration, lease: Duration) -> Self {
        Self { identity: None, keep, lease, is_repeated: true }
    }

    /// Sets the identity. The identity must be safe and useful for every event of the sender: see
    /// [the module](crate::identity).
    #[must_use]
    pub const fn known_by(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Notes that the sender never repeats a delivery by itself.
    #[must_use]
    pub const fn never(mut self) -> Self {
        self.is_repeated = false;
        self
    }

    /// Returns the identity. `None` if no identity is known to be safe and useful.
    #[must_use]
    pub const fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// Returns the time to remember a handled delivery.
    #[must_use]
    pub const fn keep(&self) -> Duration {
        self.keep
    }

    /// Returns the longest time of a claim.
    #[must_use]
    pub const fn lease(&self) -> Duration {
        self.lease
    }

    /// Returns whether the sender repeats a delivery by itself.
    #[must_use]
    pub const fn is_repeated(&self) -> bool {
        self.is_repeated
    }
}
