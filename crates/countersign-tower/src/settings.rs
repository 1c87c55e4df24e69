use std::fmt;
use std::sync::Arc;

use countersign::{Deadline, Discard, Terms, Verifiers};
use http::request::Parts;

/// By what a layer judges, and what it does beside judging. Shared by all requests.
#[derive(Clone)]
pub(crate) struct Judge {
    pub(crate) verifiers: Verifiers,
    pub(crate) tenant_by: Option<TenantBy>,
    /// Whether there is one, by which a resolver has its timeout.
    pub(crate) clock: bool,
    /// Nothing that takes time, unless it was told how to tell it.
    pub(crate) deadline: Option<Deadline>,
    pub(crate) discard: Option<Discard>,
    pub(crate) report_only: bool,
}

impl Judge {
    pub(crate) const fn terms(&self) -> Terms<'_> {
        Terms { verifiers: &self.verifiers, deadline: self.deadline, insecure_report_only: self.report_only }
    }
}

pub(crate) type TenantBy = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").field("verifiers", &self.verifiers).finish_non_exhaustive()
    }
}
