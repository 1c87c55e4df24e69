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

/// A handle to the keys of a verifier, by which they change while the service runs. Made by [`Verifier::keys`](crate::Verifier::keys);
/// cheap to clone.
///
/// A secret that verifies and is probably a mistake is one event at `WARN`, without the secret, when the verifier is built and when it comes in
/// by a change: one shorter than 16 bytes, decoded; one with white space or a byte order mark at an end; and one that another id has, too. A
/// tenant's secret is one event however often the tenant is looked up, for the first thousand of all tenants.
///
/// Each change takes effect at once, as a whole, for deliveries that begin after it. A delivery in flight is judged by the keys that it
/// began with. Requests take no lock and never wait for a change.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use countersign::{Secret, Verifier, providers};
///
/// let verifier = Verifier::builder(providers::JIRA).key("2026-05", Secret::new("the old one")).build()?;
/// let keys = verifier.keys();
///
/// // The secret is being changed: both are accepted for a day.
/// keys.add("2026-11", Secret::new("the new one"))?;
/// keys.expire("2026-05", SystemTime::now() + Duration::from_secs(24 * 60 * 60))?;
///
/// for key in keys.list() {
///     println!("{} last matched {:?}", key.id(), key.last_matched());
/// }
/// # Ok::<(), countersign::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Keys(Arc<Config>);

impl Keys {
    pub(crate) const fn new(config: Arc<Config>) -> Self {
        Self(config)
    }

    /// The keys as they are now, in the order in which they are tried; those that have expired among them.
    #[must_use]
    pub fn list(&self) -> Vec<KeyStatus> {
        self.0.keys.load().statuses()
    }

    /// Accepts what is signed with `secret` too, before the others.
    ///
    /// # Errors
    /// [`ConfigError::DuplicateKeyId`], and what is wrong with the secret. Then nothing has changed.
    #[expect(clippy::needless_pass_by_value, reason = "a secret is taken over, as by the builder")]
    pub fn add(&self, id: impl Into<KeyId>, secret: Secret) -> Result<(), ConfigError> {
        let key = self.prepare(id.into(), &secret)?;
        self.change(|keys| {
            keys.insert(0, key);
            Ok(())
        })
    }

    /// Does not accept this key any more.
    ///
    /// # Errors
    /// [`ConfigError::UnknownKey`]; [`ConfigError::NoKey`] if it is the last one. Then nothing has changed.
    pub fn retire(&self, id: &str) -> Result<(), ConfigError> {
        self.change(|keys| {
            let place = place_of(keys, id)?;
            keys.remove(place);
            Ok(())
        })
    }

    /// Does not accept this key any more from `at` on, without anybody doing anything then. It stays in the list. Where all keys have
    /// expired, deliveries are answered 503 ([`KeysExpired`](crate::RejectionKind::KeysExpired)).
    ///
    /// # Errors
    /// [`ConfigError::UnknownKey`]. Then nothing has changed.
    pub fn expire(&self, id: &str, at: SystemTime) -> Result<(), ConfigError> {
        self.change(|keys| {
            let place = place_of(keys, id)?;
            keys.get_mut(place).into_iter().for_each(|key| key.expires = Some(at));
            Ok(())
        })
    }

    /// Accepts these keys and no others, in this order. A secret that is among them again has not lost when it
    /// last matched, whatever it is called now; an expiry is not carried over.
    ///
    /// # Errors
    /// [`ConfigError::NoKey`], [`ConfigError::DuplicateKeyId`], and what is wrong with a secret. Then nothing has changed.
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

    /// Tells the [`Observer`](crate::observe::Observer) that keys could not be had, so that those of before stay in force. For whoever watches a store of
    /// keys and calls [`replace`](Self::replace), as `countersign-keys` does.
    pub fn reload_failed(&self, error: &(dyn Error + 'static)) {
        self.tell(&self.0.keys.load(), Some(error));
    }

    /// Warns of doubtful secrets among the keys of a verifier that was just built, and tells the observer which keys there are. `tenants`
    /// remembers what was reported of tenants' secrets.
    pub(crate) fn announce(&self, tenants: Option<&Reporter>) {
        let keys = self.0.keys.load();
        secret_warnings::warn(self.0.scheme_name(), self.0.tenant.as_deref(), &keys, |_| true, tenants);
        self.tell(&keys, None);
    }

    /// Tells the observer of a verifier that has no key of its own.
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
        // An observer is the application's code. The change was made, and whoever made it goes on.
        if catch_unwind(AssertUnwindSafe(|| observer.observe_keys(&event))).is_err() {
            tracing::error!(target: "countersign", "an observer panicked when it was told of keys");
        }
    }

    pub(crate) fn ids(&self) -> Vec<KeyId> {
        self.0.keys.load().iter().map(|key| key.id.clone()).collect()
    }

    fn prepare(&self, id: KeyId, secret: &Secret) -> Result<PreparedKey, ConfigError> {
        PreparedKey::new(&self.0.policy.scheme, &self.0.policy.accepted, id, secret, self.0.tenant.as_ref())
    }

    /// Changes a copy, and puts it into place if it is sound. One at a time, so that no change is lost.
    fn change(&self, change: impl FnOnce(&mut Vec<PreparedKey>) -> Result<(), ConfigError>) -> Result<(), ConfigError> {
        let held = self.0.change_lock.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.0.keys.load_full();
        let mut keys = before.iter().cloned().collect();
        change(&mut keys)?;
        let mut now = Arc::new(KeySet::new(keys)?);
        self.0.keys.store(Arc::clone(&now));
        // An observer may change keys itself.
        drop(held);
        let is_new = |key: &PreparedKey| !before.iter().any(|other| other.id == key.id && other.has_secret_of(key));
        secret_warnings::warn(self.0.scheme_name(), self.0.tenant.as_deref(), &now, |place| now.get(place).is_some_and(is_new), None);
        // Another change may have come in between, and may have been told of already: the last that is told of are the keys in force.
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
