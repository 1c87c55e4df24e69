use crate::crypto::candidates::Candidates;
use crate::crypto::mac::Mac;
#[cfg(feature = "identity")]
use crate::identity::body_digest::BodyDigest;
use crate::keys::key_set::KeySet;
use crate::request::clock::Clock;
use crate::request::head::RequestHead;
use crate::request::header_index::HeaderValues;
use crate::verdict::hint::Hint;

/// Rare work beside the MACs: data to explain a mismatch, and a digest of the body. Exists only if
/// hints are on, or an adapter has asked for the digest.
#[derive(Default)]
pub(crate) struct Companion {
    /// For each secret with white space at an end: the MAC by the trimmed secret.
    trimmed: Vec<Mac>,
    /// Whether the head has a `Content-Encoding`.
    encoded: bool,
    /// The length of the body so far.
    bytes: usize,
    /// For the [identity](crate::identity) of the delivery.
    #[cfg(feature = "identity")]
    digest: Option<BodyDigest>,
}

impl Companion {
    /// Starts to collect data for a hint.
    #[cold]
    pub(crate) fn explain(&mut self, keys: &KeySet, head: &dyn RequestHead, clock: &mut Clock) {
        self.trimmed = keys.valid(clock).filter_map(|(_, key)| key.trimmed.clone()).collect();
        self.encoded = HeaderValues::is_there(head, "content-encoding");
    }

    #[cfg(feature = "identity")]
    pub(crate) fn start_digest(&mut self) {
        self.digest = Some(BodyDigest::new());
    }

    #[cfg(feature = "identity")]
    pub(crate) fn take_digest(&mut self) -> Option<[u8; 32]> {
        self.digest.take().map(BodyDigest::finish)
    }

    /// Hashes the next bytes of the signed text.
    pub(crate) fn hash(&mut self, text: &[u8]) {
        self.trimmed.iter_mut().for_each(|mac| mac.update(text));
    }

    /// Counts the next bytes of the body, and hashes them for the digest.
    pub(crate) fn update(&mut self, data: &[u8]) {
        self.bytes = self.bytes.saturating_add(data.len());
        #[cfg(feature = "identity")]
        if let Some(digest) = &mut self.digest {
            digest.update(data);
        }
    }

    /// Returns the hint after a mismatch, if there is one.
    pub(crate) fn into_hint(self, candidates: &Candidates) -> Option<Hint> {
        let mut trimmed = self.trimmed.into_iter().filter_map(|mut mac| {
            let algorithm = mac.algorithm();
            mac.finish(|computed| candidates.has_equal(algorithm, computed))
        });
        if trimmed.any(bool::from) {
            Some(Hint::SecretHasWhiteSpace)
        } else if self.bytes == 0 {
            Some(Hint::EmptyBody)
        } else if self.encoded {
            Some(Hint::ContentEncoding)
        } else {
            None
        }
    }
}
