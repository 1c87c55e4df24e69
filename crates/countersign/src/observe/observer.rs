use std::error::Error;
use std::time::Duration;

use crate::key_id::KeyId;
use crate::keys::key_status::KeyStatus;
use crate::verdict::hint::Hint;
use crate::verdict::rejection::Rejection;
use crate::verdict::verified::Verified;

/// Is told of every verdict that an adapter comes to, for whatever an application makes of it: counters, an audit trail, an alarm.
///
/// Set by [`VerifierBuilder::observer`](crate::VerifierBuilder::observer). It is called on the task that serves the request, so **it must not
/// block**: hand over to a channel what takes longer than adding a number. With the feature `metrics` there is one ready-made,
/// `MetricsObserver`.
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
    /// Called once for each delivery: as soon as it is verified, or as it is rejected, or let through in spite of it.
    fn observe(&self, verdict: &Verdict<'_>);

    /// Called with the keys of a verifier once it is built, after each change of them, and after each reload that failed. Does nothing unless
    /// implemented. A tenant's verifier calls it whenever the tenant is looked up, with the tenant's name; the template of the tenants' verifiers calls
    /// it once, without a key. A key that expires by time is no change.
    ///
    /// A panic in it is an event at `ERROR`, and goes no further: the change has been made.
    fn observe_keys(&self, event: &KeysEvent<'_>) {
        let _ = event;
    }
}

/// The keys of one verifier, as an [`Observer`] is told of them. It holds no secret.
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

    /// The scheme of the verifier: `jira`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The tenant, where tenants have keys of their own. The name is the tenant's own text: see [`one_line`](crate::observe::one_line()).
    #[must_use]
    pub const fn tenant(&self) -> Option<&'a str> {
        self.tenant
    }

    /// The keys as they are now, in the order in which they are tried, each with its expiry and with when it last matched. Those that have
    /// expired are among them.
    #[must_use]
    pub const fn keys(&self) -> &'a [KeyStatus] {
        self.keys
    }

    /// Why the keys could not be reloaded, so that those of before are in force: see [`Keys::reload_failed`](crate::Keys::reload_failed).
    #[must_use]
    pub const fn error(&self) -> Option<&'a (dyn Error + 'static)> {
        self.error
    }
}

/// What has been found out about a delivery. It holds no secret, signature or byte of the body.
#[derive(Clone, Copy, Debug)]
pub struct Verdict<'a> {
    found: Result<&'a Verified, &'a Rejection>,
    let_through: bool,
    body_bytes: usize,
    time: Duration,
}

impl<'a> Verdict<'a> {
    pub(crate) const fn new(found: Result<&'a Verified, &'a Rejection>, let_through: bool, body_bytes: usize, time: Duration) -> Self {
        Self { found, let_through, body_bytes, time }
    }

    /// The proof, if it was verified.
    #[must_use]
    pub fn verified(&self) -> Option<&'a Verified> {
        self.found.ok()
    }

    /// Why not, if it was not.
    #[must_use]
    pub fn rejection(&self) -> Option<&'a Rejection> {
        self.found.err()
    }

    /// The scheme that judged: `jira`.
    #[must_use]
    pub fn scheme(&self) -> &'a str {
        match self.found {
            Ok(verified) => verified.scheme(),
            Err(rejection) => rejection.scheme(),
        }
    }

    /// The tenant with whose keys it was judged, where there are tenants and this is a known one.
    #[must_use]
    pub fn tenant(&self) -> Option<&'a str> {
        match self.found {
            Ok(verified) => verified.tenant(),
            Err(rejection) => rejection.tenant(),
        }
    }

    /// The cause of a rejection, as [`RejectionKind::as_str`](crate::RejectionKind::as_str) has it.
    #[must_use]
    pub fn cause(&self) -> Option<&'static str> {
        self.rejection().map(|rejection| rejection.kind().as_str())
    }

    /// What is probably the matter, if [`hints`](crate::VerifierBuilder::hints) are wanted and something was found.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        self.rejection().and_then(Rejection::hint)
    }

    /// The key that matched.
    #[must_use]
    pub fn key_id(&self) -> Option<&'a KeyId> {
        self.verified().map(Verified::key_id)
    }

    /// Whether it was let through although it was not verified, because the adapter only reports.
    #[must_use]
    pub const fn let_through(&self) -> bool {
        self.let_through
    }

    /// How many bytes of the body had been taken in by then; 0 if it was rejected by its head.
    #[must_use]
    pub const fn body_bytes(&self) -> usize {
        self.body_bytes
    }

    /// From the head to the verdict, the waiting for a resolver and for the body included; nothing if it was rejected by its head, and no
    /// resolver was asked.
    #[must_use]
    pub const fn time(&self) -> Duration {
        self.time
    }
}
