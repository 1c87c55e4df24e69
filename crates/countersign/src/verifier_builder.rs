use crate::mac::Mac;
use crate::verifier::{Config, PreparedKey};
use crate::{Algorithm, ConfigError, KeyId, Scheme, Secret, Verifier};

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
    keys: Vec<(KeyId, Secret)>,
    algorithms: Option<Vec<Algorithm>>,
    legacy_sha1: bool,
    body_limit: Option<usize>,
}

impl VerifierBuilder {
    pub(crate) const fn new(scheme: Scheme) -> Self {
        Self { scheme, keys: Vec::new(), algorithms: None, legacy_sha1: false, body_limit: None }
    }

    /// Accepts what is signed with `secret`, and reports it as `id`. Call it once for each secret that is in use; each costs one more
    /// hash of every body.
    pub fn key(mut self, id: impl Into<KeyId>, secret: Secret) -> Self {
        self.keys.push((id.into(), secret));
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

    /// The largest body in bytes that an [`Intake`](crate::Intake), and with it every adapter, accepts. Unless set, what is known of the
    /// provider's largest, and 2 MiB where nothing is.
    ///
    /// Jira is not known to repeat a delivery that was answered 413: take what is over the limit for lost.
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// The verifier, ready for requests.
    ///
    /// # Errors
    /// Every [`ConfigError`]: no key, a secret that is empty or not in the provider's form, two keys with one id, a limit of zero, no
    /// algorithm allowed or one that the scheme does not know, SHA-1 without [`allow_legacy_sha1`](Self::allow_legacy_sha1), a scheme
    /// that contradicts itself.
    pub fn build(self) -> Result<Verifier, ConfigError> {
        if let Some(fault) = self.scheme.fault() {
            return Err(ConfigError::InvalidScheme { fault });
        }
        let accepted = self.accepted()?;
        let body_limit = self.body_limit.unwrap_or(self.scheme.body_limit);
        if body_limit == 0 {
            return Err(ConfigError::ZeroBodyLimit);
        }
        if self.keys.is_empty() {
            return Err(ConfigError::NoKey);
        }
        let mut keys: Vec<PreparedKey> = Vec::with_capacity(self.keys.len());
        for (id, secret) in self.keys {
            if keys.iter().any(|key| key.id == id) {
                return Err(ConfigError::DuplicateKeyId { key: id });
            }
            let key = self.scheme.key(&secret, Some(&id))?;
            let macs: Option<Vec<Mac>> = accepted.iter().map(|algorithm| Mac::new(*algorithm, key.as_bytes())).collect();
            let macs = macs.ok_or_else(|| ConfigError::InvalidSecret { key: Some(id.clone()) })?;
            keys.push(PreparedKey { id, macs });
        }
        Ok(Verifier::new(Config { scheme: self.scheme, accepted, keys, body_limit }))
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
        if accepted.is_empty() { Err(ConfigError::NothingAllowed) } else { Ok(accepted) }
    }
}
