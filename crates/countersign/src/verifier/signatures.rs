use std::fmt::Write as _;

use crate::crypto::candidates::Candidates;
use crate::request::head::RequestHead;
use crate::request::header_index::{HeaderIndex, HeaderValues};
use crate::scheme::Scheme;
use crate::scheme::encoding::Undecodable;
use crate::scheme::layout::{Grammar, Headers, Timestamp, TimestampSource};
use crate::verdict::rejection_kind::RejectionKind;
use crate::verifier::policy::Policy;

/// The maximum number of signatures in a delivery. A sender adds one signature per key, and has two
/// keys during a rotation.
pub(crate) const MAX_CANDIDATES: usize = 16;

/// Reads the signature headers strictly, and returns the cause of a fault.
///
/// A header value is one item or a list of items. An item is a candidate if it is a signature by an
/// accepted algorithm, well formed or not, or if it cannot be parsed. Timestamps, unknown names and
/// algorithms not accepted by the receiver are not candidates.
pub(crate) struct SignatureReader<'r, 'h> {
    policy: &'r Policy,
    well_formed: &'r mut Candidates,
    /// The number of candidates so far, including malformed candidates.
    candidates: usize,
    /// The cause of the first malformed candidate, used if no candidate is well formed.
    malformed: Option<RejectionKind>,
    /// The cause used if there is no candidate.
    cause_if_none: RejectionKind,
    timestamp: Option<&'h [u8]>,
    /// Whether no signature header has a value.
    missing: bool,
}

impl<'r, 'h> SignatureReader<'r, 'h> {
    pub(crate) const fn new(policy: &'r Policy, well_formed: &'r mut Candidates) -> Self {
        let cause_if_none = RejectionKind::UnknownAlgorithm;
        Self { policy, well_formed, candidates: 0, malformed: None, cause_if_none, timestamp: None, missing: true }
    }

    /// Collects the well-formed candidates, and returns the timestamp beside them. Fails without a
    /// well-formed candidate.
    pub(crate) fn read(mut self, head: &'h dyn RequestHead, index: &HeaderIndex<'_, 'h>) -> Result<Option<&'h [u8]>, RejectionKind> {
        match self.policy.scheme.headers {
            Headers::Numbered(prefix) => {
                let mut name = String::from(prefix);
                // One more than the maximum, so that a 17th header is rejected as
                // `TooManySignatures` and not ignored.
                for number in 1..=MAX_CANDIDATES.saturating_add(1) {
                    name.truncate(prefix.len());
                    // Writing to a `String` does not fail.
                    let _ = write!(name, "{number}");
                    if !self.read_header(&HeaderValues::of(head, &name))? {
                        break;
                    }
                }
            }
            Headers::AnyOf(names) if self.policy.plan.signature_headers == 0 => {
                for name in names {
                    self.read_header(&HeaderValues::of(head, name))?;
                }
            }
            Headers::One(_) | Headers::AnyOf(_) => {
                for place in 0..self.policy.plan.signature_headers {
                    self.read_header(&index.get(place))?;
                }
            }
        }
        if self.missing {
            Err(RejectionKind::MissingSignature)
        } else if self.well_formed.is_empty() {
            Err(self.malformed.unwrap_or(self.cause_if_none))
        } else {
            Ok(self.timestamp)
        }
    }

    /// Returns whether the header exists. An empty header exists.
    fn read_header(&mut self, values: &HeaderValues<'h>) -> Result<bool, RejectionKind> {
        match values {
            HeaderValues::None => Ok(false),
            HeaderValues::One([]) => Ok(true),
            HeaderValues::One(value) => {
                self.missing = false;
                self.read_value(value).map(|()| true)
            }
            HeaderValues::Several => Err(RejectionKind::DuplicateSignature),
        }
    }

    fn read_value(&mut self, value: &'h [u8]) -> Result<(), RejectionKind> {
        let Policy { scheme, plan, .. } = self.policy;
        let Some(separator) = scheme.list else { return self.read_item(value) };
        let mut rest = Some(value);
        while let Some(list) = rest {
            let list = without_leading_spaces(list, separator);
            // An item of the usual length needs no search for its end.
            let usual = plan.usual_len().and_then(|len| list.split_at_checked(len));
            if let Some((item, after)) = usual
                && after.first().is_none_or(|byte| *byte == separator)
                && plan.add_usual(item, self.well_formed)
            {
                self.count()?;
                rest = after.split_first().map(|(_, rest)| rest);
                continue;
            }
            let end = position(list, separator);
            let item = list.get(..end.unwrap_or(list.len())).unwrap_or_default();
            rest = end.and_then(|end| list.get(end.saturating_add(1)..));
            self.read_item(item)?;
        }
        Ok(())
    }

    /// Reads a whole value or an item of a list.
    ///
    /// A malformed candidate does not reject the delivery: the candidate matches no key. A sender
    /// may add a signature of another kind beside the right signature. Stripe's own library accepts
    /// such a header.
    fn read_item(&mut self, item: &'h [u8]) -> Result<(), RejectionKind> {
        if !item.is_ascii() {
            return self.add_malformed(RejectionKind::NonAsciiSignature);
        }
        let Policy { scheme, accepted, .. } = self.policy;
        let (algorithm, text) = match scheme.grammar {
            // Unreachable: `SignedParts::read` handles tokens before this.
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
        match self.well_formed.add(algorithm, scheme.encoding, text) {
            Ok(()) => self.count(),
            Err(Undecodable) => self.add_malformed(RejectionKind::SignatureEncoding),
        }
    }

    fn add_malformed(&mut self, cause: RejectionKind) -> Result<(), RejectionKind> {
        self.count()?;
        self.malformed.get_or_insert(cause);
        Ok(())
    }

    /// Counts one more candidate. Fails above the maximum.
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

/// Returns the first position of the byte. Searches blocks of sixteen bytes first: the compiler
/// makes one comparison of each block.
fn position(list: &[u8], sought: u8) -> Option<usize> {
    let has = |block: &&[u8; 16]| block.iter().fold(0, |found, byte| found | u8::from(*byte == sought)) != 0;
    let start = list.as_chunks().0.iter().take_while(|block| !has(block)).count().saturating_mul(16);
    list.get(start..)?.iter().position(|byte| *byte == sought).map(|place| place.saturating_add(start))
}

/// Removes the spaces in front of an item, unless the separator is a space. Two such separators in
/// a row have an empty item between them.
fn without_leading_spaces(mut list: &[u8], separator: u8) -> &[u8] {
    while let [b' ', rest @ ..] = list
        && separator != b' '
    {
        list = rest;
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_is_the_first_of_any_number_of_separators() {
        for len in 0..50 {
            for first in 0..=len {
                let (alone, to_the_end) = (
                    (0..len).map(|place| if place == first { b',' } else { b'a' }).collect::<Vec<_>>(),
                    (0..len).map(|place| if place < first { b'a' } else { b',' }).collect::<Vec<_>>(),
                );
                let expected = (first < len).then_some(first);
                assert_eq!([position(&alone, b','), position(&to_the_end, b',')], [expected; 2], "{first} of {len}");
            }
        }
    }
}
