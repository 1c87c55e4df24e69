use crate::algorithm::Algorithm;
use crate::crypto::candidates::Candidates;
use crate::request::head::CONTENT_LENGTH;
use crate::request::header_index::{HeaderIndex, HeaderNames, HeaderValues, MAX_NAMES};
use crate::scheme::Scheme;
use crate::scheme::encoding::Encoding;
use crate::scheme::layout::{Grammar, Headers, Timestamp, TimestampSource};

/// The header names of a scheme and its usual signature, computed when a verifier is built.
pub(crate) struct Plan {
    /// The header fields needed to check a head.
    pub(crate) names: HeaderNames,
    /// The same fields and `Content-Length`.
    pub(crate) names_and_length: HeaderNames,
    /// The number of signature headers. The signature headers have the first places. Zero for
    /// numbered headers, and for more than [`MAX_SIGNATURE_HEADERS`].
    pub(crate) signature_headers: u8,
    usual: Option<UsualSignature>,
    pub(crate) timestamp: Option<u8>,
    pub(crate) id: Option<u8>,
    pub(crate) delivery_id: Option<u8>,
    pub(crate) event: Option<u8>,
    pub(crate) content_length: u8,
}

/// The maximum number of signature headers. The other five places are for timestamp, signed id,
/// unsigned id, kind of event and length.
const MAX_SIGNATURE_HEADERS: usize = MAX_NAMES - 5;

/// The form of nearly every signature of a scheme: exactly this prefix, then an HMAC-SHA-256.
struct UsualSignature {
    /// The prefix at the start of a word of zeros. `mask` covers the bytes of the prefix.
    prefix: u64,
    mask: u64,
    prefix_len: usize,
    text_len: usize,
    encoding: Encoding,
}

impl Plan {
    pub(crate) fn new(scheme: &Scheme, accepted: &[Algorithm]) -> Self {
        let mut names = HeaderNames::new();
        let signatures: &[_] = match &scheme.headers {
            Headers::One(name) => std::slice::from_ref(name),
            Headers::AnyOf(names) if names.len() <= MAX_SIGNATURE_HEADERS => names,
            // `SignatureReader` looks up these headers by name.
            Headers::AnyOf(_) | Headers::Numbered(_) => &[],
        };
        for name in signatures {
            names.add(name);
        }
        let timestamp = match scheme.timestamp {
            Some(Timestamp { source: TimestampSource::Header(name), .. }) => Some(name),
            _ => None,
        };
        let timestamp = timestamp.map(|name| names.add(name));
        let id = scheme.id_header.map(|name| names.add(name));
        let delivery_id = scheme.unsigned.delivery_id.map(|name| names.add(name));
        let event = scheme.unsigned.event.map(|name| names.add(name));
        let mut names_and_length = names.clone();
        Self {
            signature_headers: signatures.len().try_into().unwrap_or(u8::MAX),
            usual: UsualSignature::of(scheme, accepted),
            timestamp,
            id,
            delivery_id,
            event,
            content_length: names_and_length.add(CONTENT_LENGTH),
            names_and_length,
            names,
        }
    }

    /// Reads a single signature in its usual form as the only candidate. Returns `false` for any
    /// other form. Such a signature can still be valid: `SignatureReader` reads it.
    #[inline(always)]
    pub(crate) fn read_usual(&self, index: &HeaderIndex<'_, '_>, candidates: &mut Candidates) -> bool {
        match index.get(0) {
            HeaderValues::One(value) if self.signature_headers == 1 => self.add_usual(value, candidates),
            _ => false,
        }
    }

    /// Adds `item` to the candidates, if `item` is a signature in the usual form. Returns whether a
    /// candidate was added. `item` is the whole value or an item of a list.
    #[inline]
    pub(crate) fn add_usual(&self, item: &[u8], candidates: &mut Candidates) -> bool {
        let Some(UsualSignature { prefix, mask, prefix_len, text_len, encoding }) = self.usual else { return false };
        let begins = item.first_chunk().is_some_and(|start| u64::from_ne_bytes(*start) & mask == prefix);
        match item.get(prefix_len..) {
            Some(text) if begins && text.len() == text_len => candidates.add(Algorithm::Sha256, encoding, text).is_ok(),
            _ => false,
        }
    }

    /// Returns the length of an item in the usual form.
    pub(crate) const fn usual_len(&self) -> Option<usize> {
        match self.usual {
            Some(UsualSignature { prefix_len, text_len, .. }) => Some(prefix_len.saturating_add(text_len)),
            None => None,
        }
    }
}

impl UsualSignature {
    /// Returns `None` if HMAC-SHA-256 is unknown or not accepted, or if its name with the separator
    /// is longer than a word.
    fn of(scheme: &Scheme, accepted: &[Algorithm]) -> Option<Self> {
        let prefix = match scheme.grammar {
            Grammar::Bare(Algorithm::Sha256) => Vec::new(),
            Grammar::Tagged { separator, names } => {
                let (name, _) = names.iter().find(|(_, algorithm)| *algorithm == Algorithm::Sha256)?;
                [name.as_bytes(), &[separator]].concat()
            }
            Grammar::Bare(_) | Grammar::StaticToken => return None,
        };
        let (mut word, mut mask) = ([0; 8], [0; 8]);
        word.get_mut(..prefix.len())?.copy_from_slice(&prefix);
        mask.get_mut(..prefix.len())?.fill(u8::MAX);
        accepted.contains(&Algorithm::Sha256).then_some(Self {
            prefix: u64::from_ne_bytes(word),
            mask: u64::from_ne_bytes(mask),
            prefix_len: prefix.len(),
            text_len: scheme.encoding.text_len(Algorithm::Sha256.tag_len()),
            encoding: scheme.encoding,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::secret::Secret;
    use crate::signer::Signer;
    use crate::verifier::Verifier;

    const HEADERS: [&str; 9] = ["X-S1", "X-S2", "X-S3", "X-S4", "X-S5", "X-S6", "X-S7", "X-S8", "X-S9"];

    fn scheme(headers: &'static [&'static str]) -> Scheme {
        Scheme::new("several", "X-S")
            .any_of_headers(headers)
            .unauthenticated_delivery_id_header("X-Id")
            .unauthenticated_event_header("X-Event")
    }

    /// The reader of the usual form accepts exactly one prefix and one length. Without this reader,
    /// signatures would verify as well, but more slowly.
    #[test]
    fn usual_form_has_exactly_the_prefix_and_the_length() {
        let scheme = Scheme::new("tagged", "X-S").tagged(b'=', &[("sha-256", Algorithm::Sha256)]);
        let plan = Plan::new(&scheme, &[Algorithm::Sha256]);
        let is_usual = |prefix: [u8; 8], digits| {
            let item = [prefix.to_vec(), vec![b'a'; digits]].concat();
            plan.add_usual(&item, &mut Candidates::new())
        };
        assert_eq!(plan.usual_len(), Some(72));
        assert!(is_usual(*b"sha-256=", 64));
        assert!(!is_usual(*b"sha-256:", 64));
        assert!(!is_usual(b"sha-256=".map(|byte| !byte), 64));
        assert!(!is_usual(*b"sha-256=", 62) && !is_usual(*b"sha-256=", 66));
    }

    /// Every signature header is read, for any number of headers.
    #[test]
    fn signature_verifies_in_first_and_last_of_many_headers() {
        for count in 1..=HEADERS.len() {
            let headers = HEADERS.get(..count).unwrap();
            let scheme = scheme(headers);
            let plan = Plan::new(&scheme, &[Algorithm::Sha256]);
            assert_eq!(usize::from(plan.signature_headers), if count <= 3 { count } else { 0 });
            assert!(plan.names_and_length.iter().count() <= MAX_NAMES);
            let verifier = Verifier::builder(scheme).key("k", Secret::new("secret")).build().unwrap();
            let signed = Signer::new(scheme, Secret::new("secret")).unwrap().sign(b"body");
            for header in [headers.first().unwrap(), headers.last().unwrap()] {
                let renamed = signed.iter().map(|(name, value)| (if name == "X-S1" { *header } else { name.as_str() }, value.as_str()));
                let head: Vec<_> = renamed.collect();
                assert!(verifier.verify(&head, b"body").is_ok() && verifier.verify(&head, b"forged").is_err(), "{header} of {count}");
            }
        }
    }
}
