//! The encodings of tags and keys, by the tables of RFC 4648.

use countersign::scheme::Encoding;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Encodes the bytes. Hex digits are in lower case.
#[must_use]
pub fn encode(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Encoding::Base64 => base64(BASE64, true, bytes),
        _ => base64(BASE64_URL, false, bytes),
    }
}

fn base64(digits: &[u8; 64], padded: bool, bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, place| bits << 8 | u32::from(three.get(place).copied().unwrap_or(0)));
        for place in 0..4 {
            if place <= three.len() {
                text.push(digits[(bits >> (18 - 6 * place) & 63) as usize].into());
            } else if padded {
                text.push('=');
            }
        }
    }
    text
}

/// Returns whether the text is a valid encoding of `bytes` bytes.
#[must_use]
pub fn is_text_of(encoding: Encoding, text: &[u8], bytes: usize) -> bool {
    if encoding == Encoding::Hex {
        return text.len() == 2 * bytes && text.iter().all(u8::is_ascii_hexdigit);
    }
    let digits = if encoding == Encoding::Base64 { BASE64 } else { BASE64_URL };
    let full = (bytes * 8).div_ceil(6);
    let padding = if encoding == Encoding::Base64 { (4 - full % 4) % 4 } else { 0 };
    let (Some(text), Some(end)) = (text.get(..full), text.get(full..)) else { return false };
    // The spare bits of the last digit must be zero (RFC 4648 §3.5).
    let last = text.last().and_then(|last| digits.iter().position(|digit| digit == last));
    let over = full * 6 - bytes * 8;
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || digits[62..].contains(byte))
        && end.len() == padding
        && end.iter().all(|byte| *byte == b'=')
        && (bytes == 0 || last.is_some_and(|last| last % (1 << over) == 0))
}

/// Returns whether the text encodes these bytes. Hex digits may be in upper case.
#[must_use]
pub fn stands_for(encoding: Encoding, text: &[u8], bytes: &[u8]) -> bool {
    let expected = encode(encoding, bytes);
    match encoding {
        Encoding::Hex => text.eq_ignore_ascii_case(expected.as_bytes()),
        _ => text == expected.as_bytes(),
    }
}

/// Decodes a key in hex.
#[must_use]
pub fn decode_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let digits: Vec<u32> = text.iter().map(digit).collect::<Option<_>>()?;
    digits.chunks(2).map(|pair| Some((*pair.first()? * 16 + *pair.get(1)?) as u8)).collect()
}

/// Decodes a key in base64. Rejects any text other than the canonical encoding of the key.
#[must_use]
pub fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for four in text.chunks(4) {
        let end = four.iter().position(|byte| *byte == b'=').unwrap_or(four.len());
        let mut bits = 0u32;
        for place in 0..4 {
            let value = if place < end { BASE64.iter().position(|digit| digit == four.get(place).unwrap_or(&0))? } else { 0 };
            bits = bits << 6 | value as u32;
        }
        bytes.extend(&bits.to_be_bytes()[1..][..(end * 6 / 8)]);
    }
    (encode(Encoding::Base64, &bytes).as_bytes() == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 §10.
    #[test]
    fn encodings_match_the_published_values() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(encode(Encoding::Base64, bytes.as_bytes()), text);
            assert_eq!(decode_base64(text.as_bytes()).unwrap(), bytes.as_bytes());
            assert!(is_text_of(Encoding::Base64, text.as_bytes(), bytes.len()));
        }
        assert!(!is_text_of(Encoding::Base64, b"Zh==", 1) && decode_base64(b"Zh==").is_none());
        assert_eq!(encode(Encoding::Hex, b"foobar"), "666f6f626172");
    }
}
