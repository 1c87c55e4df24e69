use std::fmt;

/// A hash function under HMAC (RFC 2104), by the name that senders give it.
///
/// WebSub §7 calls this the *method* of `method=signature`. Which ones a receiver accepts is the receiver's decision: see
/// [`VerifierBuilder::algorithms`](crate::VerifierBuilder::algorithms).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC-SHA-1, 20-byte tags. Legacy: accepted only after
    /// [`VerifierBuilder::allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1).
    Sha1,
    /// HMAC-SHA-256, 32-byte tags.
    Sha256,
    /// HMAC-SHA-384, 48-byte tags.
    Sha384,
    /// HMAC-SHA-512, 64-byte tags.
    Sha512,
}

impl Algorithm {
    /// The name in lower case without a hyphen, as it stands before the `=` in a header: `sha256`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Length of a whole tag in bytes. A shorter one is rejected (RFC 2104 §5 would allow truncation, no known sender uses it).
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
