use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use crate::config_error::ConfigError;
use crate::key_id::KeyId;
use crate::keys::key_set::{KeySet, PreparedKey};
use crate::keys::key_status::KeyStatus;
use crate::keys::secret::Secret;
use crate::observe::log::Reporter;
use crate::observe::observer::KeysEvent;
use crate::observe::secret_warnings;
use crate::verifier::config::Config;

/// A handle to list and change the keys of a verifier while the service runs.
///
/// [`Verifier::keys`](crate::Verifier::keys) returns the handle. Clones are cheap.
///
/// Each change takes effect at once and as a whole, for deliveries beginning after the change. A
/// delivery in progress keeps the keys from its beginning. Requests take no lock and never wait for
/// a change.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use countersign::{Secret, Verifier, providers};
///
/// let verifier = Verifier::builder(providers::JIRA)
///     .key("2026-05", Secret::new("the old one"))
///     .build()?;
/// let keys = verifier.keys();
///
/// // Rotate the secret: both keys verify for a day.
/// keys.add("2026-11", Secret::new("the new one"))?;
/// keys.expire("2026-05", SystemTime::now() + Duration::from_secs(24 * 60 * 60))?;
///
/// for key in keys.list() {
///     println!("{} last matched {:?}", key.id(), key.last_matched());
/// }
/// # Ok::<(), countersign::ConfigError>(())
/// ```
///
/// # Warnings
/// A secret with a probable mistake still verifies. Each mistake is one event at `WARN`, without
/// the secret:
/// - The secret is shorter than 16 bytes, decoded.
/// - The secret has white space or a byte order mark at an end.
/// - Another id has the same secret.
///
/// The event is logged when the verifier is built, or when a change adds the secret. For a tenant's
/// secret, the event is not repeated at further lookups of the tenant. A template logs at most 1000
/// of these events at lookups, for all tenants together.
#[doc(alias("rotation", "rotate"))]
#[derive(Clone)]
pub struct Keys(Arc<Config>);

impl Keys {
    pub(crate) const fn new(config: Arc<Config>) -> Self {
        Self(config)
    }

    /// Returns the current keys in their order of use, including expired keys.
    #[must_use]
    pub fn list(&self) -> Vec<KeyStatus> {
        self.0.keys.load().statuses()
    }

    /// Adds a key before the others. Deliveries signed with `secret` verify from now on.
    ///
    /// # Errors
    /// - [`ConfigError::DuplicateKeyId`]: another key has this id.
    /// - [`ConfigError::EmptySecret`], [`ConfigError::InvalidSecret`],
    ///   [`ConfigError::SecretLength`]: the secret does not fit the scheme.
    ///
    /// After an error, the keys are unchanged.
    #[expect(clippy::needless_pass_by_value, reason = "takes ownership of the secret, like the builder")]
    pub fn add(&self, id: impl Into<KeyId>, secret: Secret) -> Result<(), ConfigError> {
        let key = self.prepare(id.into(), &secret)?;
        self.change(|keys| {
            keys.insert(0, key);
            Ok(())
        })
    }

    /// Removes the key.
    ///
    /// # Errors
    /// - [`ConfigError::UnknownKey`]: no key has this id.
    /// - [`ConfigError::NoKey`]: this is the last key.
    ///
    /// After an error, the keys are unchanged.
    pub fn retire(&self, id: &str) -> Result<(), ConfigError> {
        self.change(|keys| {
            let place = place_of(keys, id)?;
            keys.remove(place);
            Ok(())
        })
    }

    /// Sets the expiry of the key. From `at` on, deliveries signed with the key are rejected. No
    /// further call is needed.
    ///
    /// The key stays in the list. If all keys have expired, deliveries are answered 503
    /// ([`KeysExpired`](crate::RejectionKind::KeysExpired)).
    ///
    /// # Errors
    /// [`ConfigError::UnknownKey`]: no key has this id. After an error, the keys are unchanged.
    pub fn expire(&self, id: &str, at: SystemTime) -> Result<(), ConfigError> {
        self.change(|keys| {
            let place = place_of(keys, id)?;
            keys.get_mut(place).into_iter().for_each(|key| key.expires = Some(at));
            Ok(())
        })
    }

    /// Replaces all keys. The new keys are tried in this order.
    ///
    /// A secret in the old and the new list keeps its
    /// [`last_matched`](crate::KeyStatus::last_matched), even under a new id. An expiry is not
    /// carried over.
    ///
    /// # Errors
    /// - [`ConfigError::NoKey`]: `keys` is empty.
    /// - [`ConfigError::DuplicateKeyId`]: two of the keys have the same id.
    /// - [`ConfigError::EmptySecret`], [`ConfigError::InvalidSecret`],
    ///   [`ConfigError::SecretLength`]: a secret does not fit the scheme.
    ///
    /// After an error, the keys are unchanged.
    pub fn replace<I: Into<KeyId>>(&self, keys: impl IntoIterator<Item = (I, Secret)>) -> Result<(), ConfigError> {
        let mut new = Vec::new();
        for (id, secret) in keys {
            new.push(self.prepare(id.into(), &secret)?);
        }
        self.change(|keys| {
            for key in &mut new {
                let of_same_secret = keys.iter().filter(|before| before.has_secret_of(key));
                if let Some(before) = of_same_secret.max_by_key(|before| before.last_matched()) {
                    key.keep_last_match(before);
                }
            }
            *keys = new;
            Ok(())
        })
    }

    /// Reports a failed reload of the keys to the [`Observer`](crate::observe::Observer).
    ///
    /// The old keys stay in force. A program watching a key store calls [`replace`](Self::replace)
    /// after a successful reload, and `reload_failed` otherwise. `countersign-keys` does so.
    pub fn reload_failed(&self, error: &(dyn Error + 'static)) {
        self.tell(&self.0.keys.load(), Some(error));
    }

    /// Warns of probable mistakes in the secrets of a new verifier, and reports the keys to the
    /// observer. `tenants` remembers the warnings about tenants' secrets.
    pub(crate) fn announce(&self, tenants: Option<&Reporter>) {
        let keys = self.0.keys.load();
        secret_warnings::warn(self.0.scheme_name(), self.0.tenant.as_deref(), &keys, |_| true, tenants);
        self.tell(&keys, None);
    }

    /// Reports a verifier without keys of its own to the observer.
    pub(crate) fn announce_none(&self) {
        self.observe(&[], None);
    }

    fn tell(&self, keys: &KeySet, error: Option<&(dyn Error + 'static)>) {
        if self.0.policy.observer.is_some() {
            self.observe(&keys.statuses(), error);
        }
    }

    fn observe(&self, keys: &[KeyStatus], error: Option<&(dyn Error + 'static)>) {
        let Some(observer) = &self.0.policy.observer else { return };
        let event = KeysEvent::new(self.0.scheme_name(), self.0.tenant.as_deref(), keys, error);
        // An observer is application code. The keys have changed already, so a panic must not reach
        // the caller.
        if catch_unwind(AssertUnwindSafe(|| observer.observe_keys(&event))).is_err() {
            tracing::error!(target: "countersign", "an observer panicked in `observe_keys`");
        }
    }

    pub(crate) fn ids(&self) -> Vec<KeyId> {
        self.0.keys.load().iter().map(|key| key.id.clone()).collect()
    }

    fn prepare(&self, id: KeyId, secret: &Secret) -> Result<PreparedKey, ConfigError> {
        PreparedKey::new(&self.0.policy.scheme, &self.0.policy.accepted, id, secret, self.0.tenant.as_ref())
    }

    /// Changes a copy of the keys, and stores the copy if it is valid. The lock prevents the loss
    /// of a concurrent change.
    fn change(&self, change: impl FnOnce(&mut Vec<PreparedKey>) -> Result<(), ConfigError>) -> Result<(), ConfigError> {
        let held = self.0.change_lock.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.0.keys.load_full();
        let mut keys = before.iter().cloned().collect();
        change(&mut keys)?;
        let mut now = Arc::new(KeySet::new(keys)?);
        self.0.keys.store(Arc::clone(&now));
        // Release the lock before the call of the observer: an observer may change keys itself.
        drop(held);
        let is_new = |key: &PreparedKey| !before.iter().any(|other| other.id == key.id && other.has_secret_of(key));
        secret_warnings::warn(self.0.scheme_name(), self.0.tenant.as_deref(), &now, |place| now.get(place).is_some_and(is_new), None);
        // Another change may have happened, and may have been reported already. Repeat until the
        // last report has the keys in force.
        loop {
            self.tell(&now, None);
            let current = self.0.keys.load_full();
            if Arc::ptr_eq(&current, &now) {
                return Ok(());
            }
            now = current;
        }
    }
}

fn place_of(keys: &[PreparedKey], id: &str) -> Result<usize, ConfigError> {
    keys.iter().position(|key| key.id == *id).ok_or_else(|| ConfigError::UnknownKey { key: id.into() })
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.list()).finish()
    }
}
