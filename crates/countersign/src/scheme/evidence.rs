use std::fmt;

/// The evidence for a row of [`providers`](crate::providers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Evidence {
    /// This project's tests verify a value published by the provider.
    Confirmed,
    /// The provider's source code or specification. No published value has been found.
    SourceCode,
    /// The provider's documentation. No published value has been found.
    Documentation,
    /// Third-party accounts of the provider's documentation. Test with a real delivery before you
    /// rely on the row.
    ThirdParty,
    /// Sources contradict each other. The row's documentation describes the contradiction. Test
    /// with a real delivery before you rely on the row.
    Conflicting,
    /// A custom scheme of the user.
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
