use std::fmt;

/// On what a row of [`providers`](crate::providers) rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Evidence {
    /// A value that the provider publishes is verified by this project's tests.
    Confirmed,
    /// The provider's source code or specification was read; no published value has been found.
    SourceCode,
    /// The provider's documentation; no published value has been found.
    Documentation,
    /// What others say of the provider's documentation. Try it with a real delivery before relying on it.
    ThirdParty,
    /// Sources contradict each other; the row's own text says how. Try it with a real delivery before relying on it.
    Conflicting,
    /// A scheme of the user's own.
    Own,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Confirmed => "confirmed by a published value",
            Self::SourceCode => "by the provider's source code",
            Self::Documentation => "by the provider's documentation",
            Self::ThirdParty => "by third-party accounts",
            Self::Conflicting => "sources contradict each other",
            Self::Own => "the user's own",
        })
    }
}
