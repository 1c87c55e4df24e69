use std::time::Duration;

use crate::algorithm::Algorithm;

/// Where signatures stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headers {
    One(&'static str),
    /// One or more of these, each once.
    AnyOf(&'static [&'static str]),
    /// This and a number: 1, and so on as far as there is a header.
    Numbered(&'static str),
}

/// What one signature looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// The encoded tag alone.
    Bare(Algorithm),
    /// A name, a separator, the encoded tag. The name is the receiver's key to the algorithm.
    Tagged { separator: u8, names: &'static [(&'static str, Algorithm)] },
    /// No signature but the secret itself.
    StaticToken,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timestamp {
    pub(crate) source: TimestampSource,
    pub(crate) tolerance: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimestampSource {
    /// A header of its own.
    Header(&'static str),
    /// An item of the signature header's list, by its name.
    Item(&'static str),
}

/// Headers that tell something and that nobody signs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnsignedHeaders {
    pub(crate) delivery_id: Option<&'static str>,
    pub(crate) event: Option<&'static str>,
}
