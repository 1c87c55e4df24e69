use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use countersign::Verifier;
use countersign::identity::{DeliveryKey, Identity};
use countersign::scheme::Scheme;
use tokio::sync::watch;

use crate::event::{Events, GuardEvent, Observer};
use crate::once::Once;
use crate::shared::{Shared, WhenDown};
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
    count_only: bool,
    observer: Option<Observer>,
}

/// Seven days: longer than most documented windows of repeats.
const DEFAULT_KEEP: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Shorter than the last gap between the repeats of most providers.
const DEFAULT_LEASE: Duration = Duration::from_secs(30);

/// After a crash, a delivery waits for the end of the lease. A store may rely on this bound.
const LONGEST_LEASE: Duration = Duration::from_secs(30 * 60);

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
            count_only: false,
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
    /// store. At most 30 minutes.
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

    /// Only counts and logs repeats: a repeat runs as without a guard. For trying a guard before the
    /// service depends on the guard.
    pub const fn count_only(mut self) -> Self {
        self.count_only = true;
        self
    }

    /// Sets a function that receives each event of the guard with the key of the delivery, for example
    /// for an audit log. The function must not block: requests, handlers and renewals call the function.
    pub fn observer(mut self, observer: impl Fn(GuardEvent, DeliveryKey) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Builds the guard for the deliveries of `verifier`.
    ///
    /// A verifier of several schemes takes the identity of their rows if the rows agree, the longest
    /// `keep` and the shortest `lease`. If one of the senders never repeats a delivery, the default
    /// while the store fails is [`WhenDown::Run`].
    ///
    /// # Errors
    /// - [`OnceError::NoIdentity`]: no identity is set, and the provider's row knows none, or the rows of
    ///   several schemes differ.
    /// - [`OnceError::UnfitIdentity`]: deliveries of a scheme cannot have the identity.
    /// - [`OnceError::LeaseOutOfRange`]: the lease is zero, or longer than 30 minutes.
    pub fn build(self, verifier: &Verifier) -> Result<Once, OnceError> {
        self.build_from(&verifier.schemes().collect::<Vec<_>>())
    }

    /// Builds the guard for the deliveries of a scheme, such as those of all tenants.
    ///
    /// # Errors
    /// The same as [`build`](Self::build).
    pub fn build_for(self, scheme: &Scheme) -> Result<Once, OnceError> {
        self.build_from(&[scheme])
    }

    fn build_from(self, schemes: &[&Scheme]) -> Result<Once, OnceError> {
        let mut identities = schemes.iter().map(|scheme| scheme.repeats().and_then(|row| row.identity()));
        let first = identities.next().flatten().filter(|first| identities.all(|other| other == Some(*first)));
        let identity = self.identity.or(first).ok_or(OnceError::NoIdentity)?;
        if !schemes.iter().all(|scheme| scheme.supports(identity)) {
            return Err(OnceError::UnfitIdentity);
        }
        let rows = || schemes.iter().filter_map(|scheme| scheme.repeats());
        let lease = self.lease.or(rows().map(|row| row.lease()).min()).unwrap_or(DEFAULT_LEASE);
        if lease.is_zero() || lease > LONGEST_LEASE {
            return Err(OnceError::LeaseOutOfRange);
        }
        let by_default = if rows().all(|row| row.is_repeated()) { WhenDown::Refuse } else { WhenDown::Run };
        Ok(Once(Arc::new(Shared {
            store: self.store,
            events: Events::new(self.name, self.observer),
            identity,
            keep: self.keep.or(rows().map(|row| row.keep()).max()).unwrap_or(DEFAULT_KEEP),
            lease,
            patience: self.patience,
            when_down: self.when_down.unwrap_or(by_default),
            count_only: self.count_only,
            is_closed: AtomicBool::new(false),
            active: watch::Sender::new(0),
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
    /// No identity is set, and the provider's row knows none, or the rows of several schemes differ.
    NoIdentity,
    /// Deliveries of the scheme cannot have the identity: the scheme has no header for the id or the
    /// event, or the identity is a part of the body and a static token does not cover the body.
    UnfitIdentity,
    /// The lease is zero, or longer than 30 minutes.
    LeaseOutOfRange,
}

impl fmt::Display for OnceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoIdentity => "no identity is known, or the schemes of the verifier have different identities: call `.identity(…)`",
            Self::UnfitIdentity => "the scheme lacks the header of the identity, or does not cover the body",
            Self::LeaseOutOfRange => "the lease is zero or longer than 30 minutes: call `.lease(…)` with some seconds",
        })
    }
}

impl Error for OnceError {}
