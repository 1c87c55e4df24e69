use std::fmt;

/// How the text that a provider shows as the secret becomes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretForm {
    /// The text's own bytes. For a static token, visible ASCII and spaces: no header can hold anything else.
    Verbatim,
    /// The bytes that the hexadecimal digits stand for.
    Hex,
    /// The bytes that the base64 text stands for.
    Base64 {
        /// Taken off the text if it is there; empty for none.
        prefix: &'static str,
    },
}

impl fmt::Display for SecretForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verbatim => f.write_str("visible ASCII on one line"),
            Self::Hex => f.write_str("an even number of hexadecimal digits"),
            Self::Base64 { prefix: "" } => f.write_str("padded base64"),
            Self::Base64 { prefix } => write!(f, "padded base64, with or without {prefix:?} in front"),
        }
    }
}
