use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign::Verifier;
use countersign::identity::{DeliveryKey, Identity};
use tokio::sync::watch;

use crate::event::{Event, Events, Observer};
use crate::guard::{Guard, WhenDown};
use crate::once::Once;
use crate::store::Store;

/// Builds a [`Once`].
#[must_use = "a builder does nothing before `build`"]
pub struct OnceBuilder {
    name: String,
    store: Box<dyn Store>,
    identity: Option<Identity>,
    keep: Option<Duration>,
    lease: Option<Duration>,
    patience: Duration,
    when_down: Option<WhenDown>,
    report_only: bool,
    observer: Option<Observer>,
}

/// Seven days: longer than every documented window of repeats, except Adyen's.
const DEFAULT_KEEP: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Shorter than the last gap between two repeats of every provider with a documented gap.
const DEFAULT_LEASE: Duration = Duration::from_secs(30);

impl Once {
    /// Creates a builder. `name` separates the deliveries of this guard from those of other guards
    /// with the same store, such as two endpoints with equal bodies.
    pub fn builder(name: impl Into<String>, store: impl Store) -> OnceBuilder {
        OnceBuilder::new(name.into(), Box::new(store))
    }
}

impl OnceBuilder {
    pub(crate) fn new(name: String, store: Box<dyn Store>) -> Self {
        Self {
            name,
            store,
            identity: None,
            keep: None,
            lease: None,
            patience: Duration::from_secs(1),
            when_down: None,
            report_only: false,
            observer: None,
        }
    }

    /// Sets the identity of a delivery. Default: the identity of the provider's row.
    pub const fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Sets the time to remember a handled delivery. Default: that of the provider's row, or seven
    /// days.
    ///
    /// Take a time longer than the sender's whole window of repeats.
    pub const fn keep(mut self, keep: Duration) -> Self {
        self.keep = Some(keep);
        self
    }

    /// Sets the lease: a claim ends after this time if its process has died. Default: that of the
    /// provider's row, or 30 seconds. A [`MemoryStore`](crate::MemoryStore) needs no lease.
    ///
    /// Take a time shorter than the last gap between two repeats, and longer than an outage of the
    /// store.
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// Sets the time to wait for an answer of the store. Default: one second.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets the response while the store fails. Default: [`WhenDown::Run`] for providers that never
    /// repeat a delivery, and [`WhenDown::Refuse`] for others.
    pub const fn when_down(mut self, when_down: WhenDown) -> Self {
        self.when_down = Some(when_down);
        self
    }

    /// Turns on report-only mode: repeats are counted and logged, and run all the same. For trying a
    /// guard before the service depends on the guard.
    pub const fn report_only(mut self) -> Self {
        self.report_only = true;
        self
    }

    /// Sets a function that receives each event, for example for an audit log. The function runs on
    /// the task of the request, so the function must not block.
    pub fn observer(mut self, observer: impl Fn(Event, DeliveryKey) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Builds the guard for the deliveries of `verifier`.
    ///
    /// # Errors
    /// - [`OnceError::NoIdentity`]: no identity is set, and the provider's row knows none.
    /// - [`OnceError::BodyNotCovered`]: the identity is a part of the body, and the scheme does not
    ///   cover the body.
    /// - [`OnceError::ZeroLease`]: the lease is zero.
    pub fn build(self, verifier: &Verifier) -> Result<Once, OnceError> {
        let row = verifier.repeats();
        let identity = self.identity.or(row.and_then(|row| row.identity())).ok_or(OnceError::NoIdentity)?;
        if identity.is_of_body() && !verifier.covers_body() {
            return Err(OnceError::BodyNotCovered);
        }
        let lease = self.lease.or(row.map(|row| row.lease())).unwrap_or(DEFAULT_LEASE);
        if lease.is_zero() {
            return Err(OnceError::ZeroLease);
        }
        let never = row.is_some_and(|row| !row.is_repeated());
        Ok(Once(Arc::new(Guard {
            store: self.store,
            events: Events::new(self.name, self.observer),
            identity,
            keep: self.keep.or(row.map(|row| row.keep())).unwrap_or(DEFAULT_KEEP),
            lease,
            patience: self.patience,
            when_down: self.when_down.unwrap_or(if never { WhenDown::Run } else { WhenDown::Refuse }),
            report_only: self.report_only,
            running: watch::Sender::new(0),
        })))
    }
}

impl fmt::Debug for OnceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An error of [`OnceBuilder::build`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnceError {
    /// No identity is set, and the provider's row knows none.
    NoIdentity,
    /// The identity is a part of the body, and the scheme does not cover the body: a static token.
    BodyNotCovered,
    /// The lease is zero.
    ZeroLease,
}

impl fmt::Display for OnceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoIdentity => "the provider's row has no identity: call `.identity(…)`",
            Self::BodyNotCovered => "the scheme does not cover the body, so the identity cannot be a part of the body",
            Self::ZeroLease => "the lease is zero: call `.lease(…)` with some seconds",
        })
    }
}

impl Error for OnceError {}
