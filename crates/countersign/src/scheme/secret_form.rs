use std::fmt;

use base64ct::{Base64, Encoding as _};
use zeroize::{Zeroize as _, Zeroizing};

use crate::scheme::encoding::decode_hex;

/// The form of the secret's text, as shown by the provider. The form decides how the text becomes
/// the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretForm {
    /// The key is the bytes of the text. A static token must be visible ASCII and spaces: a header
    /// can hold no other characters.
    Verbatim,
    /// The key is the bytes decoded from hexadecimal digits.
    Hex,
    /// The key is the bytes decoded from base64.
    Base64 {
        /// A prefix removed from the text if present. Empty for no prefix.
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

impl SecretForm {
    /// Decodes the secret's text into the key. Removes a prefix such as `whsec_`.
    ///
    /// Returns `None` if the text does not have this form. Leaves no other copy of the bytes in
    /// memory.
    pub(crate) fn decode(self, text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Verbatim => Some(Zeroizing::new(text.to_vec())),
            Self::Hex => {
                let mut bytes = Zeroizing::new(vec![0; text.len() / 2]);
                decode_hex(text, &mut bytes).ok()?;
                Some(bytes)
            }
            Self::Base64 { prefix } => {
                let text = text.strip_prefix(prefix.as_bytes()).unwrap_or(text);
                let mut bytes = Zeroizing::new(vec![0; text.len()]);
                let len = Base64::decode(text, &mut bytes).ok()?.len();
                // Truncating alone would leave the decoder's bytes past the end.
                if let Some(rest) = bytes.get_mut(len..) {
                    rest.zeroize();
                }
                bytes.truncate(len);
                Some(bytes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(form: SecretForm, text: &str) -> Option<Vec<u8>> {
        form.decode(text.as_bytes()).map(|bytes| bytes.to_vec())
    }

    #[test]
    fn hexadecimal_text_is_decoded_in_either_case() {
        assert_eq!(decode(SecretForm::Hex, "00fFA1"), Some(vec![0, 255, 161]));
        assert_eq!(decode(SecretForm::Hex, ""), Some(vec![]));
        for text in ["0", "000", "0g", "00\n", " 00", "0x00"] {
            assert_eq!(decode(SecretForm::Hex, text), None, "{text:?}");
        }
    }

    #[test]
    fn base64_text_is_decoded_with_or_without_prefix() {
        let form = SecretForm::Base64 { prefix: "whsec_" };
        for text in ["whsec_AQI=", "AQI="] {
            assert_eq!(decode(form, text), Some(vec![1, 2]));
        }
        for text in ["whsec_AQI", "whsec_ AQI=", "AQI=\n", "Whsec_AQI="] {
            assert_eq!(decode(form, text), None, "{text:?}");
        }
    }

    #[test]
    fn verbatim_text_is_kept_unchanged() {
        assert_eq!(decode(SecretForm::Verbatim, " whsec_AQI=\n"), Some(b" whsec_AQI=\n".to_vec()));
    }
}
