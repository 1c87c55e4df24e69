use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::hint::Rate;
use crate::key_set::KeySet;
use crate::url::Url;
use crate::{Algorithm, Budget, Observer, Scheme};

/// One scheme and all that a receiver has decided about it: sound, and ready for requests.
pub(crate) struct Config {
    pub(crate) scheme: Scheme,
    pub(crate) accepted: Vec<Algorithm>,
    /// Read without a lock, and replaced as a whole.
    pub(crate) keys: ArcSwap<KeySet>,
    /// Held by whoever replaces them.
    pub(crate) changing: Mutex<()>,
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
