use std::time::{Duration, SystemTime};

use crate::encoding::Undecodable;
use crate::head::Values;
use crate::one_or_more::OneOrMore;
use crate::scheme::{Grammar, Timestamp, TimestampSource, is_id_byte};
use crate::tag::Tag;
use crate::{Algorithm, Head, Part, RejectionKind, Scheme};

/// Signatures that are looked at in one header. Senders put one there for each key, of which they have two while changing it.
const MOST_TAGS: usize = 16;

/// Characters of a signed id.
const LONGEST_ID: usize = 256;

/// All that a head says about its signature, parsed and found to be in order. What is left to judge is whether a tag matches.
pub(crate) struct SignedHead<'h> {
    /// Of accepted algorithms only.
    pub(crate) tags: OneOrMore<Tag>,
    pub(crate) signed_at: Option<SystemTime>,
    pub(crate) id: Option<&'h str>,
    timestamp: Option<&'h str>,
}

impl<'h> SignedHead<'h> {
    pub(crate) fn read(
        scheme: &Scheme,
        accepted: &[Algorithm],
        head: &'h dyn Head,
        now: Option<SystemTime>,
    ) -> Result<Self, RejectionKind> {
        let value = match Values::of(head, scheme.header) {
            Values::None | Values::One([]) => return Err(RejectionKind::MissingSignature),
            Values::One(value) => value,
            Values::Several => return Err(RejectionKind::DuplicateSignature),
        };
        if !value.is_ascii() {
            return Err(RejectionKind::NonAsciiSignature);
        }
        let Signatures { tags, timestamp: item } = Signatures::read(scheme, accepted, value)?;
        let timestamp = match scheme.timestamp {
            None => None,
            Some(Timestamp { source, tolerance }) => {
                let value = match source {
                    TimestampSource::Item(_) => item.ok_or(RejectionKind::MissingTimestamp)?,
                    TimestampSource::Header(name) => match Values::of(head, name) {
                        Values::None => return Err(RejectionKind::MissingTimestamp),
                        Values::One(value) => value,
                        Values::Several => return Err(RejectionKind::MalformedTimestamp),
                    },
                };
                let (text, seconds) = decimal(value).ok_or(RejectionKind::MalformedTimestamp)?;
                // The clock is read only by the schemes that need it.
                Some((text, judge(seconds, tolerance, now.unwrap_or_else(SystemTime::now))?))
            }
        };
        let id = match scheme.id_header.map(|name| Values::of(head, name)) {
            None => None,
            Some(Values::None) => return Err(RejectionKind::MissingId),
            Some(Values::One(value)) => Some(id(value).ok_or(RejectionKind::MalformedId)?),
            Some(Values::Several) => return Err(RejectionKind::MalformedId),
        };
        let (timestamp, signed_at) = timestamp.unzip();
        Ok(Self { tags, signed_at, id, timestamp })
    }

    /// Hands the signed text that `parts` stand for to `feed`, piece by piece.
    pub(crate) fn feed(&self, parts: &'static [Part], mut feed: impl FnMut(&[u8])) {
        for part in parts {
            match part {
                Part::Literal(text) => feed(text.as_bytes()),
                Part::Timestamp => feed(self.timestamp.unwrap_or_default().as_bytes()),
                Part::Id => feed(self.id.unwrap_or_default().as_bytes()),
            }
        }
    }
}

/// What the signature header holds.
struct Signatures<'h> {
    tags: OneOrMore<Tag>,
    timestamp: Option<&'h [u8]>,
}

impl<'h> Signatures<'h> {
    fn read(scheme: &Scheme, accepted: &[Algorithm], value: &'h [u8]) -> Result<Self, RejectionKind> {
        let mut tags = None;
        let mut timestamp = None;
        // What to say if no item is a signature that could match.
        let mut cause = RejectionKind::UnknownMethod;

        let items = value.split(|byte| scheme.list == Some(*byte));
        for item in items {
            let item = if scheme.list.is_some() { without_leading_spaces(item) } else { item };
            let (algorithm, text) = match scheme.grammar {
                Grammar::Bare(algorithm) => (algorithm, item),
                Grammar::Tagged { separator, names } => {
                    let mut halves = item.splitn(2, |byte| *byte == separator);
                    let (Some(name), Some(text)) = (halves.next(), halves.next()) else {
                        return Err(RejectionKind::MalformedSignature);
                    };
                    if is_timestamp(scheme, name) {
                        if timestamp.replace(text).is_some() {
                            return Err(RejectionKind::MalformedTimestamp);
                        }
                        continue;
                    }
                    match names.iter().find(|(known, _)| known.as_bytes() == name) {
                        Some((_, algorithm)) => (*algorithm, text),
                        None => continue,
                    }
                }
            };
            if !accepted.contains(&algorithm) {
                cause = RejectionKind::MethodNotAllowed;
                continue;
            }
            if tags.as_ref().is_some_and(|tags: &OneOrMore<Tag>| tags.len() >= MOST_TAGS) {
                return Err(RejectionKind::TooManySignatures);
            }
            if text.len() != scheme.encoding.text_len(algorithm.tag_len()) {
                return Err(RejectionKind::TagLength);
            }
            let tag = Tag::decode(algorithm, scheme.encoding, text).map_err(|Undecodable| RejectionKind::TagEncoding)?;
            OneOrMore::push_onto(&mut tags, tag);
        }
        let tags = tags.ok_or(cause)?;
        Ok(Self { tags, timestamp })
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

/// Digits alone and no leading zero: one text for each number, so that no byte can move between a timestamp and what is signed next
/// to it without making the number another one.
fn decimal(value: &[u8]) -> Option<(&str, u64)> {
    let digits = value.iter().all(u8::is_ascii_digit) && value.first() != Some(&b'0');
    let text = std::str::from_utf8(value).ok().filter(|_| digits)?;
    Some((text, text.parse().ok()?))
}

/// The moment that `seconds` after 1970 is, if it is within `tolerance` of `now`.
fn judge(seconds: u64, tolerance: Duration, now: SystemTime) -> Result<SystemTime, RejectionKind> {
    let signed_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).ok_or(RejectionKind::TimestampTooNew)?;
    match now.duration_since(signed_at) {
        Ok(age) if age > tolerance => Err(RejectionKind::TimestampTooOld),
        Err(ahead) if ahead.duration() > tolerance => Err(RejectionKind::TimestampTooNew),
        Ok(_) | Err(_) => Ok(signed_at),
    }
}

fn id(value: &[u8]) -> Option<&str> {
    let whole = !value.is_empty() && value.len() <= LONGEST_ID && value.iter().all(|byte| is_id_byte(*byte));
    std::str::from_utf8(value).ok().filter(|_| whole)
}
