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

/// The keys of one scheme at one moment, in the order in which they are tried. A delivery is judged by those that it began with.
#[derive(Clone)]
pub(crate) struct KeySet(Vec<PreparedKey>);

/// One key, ready for requests.
#[derive(Clone)]
pub(crate) struct PreparedKey {
    pub(crate) id: KeyId,
    /// One for each accepted algorithm, in their order.
    pub(crate) trials: Vec<Trial>,
    /// What the one MAC makes of the key itself, by which tokens are compared.
    pub(crate) token: Option<Tag>,
    /// What is doubtful about the secret.
    pub(crate) flaws: SecretFlaws,
    /// For a [`Hint`](crate::Hint): as by the secret without the white space at its ends, if it has any.
    pub(crate) trimmed: Option<Mac>,
    pub(crate) expires: Option<SystemTime>,
    /// In seconds since 1970; 0 for never. Shared with the sets that this key has been in before.
    last_matched: Arc<AtomicU64>,
}

/// A key under one algorithm, which a delivery is tried with.
#[derive(Clone)]
pub(crate) struct Trial {
    pub(crate) algorithm: Algorithm,
    /// Ready to take the signed text.
    pub(crate) mac: Mac,
    /// What is to be said of a delivery that it matches.
    pub(crate) by: Arc<MatchedBy>,
}

/// What the operator is warned of: see [`secret_warnings`](crate::observe::secret_warnings).
#[derive(Clone, Copy, Default)]
pub(crate) struct SecretFlaws {
    /// The key, decoded, is shorter than [`MIN_SECRET_BYTES`].
    pub(crate) is_short: bool,
    /// The secret begins or ends with white space, or with a byte order mark.
    pub(crate) is_padded: bool,
}

/// In bytes. RFC 2104 §3 discourages keys that are shorter than the output of the hash, which is 32 bytes for SHA-256; secrets of half that
/// are common, and still beyond guessing if they are random.
pub(crate) const MIN_SECRET_BYTES: usize = 16;

impl KeySet {
    /// Of at least one key, and of none twice.
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

    /// Returns what is known of each key, in their order.
    pub(crate) fn statuses(&self) -> Vec<KeyStatus> {
        let status = |key: &PreparedKey| KeyStatus { id: key.id.clone(), expires: key.expires, last_matched: key.last_matched() };
        self.0.iter().map(status).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &PreparedKey> {
        self.0.iter()
    }

    /// Those that are accepted now, with their places. The clock is only read if one of them expires.
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

    /// For a decoy, which takes as long as a key and verifies nothing. So it need not be secret.
    pub(crate) fn decoy(scheme: &Scheme, accepted: &[Algorithm]) -> Result<Self, ConfigError> {
        Self::prepare(scheme, accepted, KeyId::from("decoy"), b"a decoy, which is not even looked at", None)
    }

    fn prepare(scheme: &Scheme, accepted: &[Algorithm], id: KeyId, key: &[u8], tenant: Option<&Arc<str>>) -> Result<Self, ConfigError> {
        let trial = |algorithm: &Algorithm| {
            let matched = Some(*algorithm).filter(|_| scheme.covers_body());
            let by = MatchedBy { scheme: scheme.name(), tenant: tenant.cloned(), key_id: id.clone(), algorithm: matched };
            Mac::new(*algorithm, key).map(|mac| Trial { algorithm: *algorithm, mac, by: Arc::new(by) })
        };
        let trials: Option<Vec<Trial>> = accepted.iter().map(trial).collect();
        let trials = trials.ok_or_else(|| ConfigError::InvalidSecret { key: Some(id.clone()), expected: scheme.secret_form })?;
        let token = token(scheme, &trials, key);
        Ok(Self { id, trials, token, flaws: SecretFlaws::default(), trimmed: None, expires: None, last_matched: Arc::default() })
    }

    /// Remembers that a delivery has been verified by it so many seconds after 1970.
    pub(crate) fn record_match(&self, seconds: u64) {
        // Looked at first: it is written to once a second, so that processors which verify by the same key do not wait for each other.
        if self.last_matched.load(Ordering::Relaxed) < seconds {
            self.last_matched.fetch_max(seconds, Ordering::Relaxed);
        }
    }

    /// Whether both have the same secret, in constant time: by their [fingerprints](Self::fingerprint).
    pub(crate) fn has_secret_of(&self, other: &Self) -> bool {
        is_same(self.fingerprint().as_ref(), other.fingerprint().as_ref())
    }

    /// Returns what the key makes of no text at all, by which keys are compared in constant time. No token has a NUL at its end, which HMAC would
    /// not tell from none.
    pub(crate) fn fingerprint(&self) -> Option<Tag> {
        self.trials.first().map(|trial| trial.mac.clone().tag())
    }

    /// Goes on with what is known of a key with the same secret.
    pub(crate) fn keep_last_match(&mut self, before: &Self) {
        self.last_matched = Arc::clone(&before.last_matched);
    }

    pub(crate) fn last_matched(&self) -> Option<SystemTime> {
        let seconds = self.last_matched.load(Ordering::Relaxed);
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).filter(|_| seconds > 0)
    }
}

/// Whether two [fingerprints](PreparedKey::fingerprint) are of the same secret.
pub(crate) fn is_same(one: Option<&Tag>, other: Option<&Tag>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.ct_eq(other).into())
}

/// What the first MAC makes of its own key, if the scheme shows that instead of a signature.
fn token(scheme: &Scheme, trials: &[Trial], key: &[u8]) -> Option<Tag> {
    let trial = trials.first().filter(|_| !scheme.covers_body())?;
    let mut mac = trial.mac.clone();
    mac.update(key);
    Some(mac.tag())
}

impl Scheme {
    /// The key that the provider makes of `secret`.
    pub(crate) fn key(&self, secret: &Secret, id: Option<&KeyId>) -> Result<Secret, ConfigError> {
        // Before it is decoded: white space is no base64 either, but that is not what is the matter with it.
        if secret.is_blank() {
            return Err(ConfigError::EmptySecret { key: id.cloned() });
        }
        let invalid = || ConfigError::InvalidSecret { key: id.cloned(), expected: self.secret_form };
        let key = secret.decode(self.secret_form).ok_or_else(invalid)?;
        let (shortest, longest) = self.key_lengths;
        // What no header can hold, such as a line break at its end, could never be presented.
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
