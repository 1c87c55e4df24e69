use std::fmt;
use std::sync::Arc;

#[cfg(not(feature = "tokio"))]
use countersign::adapter::NoTimer;
#[cfg(feature = "tokio")]
use countersign::adapter::TokioTimer;
use countersign::adapter::{ReceiveOptions, VerifierSource};
use http::request::Parts;

/// The settings of a layer. All requests share the settings.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) options: ReceiveOptions,
    pub(crate) tenant_by: Option<TenantBy>,
    /// Whether to measure time by the clock of tokio. Without a clock, lookups have no timeout.
    pub(crate) clock: bool,
}

pub(crate) type TenantBy = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

#[cfg(feature = "tokio")]
pub(crate) type RuntimeTimer = Option<TokioTimer>;
#[cfg(not(feature = "tokio"))]
pub(crate) type RuntimeTimer = Option<NoTimer>;

impl Settings {
    #[cfg(feature = "tokio")]
    pub(crate) fn new(verifiers: VerifierSource) -> Self {
        Self { options: ReceiveOptions::new(verifiers), tenant_by: None, clock: true }
    }

    pub(crate) fn without_clock(verifiers: VerifierSource) -> Self {
        let options = ReceiveOptions { deadline: None, drain: None, ..ReceiveOptions::new(verifiers) };
        Self { options, tenant_by: None, clock: false }
    }

    pub(crate) fn timer(&self) -> RuntimeTimer {
        self.clock.then(Default::default)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("verifiers", &self.options.verifiers).finish_non_exhaustive()
    }
}
