use std::fmt;
use std::sync::Arc;

use countersign::{Deadline, Discard, Verifiers};
use http::request::Parts;

/// By what a layer judges.
#[derive(Clone)]
pub(crate) struct Judge {
    pub(crate) verifiers: Verifiers,
    pub(crate) tenant_by: Option<TenantBy>,
}

pub(crate) type TenantBy = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.verifiers.fmt(f)
    }
}

/// What a layer does beside judging.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Whether there is one, by which a resolver has its timeout.
    pub(crate) clock: bool,
    /// Nothing that takes time, unless it was told how to tell it.
    pub(crate) deadline: Option<Deadline>,
    pub(crate) discard: Option<Discard>,
    pub(crate) report_only: bool,
}
