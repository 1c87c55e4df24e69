use std::cmp::Ordering;
use std::time::{Duration, SystemTime};

use crate::crypto::candidates::Candidates;
use crate::request::clock::Clock;
use crate::request::head::RequestHead;
use crate::request::header_index::{HeaderIndex, HeaderValues};
use crate::scheme::Scheme;
use crate::scheme::layout::{Grammar, Headers, TimestampSource};
use crate::scheme::part::Part;
use crate::scheme::url::Url;
use crate::verdict::metadata::Metadata;
use crate::verdict::rejection_kind::RejectionKind;
use crate::verifier::plan::Plan;
use crate::verifier::policy::Policy;
use crate::verifier::signatures::{MAX_CANDIDATES, SignatureReader};

/// The maximum length of an id or an event in bytes. A longer signed id is malformed. A longer
/// unsigned value is not reported.
const MAX_VALUE: usize = 256;

/// 2001-09-09. Since then, the seconds since 1970 have ten digits. With fewer digits, the last
/// digits of a timestamp could have moved into the body. A clock before this day was never set, so
/// no timestamp is accepted. A time given by the caller is exempt: the timestamp of a published
/// HubSpot value is in 1970.
const EARLIEST_CLOCK: Duration = Duration::from_secs(1_000_000_000);

/// The signed parts of a head beside the signatures, and the static token. Each part is well
/// formed, or empty if the scheme does not have the part.
pub(crate) struct SignedParts<'h> {
    pub(crate) signed_at: Option<SystemTime>,
    pub(crate) id: &'h [u8],
    /// Only for a scheme without signatures.
    pub(crate) token: &'h [u8],
    pub(crate) timestamp: &'h [u8],
    pub(crate) method: &'h str,
    pub(crate) target: &'h str,
}

impl Scheme {
    /// Returns the **unverified** timestamp of the head.
    ///
    /// The value may not even have the scheme's
    /// [`TimestampFormat`](crate::scheme::TimestampFormat). Returns `None` if the scheme signs no
    /// timestamp, or if the header field is absent or repeated. Of several timestamps in a list of
    /// signatures, returns the first. The verifier rejects such a list.
    #[must_use]
    pub fn unverified_timestamp<'h>(&self, head: &'h dyn RequestHead) -> Option<&'h [u8]> {
        let one = |name| match HeaderValues::of(head, name) {
            HeaderValues::One(value) => Some(value),
            HeaderValues::None | HeaderValues::Several => None,
        };
        match (self.timestamp?.source, self.grammar, self.list) {
            (TimestampSource::Header(name), ..) => one(name),
            (TimestampSource::Item(name), Grammar::Tagged { separator, .. }, Some(list_separator)) => {
                let items = one(self.header())?.split(move |byte| *byte == list_separator).map(<[u8]>::trim_ascii);
                let mut values = items.filter_map(|item| item.strip_prefix(name.as_bytes())?.strip_prefix(&[separator]));
                values.next()
            }
            _ => None,
        }
    }
}

impl<'h> SignedParts<'h> {
    pub(crate) const NONE: Self = Self { signed_at: None, id: &[], token: &[], timestamp: &[], method: "", target: "" };

    /// Parses everything in the head about the signature, into [`NONE`](Self::NONE). After success,
    /// the remaining question is whether a candidate matches.
    #[inline(always)]
    pub(crate) fn read(
        &mut self,
        policy: &Policy,
        head: &'h dyn RequestHead,
        index: &HeaderIndex<'_, 'h>,
        candidates: &mut Candidates,
        clock: &mut Clock,
    ) -> Result<(), RejectionKind> {
        let Policy { scheme, plan, .. } = policy;
        let mut listed_timestamp = None;
        if scheme.grammar == Grammar::StaticToken {
            self.token = token(&index.get(0))?;
        } else if !plan.read_usual(index, candidates) {
            listed_timestamp = SignatureReader::new(policy, candidates).read(head, index)?;
        }
        if scheme.timestamp.is_some() {
            self.timestamp = match plan.timestamp.map(|place| index.get(place)) {
                // The scheme has no header for the timestamp.
                None => listed_timestamp.ok_or(RejectionKind::MissingTimestamp)?,
                Some(HeaderValues::None) => return Err(RejectionKind::MissingTimestamp),
                Some(HeaderValues::One(value)) => value,
                Some(HeaderValues::Several) => return Err(RejectionKind::MalformedTimestamp),
            };
            let since_1970 = scheme.format().parse(self.timestamp).ok_or(RejectionKind::MalformedTimestamp)?;
            self.signed_at = Some(freshness(since_1970, policy.tolerance, clock)?);
        }
        if let Some(place) = plan.id {
            self.id = match index.get(place) {
                HeaderValues::None => return Err(RejectionKind::MissingId),
                HeaderValues::One(value) if is_id(value) => value,
                HeaderValues::One(_) | HeaderValues::Several => return Err(RejectionKind::MalformedId),
            };
        }
        if policy.signs_method || policy.url.is_some() {
            self.read_request_line(policy, head)?;
        }
        Ok(())
    }

    #[cold]
    fn read_request_line(&mut self, policy: &Policy, head: &'h dyn RequestHead) -> Result<(), RejectionKind> {
        self.method = head.method();
        if policy.signs_method && (self.method.is_empty() || !self.method.bytes().all(|byte| byte.is_ascii_uppercase())) {
            return Err(RejectionKind::MalformedMethod);
        }
        if let Some(Url::Base(_)) = policy.url {
            self.target = Url::target(head.original_target()).ok_or(RejectionKind::MalformedTarget)?;
        }
        Ok(())
    }

    /// Returns the metadata to keep of the head.
    #[inline]
    pub(crate) fn metadata(&self, plan: &Plan, index: &HeaderIndex<'_, '_>) -> Metadata {
        let unsigned = |place: Option<u8>| match place.map(|place| index.get(place)) {
            Some(HeaderValues::One(value)) if value.len() <= MAX_VALUE => value,
            _ => &[],
        };
        Metadata::new(self.signed_at, [self.id, unsigned(plan.delivery_id), unsigned(plan.event)])
    }

    /// Passes the signed text of `parts` to `feed`, piece by piece.
    #[inline]
    pub(crate) fn feed(&self, url: Option<&Url>, parts: &'static [Part], mut feed: impl FnMut(&[u8])) {
        for part in parts {
            let text = match part {
                Part::Literal(text) => text.as_bytes(),
                Part::Timestamp => self.timestamp,
                Part::Id => self.id,
                Part::Method => self.method.as_bytes(),
                Part::Url => match url {
                    Some(Url::Whole(url)) => url.as_bytes(),
                    Some(Url::Base(base)) => {
                        feed(base.as_bytes());
                        self.target.as_bytes()
                    }
                    None => &[],
                },
            };
            feed(text);
        }
    }
}

/// Returns whether the head has a signature header of this scheme, even an empty header.
pub(crate) fn is_present(scheme: &Scheme, head: &dyn RequestHead) -> bool {
    let present = |name: &str| HeaderValues::is_there(head, name);
    match scheme.headers {
        Headers::One(name) => present(name),
        Headers::AnyOf(names) => names.iter().any(|name| present(name)),
        Headers::Numbered(name) => (1..=MAX_CANDIDATES).any(|number| present(&format!("{name}{number}"))),
    }
}

#[cold]
fn token<'h>(values: &HeaderValues<'h>) -> Result<&'h [u8], RejectionKind> {
    match values {
        HeaderValues::None | HeaderValues::One([]) => Err(RejectionKind::MissingSignature),
        HeaderValues::One(value) => Ok(value),
        HeaderValues::Several => Err(RejectionKind::DuplicateSignature),
    }
}

/// Returns the time `since_1970`, if within `tolerance` of the clock.
#[inline]
fn freshness(since_1970: Duration, tolerance: Duration, clock: &mut Clock) -> Result<SystemTime, RejectionKind> {
    let signed_at = SystemTime::UNIX_EPOCH.checked_add(since_1970).ok_or(RejectionKind::TimestampTooNew)?;
    if let Clock::Given(now) = *clock {
        return freshness_at(signed_at, tolerance, now);
    }
    let now = clock.since_1970();
    // No kind says that the clock was never set. For such a clock, every timestamp is in the future.
    if now < EARLIEST_CLOCK {
        return Err(RejectionKind::TimestampTooNew);
    }
    match since_1970.cmp(&now) {
        _ if now.abs_diff(since_1970) <= tolerance => Ok(signed_at),
        Ordering::Less => Err(RejectionKind::TimestampTooOld),
        Ordering::Equal | Ordering::Greater => Err(RejectionKind::TimestampTooNew),
    }
}

/// Compares with a time given by the caller. The time may be before 1970.
#[cold]
fn freshness_at(signed_at: SystemTime, tolerance: Duration, now: SystemTime) -> Result<SystemTime, RejectionKind> {
    match now.duration_since(signed_at) {
        Ok(age) if age > tolerance => Err(RejectionKind::TimestampTooOld),
        Err(ahead) if ahead.duration() > tolerance => Err(RejectionKind::TimestampTooNew),
        Ok(_) | Err(_) => Ok(signed_at),
    }
}

/// Returns whether the length is valid and each byte is in the alphabet of
/// [`is_id_byte`](crate::scheme::is_id_byte). Collects the faults and compares once: the compiler
/// vectorises a loop without a branch.
fn is_id(value: &[u8]) -> bool {
    // Zero for a byte of the alphabet. `/` stands before the digits.
    let fault = |byte: u8| {
        let (digit, letter) = (byte.wrapping_sub(b'/').saturating_sub(10), (byte | 0x20).wrapping_sub(b'a').saturating_sub(25));
        digit.min(letter).min(byte ^ b'_').min(byte ^ b'-').min(byte ^ b'+').min(byte ^ b'=')
    };
    (1..=MAX_VALUE).contains(&value.len()) && value.iter().fold(0, |all, byte| all | fault(*byte)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::is_id_byte;

    #[test]
    fn id_accepts_only_bytes_of_the_alphabet() {
        for byte in 0..=u8::MAX {
            assert_eq!(is_id(&[b'a', byte, b'Z']), is_id_byte(byte), "{byte}");
        }
        assert!(is_id(&[b'x'; 256]) && is_id(b"-") && !is_id(&[b'x'; 257]) && !is_id(b""));
        assert!(!is_id(b"!!") && !is_id(b"a  b"), "two invalid bytes do not cancel out");
    }

    #[test]
    fn unset_clock_rejects_every_timestamp() {
        for (seconds, is_set) in
            [(0, false), (60, false), (999_999_999, false), (1_000_000_000, true), (1_795_541_400, true), (1 << 40, true)]
        {
            let now = Duration::from_secs(seconds);
            let expected = if is_set { Ok(SystemTime::UNIX_EPOCH + now) } else { Err(RejectionKind::TimestampTooNew) };
            assert_eq!(freshness(now, Duration::from_secs(60), &mut Clock::Read(now)), expected, "{seconds}");
            let given = freshness(now, Duration::from_secs(60), &mut Clock::Given(SystemTime::UNIX_EPOCH + now));
            assert_eq!(given, Ok(SystemTime::UNIX_EPOCH + now), "{seconds}");
        }
    }

    #[test]
    fn machine_clock_and_given_time_accept_the_same_timestamps() {
        let (now, tolerance) = (Duration::from_secs(1_795_541_400), Duration::from_secs(300));
        for (signed_at, expected) in [
            (Duration::from_secs(1_795_541_100), None),
            (Duration::new(1_795_541_099, 999_999_999), Some(RejectionKind::TimestampTooOld)),
            (now, None),
            (Duration::from_secs(1_795_541_700), None),
            (Duration::new(1_795_541_700, 1), Some(RejectionKind::TimestampTooNew)),
            (Duration::MAX, Some(RejectionKind::TimestampTooNew)),
        ] {
            for mut clock in [Clock::Read(now), Clock::Given(SystemTime::UNIX_EPOCH + now)] {
                assert_eq!(freshness(signed_at, tolerance, &mut clock).err(), expected, "{signed_at:?}");
            }
        }
    }

    #[test]
    fn distance_to_a_given_time_before_1970_counts_across_1970() {
        let tolerance = Duration::from_secs(300);
        let rejection_at = |seconds| {
            let mut given = Clock::Given(SystemTime::UNIX_EPOCH - Duration::from_secs(290));
            freshness(Duration::from_secs(seconds), tolerance, &mut given).err()
        };
        assert_eq!((rejection_at(10), rejection_at(11)), (None, Some(RejectionKind::TimestampTooNew)));
    }
}
