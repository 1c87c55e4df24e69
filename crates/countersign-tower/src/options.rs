use countersign::{Deadline, Discard};

/// What a layer does that takes time. Nothing unless it was told how to tell the time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) deadline: Option<Deadline>,
    pub(crate) discard: Option<Discard>,
}
