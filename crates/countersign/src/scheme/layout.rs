use std::time::Duration;

use crate::algorithm::Algorithm;

/// The headers of the signatures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headers {
    One(&'static str),
    /// Any of these headers, each at most once.
    AnyOf(&'static [&'static str]),
    /// This name and a number: 1, 2 and so on, up to the first missing header.
    Numbered(&'static str),
}

/// The grammar of one signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// The encoded signature alone.
    Bare(Algorithm),
    /// A name, a separator and the encoded signature. The receiver looks up the algorithm by the
    /// name.
    Tagged { separator: u8, names: &'static [(&'static str, Algorithm)] },
    /// No signature: the header holds the secret itself.
    StaticToken,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timestamp {
    pub(crate) source: TimestampSource,
    pub(crate) tolerance: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimestampSource {
    /// A separate header.
    Header(&'static str),
    /// An item in the list of the signature header, by name.
    Item(&'static str),
}

/// Headers outside the signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnsignedHeaders {
    pub(crate) delivery_id: Option<&'static str>,
    pub(crate) event: Option<&'static str>,
}
