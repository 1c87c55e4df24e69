use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::algorithm::Algorithm;
use crate::body::memory_budget::MemoryBudget;
use crate::config_error::ConfigError;
use crate::observe::observer::Observer;
use crate::observe::rate::Rate;
use crate::scheme::Scheme;
use crate::scheme::url::Url;
use crate::verifier::plan::Plan;

/// The settings shared by all tenants.
pub(crate) struct Policy {
    pub(crate) scheme: Scheme,
    pub(crate) plan: Plan,
    pub(crate) accepted: Vec<Algorithm>,
    pub(crate) body_limit: usize,
    pub(crate) budget: Option<MemoryBudget>,
    pub(crate) tolerance: Duration,
    /// The clock in place of the machine's clock.
    pub(crate) clock: Option<fn() -> SystemTime>,
    /// `Some` if and only if the scheme signs a URL.
    pub(crate) url: Option<Url>,
    pub(crate) signs_method: bool,
    /// The rate limit for hints. `None` if hints are off.
    pub(crate) hints: Option<Rate>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

/// The URL as given to the builder. `build` checks the URL.
#[derive(Clone, Debug)]
pub(crate) enum UrlSetting {
    Whole(String),
    Base(String),
}

/// Returns the given URL. Fails if the URL is invalid, missing, or of no use to the scheme.
pub(crate) fn url(scheme: &Scheme, given: Option<&UrlSetting>) -> Result<Option<Url>, ConfigError> {
    match (scheme.signs_url(), given) {
        (false, None) => Ok(None),
        (false, Some(_)) => Err(ConfigError::UnusedUrl),
        (true, None) => Err(ConfigError::MissingUrl),
        (true, Some(UrlSetting::Whole(text))) => Url::whole(text).ok_or(ConfigError::InvalidUrl).map(Some),
        (true, Some(UrlSetting::Base(text))) => match scheme.base_fault() {
            Some(fault) => Err(ConfigError::InvalidScheme { fault }),
            None => Url::base(text).ok_or(ConfigError::InvalidUrl).map(Some),
        },
    }
}
