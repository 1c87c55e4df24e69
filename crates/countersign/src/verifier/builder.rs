use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::algorithm::Algorithm;
use crate::body::memory_budget::MemoryBudget;
use crate::config_error::ConfigError;
use crate::key_id::KeyId;
use crate::keys::key_set::{KeySet, PreparedKey};
use crate::keys::secret::Secret;
use crate::machine_clock::HAS_CLOCK;
use crate::observe::observer::Observer;
use crate::observe::rate::Rate;
use crate::scheme::Scheme;
use crate::scheme::part::Part;
use crate::scheme::validate::MAX_TOLERANCE;
use crate::verifier::Verifier;
use crate::verifier::config::Config;
use crate::verifier::plan::Plan;
use crate::verifier::policy::{Policy, UrlSetting, url};

/// Describes a [`Verifier`]. Setters cannot fail; [`build`](Self::build) finds every mistake.
///
/// ```
/// use countersign::{Secret, Verifier, providers};
///
/// # let (new, old) = ("new", "old");
/// let verifier = Verifier::builder(providers::JIRA)
///     .key("2026-11", Secret::new(new)) // both are accepted while the secret is being changed
///     .key("2026-05", Secret::new(old))
///     .body_limit(5 * 1024 * 1024)
///     .build()?;
/// # Ok::<(), countersign::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct VerifierBuilder {
    scheme: Scheme,
    pub(crate) keys: Vec<(KeyId, Secret, Option<SystemTime>)>,
    algorithms: Option<Vec<Algorithm>>,
    legacy_sha1: bool,
    body_limit: Option<usize>,
    budget: Option<MemoryBudget>,
    tolerance: Option<Duration>,
    clock: Option<fn() -> SystemTime>,
    url: Option<UrlSetting>,
    observer: Option<SharedObserver>,
    hints: bool,
}

#[derive(Clone)]
struct SharedObserver(Arc<dyn Observer>);

impl fmt::Debug for SharedObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedObserver(..)")
    }
}

impl VerifierBuilder {
    #[expect(clippy::large_types_passed_by_value, reason = "a scheme is a constant, and this is no request's path")]
    pub(crate) const fn new(scheme: Scheme) -> Self {
        Self {
            scheme,
            keys: Vec::new(),
            algorithms: None,
            legacy_sha1: false,
            body_limit: None,
            budget: None,
            tolerance: None,
            clock: None,
            url: None,
            observer: None,
            hints: false,
        }
    }

    /// Accepts what is signed with `secret`, and reports it as `id`. Call it once for each secret that is in use; each costs one more
    /// hash of every body.
    pub fn key(mut self, id: impl Into<KeyId>, secret: Secret) -> Self {
        self.keys.push((id.into(), secret, None));
        self
    }

    /// As [`key`](Self::key), and not accepted any more from `expires` on: see [`Keys::expire`](crate::Keys::expire).
    pub fn key_until(mut self, id: impl Into<KeyId>, secret: Secret, expires: SystemTime) -> Self {
        self.keys.push((id.into(), secret, Some(expires)));
        self
    }

    /// Accepts these of the scheme's algorithms and no others, instead of the scheme's default: to add one, list it beside those that are
    /// still in use. The sender's header selects among them and can add none.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = Some(algorithms.into_iter().collect());
        self
    }

    /// Accepts HMAC-SHA-1 too, which nothing else turns on. No forgery of HMAC-SHA-1 is known, but SHA-1 itself is broken, and WebSub
    /// speaks of its known weakness: for senders that know nothing better.
    pub const fn allow_legacy_sha1(mut self) -> Self {
        self.legacy_sha1 = true;
        self
    }

    /// The largest body in bytes that [`Receive`](crate::adapter::Receive), and with it every adapter, accepts. Unless set, what is known of the
    /// provider's largest, and 2 MiB where nothing is.
    ///
    /// Jira is not known to repeat a delivery that was answered 413: take what is over the limit for lost.
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Charges the bodies of all deliveries to this budget, which other verifiers may share: past it they are answered 503. Unless set, there
    /// is none, and nothing is paid for it.
    pub fn memory_budget(mut self, budget: MemoryBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// The clock by which timestamps are judged and keys expire, in place of the machine's: for a target that has none, such as
    /// `wasm32-unknown-unknown`, where [`build`](Self::build) fails without it. There, durations are not measured, and no event is held back in a flood.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use countersign::{Secret, Verifier, providers};
    ///
    /// fn milliseconds_since_1970() -> u64 {
    ///     // `Date.now()` under JavaScript.
    ///     # 1_795_541_400_000
    /// }
    ///
    /// let verifier = Verifier::builder(providers::STRIPE)
    ///     .key("2026-11", Secret::new("whsec_it_is_a_secret"))
    ///     .clock(|| SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds_since_1970()))
    ///     .build()?;
    /// # Ok::<(), countersign::ConfigError>(())
    /// ```
    pub const fn clock(mut self, now: fn() -> SystemTime) -> Self {
        self.clock = Some(now);
        self
    }

    /// How far a signed timestamp may be from this machine's clock, in the past or in the future, instead of what the provider documents:
    /// a year at most. A shorter time leaves less to replay, a longer one forgives a clock that is off, and a slow network.
    pub const fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// The URL that the sender posts to, for the schemes that sign it, such as Square's: in the very characters in which it was registered,
    /// for they go into the signature. What the request says in `Host` is never looked at, for anybody can write it.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(UrlSetting::Whole(url.into()));
        self
    }

    /// Sets scheme and host of the URL that the sender posts to (`https://hooks.example.com`), for schemes that sign the URL where path and
    /// query vary: both are then taken from the request as it was sent ([`RequestHead::original_target`](crate::RequestHead::original_target)).
    ///
    /// **The signature binds the whole path, as far as the adapter knows it.** A router may take a prefix off the path, as axum's `nest` does.
    /// A delivery that is signed for `/hook` must not verify at `/admin/hook`, where the rest of the path is `/hook` as well.
    ///
    /// | adapter | signed path |
    /// |---|---|
    /// | `countersign-actix-web`, `countersign-warp` | the whole path, under a `scope` and behind `path` filters too |
    /// | `countersign-tower` with the feature `axum` | the whole path, under `nest` and `nest_service` of axum too. A prefix that another router takes off is not known |
    /// | `countersign-tower` without that feature | the path that the request has at the layer. Put the layer outside whatever takes a prefix off, for a delivery that is signed for the rest of the path verifies there. The layer warns of it at `WARN` when it is built |
    ///
    /// A middleware that rewrites the path before any adapter sees the request hides the path from all of them.
    ///
    /// Only for schemes that part the URL from what is signed behind it by a character that no URL holds, such as a line break: otherwise
    /// bytes could move from the body into the path.
    pub fn base_url(mut self, base: impl Into<String>) -> Self {
        self.url = Some(UrlSetting::Base(base.into()));
        self
    }

    /// Has this told of every verdict that an adapter comes to. Unless set, nobody is, and nothing is paid for it.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(SharedObserver(Arc::new(observer)));
        self
    }

    /// Tells the log and the observer of a rejection what is probably the matter with it: see [`Hint`](crate::Hint). So for ten rejections a
    /// second and no more, and off unless set. A secret with white space at an end costs one more hash of each body.
    pub const fn hints(mut self) -> Self {
        self.hints = true;
        self
    }

    /// The verifier, ready for requests.
    ///
    /// # Errors
    /// Every [`ConfigError`] but those of [`Verifier::any_of`]: no key, a secret that is empty or not in the provider's form or length, two
    /// keys with one id, a limit of zero, no algorithm allowed or one that the scheme does not know, SHA-1 without
    /// [`allow_legacy_sha1`](Self::allow_legacy_sha1), a tolerance or a URL that is wrong, missing or of no use, a scheme that contradicts
    /// itself.
    pub fn build(mut self) -> Result<Verifier, ConfigError> {
        let given = std::mem::take(&mut self.keys);
        let policy = self.policy()?;
        let mut keys = Vec::with_capacity(given.len());
        for (id, secret, expires) in given {
            let mut key = PreparedKey::new(&policy.scheme, &policy.accepted, id, &secret, None)?;
            key.expires = expires;
            keys.push(key);
        }
        let verifier = Verifier::new(Config::new(policy.into(), KeySet::new(keys)?));
        verifier.keys().announce(None);
        Ok(verifier)
    }

    pub(crate) fn policy(self) -> Result<Policy, ConfigError> {
        if let Some(fault) = self.scheme.fault() {
            return Err(ConfigError::InvalidScheme { fault });
        }
        if !HAS_CLOCK && self.clock.is_none() {
            return Err(ConfigError::NoClock);
        }
        let accepted = self.accepted()?;
        let body_limit = self.body_limit.unwrap_or(self.scheme.body_limit);
        if body_limit == 0 {
            return Err(ConfigError::ZeroBodyLimit);
        }
        let tolerance = match (self.tolerance, self.scheme.tolerance()) {
            (None, tolerance) => tolerance.unwrap_or_default(),
            (Some(tolerance), Some(_)) if tolerance <= MAX_TOLERANCE => tolerance,
            (Some(_), _) => return Err(ConfigError::InvalidTolerance),
        };
        let url = url(&self.scheme, self.url.as_ref())?;
        let observer = self.observer.map(|SharedObserver(observer)| observer);
        let signs_method = self.scheme.prefix.contains(&Part::Method) || self.scheme.suffix.contains(&Part::Method);
        Ok(Policy {
            scheme: self.scheme,
            plan: Plan::new(&self.scheme, &accepted),
            accepted,
            body_limit,
            budget: self.budget,
            tolerance,
            clock: self.clock,
            url,
            signs_method,
            hints: self.hints.then(Rate::new),
            observer,
        })
    }

    fn accepted(&self) -> Result<Vec<Algorithm>, ConfigError> {
        let asked_for = self.algorithms.clone().unwrap_or_else(|| self.scheme.accepted_by_default());
        if self.algorithms.is_some() && asked_for.is_empty() {
            // SHA-1 must not be what remains of a list that came out empty.
            return Err(ConfigError::NothingAllowed);
        }
        let mut accepted = Vec::new();
        for algorithm in asked_for.into_iter().chain(self.legacy_sha1.then_some(Algorithm::Sha1)) {
            if !self.scheme.algorithms().any(|known| known == algorithm) {
                return Err(ConfigError::UnsupportedAlgorithm { algorithm });
            }
            if algorithm == Algorithm::Sha1 && !self.legacy_sha1 {
                return Err(ConfigError::LegacySha1);
            }
            if !accepted.contains(&algorithm) {
                accepted.push(algorithm);
            }
        }
        match accepted.is_empty() {
            false => Ok(accepted),
            true if self.scheme.algorithms().any(|known| known == Algorithm::Sha1) => Err(ConfigError::LegacySha1),
            true => Err(ConfigError::NothingAllowed),
        }
    }
}

impl Verifier {
    /// Starts the description of a verifier for deliveries of this scheme.
    pub const fn builder(scheme: Scheme) -> VerifierBuilder {
        VerifierBuilder::new(scheme)
    }
}
