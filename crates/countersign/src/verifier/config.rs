use std::error::Error;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;

use crate::keys::key_set::KeySet;
use crate::verdict::rejection::Rejection;
use crate::verdict::rejection_kind::RejectionKind;
use crate::verifier::policy::Policy;

/// A scheme with the settings and keys of a receiver, valid and ready for requests.
pub(crate) struct Config {
    pub(crate) policy: Arc<Policy>,
    /// Read without a lock, and replaced as a whole.
    pub(crate) keys: ArcSwap<KeySet>,
    /// Held while the keys are replaced.
    pub(crate) change_lock: Mutex<()>,
    /// The tenant of the keys. `None` if the keys belong to no tenant.
    pub(crate) tenant: Option<Arc<str>>,
    /// Whether this is the decoy for unknown tenants. A decoy hashes the body, and verifies
    /// nothing.
    pub(crate) is_decoy: bool,
    /// The resolver's error, if the keys are unavailable.
    pub(crate) unavailable: Option<Arc<dyn Error + Send + Sync>>,
}

impl Config {
    pub(crate) fn new(policy: Arc<Policy>, keys: KeySet) -> Self {
        Self { policy, keys: ArcSwap::from_pointee(keys), change_lock: Mutex::default(), tenant: None, is_decoy: false, unavailable: None }
    }

    pub(crate) fn of_tenant(policy: Arc<Policy>, keys: KeySet, tenant: Arc<str>) -> Self {
        Self { tenant: Some(tenant), ..Self::new(policy, keys) }
    }

    pub(crate) fn decoy(policy: Arc<Policy>, keys: KeySet) -> Self {
        Self { is_decoy: true, ..Self::new(policy, keys) }
    }

    /// Returns the same settings for a time without keys.
    pub(crate) fn unavailable(&self, why: Arc<dyn Error + Send + Sync>) -> Self {
        let keys = ArcSwap::new(self.keys.load_full());
        let Self { policy, tenant, is_decoy, .. } = self;
        Self {
            policy: policy.clone(),
            keys,
            change_lock: Mutex::default(),
            tenant: tenant.clone(),
            is_decoy: *is_decoy,
            unavailable: Some(why),
        }
    }

    pub(crate) fn scheme_name(&self) -> &'static str {
        self.policy.scheme.name()
    }

    /// Creates a rejection. A decoy rejects every mismatch as an unknown tenant.
    pub(crate) fn reject(&self, kind: RejectionKind) -> Rejection {
        let kind = match kind {
            RejectionKind::SignatureMismatch | RejectionKind::TokenMismatch if self.is_decoy => RejectionKind::UnknownTenant,
            kind => kind,
        };
        Rejection::new(kind, self.scheme_name()).with_tenant(self.tenant.as_ref())
    }
}

/// The scheme of a delivery, with the keys from the beginning of the delivery.
#[derive(Clone, Copy)]
pub(crate) struct Snapshot<'a> {
    pub(crate) config: &'a Config,
    pub(crate) keys: &'a KeySet,
}
