use std::fmt;
use std::sync::Arc;

#[cfg(not(feature = "tokio"))]
use countersign::adapter::NoTimer;
#[cfg(feature = "tokio")]
use countersign::adapter::TokioTimer;
use countersign::adapter::{ReceiveOptions, VerifierSource};
use http::Request;
use http::request::Parts;

/// By what a layer judges, and what it does beside judging. Shared by all requests.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) options: ReceiveOptions,
    pub(crate) tenant_by: Option<TenantBy>,
    /// Whether there is a clock, by which a resolver has its timeout.
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

    /// Lets axum's extractors take in a body of `len` bytes, which is in memory already, where their own limit would not.
    #[cfg(feature = "axum")]
    pub(crate) fn lift_limit<B>(settings: &Self, request: &mut Request<B>, len: usize) {
        // axum-core 0.5, `DefaultBodyLimit`. For what fits, nothing is set, which would cost every delivery an allocation.
        const DEFAULT: usize = 2_097_152;
        if len > DEFAULT {
            axum::extract::DefaultBodyLimit::max(settings.options.verifiers.body_limit().max(len)).apply(request);
        }
    }

    #[cfg(not(feature = "axum"))]
    pub(crate) const fn lift_limit<B>(_: &Self, _: &mut Request<B>, _: usize) {}

    pub(crate) fn timer(&self) -> RuntimeTimer {
        self.clock.then(Default::default)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("verifiers", &self.options.verifiers).finish_non_exhaustive()
    }
}
