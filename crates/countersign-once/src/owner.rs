use std::fmt;

/// The holder of a claim, as a random token of 16 bytes. A claim with another token has another holder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Owner([u8; 16]);

impl Owner {
    /// Creates a token. Returns `None` if the system has no random numbers.
    pub(crate) fn random() -> Option<Self> {
        let mut token = [0; 16];
        getrandom::fill(&mut token).ok()?;
        Some(Self(token))
    }

    /// The token of claims in no store.
    pub(crate) const NONE: Self = Self([0; 16]);

    /// Creates a token from 16 bytes, for tests of a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the token.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Shows no bytes: with the token, a claim could be released.
impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner(..)")
    }
}
