use hmac::digest::block_api::CoreProxy;
use hmac::{Hmac, KeyInit, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use crate::algorithm::Algorithm;
use crate::crypto::tag::Tag;

/// An HMAC (RFC 2104), prepared by a key or in progress. The two blocks of the key are hashed only
/// once, by the preparation.
///
/// The state of HMAC-SHA-256 is inline, because nearly every delivery uses SHA-256. The state of
/// any other algorithm is boxed, because otherwise each request would carry space for the largest
/// state.
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
    /// No MAC, until [`begin`](Self::begin).
    pub(crate) const NONE: Self = Self { sha256: None, other: None };

    /// Prepares a MAC by `key`. Leaves copies of the key on the stack: see
    /// [`wiping_stack`](crate::keys::wipe_stack::wiping_stack). HMAC takes keys of any length, so
    /// `None` does not occur.
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

    /// Starts again in place, from the state prepared by a key.
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

    /// Passes the MAC of the text so far to `judge`. `judge` must compare in constant time. Called
    /// once.
    #[inline]
    pub(crate) fn finish<T>(&mut self, judge: impl FnOnce(&[u8]) -> T) -> Option<T> {
        match self.sha256.take() {
            Some(mac) => Some(judge(&mac.finalize().into_bytes())),
            None => self.other.take().map(|other| other.finish(judge)),
        }
    }

    /// Returns the MAC of the text so far.
    pub(crate) fn tag(mut self) -> Tag {
        let algorithm = self.algorithm();
        self.finish(|computed| Tag::new(algorithm, computed)).unwrap_or(Tag::ZERO)
    }
}

/// Prepares a MAC without a trace of the key in its buffer. The buffer has room for one
/// uninitialised block, and the padded key can have been at the same place in memory. Zeros
/// therefore fill the buffer.
fn keyed<M: KeyInit + CoreProxy>(key: &[u8]) -> Option<M> {
    let (core, mut buffer) = M::new_from_slice(key).ok()?.decompose();
    // One byte less than the longest block, the block of SHA-512.
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
