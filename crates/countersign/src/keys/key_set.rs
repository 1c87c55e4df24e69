use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use subtle::ConstantTimeEq as _;

use crate::algorithm::Algorithm;
use crate::config_error::ConfigError;
use crate::crypto::mac::Mac;
use crate::crypto::tag::Tag;
use crate::key_id::KeyId;
use crate::keys::key_status::KeyStatus;
use crate::keys::secret::Secret;
use crate::keys::wipe_stack::wiping_stack;
use crate::request::clock::Clock;
use crate::scheme::Scheme;
use crate::scheme::layout::Grammar;
use crate::verdict::verified::MatchedBy;

/// The keys of one scheme at one moment, in trial order. A delivery is verified with the set loaded
/// at the start. Later changes of the keys do not affect a delivery in flight.
#[derive(Clone)]
pub(crate) struct KeySet(Vec<PreparedKey>);

/// A key, ready for requests.
#[derive(Clone)]
pub(crate) struct PreparedKey {
    pub(crate) id: KeyId,
    /// A trial for each accepted algorithm, in the order of the algorithms.
    pub(crate) trials: Vec<Trial>,
    /// The MAC of the key over the bytes of the key, for comparing static tokens. `None` for
    /// schemes with signatures.
    pub(crate) token: Option<Tag>,
    /// Flaws of the secret, for warnings.
    pub(crate) flaws: SecretFlaws,
    /// The MAC of the secret without the white space at the ends, for a [`Hint`](crate::Hint). Uses
    /// the first accepted algorithm. `None` if the secret has no such white space, or if the rest
    /// is not a valid key.
    pub(crate) trimmed: Option<Mac>,
    pub(crate) expires: Option<SystemTime>,
    /// Seconds since 1970; 0 means never. Shared with the same secret in earlier key sets.
    last_matched: Arc<AtomicU64>,
}

/// A key with one algorithm, ready to try on a delivery.
#[derive(Clone)]
pub(crate) struct Trial {
    pub(crate) algorithm: Algorithm,
    /// Keyed state, ready to hash the signed text.
    pub(crate) mac: Mac,
    /// Facts about a matching delivery, for [`Verified`](crate::Verified).
    pub(crate) by: Arc<MatchedBy>,
}

/// Probable mistakes in a secret, logged by [`secret_warnings`](crate::observe::secret_warnings).
#[derive(Clone, Copy, Default)]
pub(crate) struct SecretFlaws {
    /// The decoded key is shorter than [`MIN_SECRET_BYTES`].
    pub(crate) is_short: bool,
    /// The secret begins or ends with white space or with a byte order mark.
    pub(crate) is_padded: bool,
}

/// Length of the shortest key without a warning, in bytes. RFC 2104 §3 discourages keys shorter
/// than the output of the hash, 32 bytes for SHA-256. Secrets of half that length are common, and
/// cannot be guessed if they are random.
pub(crate) const MIN_SECRET_BYTES: usize = 16;

impl KeySet {
    /// Creates a set of at least one key, without duplicate ids.
    pub(crate) fn new(keys: Vec<PreparedKey>) -> Result<Self, ConfigError> {
        if keys.is_empty() {
            return Err(ConfigError::NoKey);
        }
        for (place, key) in keys.iter().enumerate() {
            if keys.iter().take(place).any(|other| other.id == key.id) {
                return Err(ConfigError::DuplicateKeyId { key: key.id.clone() });
            }
        }
        Ok(Self(keys))
    }

    pub(crate) fn get(&self, place: usize) -> Option<&PreparedKey> {
        self.0.get(place)
    }

    /// Returns the status of each key, in trial order.
    pub(crate) fn statuses(&self) -> Vec<KeyStatus> {
        let status = |key: &PreparedKey| KeyStatus { id: key.id.clone(), expires: key.expires, last_matched: key.last_matched() };
        self.0.iter().map(status).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &PreparedKey> {
        self.0.iter()
    }

    /// Returns the keys accepted now, with their positions. Reads the clock only if a key has an
    /// expiry.
    #[inline]
    pub(crate) fn valid(&self, clock: &mut Clock) -> impl Iterator<Item = (usize, &PreparedKey)> {
        self.0.iter().enumerate().filter(|(_, key)| key.expires.is_none_or(|expires| clock.now() < expires))
    }
}

impl PreparedKey {
    pub(crate) fn new(
        scheme: &Scheme,
        accepted: &[Algorithm],
        id: KeyId,
        secret: &Secret,
        tenant: Option<&Arc<str>>,
    ) -> Result<Self, ConfigError> {
        wiping_stack(|| {
            let key = scheme.key(secret, Some(&id))?;
            let trimmed = secret.trimmed();
            let flaws = SecretFlaws { is_short: key.as_bytes().len() < MIN_SECRET_BYTES, is_padded: trimmed.is_some() };
            let trimmed = trimmed.and_then(|trimmed| scheme.key(&trimmed, None).ok());
            let trimmed = trimmed.and_then(|key| Mac::new(*accepted.first()?, key.as_bytes()));
            Ok(Self { flaws, trimmed, ..Self::prepare(scheme, accepted, id, key.as_bytes(), tenant)? })
        })
    }

    /// Creates the key of a decoy. The decoy takes as long as a real key and verifies nothing, so
    /// the key need not be secret.
    pub(crate) fn decoy(scheme: &Scheme, accepted: &[Algorithm]) -> Result<Self, ConfigError> {
        Self::prepare(scheme, accepted, KeyId::from("decoy"), b"a decoy, which is not even looked at", None)
    }

    fn prepare(scheme: &Scheme, accepted: &[Algorithm], id: KeyId, key: &[u8], tenant: Option<&Arc<str>>) -> Result<Self, ConfigError> {
        let trial = |algorithm: &Algorithm| {
            let matched = Some(*algorithm).filter(|_| scheme.covers_body());
            let by = MatchedBy {
                scheme: scheme.name(),
                tenant: tenant.cloned(),
                key_id: id.clone(),
                algorithm: matched,
                #[cfg(feature = "identity")]
                covers_body: scheme.covers_body(),
            };
            Mac::new(*algorithm, key).map(|mac| Trial { algorithm: *algorithm, mac, by: Arc::new(by) })
        };
        let trials: Option<Vec<Trial>> = accepted.iter().map(trial).collect();
        let trials = trials.ok_or_else(|| ConfigError::InvalidSecret { key: Some(id.clone()), expected: scheme.secret_form })?;
        let token = token(scheme, &trials, key);
        Ok(Self { id, trials, token, flaws: SecretFlaws::default(), trimmed: None, expires: None, last_matched: Arc::default() })
    }

    /// Records a verified delivery at `seconds` after 1970.
    pub(crate) fn record_match(&self, seconds: u64) {
        // The load comes first, so this writes at most once a second for each key. A bare
        // `fetch_max` would write every time, and processors that verify with the same key would
        // wait for each other.
        if self.last_matched.load(Ordering::Relaxed) < seconds {
            self.last_matched.fetch_max(seconds, Ordering::Relaxed);
        }
    }

    /// Returns whether both keys have the same secret. Compares the
    /// [fingerprints](Self::fingerprint) of both keys in constant time.
    pub(crate) fn has_secret_of(&self, other: &Self) -> bool {
        is_same(self.fingerprint().as_ref(), other.fingerprint().as_ref())
    }

    /// Returns the MAC of the empty text, for comparing keys in constant time. HMAC pads a key with
    /// NULs (RFC 2104 §2), so keys that differ only in NULs at the end have equal fingerprints. A
    /// static token never ends with a NUL, so different tokens have different fingerprints.
    pub(crate) fn fingerprint(&self) -> Option<Tag> {
        self.trials.first().map(|trial| trial.mac.clone().tag())
    }

    /// Takes over the last match of `before`, a key with the same secret.
    pub(crate) fn keep_last_match(&mut self, before: &Self) {
        self.last_matched = Arc::clone(&before.last_matched);
    }

    pub(crate) fn last_matched(&self) -> Option<SystemTime> {
        let seconds = self.last_matched.load(Ordering::Relaxed);
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).filter(|_| seconds > 0)
    }
}

/// Returns whether two [fingerprints](PreparedKey::fingerprint) belong to the same secret.
pub(crate) fn is_same(one: Option<&Tag>, other: Option<&Tag>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.ct_eq(other).into())
}

/// Returns the first MAC of the key over the bytes of the key, for a scheme with a static token.
/// `None` for a scheme with signatures.
fn token(scheme: &Scheme, trials: &[Trial], key: &[u8]) -> Option<Tag> {
    let trial = trials.first().filter(|_| !scheme.covers_body())?;
    let mut mac = trial.mac.clone();
    mac.update(key);
    Some(mac.tag())
}

impl Scheme {
    /// Decodes `secret` into the provider's key.
    pub(crate) fn key(&self, secret: &Secret, id: Option<&KeyId>) -> Result<Secret, ConfigError> {
        // This check precedes decoding. White space is not valid base64 either, but `InvalidSecret`
        // would name the wrong fault.
        if secret.is_blank() {
            return Err(ConfigError::EmptySecret { key: id.cloned() });
        }
        let invalid = || ConfigError::InvalidSecret { key: id.cloned(), expected: self.secret_form };
        let key = secret.decode(self.secret_form).ok_or_else(invalid)?;
        let (shortest, longest) = self.key_lengths;
        // A header field cannot hold such bytes, such as a line break at the end. No sender could
        // ever present the token.
        let unsendable = self.grammar == Grammar::StaticToken && !key.as_bytes().iter().all(|byte| matches!(byte, b' '..=b'~'));
        if key.is_blank() {
            Err(ConfigError::EmptySecret { key: id.cloned() })
        } else if unsendable {
            Err(invalid())
        } else if (shortest..=longest).contains(&key.as_bytes().len()) {
            Ok(key)
        } else {
            Err(ConfigError::SecretLength { key: id.cloned(), shortest, longest })
        }
    }
}
