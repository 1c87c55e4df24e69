use hmac::digest::block_api::CoreProxy;
use hmac::{Hmac, KeyInit, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use crate::algorithm::Algorithm;
use crate::crypto::tag::Tag;

/// An HMAC (RFC 2104): one that a key prepared, whose own two blocks are hashed once, or one that went on from there.
///
/// That of SHA-256, which nearly every delivery has, stands in place. Any other is boxed, so that every request need not carry the room for the
/// largest.
#[derive(Clone)]
pub(crate) struct Mac {
    sha256: Option<Hmac<Sha256>>,
    other: Option<Box<OtherMac>>,
}

#[derive(Clone)]
pub(crate) enum OtherMac {
    Sha1(Hmac<Sha1>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

impl Mac {
    /// None yet, until it is [begun](Self::begin).
    pub(crate) const NONE: Self = Self { sha256: None, other: None };

    /// Leaves copies of the key on the stack: see [`wiping_stack`](crate::keys::wipe_stack::wiping_stack). HMAC takes keys of any length, so `None` does
    /// not happen.
    pub(crate) fn new(algorithm: Algorithm, key: &[u8]) -> Option<Self> {
        let other = match algorithm {
            Algorithm::Sha256 => return keyed(key).map(|mac| Self { sha256: Some(mac), other: None }),
            Algorithm::Sha1 => keyed(key).map(OtherMac::Sha1),
            Algorithm::Sha384 => keyed(key).map(OtherMac::Sha384),
            Algorithm::Sha512 => keyed(key).map(OtherMac::Sha512),
        };
        other.map(|mac| Self { sha256: None, other: Some(Box::new(mac)) })
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self.other.as_deref() {
            None => Algorithm::Sha256,
            Some(OtherMac::Sha1(_)) => Algorithm::Sha1,
            Some(OtherMac::Sha384(_)) => Algorithm::Sha384,
            Some(OtherMac::Sha512(_)) => Algorithm::Sha512,
        }
    }

    /// Begins anew where it stands, with what a key prepared.
    #[inline]
    pub(crate) fn begin(&mut self, prepared: &Self) {
        match (&prepared.sha256, &prepared.other) {
            (Some(mac), _) => self.sha256 = Some(mac.clone()),
            (None, other) => {
                self.sha256 = None;
                self.other.clone_from(other);
            }
        }
    }

    #[inline]
    pub(crate) fn update(&mut self, data: &[u8]) {
        match (&mut self.sha256, &mut self.other) {
            (Some(mac), _) => mac.update(data),
            (None, Some(other)) => other.update(data),
            (None, None) => {}
        }
    }

    /// Hands what it makes of the text so far to `judge`, which has to compare it in constant time. Once.
    #[inline]
    pub(crate) fn finish<T>(&mut self, judge: impl FnOnce(&[u8]) -> T) -> Option<T> {
        match self.sha256.take() {
            Some(mac) => Some(judge(&mac.finalize().into_bytes())),
            None => self.other.take().map(|other| other.finish(judge)),
        }
    }

    /// What it makes of the text so far.
    pub(crate) fn tag(mut self) -> Tag {
        let algorithm = self.algorithm();
        self.finish(|computed| Tag::new(algorithm, computed)).unwrap_or(Tag::ZERO)
    }
}

/// A MAC whose buffer holds nothing of the key. It has room for one block that is not initialised, which can lie where the padded key lay: so it
/// is filled with zeros.
fn keyed<M: KeyInit + CoreProxy>(key: &[u8]) -> Option<M> {
    let (core, mut buffer) = M::new_from_slice(key).ok()?.decompose();
    // One byte less than the longest block, which is that of SHA-512.
    buffer.digest_blocks(&[0; 127], |_| {});
    buffer.reset();
    Some(M::compose(core, buffer))
}

impl OtherMac {
    fn update(&mut self, data: &[u8]) {
        match self {
            Self::Sha1(mac) => mac.update(data),
            Self::Sha384(mac) => mac.update(data),
            Self::Sha512(mac) => mac.update(data),
        }
    }

    #[cold]
    fn finish<T>(self: Box<Self>, judge: impl FnOnce(&[u8]) -> T) -> T {
        match *self {
            Self::Sha1(mac) => judge(&mac.finalize().into_bytes()),
            Self::Sha384(mac) => judge(&mac.finalize().into_bytes()),
            Self::Sha512(mac) => judge(&mac.finalize().into_bytes()),
        }
    }
}
