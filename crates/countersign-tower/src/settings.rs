use std::fmt;
use std::sync::Arc;

use countersign::adapter::{ReceiveOptions, VerifierSource};
use countersign::{Deadline, DrainPolicy};
use http::request::Parts;

/// By what a layer judges, and what it does beside judging. Shared by all requests.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) verifiers: VerifierSource,
    pub(crate) tenant_by: Option<TenantBy>,
    /// Whether there is one, by which a resolver has its timeout.
    pub(crate) clock: bool,
    /// Nothing that takes time, unless it was told how to tell it.
    pub(crate) deadline: Option<Deadline>,
    pub(crate) drain: Option<DrainPolicy>,
    pub(crate) report_only: bool,
}

impl Settings {
    pub(crate) const fn options(&self) -> ReceiveOptions<'_> {
        ReceiveOptions { verifiers: &self.verifiers, deadline: self.deadline, insecure_report_only: self.report_only }
    }
}

pub(crate) type TenantBy = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("verifiers", &self.verifiers).finish_non_exhaustive()
    }
}
