use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::algorithm::Algorithm;
use crate::body::memory_budget::Budget;
use crate::keys::key_set::KeySet;
use crate::observe::observer::Observer;
use crate::scheme::Scheme;
use crate::scheme::url::Url;
use crate::verdict::hint::Rate;
use crate::verdict::rejection::{Rejection, RejectionKind};

/// One scheme and all that a receiver has decided about it: sound, and ready for requests.
pub(crate) struct Config {
    pub(crate) settings: Arc<Settings>,
    /// Read without a lock, and replaced as a whole.
    pub(crate) keys: ArcSwap<KeySet>,
    /// Held by whoever replaces them.
    pub(crate) changing: Mutex<()>,
    /// Whose keys they are, if they are not everybody's.
    pub(crate) tenant: Option<Arc<str>>,
    /// Whether it stands for the tenants that nobody knows: then it does the work, and verifies nothing.
    pub(crate) is_decoy: bool,
}

/// What all tenants have in common.
pub(crate) struct Settings {
    pub(crate) scheme: Scheme,
    /// What the scheme asks a head for: see [`gathered`](crate::request::header_index).
    pub(crate) names: Box<[&'static str]>,
    pub(crate) accepted: Vec<Algorithm>,
    pub(crate) body_limit: usize,
    pub(crate) budget: Option<Budget>,
    pub(crate) tolerance: Duration,
    /// There if and only if the scheme signs one.
    pub(crate) url: Option<Url>,
    pub(crate) signs_method: bool,
    /// If they are wanted: how many are.
    pub(crate) hints: Option<Rate>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

impl Config {
    pub(crate) fn new(settings: Arc<Settings>, keys: KeySet, tenant: Option<Arc<str>>, is_decoy: bool) -> Self {
        Self { settings, keys: ArcSwap::from_pointee(keys), changing: Mutex::default(), tenant, is_decoy }
    }

    pub(crate) fn scheme_name(&self) -> &'static str {
        self.settings.scheme.name()
    }

    /// What no key of this receiver matches; of a decoy, whatever it is.
    pub(crate) fn reject(&self, kind: RejectionKind) -> Rejection {
        let kind = match kind {
            RejectionKind::Mismatch | RejectionKind::WrongToken if self.is_decoy => RejectionKind::UnknownTenant,
            kind => kind,
        };
        Rejection::new(kind, self.scheme_name()).of_tenant(self.tenant.as_ref())
    }
}
