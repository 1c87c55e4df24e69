use subtle::Choice;

use crate::algorithm::Algorithm;
use crate::crypto::tag::Tag;
use crate::scheme::encoding::{Encoding, Undecodable};

/// The well-formed signatures of a delivery. The first signature is decoded in place. A second
/// signature is rare, and allocates memory.
pub(crate) struct Candidates {
    first: Tag,
    others: Vec<Tag>,
    is_empty: bool,
}

impl Candidates {
    #[inline]
    pub(crate) const fn new() -> Self {
        Self { first: Tag::ZERO, others: Vec::new(), is_empty: true }
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Decodes `text`, and adds the signature. Fails if `text` is not in this encoding, or does not
    /// have the algorithm's length.
    #[inline]
    pub(crate) fn add(&mut self, algorithm: Algorithm, encoding: Encoding, text: &[u8]) -> Result<(), Undecodable> {
        if self.is_empty {
            self.first.decode(algorithm, encoding, text)?;
            self.is_empty = false;
        } else {
            let mut tag = Tag::ZERO;
            tag.decode(algorithm, encoding, text)?;
            self.others.push(tag);
        }
        Ok(())
    }

    /// Returns whether a candidate has this algorithm.
    #[inline]
    pub(crate) fn has(&self, algorithm: Algorithm) -> bool {
        !self.is_empty && (self.first.algorithm() == algorithm || self.others.iter().any(|tag| tag.algorithm() == algorithm))
    }

    /// Returns whether a candidate equals the MAC computed by `algorithm`. Each candidate is
    /// compared to its end, in constant time.
    #[inline]
    pub(crate) fn has_equal(&self, algorithm: Algorithm, computed: &[u8]) -> Choice {
        if self.is_empty {
            return Choice::from(0);
        }
        let first = self.first.equals(algorithm, computed);
        self.others.iter().fold(first, |hit, tag| hit | tag.equals(algorithm, computed))
    }
}
