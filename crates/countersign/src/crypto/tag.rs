use std::fmt;

use subtle::{Choice, ConstantTimeEq};

use crate::algorithm::Algorithm;
use crate::scheme::encoding::{Encoding, Undecodable};

const MAX_LEN: usize = Algorithm::Sha512.tag_len();

/// The bytes of a MAC with its algorithm, at the start of an array large enough for the longest
/// MAC.
#[derive(Clone)]
pub(crate) struct Tag {
    algorithm: Algorithm,
    bytes: [u8; MAX_LEN],
}

impl Tag {
    /// The initial value before [`decode`](Self::decode).
    pub(crate) const ZERO: Self = Self { algorithm: Algorithm::Sha256, bytes: [0; MAX_LEN] };

    /// Copies a computed MAC. More bytes than the longest MAC cannot occur, and would be ignored.
    pub(crate) fn new(algorithm: Algorithm, computed: &[u8]) -> Self {
        let mut tag = Self { algorithm, ..Self::ZERO };
        for (to, from) in tag.bytes.iter_mut().zip(computed) {
            *to = *from;
        }
        tag
    }

    /// Decodes the signature `text`. Fails if `text` is not in this encoding, or does not have the
    /// algorithm's length. After an error, the tag must not be used.
    #[inline]
    pub(crate) fn decode(&mut self, algorithm: Algorithm, encoding: Encoding, text: &[u8]) -> Result<(), Undecodable> {
        self.algorithm = algorithm;
        let place = self.bytes.get_mut(..algorithm.tag_len()).ok_or(Undecodable)?;
        encoding.decode(text, place)
    }

    pub(crate) fn encode(&self, encoding: Encoding) -> String {
        encoding.encode(self.as_bytes())
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.algorithm.tag_len()).unwrap_or_default()
    }

    /// Returns whether the tag equals the MAC computed by `algorithm`, in constant time. The
    /// algorithm is not secret. The bytes are secret.
    #[inline]
    pub(crate) fn equals(&self, algorithm: Algorithm, computed: &[u8]) -> Choice {
        if self.algorithm != algorithm || computed.len() != algorithm.tag_len() {
            return Choice::from(0);
        }
        // Collect the differences of four bytes at a time, and compare once: `subtle` compares slices
        // byte by byte. The length of every MAC is a multiple of four.
        let (ours, theirs) = (self.bytes.as_chunks::<4>().0, computed.as_chunks::<4>().0);
        let difference = |(our, their): (&[u8; 4], &[u8; 4])| u32::from_ne_bytes(*our) ^ u32::from_ne_bytes(*their);
        ours.iter().zip(theirs).map(difference).fold(0, |all, difference| all | difference).ct_eq(&0)
    }
}

impl ConstantTimeEq for Tag {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.equals(other.algorithm, other.as_bytes())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({}, ..)", self.algorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_differing_bit_makes_tags_unequal() {
        for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512] {
            let bytes = vec![0xa5; algorithm.tag_len()];
            let tag = Tag::new(algorithm, &bytes);
            assert!(bool::from(tag.ct_eq(&tag.clone())));
            for place in 0..bytes.len() {
                for bit in 0..8 {
                    let mut other = bytes.clone();
                    other[place] ^= 1 << bit;
                    assert!(!bool::from(tag.ct_eq(&Tag::new(algorithm, &other))), "{algorithm} byte {place} bit {bit}");
                }
            }
        }
    }

    #[test]
    fn two_equal_bit_differences_do_not_cancel_out() {
        let bytes = [0x5a; 32];
        for (one, other) in [(0, 4), (0, 28), (5, 17), (31, 3), (2, 3)] {
            let mut forged = bytes;
            forged[one] ^= 0x10;
            forged[other] ^= 0x10;
            assert!(!bool::from(Tag::new(Algorithm::Sha256, &bytes).ct_eq(&Tag::new(Algorithm::Sha256, &forged))), "{one} {other}");
        }
    }

    #[test]
    fn tag_debug_shows_only_the_algorithm() {
        assert_eq!(format!("{:?}", Tag::new(Algorithm::Sha256, &[7; 32])), "Tag(sha256, ..)");
    }

    #[test]
    fn tags_of_different_algorithms_are_never_equal() {
        let (short, long) = (Tag::new(Algorithm::Sha256, &[7; 32]), Tag::new(Algorithm::Sha384, &[7; 32]));
        assert!(!bool::from(short.ct_eq(&long)));
    }
}
