use countersign::scheme::Algorithm;
use sha1::{Digest as _, Sha1};
use sha2::{Sha256, Sha384, Sha512};

/// Computes HMAC as defined in RFC 2104 §2: `H(K xor opad, H(K xor ipad, text))`.
#[must_use]
pub fn hmac(algorithm: Algorithm, key: &[u8], text: &[u8]) -> Vec<u8> {
    let block = match algorithm {
        Algorithm::Sha1 | Algorithm::Sha256 => 64,
        _ => 128,
    };
    let mut padded = if key.len() > block { hash(algorithm, key) } else { key.to_vec() };
    padded.resize(block, 0);
    let mut inner: Vec<u8> = padded.iter().map(|byte| byte ^ 0x36).collect();
    inner.extend(text);
    let mut outer: Vec<u8> = padded.iter().map(|byte| byte ^ 0x5c).collect();
    outer.extend(hash(algorithm, &inner));
    hash(algorithm, &outer)
}

fn hash(algorithm: Algorithm, text: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::Sha1 => Sha1::digest(text).to_vec(),
        Algorithm::Sha256 => Sha256::digest(text).to_vec(),
        Algorithm::Sha384 => Sha384::digest(text).to_vec(),
        Algorithm::Sha512 => Sha512::digest(text).to_vec(),
        other => panic!("the model does not know the algorithm {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 2 and 6, and RFC 2202.
    #[test]
    fn hmac_matches_the_published_values() {
        let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let text = b"what do ya want for nothing?";
        assert_eq!(hex(hmac(Algorithm::Sha1, b"Jefe", text)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(hex(hmac(Algorithm::Sha256, b"Jefe", text)), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert!(hex(hmac(Algorithm::Sha384, b"Jefe", text)).starts_with("af45d2e376484031617f78d2b58a6b1b"));
        assert!(hex(hmac(Algorithm::Sha512, b"Jefe", text)).starts_with("164b7a7bfcf819e2e395fbe73b56e0a3"));
        let long = hmac(Algorithm::Sha256, &[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hex(long), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }
}
