use std::fmt::Write as _;

use crate::crypto::one_or_more::OneOrMore;
use crate::crypto::tag::Tag;
use crate::request::head::{HeaderValues, RequestHead};
use crate::scheme::Scheme;
use crate::scheme::encoding::Undecodable;
use crate::scheme::layout::{Grammar, Headers, Timestamp, TimestampSource};
use crate::verdict::rejection_kind::RejectionKind;
use crate::verifier::policy::Policy;

/// The most signatures that are looked at in one delivery. A sender puts in one signature per key, and has two keys while it rotates them.
pub(crate) const MAX_CANDIDATES: usize = 16;

/// What the signature headers hold.
///
/// A header value is one item or a list of items. An item is a candidate if it is a signature by an accepted algorithm, well formed or not, or if it
/// cannot be parsed. Timestamps, unknown names and algorithms that are not accepted are no candidates.
pub(crate) struct SignatureReader<'h> {
    policy: &'h Policy,
    tags: Option<OneOrMore<Tag>>,
    /// The candidates so far, malformed ones among them.
    candidates: usize,
    /// The cause of the first malformed candidate, for the case that no candidate is well formed.
    malformed: Option<RejectionKind>,
    /// The cause for the case that there is no candidate at all.
    cause_if_none: RejectionKind,
    timestamp: Option<&'h [u8]>,
}

impl<'h> SignatureReader<'h> {
    pub(crate) const fn new(policy: &'h Policy) -> Self {
        Self { policy, tags: None, candidates: 0, malformed: None, cause_if_none: RejectionKind::UnknownAlgorithm, timestamp: None }
    }

    pub(crate) fn read_headers(&mut self, head: &'h dyn RequestHead) -> Result<(), RejectionKind> {
        let headers = self.policy.scheme.headers;
        let mut missing = true;
        // Returns whether the header exists. An empty one exists.
        let mut read_header = |name: &str| match HeaderValues::of(head, name) {
            HeaderValues::None => Ok(false),
            HeaderValues::One([]) => Ok(true),
            HeaderValues::One(value) => {
                missing = false;
                self.read(value).map(|()| true)
            }
            HeaderValues::Several => Err(RejectionKind::DuplicateSignature),
        };
        match headers {
            Headers::One(name) => drop(read_header(name)?),
            Headers::AnyOf(names) => {
                for name in names {
                    read_header(name)?;
                }
            }
            Headers::Numbered(prefix) => {
                let mut name = String::from(prefix);
                // One past the cap, so that a 17th header is rejected as `TooManySignatures` and not ignored.
                for number in 1..=MAX_CANDIDATES.saturating_add(1) {
                    name.truncate(prefix.len());
                    // Writing to a `String` does not fail.
                    let _ = write!(name, "{number}");
                    if !read_header(&name)? {
                        break;
                    }
                }
            }
        }
        if missing { Err(RejectionKind::MissingSignature) } else { Ok(()) }
    }

    /// Returns the well-formed candidates, of which there is one at least, and the timestamp that stands beside them.
    pub(crate) fn finish(self) -> Result<(OneOrMore<Tag>, Option<&'h [u8]>), RejectionKind> {
        let Self { tags, malformed, cause_if_none, timestamp, .. } = self;
        Ok((tags.ok_or(malformed.unwrap_or(cause_if_none))?, timestamp))
    }

    /// Reads the value of one header.
    fn read(&mut self, value: &'h [u8]) -> Result<(), RejectionKind> {
        match self.policy.scheme.list {
            None => self.read_item(value),
            Some(separator) => value.split(|byte| *byte == separator).try_for_each(|item| self.read_item(without_leading_spaces(item))),
        }
    }

    /// Reads one of the items that a value is a list of, or the only one.
    ///
    /// A malformed candidate does not reject the delivery: it matches no key. A sender may put a signature of another kind beside the right one, and
    /// Stripe's own library accepts that.
    fn read_item(&mut self, item: &'h [u8]) -> Result<(), RejectionKind> {
        if !item.is_ascii() {
            return self.add_malformed(RejectionKind::NonAsciiSignature);
        }
        let Policy { scheme, accepted, .. } = self.policy;
        let (algorithm, text) = match scheme.grammar {
            // Does not happen: `ParsedHead::read` reads a token before this.
            Grammar::StaticToken => return Ok(()),
            Grammar::Bare(algorithm) => (algorithm, item),
            Grammar::Tagged { separator, names } => {
                let halves = item.iter().position(|byte| *byte == separator).and_then(|place| item.split_at_checked(place));
                let Some((name, [_, text @ ..])) = halves else {
                    return self.add_malformed(RejectionKind::MalformedSignature);
                };
                if is_timestamp(scheme, name) {
                    return match self.timestamp.replace(text) {
                        None => Ok(()),
                        Some(_) => Err(RejectionKind::MalformedTimestamp),
                    };
                }
                match names.iter().find(|(known, _)| known.as_bytes() == name) {
                    Some((_, algorithm)) => (*algorithm, text),
                    None => return Ok(()),
                }
            }
        };
        if !accepted.contains(&algorithm) {
            self.cause_if_none = RejectionKind::AlgorithmNotAllowed;
            return Ok(());
        }
        if text.len() != scheme.encoding.text_len(algorithm.tag_len()) {
            return self.add_malformed(RejectionKind::SignatureLength);
        }
        match Tag::decode(algorithm, scheme.encoding, text) {
            Ok(tag) => {
                self.count()?;
                OneOrMore::push_onto(&mut self.tags, tag);
                Ok(())
            }
            Err(Undecodable) => self.add_malformed(RejectionKind::SignatureEncoding),
        }
    }

    fn add_malformed(&mut self, cause: RejectionKind) -> Result<(), RejectionKind> {
        self.count()?;
        self.malformed.get_or_insert(cause);
        Ok(())
    }

    /// Counts one more candidate, if there may be one more.
    const fn count(&mut self) -> Result<(), RejectionKind> {
        if self.candidates >= MAX_CANDIDATES {
            return Err(RejectionKind::TooManySignatures);
        }
        self.candidates = self.candidates.saturating_add(1);
        Ok(())
    }
}

fn is_timestamp(scheme: &Scheme, name: &[u8]) -> bool {
    matches!(scheme.timestamp, Some(Timestamp { source: TimestampSource::Item(item), .. }) if item.as_bytes() == name)
}

fn without_leading_spaces(mut item: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] = item {
        item = rest;
    }
    item
}
