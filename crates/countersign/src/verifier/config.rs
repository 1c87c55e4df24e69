use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;

use crate::keys::key_set::KeySet;
use crate::verdict::rejection::Rejection;
use crate::verdict::rejection_kind::RejectionKind;
use crate::verifier::policy::Policy;

/// One scheme and all that a receiver has decided about it: sound, and ready for requests.
pub(crate) struct Config {
    pub(crate) policy: Arc<Policy>,
    /// Read without a lock, and replaced as a whole.
    pub(crate) keys: ArcSwap<KeySet>,
    /// Held by whoever replaces them.
    pub(crate) change_lock: Mutex<()>,
    /// Whose keys they are, if they are not everybody's.
    pub(crate) tenant: Option<Arc<str>>,
    /// Whether it stands for the tenants that nobody knows: then it does the work, and verifies nothing.
    pub(crate) is_decoy: bool,
}

impl Config {
    pub(crate) fn new(policy: Arc<Policy>, keys: KeySet) -> Self {
        Self { policy, keys: ArcSwap::from_pointee(keys), change_lock: Mutex::default(), tenant: None, is_decoy: false }
    }

    pub(crate) fn of_tenant(policy: Arc<Policy>, keys: KeySet, tenant: Arc<str>) -> Self {
        Self { tenant: Some(tenant), ..Self::new(policy, keys) }
    }

    pub(crate) fn decoy(policy: Arc<Policy>, keys: KeySet) -> Self {
        Self { is_decoy: true, ..Self::new(policy, keys) }
    }

    pub(crate) fn scheme_name(&self) -> &'static str {
        self.policy.scheme.name()
    }

    /// What no key of this receiver matches; of a decoy, whatever it is.
    pub(crate) fn reject(&self, kind: RejectionKind) -> Rejection {
        let kind = match kind {
            RejectionKind::SignatureMismatch | RejectionKind::TokenMismatch if self.is_decoy => RejectionKind::UnknownTenant,
            kind => kind,
        };
        Rejection::new(kind, self.scheme_name()).with_tenant(self.tenant.as_ref())
    }
}

/// By what a delivery is judged: one scheme, and the keys that there were when it began.
#[derive(Clone, Copy)]
pub(crate) struct Snapshot<'a> {
    pub(crate) config: &'a Config,
    pub(crate) keys: &'a KeySet,
}
