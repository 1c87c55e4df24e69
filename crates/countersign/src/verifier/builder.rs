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

/// Builds a [`Verifier`]. Setters cannot fail. [`build`](Self::build) finds every mistake.
///
/// ```
/// use countersign::{Secret, Verifier, providers};
///
/// # let (new, old) = ("new", "old");
/// let verifier = Verifier::builder(providers::JIRA)
///     .key("2026-11", Secret::new(new)) // both keys verify during a rotation
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
    #[expect(clippy::large_types_passed_by_value, reason = "schemes are constants, and no request runs this code")]
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

    /// Adds a key. Deliveries signed with `secret` verify, and
    /// [`Verified::key_id`](crate::Verified::key_id) returns `id`.
    ///
    /// Call `key` once for each secret in use. Each key adds one hash of every body.
    pub fn key(mut self, id: impl Into<KeyId>, secret: Secret) -> Self {
        self.keys.push((id.into(), secret, None));
        self
    }

    /// Adds a key with an expiry.
    ///
    /// From `expires` on, deliveries signed with the key are rejected: see
    /// [`Keys::expire`](crate::Keys::expire). Otherwise the same as [`key`](Self::key).
    pub fn key_until(mut self, id: impl Into<KeyId>, secret: Secret, expires: SystemTime) -> Self {
        self.keys.push((id.into(), secret, Some(expires)));
        self
    }

    /// Replaces the scheme's default algorithms.
    ///
    /// Only algorithms of the scheme are allowed. To add an algorithm, also list the algorithms
    /// already in use. The sender's header selects among the accepted algorithms and cannot add
    /// any.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = Some(algorithms.into_iter().collect());
        self
    }

    /// Accepts HMAC-SHA-1 too. No other setting does so.
    ///
    /// Use this only for senders without a better algorithm. No forgery of HMAC-SHA-1 is known.
    /// SHA-1 itself is broken, and WebSub mentions its known weakness.
    pub const fn allow_legacy_sha1(mut self) -> Self {
        self.legacy_sha1 = true;
        self
    }

    /// Sets the largest accepted body in bytes.
    ///
    /// [`Receive`](crate::adapter::Receive) applies the limit, and so does every adapter. The
    /// default is [`Scheme::body_limit`]: 25 MiB for Jira Cloud, GitHub and GitLab, 3 MiB for Meta, and
    /// 2 MiB for the other [`providers`](crate::providers).
    ///
    /// Jira is not known to repeat a delivery after the status 413. Consider a delivery over the
    /// limit lost.
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Charges the bodies of all deliveries to `budget`. Several verifiers may share a budget.
    ///
    /// A delivery without room in the budget is answered 503. A body larger than the whole budget
    /// is answered 413. By default, there is no budget and no cost.
    pub fn memory_budget(mut self, budget: MemoryBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Sets the clock for timestamps and key expiry, in place of the machine's clock. A clock
    /// before 2001-09-09 was never set, so no timestamp is accepted.
    ///
    /// A target without a clock, such as `wasm32-unknown-unknown`, needs this setting. Without the
    /// setting, [`build`](Self::build) fails there. On such a target, durations are not measured,
    /// and no event is held back in a flood.
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

    /// Sets the largest difference between a signed timestamp and the clock, in the past or the
    /// future.
    ///
    /// The default is the value documented by the provider. The maximum is a year. A short
    /// tolerance leaves little time for a replay. A long tolerance allows for a wrong clock and a
    /// slow network.
    pub const fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// Sets the URL registered with the sender, for schemes with a signed URL, such as Square's.
    ///
    /// The URL must be the registered text, character by character, because these characters are
    /// signed. The `Host` field of the request is never read, because anybody can write any host
    /// into it.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(UrlSetting::Whole(url.into()));
        self
    }

    /// Sets scheme and host of the URL registered with the sender: `https://hooks.example.com`.
    ///
    /// Use this if the provider signs the URL, and the path and query vary. Path and query come
    /// from the request as sent
    /// ([`RequestHead::original_target`](crate::RequestHead::original_target)).
    ///
    /// **The signature binds the whole path known to the adapter.** A router may remove a prefix
    /// from the path, like axum's `nest`. A delivery signed for `/hook` must not verify at
    /// `/admin/hook`, although the rest of this path is `/hook` as well.
    ///
    /// | adapter | signed path |
    /// |---|---|
    /// | `countersign-actix-web`, `countersign-warp` | the whole path, also under a `scope` and behind `path` filters |
    /// | `countersign-tower` with the feature `axum` | the whole path, also under `nest` and `nest_service` of axum. A prefix removed by another router is not known |
    /// | `countersign-tower` without the feature `axum` | the path of the request at the layer. Put the layer outside of every router that removes a prefix. Otherwise, a delivery signed for the rest of the path verifies there. The layer logs this at `WARN` when it is built |
    ///
    /// A middleware in front of the adapter can rewrite the path. No adapter knows the original
    /// path then.
    ///
    /// The scheme must separate the URL from the text signed after it, and from a body signed
    /// before it. The separator is a character not allowed in a URL, such as a line break. Without
    /// a separator, bytes could move between the body and the path, and [`build`](Self::build)
    /// fails.
    pub fn base_url(mut self, base: impl Into<String>) -> Self {
        self.url = Some(UrlSetting::Base(base.into()));
        self
    }

    /// Sets an observer for every verdict of an adapter and every change of the keys.
    ///
    /// By default, there is no observer and no cost.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(SharedObserver(Arc::new(observer)));
        self
    }

    /// Adds the probable cause of a rejection to the log and the observer: see
    /// [`Hint`](crate::Hint).
    ///
    /// Off by default. At most ten rejections a second get a hint. A secret with white space at an
    /// end costs one more hash of each body.
    pub const fn hints(mut self) -> Self {
        self.hints = true;
        self
    }

    /// Builds the verifier.
    ///
    /// # Errors
    /// - [`ConfigError::NoKey`], [`ConfigError::DuplicateKeyId`]: no key, or two keys with one id.
    /// - [`ConfigError::EmptySecret`], [`ConfigError::InvalidSecret`],
    ///   [`ConfigError::SecretLength`]: a secret is empty, or does not have the form or the length
    ///   of the provider's secrets.
    /// - [`ConfigError::NothingAllowed`], [`ConfigError::UnsupportedAlgorithm`]: no algorithm is
    ///   allowed, or the scheme does not know an algorithm.
    /// - [`ConfigError::LegacySha1`]: SHA-1 without [`allow_legacy_sha1`](Self::allow_legacy_sha1).
    /// - [`ConfigError::ZeroBodyLimit`]: a limit of zero.
    /// - [`ConfigError::InvalidTolerance`]: more than a year, or a scheme without a timestamp.
    /// - [`ConfigError::MissingUrl`], [`ConfigError::InvalidUrl`], [`ConfigError::UnusedUrl`]: the
    ///   URL is missing, wrong or of no use.
    /// - [`ConfigError::NoClock`]: no [`clock`](Self::clock) on a target without a clock.
    /// - [`ConfigError::InvalidScheme`]: the scheme contradicts itself, or does not fit a base URL.
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
            // An empty list with `allow_legacy_sha1` must not accept SHA-1 alone.
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
    /// Creates a builder for a verifier of deliveries signed by `scheme`.
    pub const fn builder(scheme: Scheme) -> VerifierBuilder {
        VerifierBuilder::new(scheme)
    }
}
