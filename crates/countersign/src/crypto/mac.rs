use hmac::{Hmac, KeyInit, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use subtle::Choice;

use crate::algorithm::Algorithm;
use crate::crypto::one_or_more::OneOrMore;
use crate::crypto::tag::Tag;

/// An HMAC (RFC 2104) under way. Cloning a fresh one is how a prepared key is used again: the key's own two blocks are hashed once.
#[derive(Clone)]
pub(crate) enum Mac {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    // Twice the size of the others and rarely used: boxed, so that every request need not carry the room for it.
    Sha384(Box<Hmac<Sha384>>),
    Sha512(Box<Hmac<Sha512>>),
}

impl Mac {
    /// Leaves copies of the key on the stack: see [`wiping_stack`](crate::keys::wipe_stack::wiping_stack). HMAC takes keys of any length, so `None` does
    /// not happen.
    pub(crate) fn new(algorithm: Algorithm, key: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::Sha1 => Hmac::new_from_slice(key).map(Self::Sha1),
            Algorithm::Sha256 => Hmac::new_from_slice(key).map(Self::Sha256),
            Algorithm::Sha384 => Hmac::new_from_slice(key).map(Box::new).map(Self::Sha384),
            Algorithm::Sha512 => Hmac::new_from_slice(key).map(Box::new).map(Self::Sha512),
        }
        .ok()
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha1(_) => Algorithm::Sha1,
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha384(_) => Algorithm::Sha384,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    #[inline]
    pub(crate) fn update(&mut self, data: &[u8]) {
        match self {
            Self::Sha1(mac) => mac.update(data),
            Self::Sha256(mac) => mac.update(data),
            Self::Sha384(mac) => mac.update(data),
            Self::Sha512(mac) => mac.update(data),
        }
    }

    /// Whether what it makes of the text so far is one of these tags, in constant time.
    pub(crate) fn matches_any(self, tags: &OneOrMore<Tag>) -> Choice {
        let algorithm = self.algorithm();
        let matches_any = |computed: &[u8]| tags.iter().fold(Choice::from(0), |hit, tag| hit | tag.is_computed(algorithm, computed));
        match self {
            Self::Sha1(mac) => matches_any(&mac.finalize().into_bytes()),
            Self::Sha256(mac) => matches_any(&mac.finalize().into_bytes()),
            Self::Sha384(mac) => matches_any(&mac.finalize().into_bytes()),
            Self::Sha512(mac) => matches_any(&mac.finalize().into_bytes()),
        }
    }

    pub(crate) fn finish(self) -> Tag {
        let algorithm = self.algorithm();
        match self {
            Self::Sha1(mac) => Tag::new(algorithm, &mac.finalize().into_bytes()),
            Self::Sha256(mac) => Tag::new(algorithm, &mac.finalize().into_bytes()),
            Self::Sha384(mac) => Tag::new(algorithm, &mac.finalize().into_bytes()),
            Self::Sha512(mac) => Tag::new(algorithm, &mac.finalize().into_bytes()),
        }
    }
}
