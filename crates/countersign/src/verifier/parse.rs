use std::time::{Duration, SystemTime};

use crate::crypto::one_or_more::OneOrMore;
use crate::crypto::tag::Tag;
use crate::request::head::{HeaderValues, RequestHead};
use crate::scheme::layout::{Grammar, Headers, Timestamp, TimestampSource};
use crate::scheme::part::Part;
use crate::scheme::url::Url;
use crate::scheme::{Scheme, is_id_byte};
use crate::verdict::rejection_kind::RejectionKind;

use crate::verifier::candidates::{MAX_CANDIDATES, SignatureReader};
use crate::verifier::policy::Policy;

/// Characters of a signed id.
const MAX_ID: usize = 256;

/// 2001-09-09, when the seconds since 1970 became ten digits: no clock that is set says less. One that is not set would believe a timestamp
/// whose digits have been moved into the body, so nothing is believed by it.
const EARLIEST_CLOCK: Duration = Duration::from_secs(1_000_000_000);

/// All that a head says about its signature, parsed and found to be in order. What is left to judge is whether it matches.
pub(crate) struct ParsedHead<'h> {
    pub(crate) credential: Credential<'h>,
    pub(crate) parts: SignedParts<'h>,
}

/// What a head says that may be signed with the body.
pub(crate) struct SignedParts<'h> {
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

impl Scheme {
    /// What the head says of when the delivery was signed, in the scheme's [`TimestampFormat`](crate::scheme::TimestampFormat) or not: **nobody has verified it yet**. `None` if
    /// the scheme signs no timestamp, or it is not there once.
    #[must_use]
    pub fn unverified_timestamp<'h>(&self, head: &'h dyn RequestHead) -> Option<&'h [u8]> {
        let one = |name| match HeaderValues::of(head, name) {
            HeaderValues::One(value) => Some(value),
            HeaderValues::None | HeaderValues::Several => None,
        };
        match (self.timestamp?.source, self.grammar, self.list) {
            (TimestampSource::Header(name), ..) => one(name),
            (TimestampSource::Item(name), Grammar::Tagged { separator, .. }, Some(comma)) => {
                let items = one(self.header())?.split(move |byte| *byte == comma).map(<[u8]>::trim_ascii);
                let mut values = items.filter_map(|item| item.strip_prefix(name.as_bytes())?.strip_prefix(&[separator]));
                values.next()
            }
            _ => None,
        }
    }
}

impl<'h> ParsedHead<'h> {
    pub(crate) fn read(policy: &'h Policy, head: &'h dyn RequestHead, now: Option<SystemTime>) -> Result<Self, RejectionKind> {
        let scheme = &policy.scheme;
        let (credential, item) = if scheme.grammar == Grammar::StaticToken {
            (Credential::Token(token(head, scheme.header())?), None)
        } else {
            let mut signatures = SignatureReader::new(policy);
            signatures.read_headers(head)?;
            let (tags, timestamp) = signatures.finish()?;
            (Credential::Tags(tags), timestamp)
        };
        let timestamp = match scheme.timestamp {
            None => None,
            Some(Timestamp { source, .. }) => {
                let value = match source {
                    TimestampSource::Item(_) => item.ok_or(RejectionKind::MissingTimestamp)?,
                    TimestampSource::Header(name) => match HeaderValues::of(head, name) {
                        HeaderValues::None => return Err(RejectionKind::MissingTimestamp),
                        HeaderValues::One(value) => value,
                        HeaderValues::Several => return Err(RejectionKind::MalformedTimestamp),
                    },
                };
                let text = std::str::from_utf8(value).map_err(|_| RejectionKind::MalformedTimestamp)?;
                let since_1970 = scheme.format().parse(text).ok_or(RejectionKind::MalformedTimestamp)?;
                // The clock is read only by the schemes that need it.
                let now = match now {
                    Some(now) => now,
                    None => plausible_clock(SystemTime::now())?,
                };
                Some((text, freshness(since_1970, policy.tolerance, now)?))
            }
        };
        let id = match scheme.id_header.map(|name| HeaderValues::of(head, name)) {
            None => None,
            Some(HeaderValues::None) => return Err(RejectionKind::MissingId),
            Some(HeaderValues::One(value)) => Some(id(value).ok_or(RejectionKind::MalformedId)?),
            Some(HeaderValues::Several) => return Err(RejectionKind::MalformedId),
        };
        let method = head.method();
        if policy.signs_method && (method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase())) {
            return Err(RejectionKind::MalformedMethod);
        }
        let url = match &policy.url {
            None => ("", ""),
            Some(Url::Whole(url)) => (&**url, ""),
            Some(Url::Base(base)) => (&**base, Url::target(head.original_target()).ok_or(RejectionKind::MalformedTarget)?),
        };
        let (timestamp, signed_at) = timestamp.unzip();
        Ok(Self { credential, parts: SignedParts { signed_at, id, timestamp, method, url } })
    }
}

impl SignedParts<'_> {
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
pub(crate) fn is_present(scheme: &Scheme, head: &dyn RequestHead) -> bool {
    let present = |name: &str| !matches!(HeaderValues::of(head, name), HeaderValues::None);
    match scheme.headers {
        Headers::One(name) => present(name),
        Headers::AnyOf(names) => names.iter().any(|name| present(name)),
        Headers::Numbered(name) => (1..=MAX_CANDIDATES).any(|number| present(&format!("{name}{number}"))),
    }
}

fn token<'h>(head: &'h dyn RequestHead, name: &str) -> Result<&'h [u8], RejectionKind> {
    match HeaderValues::of(head, name) {
        HeaderValues::None | HeaderValues::One([]) => Err(RejectionKind::MissingSignature),
        HeaderValues::One(value) => Ok(value),
        HeaderValues::Several => Err(RejectionKind::DuplicateSignature),
    }
}

/// What this machine's clock says, if it can have been set at all.
fn plausible_clock(now: SystemTime) -> Result<SystemTime, RejectionKind> {
    let set = now.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since_1970| since_1970 >= EARLIEST_CLOCK);
    if set { Ok(now) } else { Err(RejectionKind::TimestampTooNew) }
}

/// The moment so long after 1970, if it is within `tolerance` of `now`.
fn freshness(since_1970: Duration, tolerance: Duration, now: SystemTime) -> Result<SystemTime, RejectionKind> {
    let signed_at = SystemTime::UNIX_EPOCH.checked_add(since_1970).ok_or(RejectionKind::TimestampTooNew)?;
    match now.duration_since(signed_at) {
        Ok(age) if age > tolerance => Err(RejectionKind::TimestampTooOld),
        Err(ahead) if ahead.duration() > tolerance => Err(RejectionKind::TimestampTooNew),
        Ok(_) | Err(_) => Ok(signed_at),
    }
}

/// What an unsigned header says, if it is there once and fit to be shown: visible ASCII, and no longer than an id.
pub(crate) fn label<'h>(head: &'h dyn RequestHead, name: &str) -> Option<&'h str> {
    match HeaderValues::of(head, name) {
        HeaderValues::One(value) if value.len() <= MAX_ID && value.iter().all(u8::is_ascii_graphic) => {
            std::str::from_utf8(value).ok().filter(|text| !text.is_empty())
        }
        _ => None,
    }
}

fn id(value: &[u8]) -> Option<&str> {
    let whole = !value.is_empty() && value.len() <= MAX_ID && value.iter().all(|byte| is_id_byte(*byte));
    std::str::from_utf8(value).ok().filter(|_| whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_not_believed() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for never_set in [at(0), at(60), at(999_999_999), at(0) - Duration::from_secs(60)] {
            assert_eq!(plausible_clock(never_set), Err(RejectionKind::TimestampTooNew));
        }
        for set in [at(1_000_000_000), at(1_795_541_400), at(1 << 40)] {
            assert_eq!(plausible_clock(set), Ok(set));
        }
    }
}
