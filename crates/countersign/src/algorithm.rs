use std::fmt;

/// A hash function for HMAC (RFC 2104), under the name that senders use.
///
/// WebSub §7 calls the algorithm the *method* of `method=signature`. The receiver chooses the
/// accepted algorithms: see [`VerifierBuilder::algorithms`](crate::VerifierBuilder::algorithms).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC-SHA-1, 20-byte signatures. Legacy: accepted only with
    /// [`VerifierBuilder::allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1).
    Sha1,
    /// HMAC-SHA-256, 32-byte signatures.
    Sha256,
    /// HMAC-SHA-384, 48-byte signatures.
    Sha384,
    /// HMAC-SHA-512, 64-byte signatures.
    Sha512,
}

impl Algorithm {
    /// Returns the name in lower case without a hyphen, as in front of the `=` in a header:
    /// `sha256`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Returns the length of a whole signature in bytes.
    ///
    /// A shorter signature is rejected. RFC 2104 §5 allows truncation, but no known sender
    /// truncates.
    #[must_use]
    pub const fn tag_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
