use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use crate::crypto::one_or_more::OneOrMore;
use crate::crypto::tag::Tag;
use crate::request::head::{Head, Values};
use crate::scheme::encoding::Undecodable;
use crate::scheme::part::Part;
use crate::scheme::url::Url;
use crate::scheme::{Grammar, Headers, Scheme, Timestamp, TimestampSource, is_id_byte};
use crate::verdict::rejection::RejectionKind;
use crate::verifier::config::Settings;

/// Candidates for a signature that are looked at in one delivery. Senders put one there for each key, of which they have two while changing it.
pub(crate) const MOST_CANDIDATES: usize = 16;

/// Characters of a signed id.
const LONGEST_ID: usize = 256;

/// 2001-09-09, when the seconds since 1970 became ten digits: no clock that is set says less. One that is not set would believe a timestamp
/// whose digits have been moved into the body, so nothing is believed by it.
const EARLIEST_CLOCK: Duration = Duration::from_secs(1_000_000_000);

/// All that a head says about its signature, parsed and found to be in order. What is left to judge is whether it matches.
pub(crate) struct SignedHead<'h> {
    pub(crate) credential: Credential<'h>,
    pub(crate) envelope: Envelope<'h>,
}

/// What a head says that may be signed with the body.
pub(crate) struct Envelope<'h> {
    pub(crate) signed_at: Option<SystemTime>,
    pub(crate) id: Option<&'h str>,
    timestamp: Option<&'h str>,
    method: &'h str,
    /// In two pieces, the first the receiver's own.
    url: (&'h str, &'h str),
}

/// With what a delivery shows that it is genuine.
pub(crate) enum Credential<'h> {
    /// Of accepted algorithms only.
    Tags(OneOrMore<Tag>),
    Token(&'h [u8]),
}

impl<'h> SignedHead<'h> {
    pub(crate) fn read(settings: &'h Settings, head: &'h dyn Head, now: Option<SystemTime>) -> Result<Self, RejectionKind> {
        let scheme = &settings.scheme;
        let (credential, item) = if scheme.grammar == Grammar::StaticToken {
            (Credential::Token(token(head, scheme.header())?), None)
        } else {
            let mut signatures = Signatures::new(settings);
            signatures.read_headers(head)?;
            let Signatures { tags, malformed, unaccepted, timestamp, .. } = signatures;
            (Credential::Tags(tags.ok_or(malformed.unwrap_or(unaccepted))?), timestamp)
        };
        let timestamp = match scheme.timestamp {
            None => None,
            Some(Timestamp { source, .. }) => {
                let value = match source {
                    TimestampSource::Item(_) => item.ok_or(RejectionKind::MissingTimestamp)?,
                    TimestampSource::Header(name) => match Values::of(head, name) {
                        Values::None => return Err(RejectionKind::MissingTimestamp),
                        Values::One(value) => value,
                        Values::Several => return Err(RejectionKind::MalformedTimestamp),
                    },
                };
                let text = std::str::from_utf8(value).map_err(|_| RejectionKind::MalformedTimestamp)?;
                let since_1970 = scheme.format().parse(text).ok_or(RejectionKind::MalformedTimestamp)?;
                // The clock is read only by the schemes that need it.
                let now = match now {
                    Some(now) => now,
                    None => set_clock(SystemTime::now())?,
                };
                Some((text, judge(since_1970, settings.tolerance, now)?))
            }
        };
        let id = match scheme.id_header.map(|name| Values::of(head, name)) {
            None => None,
            Some(Values::None) => return Err(RejectionKind::MissingId),
            Some(Values::One(value)) => Some(id(value).ok_or(RejectionKind::MalformedId)?),
            Some(Values::Several) => return Err(RejectionKind::MalformedId),
        };
        let method = head.method();
        if settings.signs_method && (method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase())) {
            return Err(RejectionKind::MalformedMethod);
        }
        let url = match &settings.url {
            None => ("", ""),
            Some(Url::Whole(url)) => (&**url, ""),
            Some(Url::Base(base)) => (&**base, Url::target(head.original_target()).ok_or(RejectionKind::MalformedTarget)?),
        };
        let (timestamp, signed_at) = timestamp.unzip();
        Ok(Self { credential, envelope: Envelope { signed_at, id, timestamp, method, url } })
    }
}

impl Envelope<'_> {
    /// Hands the signed text that `parts` stand for to `feed`, piece by piece.
    pub(crate) fn feed(&self, parts: &'static [Part], mut feed: impl FnMut(&[u8])) {
        for part in parts {
            match part {
                Part::Literal(text) => feed(text.as_bytes()),
                Part::Timestamp => feed(self.timestamp.unwrap_or_default().as_bytes()),
                Part::Id => feed(self.id.unwrap_or_default().as_bytes()),
                Part::Method => feed(self.method.as_bytes()),
                Part::Url => {
                    feed(self.url.0.as_bytes());
                    feed(self.url.1.as_bytes());
                }
            }
        }
    }
}

/// Whether there is a header of this scheme's signatures, be it empty.
pub(crate) fn is_present(scheme: &Scheme, head: &dyn Head) -> bool {
    let present = |name: &str| !matches!(Values::of(head, name), Values::None);
    match scheme.headers {
        Headers::One(name) => present(name),
        Headers::AnyOf(names) => names.iter().any(|name| present(name)),
        Headers::Numbered(name) => (1..=MOST_CANDIDATES).any(|number| present(&format!("{name}{number}"))),
    }
}

fn token<'h>(head: &'h dyn Head, name: &str) -> Result<&'h [u8], RejectionKind> {
    match Values::of(head, name) {
        Values::None | Values::One([]) => Err(RejectionKind::MissingSignature),
        Values::One(value) => Ok(value),
        Values::Several => Err(RejectionKind::DuplicateSignature),
    }
}

/// What the signature headers hold.
///
/// A candidate is an item that names an accepted algorithm, or an item that cannot be parsed.
struct Signatures<'h> {
    settings: &'h Settings,
    tags: Option<OneOrMore<Tag>>,
    /// The candidates so far, malformed ones among them.
    candidates: usize,
    /// The cause of the first malformed candidate, for the case that no candidate is well formed.
    malformed: Option<RejectionKind>,
    /// The cause for the case that there is no candidate at all.
    unaccepted: RejectionKind,
    timestamp: Option<&'h [u8]>,
}

impl<'h> Signatures<'h> {
    const fn new(settings: &'h Settings) -> Self {
        Self { settings, tags: None, candidates: 0, malformed: None, unaccepted: RejectionKind::UnknownMethod, timestamp: None }
    }

    fn read_headers(&mut self, head: &'h dyn Head) -> Result<(), RejectionKind> {
        let headers = self.settings.scheme.headers;
        let mut missing = true;
        // Whether there is such a header, be it empty.
        let mut read = |name: &str| match Values::of(head, name) {
            Values::None => Ok(false),
            Values::One([]) => Ok(true),
            Values::One(value) => {
                missing = false;
                self.read(value).map(|()| true)
            }
            Values::Several => Err(RejectionKind::DuplicateSignature),
        };
        match headers {
            Headers::One(name) => drop(read(name)?),
            Headers::AnyOf(names) => {
                for name in names {
                    read(name)?;
                }
            }
            Headers::Numbered(prefix) => {
                let mut name = String::from(prefix);
                // One more than is looked at, to be refused for it.
                for number in 1..=MOST_CANDIDATES.saturating_add(1) {
                    name.truncate(prefix.len());
                    // Writing to a `String` does not fail.
                    let _ = write!(name, "{number}");
                    if !read(&name)? {
                        break;
                    }
                }
            }
        }
        if missing { Err(RejectionKind::MissingSignature) } else { Ok(()) }
    }

    /// Reads the value of one header.
    fn read(&mut self, value: &'h [u8]) -> Result<(), RejectionKind> {
        match self.settings.scheme.list {
            None => self.read_item(value),
            Some(list) => value.split(|byte| *byte == list).try_for_each(|item| self.read_item(without_leading_spaces(item))),
        }
    }

    /// Reads one of the items that a value is a list of, or the only one.
    ///
    /// A malformed candidate is one that does not match, and not a fault of the whole: a sender may put a signature of another kind beside
    /// the right one, as Stripe's own library accepts it.
    fn read_item(&mut self, item: &'h [u8]) -> Result<(), RejectionKind> {
        if !item.is_ascii() {
            return self.add_malformed(RejectionKind::NonAsciiSignature);
        }
        let Settings { scheme, accepted, .. } = self.settings;
        let (algorithm, text) = match scheme.grammar {
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
            self.unaccepted = RejectionKind::MethodNotAllowed;
            return Ok(());
        }
        if text.len() != scheme.encoding.text_len(algorithm.tag_len()) {
            return self.add_malformed(RejectionKind::TagLength);
        }
        match Tag::decode(algorithm, scheme.encoding, text) {
            Ok(tag) => {
                self.count()?;
                OneOrMore::push_onto(&mut self.tags, tag);
                Ok(())
            }
            Err(Undecodable) => self.add_malformed(RejectionKind::TagEncoding),
        }
    }

    fn add_malformed(&mut self, cause: RejectionKind) -> Result<(), RejectionKind> {
        self.count()?;
        self.malformed.get_or_insert(cause);
        Ok(())
    }

    /// Counts one more candidate, if there may be one more.
    const fn count(&mut self) -> Result<(), RejectionKind> {
        if self.candidates >= MOST_CANDIDATES {
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

/// What this machine's clock says, if it can have been set at all.
fn set_clock(now: SystemTime) -> Result<SystemTime, RejectionKind> {
    let set = now.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since_1970| since_1970 >= EARLIEST_CLOCK);
    if set { Ok(now) } else { Err(RejectionKind::TimestampTooNew) }
}

/// The moment so long after 1970, if it is within `tolerance` of `now`.
fn judge(since_1970: Duration, tolerance: Duration, now: SystemTime) -> Result<SystemTime, RejectionKind> {
    let signed_at = SystemTime::UNIX_EPOCH.checked_add(since_1970).ok_or(RejectionKind::TimestampTooNew)?;
    match now.duration_since(signed_at) {
        Ok(age) if age > tolerance => Err(RejectionKind::TimestampTooOld),
        Err(ahead) if ahead.duration() > tolerance => Err(RejectionKind::TimestampTooNew),
        Ok(_) | Err(_) => Ok(signed_at),
    }
}

/// What an unsigned header says, if it is there once and fit to be shown: visible ASCII, and no longer than an id.
pub(crate) fn label<'h>(head: &'h dyn Head, name: &str) -> Option<&'h str> {
    match Values::of(head, name) {
        Values::One(value) if value.len() <= LONGEST_ID && value.iter().all(u8::is_ascii_graphic) => {
            std::str::from_utf8(value).ok().filter(|text| !text.is_empty())
        }
        _ => None,
    }
}

fn id(value: &[u8]) -> Option<&str> {
    let whole = !value.is_empty() && value.len() <= LONGEST_ID && value.iter().all(|byte| is_id_byte(*byte));
    std::str::from_utf8(value).ok().filter(|_| whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_not_believed() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for never_set in [at(0), at(60), at(999_999_999), at(0) - Duration::from_secs(60)] {
            assert_eq!(set_clock(never_set), Err(RejectionKind::TimestampTooNew));
        }
        for set in [at(1_000_000_000), at(1_795_541_400), at(1 << 40)] {
            assert_eq!(set_clock(set), Ok(set));
        }
    }
}
