use std::error::Error;
use std::time::Duration;

use crate::key_id::KeyId;
use crate::keys::key_status::KeyStatus;
use crate::verdict::hint::Hint;
use crate::verdict::rejection::Rejection;
use crate::verdict::verified::Verified;

/// Receives every verdict of an adapter, for metrics, audit logs or alerts.
///
/// [`VerifierBuilder::observer`](crate::VerifierBuilder::observer) sets the observer. The observer
/// runs on the task of the request, so **it must not block**. Send anything slower than adding a
/// number to a channel. The feature `metrics` provides an observer, `MetricsObserver`.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use countersign::observe::{Observer, Verdict};
///
/// #[derive(Default)]
/// struct Forged(AtomicU64);
///
/// impl Observer for Forged {
///     fn observe(&self, verdict: &Verdict<'_>) {
///         if verdict.cause() == Some("signature_mismatch") {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Receives the verdict on a delivery. Called once for each delivery, as soon as the delivery
    /// is verified, rejected, or let through in report-only mode.
    fn observe(&self, verdict: &Verdict<'_>);

    /// Receives the keys of a verifier. The default implementation does nothing. Called in these
    /// cases:
    /// - A verifier was built.
    /// - The keys changed.
    /// - A reload of the keys failed.
    /// - A tenant was looked up. The event has the name of the tenant.
    /// - A template was built. The event has no keys.
    ///
    /// The expiry of a key is not a change. A panic in this function is logged as an event at
    /// `ERROR` and goes no further, because the change has been made.
    fn observe_keys(&self, event: &KeysEvent<'_>) {
        let _ = event;
    }
}

/// The keys of one verifier, for an [`Observer`]. Holds no secret.
#[derive(Clone, Copy, Debug)]
pub struct KeysEvent<'a> {
    scheme: &'static str,
    tenant: Option<&'a str>,
    keys: &'a [KeyStatus],
    error: Option<&'a (dyn Error + 'static)>,
}

impl<'a> KeysEvent<'a> {
    pub(crate) const fn new(
        scheme: &'static str,
        tenant: Option<&'a str>,
        keys: &'a [KeyStatus],
        error: Option<&'a (dyn Error + 'static)>,
    ) -> Self {
        Self { scheme, tenant, keys, error }
    }

    /// Returns the scheme of the verifier, such as `jira`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Returns the tenant, if the keys belong to a tenant. The name is foreign text: see
    /// [`one_line`](crate::observe::one_line()).
    #[must_use]
    pub const fn tenant(&self) -> Option<&'a str> {
        self.tenant
    }

    /// Returns the current keys in trial order, each with its expiry and last match. Expired keys
    /// are included.
    #[must_use]
    pub const fn keys(&self) -> &'a [KeyStatus] {
        self.keys
    }

    /// Returns the error of a failed reload. The earlier keys stay in force: see
    /// [`Keys::reload_failed`](crate::Keys::reload_failed).
    #[must_use]
    pub const fn error(&self) -> Option<&'a (dyn Error + 'static)> {
        self.error
    }
}

/// The verdict on a delivery. Holds no secret, signature or byte of the body.
#[derive(Clone, Copy, Debug)]
pub struct Verdict<'a> {
    result: Result<&'a Verified, &'a Rejection>,
    let_through: bool,
    body_bytes: usize,
    time: Duration,
}

impl<'a> Verdict<'a> {
    pub(crate) const fn new(result: Result<&'a Verified, &'a Rejection>, let_through: bool, body_bytes: usize, time: Duration) -> Self {
        Self { result, let_through, body_bytes, time }
    }

    /// Returns the proof, if the delivery was verified.
    #[must_use]
    pub fn verified(&self) -> Option<&'a Verified> {
        self.result.ok()
    }

    /// Returns the rejection, if the delivery was not verified.
    #[must_use]
    pub fn rejection(&self) -> Option<&'a Rejection> {
        self.result.err()
    }

    /// Returns the name of the scheme, such as `jira`. See [`Rejection::scheme`] for several
    /// schemes.
    #[must_use]
    pub fn scheme(&self) -> &'a str {
        match self.result {
            Ok(verified) => verified.scheme(),
            Err(rejection) => rejection.scheme(),
        }
    }

    /// Returns the tenant of the keys in use. `None` without tenants, or if the tenant is unknown.
    #[must_use]
    pub fn tenant(&self) -> Option<&'a str> {
        match self.result {
            Ok(verified) => verified.tenant(),
            Err(rejection) => rejection.tenant(),
        }
    }

    /// Returns the cause of a rejection, as the label from
    /// [`RejectionKind::as_str`](crate::RejectionKind::as_str).
    #[must_use]
    pub fn cause(&self) -> Option<&'static str> {
        self.rejection().map(|rejection| rejection.kind().as_str())
    }

    /// Returns the probable cause of a rejection, if [`hints`](crate::VerifierBuilder::hints) are
    /// on and a hint was found.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        self.rejection().and_then(Rejection::hint)
    }

    /// Returns the id of the matching key, if the delivery was verified.
    #[must_use]
    pub fn key_id(&self) -> Option<&'a KeyId> {
        self.verified().map(Verified::key_id)
    }

    /// Returns whether the adapter let an unverified delivery through, in report-only mode.
    #[must_use]
    pub const fn let_through(&self) -> bool {
        self.let_through
    }

    /// Returns the number of body bytes received by the time of the verdict. 0 after a rejection by
    /// the head.
    #[must_use]
    pub const fn body_bytes(&self) -> usize {
        self.body_bytes
    }

    /// Returns the time from the head to the verdict, including the wait for a resolver and for the
    /// body. Zero after a rejection by the head without a resolver, unless the span `delivery` is
    /// enabled at `DEBUG`.
    #[must_use]
    pub const fn time(&self) -> Duration {
        self.time
    }
}
