use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};

/// How a scheme writes a tag into a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Two hexadecimal digits a byte (RFC 4648 §8), either case, mixed too.
    Hex,
    /// Base64 with padding (RFC 4648 §4). Strict: missing padding and stray bits in the last digit are rejected.
    Base64,
    /// Base64 in the alphabet for URLs and file names without padding (RFC 4648 §5). As strict: padding is rejected.
    Base64Url,
}

impl Encoding {
    /// Whether this byte can stand in an encoded tag.
    pub(crate) const fn uses(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
            Self::Base64Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
        }
    }

    /// The length in bytes of the text for a tag of `tag_len` bytes.
    pub(crate) const fn text_len(self, tag_len: usize) -> usize {
        match self {
            Self::Hex => tag_len.saturating_mul(2),
            Self::Base64 => tag_len.div_ceil(3).saturating_mul(4),
            // Four digits for three bytes, and one more than there are bytes left.
            Self::Base64Url => tag_len.saturating_mul(4).div_ceil(3),
        }
    }

    /// Fills `tag` from a `text` of exactly [`text_len`](Self::text_len) bytes, or says that it is not in this encoding.
    pub(crate) fn decode(self, text: &[u8], tag: &mut [u8]) -> Result<(), Undecodable> {
        let whole = tag.len();
        let decoded = match self {
            Self::Hex => return decode_hex(text, tag),
            Self::Base64 => Base64::decode(text, tag),
            Self::Base64Url => Base64UrlUnpadded::decode(text, tag),
        };
        if decoded.is_ok_and(|decoded| decoded.len() == whole) { Ok(()) } else { Err(Undecodable) }
    }

    pub(crate) fn encode(self, tag: &[u8]) -> String {
        match self {
            Self::Hex => encode_hex(tag),
            Self::Base64 => Base64::encode_string(tag),
            Self::Base64Url => Base64UrlUnpadded::encode_string(tag),
        }
    }
}

/// The text is not what the encoding allows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Undecodable;

pub(crate) fn decode_hex(text: &[u8], tag: &mut [u8]) -> Result<(), Undecodable> {
    if text.len() != tag.len().saturating_mul(2) {
        return Err(Undecodable);
    }
    // Blocks, whose faults are gathered and judged once: nothing branches on what a digit is, and the compiler vectorises it.
    let (blocks, rest) = text.as_chunks::<DIGITS>();
    let (places, end) = tag.as_chunks_mut::<BYTES>();
    let mut faults = 0;
    for (bytes, digits) in places.iter_mut().zip(blocks) {
        *bytes = hex_block(digits, &mut faults);
    }
    if !rest.is_empty() {
        let mut digits = [b'0'; DIGITS];
        digits.iter_mut().zip(rest).for_each(|(digit, from)| *digit = *from);
        end.iter_mut().zip(hex_block(&digits, &mut faults)).for_each(|(byte, from)| *byte = from);
    }
    if faults == 0 { Ok(()) } else { Err(Undecodable) }
}

const DIGITS: usize = 32;
const BYTES: usize = 16;

/// The value of a block of hexadecimal digits. `faults` is no longer zero if one of them is none.
fn hex_block(digits: &[u8; DIGITS], faults: &mut u8) -> [u8; BYTES] {
    let mut values = [0; DIGITS];
    for (value, digit) in values.iter_mut().zip(digits) {
        let decimal = digit.wrapping_sub(b'0');
        // Bit 5 is the case of an ASCII letter, and no other character becomes a letter by setting it but `A` to `Z`.
        let letter = (digit | 0x20).wrapping_sub(b'a');
        *faults |= u8::from(decimal > 9) & u8::from(letter > 5);
        *value = if decimal > 9 { letter.wrapping_add(10) } else { decimal };
    }
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(values.as_chunks::<2>().0) {
        let [high, low] = *pair;
        *byte = byte_of(high, low);
    }
    bytes
}

const fn byte_of(high: u8, low: u8) -> u8 {
    high << 4 | low
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
    fn every_byte_is_a_hex_digit_or_rejected() {
        for byte in 0..=u8::MAX {
            let expected = char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
            // A block that is decoded at once, and some digits that are left.
            for place in 0..DIGITS + 8 {
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
    fn hex_of_another_length_is_rejected() {
        for text in ["", "0", "0102", "010"] {
            assert_eq!(Encoding::Hex.decode(text.as_bytes(), &mut [0]), Err(Undecodable), "{text:?}");
        }
    }

    #[test]
    fn base64_is_strict() {
        let mut tag = [0; 2];
        assert_eq!(Encoding::Base64.decode(b"AQI=", &mut tag), Ok(()));
        assert_eq!(tag, [1, 2]);
        assert_eq!(Encoding::Base64Url.decode(b"-_8", &mut tag), Ok(()));
        assert_eq!(tag, [0xfb, 0xff]);
        for text in ["-_9", "-_8=", "+/8", "-_", "-_8A"] {
            assert_eq!(Encoding::Base64Url.decode(text.as_bytes(), &mut tag), Err(Undecodable), "{text:?}");
        }
        // A stray bit in the last digit, no padding, the URL alphabet, a longer and a shorter tag.
        for text in ["AQJ=", "AQI", "-_8=", "AQID", "AQ=="] {
            assert_eq!(Encoding::Base64.decode(text.as_bytes(), &mut tag), Err(Undecodable), "{text:?}");
        }
    }

    #[test]
    fn what_is_encoded_decodes_to_itself() {
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
