use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};

/// The encoding of a signature in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Two hexadecimal digits a byte (RFC 4648 §8). Upper case, lower case and a mix are accepted.
    Hex,
    /// Base64 with padding (RFC 4648 §4). Missing padding and stray bits in the last digit are
    /// rejected.
    Base64,
    /// Base64 without padding, in the alphabet for URLs and file names (RFC 4648 §5). Padding and
    /// stray bits in the last digit are rejected.
    Base64Url,
}

impl Encoding {
    /// Returns whether an encoded signature can contain this byte.
    pub(crate) const fn uses(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
            Self::Base64Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
        }
    }

    /// Returns the length in bytes of the text for a signature of `tag_len` bytes.
    pub(crate) const fn text_len(self, tag_len: usize) -> usize {
        match self {
            Self::Hex => tag_len.saturating_mul(2),
            Self::Base64 => tag_len.div_ceil(3).saturating_mul(4),
            // Three bytes take four digits. One or two remaining bytes take one digit more than
            // their number.
            Self::Base64Url => tag_len.saturating_mul(4).div_ceil(3),
        }
    }

    /// Decodes `text` of exactly [`text_len`](Self::text_len) bytes into `tag`.
    ///
    /// # Errors
    /// [`Undecodable`] if `text` does not have this encoding.
    pub(crate) fn decode(self, text: &[u8], tag: &mut [u8]) -> Result<(), Undecodable> {
        let len = tag.len();
        let decoded = match self {
            Self::Hex => return decode_hex(text, tag),
            // Decodes by tables: a received signature is no secret, so constant time is not needed.
            Self::Base64 => STANDARD.decode_slice(text, tag),
            Self::Base64Url => URL_SAFE_NO_PAD.decode_slice(text, tag),
        };
        if decoded == Ok(len) { Ok(()) } else { Err(Undecodable) }
    }

    pub(crate) fn encode(self, tag: &[u8]) -> String {
        match self {
            Self::Hex => encode_hex(tag),
            Self::Base64 => Base64::encode_string(tag),
            Self::Base64Url => Base64UrlUnpadded::encode_string(tag),
        }
    }
}

/// The text does not have the encoding.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Undecodable;

pub(crate) fn decode_hex(text: &[u8], tag: &mut [u8]) -> Result<(), Undecodable> {
    let sound = if let (Ok(text), Ok(tag)) = (text.try_into(), <&mut [u8; 32]>::try_from(&mut *tag)) {
        decode_hex_of_sha256(text, tag)
    } else {
        let pairs = text.as_chunks::<2>().0.iter().zip(tag.iter_mut());
        let sound = pairs.fold(true, |sound, (pair, byte)| sound & decode_pair(*pair, byte));
        sound && text.len() == tag.len().saturating_mul(2)
    };
    if sound { Ok(()) } else { Err(Undecodable) }
}

/// Decodes 32 bytes, the length of HMAC-SHA-256. A fixed length lets the compiler use vector
/// instructions.
///
/// Faults are collected and checked once at the end, so no branch depends on the value of a digit.
fn decode_hex_of_sha256(text: &[u8; 64], tag: &mut [u8; 32]) -> bool {
    let (mut values, mut faults) = ([0; 64], 0);
    for (value, digit) in values.iter_mut().zip(text) {
        let (digit, fault) = hex_digit(*digit);
        *value = digit;
        faults |= fault;
    }
    for (byte, [high, low]) in tag.iter_mut().zip(values.as_chunks::<2>().0) {
        *byte = high << 4 | low;
    }
    faults == 0
}

fn decode_pair(pair: [u8; 2], byte: &mut u8) -> bool {
    let [(high, fault), (low, other)] = pair.map(hex_digit);
    *byte = high << 4 | low;
    fault | other == 0
}

/// Returns the value of a hexadecimal digit, and a fault. The fault is zero for a valid digit.
#[inline]
fn hex_digit(digit: u8) -> (u8, u8) {
    let decimal = digit.wrapping_sub(b'0');
    // Bit 5 is the case of an ASCII letter. Setting bit 5 turns `A` to `Z` into letters of lower
    // case, and turns no other character into a letter.
    let letter = (digit | 0x20).wrapping_sub(b'a');
    (decimal.min(letter.wrapping_add(10)), decimal.saturating_sub(9).min(letter.saturating_sub(5)))
}

fn encode_hex(tag: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().map(char::from);
    tag.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_decodes_digits_and_rejects_every_other_byte() {
        for byte in 0..=u8::MAX {
            let expected = char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
            // Twenty bytes are decoded pair by pair. Miri is slow.
            for place in (0..40).step_by(if cfg!(miri) { 13 } else { 1 }) {
                let mut text = b"0f9aA0F1".repeat(5);
                let mut whole = [0x0f, 0x9a, 0xa0, 0xf1].repeat(5);
                text[place] = byte;
                if let Some(value) = expected {
                    let (kept, shift) = if place % 2 == 0 { (0x0f, 4) } else { (0xf0, 0) };
                    whole[place / 2] = whole[place / 2] & kept | value << shift;
                }
                let mut tag = vec![0; whole.len()];
                let decoded = Encoding::Hex.decode(&text, &mut tag);
                assert_eq!(decoded.is_ok().then_some(tag), expected.map(|_| whole), "{byte:#04x} at {place}");
            }
        }
    }

    #[test]
    fn pair_of_invalid_hex_digits_is_rejected() {
        for len in [20, 32] {
            for fault in ["gg", "::", "  ", "\0\0", "//", "@@"] {
                for place in [0, 7, len - 1] {
                    let text: Vec<_> = (0..len).map(|pair| if pair == place { fault } else { "0f" }).collect();
                    assert_eq!(Encoding::Hex.decode(text.concat().as_bytes(), &mut vec![0; len]), Err(Undecodable), "{fault} at {place}");
                }
            }
        }
    }

    #[test]
    fn hex_of_wrong_length_is_rejected() {
        for text in ["", "0", "0102", "010"] {
            assert_eq!(Encoding::Hex.decode(text.as_bytes(), &mut [0]), Err(Undecodable), "{text:?}");
        }
    }

    #[test]
    fn base64_decoding_accepts_only_the_exact_encoding() {
        let mut tag = [0; 2];
        assert_eq!(Encoding::Base64.decode(b"AQI=", &mut tag), Ok(()));
        assert_eq!(tag, [1, 2]);
        assert_eq!(Encoding::Base64Url.decode(b"-_8", &mut tag), Ok(()));
        assert_eq!(tag, [0xfb, 0xff]);
        for text in ["-_9", "-_8=", "+/8", "-_", "-_8A"] {
            assert_eq!(Encoding::Base64Url.decode(text.as_bytes(), &mut tag), Err(Undecodable), "{text:?}");
        }
        // A stray bit in the last digit, no padding, the URL alphabet, a longer and a shorter
        // signature.
        for text in ["AQJ=", "AQI", "-_8=", "AQID", "AQ=="] {
            assert_eq!(Encoding::Base64.decode(text.as_bytes(), &mut tag), Err(Undecodable), "{text:?}");
        }
    }

    #[test]
    fn encoded_bytes_decode_to_the_same_bytes() {
        let bytes: [u8; 64] = std::array::from_fn(|i| u8::try_from(i * 37 % 256).unwrap());
        for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Base64Url] {
            for len in [20, 32, 48, 64] {
                let text = encoding.encode(&bytes[..len]);
                let mut tag = vec![0; len];
                assert_eq!(text.len(), encoding.text_len(len));
                assert_eq!(encoding.decode(text.as_bytes(), &mut tag), Ok(()));
                assert_eq!(tag, bytes[..len]);
            }
        }
    }
}
