use countersign::{Deadline, Discard};

/// What a layer does beside judging.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Nothing that takes time, unless it was told how to tell it.
    pub(crate) deadline: Option<Deadline>,
    pub(crate) discard: Option<Discard>,
    pub(crate) report_only: bool,
}
