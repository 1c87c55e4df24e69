use std::time::Duration;

use crate::mac::Mac;
use crate::tag::Tag;
use crate::url::Url;
use crate::{Algorithm, Budget, KeyId, Scheme};

/// One scheme and all that a receiver has decided about it: sound, and ready for requests.
pub(crate) struct Config {
    pub(crate) scheme: Scheme,
    pub(crate) accepted: Vec<Algorithm>,
    pub(crate) keys: Vec<PreparedKey>,
    pub(crate) body_limit: usize,
    pub(crate) budget: Option<Budget>,
    pub(crate) tolerance: Duration,
    /// There if and only if the scheme signs one.
    pub(crate) url: Option<Url>,
    pub(crate) signs_method: bool,
}

pub(crate) struct PreparedKey {
    pub(crate) id: KeyId,
    /// Ready to take the signed text, one for each accepted algorithm.
    pub(crate) macs: Vec<Mac>,
    /// What the one MAC makes of the key itself, by which tokens are compared.
    pub(crate) token: Option<Tag>,
}
