use std::time::Duration;

use crate::scheme::layout::{Grammar, Headers, Timestamp, TimestampSource};
use crate::scheme::{Scheme, is_id_byte};

use crate::scheme::part::Part;
use crate::scheme::timestamp::TimestampFormat;

/// A year. Providers tolerate minutes.
pub(crate) const MAX_TOLERANCE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The longest header name of a scheme, in bytes.
const MAX_NAME: usize = 128;

impl Scheme {
    /// Returns the first fault of the description, if the description cannot work.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        self.fault_of_headers().or_else(|| self.fault_of_items()).or_else(|| self.fault_of_parts())
    }

    fn fault_of_headers(&self) -> Option<&'static str> {
        let timestamp = match self.timestamp {
            Some(Timestamp { source: TimestampSource::Header(header), .. }) => Some(header),
            _ => None,
        };
        let beside = self.id_header.into_iter().chain(timestamp);
        let unsigned = [self.unsigned.delivery_id, self.unsigned.event].into_iter().flatten();
        let headers: Vec<_> = self.signature_headers().iter().copied().chain(beside.clone()).collect();
        let mut all = headers.iter().copied().chain(unsigned.clone()).chain(self.also_sends.iter().copied());
        let repeated = |name: &&str| headers.iter().filter(|other| other.eq_ignore_ascii_case(name)).count() > 1;
        let alone = self.list.is_none() && !self.is_signed_around() && matches!(self.headers, Headers::One(_));
        first_fault([
            (self.signature_headers().is_empty(), "the scheme names no header for the signature"),
            (all.any(|name| !is_field_name(name)), "a header name is empty, too long, or holds a forbidden character"),
            (
                headers.iter().any(repeated) || beside.chain(unsigned).any(|name| self.reads(name)),
                "two parts of the scheme use the same header",
            ),
            (self.grammar == Grammar::StaticToken && !alone, "a static token must be alone in one header"),
        ])
    }

    /// Returns the first fault of the items in a signature header.
    fn fault_of_items(&self) -> Option<&'static str> {
        let (separator, names): (_, &[_]) = match self.grammar {
            Grammar::Bare(_) | Grammar::StaticToken => (None, &[]),
            Grammar::Tagged { separator, names } => (Some(separator), names),
        };
        let item = match self.timestamp {
            Some(Timestamp { source: TimestampSource::Item(name), .. }) => Some(name),
            _ => None,
        };
        let (list, named) = (self.list, || names.iter().map(|(name, _)| *name));
        let is_readable = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        let holds_separator = |name: &str| [separator, list].into_iter().flatten().any(|byte| name.as_bytes().contains(&byte));
        let is_in_list = list.is_some() && separator.is_some() && matches!(self.headers, Headers::One(_));
        first_fault([
            (named().chain(item).any(|name| !is_readable(name)), "a name is empty, or not visible ASCII"),
            (named().enumerate().any(|(place, name)| named().take(place).any(|other| other == name)), "two signatures have the same name"),
            (
                [separator, list].into_iter().flatten().any(|byte| !matches!(byte, b' '..=b'~')),
                "a separator is neither visible ASCII nor a space",
            ),
            (list.is_some_and(|byte| self.encoding.uses(byte)), "the separator of items also occurs in signatures"),
            (separator.is_some() && names.is_empty(), "no signature has a name"),
            (named().chain(item).any(holds_separator), "a name holds a separator"),
            (list.is_some() && list == separator, "items and names have the same separator"),
            (item.is_some() && !is_in_list, "the timestamp is an item of a list, but the signatures are not named items of one header"),
            (item.is_some() && list.is_some_and(|byte| self.format().uses(byte)), "the separator of items also occurs in the timestamp"),
            (named().any(|name| Some(name) == item), "timestamp and signature have the same name"),
        ])
    }

    /// Returns the first fault of the signed parts.
    fn fault_of_parts(&self) -> Option<&'static str> {
        let signed = |part| self.prefix.contains(&part) || self.suffix.contains(&part);
        let is_long = |timestamp: Timestamp| timestamp.tolerance > MAX_TOLERANCE;
        first_fault([
            (self.timestamp.is_some() != signed(Part::Timestamp), "a timestamp needs a description and a signed part, or neither"),
            (self.timestamp.is_some_and(is_long), "the tolerance is longer than a year"),
            (self.timestamp_format.is_some() && self.timestamp.is_none(), "the scheme has a timestamp format, but no timestamp"),
            (self.id_header.is_some() != signed(Part::Id), "an id needs a header and a signed part, or neither"),
            (self.key_lengths.0 > self.key_lengths.1, "the shortest key is longer than the longest"),
            (
                self.bytes_could_move(),
                "bytes could move between two signed parts: separate them by a literal that neither an id nor a method can hold",
            ),
        ])
    }

    /// Returns a header shared with `later`, a scheme listed behind this scheme.
    ///
    /// With a shared header, this scheme would decide about deliveries of `later`. A header is
    /// shared if both schemes read the header, or if a sender of `later` sends a header of this
    /// scheme as well.
    pub(crate) fn shared_header(&self, later: &Self) -> Option<&'static str> {
        let both = later.signature_headers().iter().chain(later.also_sends).find(|name| self.reads(name));
        both.or_else(|| self.signature_headers().iter().find(|name| later.reads(name))).copied()
    }

    /// Returns whether this scheme reads a signature from a header of this name.
    fn reads(&self, name: &str) -> bool {
        self.signature_headers().iter().any(|header| match self.headers {
            Headers::Numbered(_) => name
                .split_at_checked(header.len())
                .is_some_and(|(start, number)| start.eq_ignore_ascii_case(header) && number.bytes().all(|byte| byte.is_ascii_digit())),
            _ => header.eq_ignore_ascii_case(name),
        })
    }

    fn is_signed_around(&self) -> bool {
        !self.prefix.is_empty() || !self.suffix.is_empty()
    }

    /// Returns whether bytes could move between two signed parts. The same signed text would then
    /// mean another id, method or timestamp and another body.
    ///
    /// - An id needs a literal between itself and each neighbour. The literal must contain a
    ///   character outside the alphabet of ids. An id in front of an RFC 3339 timestamp needs no
    ///   literal: no id contains a colon, and the first colon of the timestamp follows exactly
    ///   thirteen characters.
    /// - A method consists of upper-case letters and needs a literal with another character. A
    ///   method in front of a URL needs no literal: a URL begins with a lower-case letter.
    /// - A timestamp may touch the body. A decimal digit more or less, at either end, moves the
    ///   time by decades from any clock after 2001. [`MAX_TOLERANCE`] is a year. While a clock
    ///   is before 2001, every timestamp is rejected, unless the caller gives the time. In
    ///   RFC 3339, no text is the beginning or the end of another text.
    /// - A URL is configured by the receiver, so a URL counts as a literal. If the request supplies
    ///   the end of the URL, [`base_fault`](Self::base_fault) applies.
    fn bytes_could_move(&self) -> bool {
        // The last movable part so far. The flags tell if the literals since that part separate an
        // id or a method from the next part.
        let mut left: Option<Movable> = None;
        let (mut separates_id, mut separates_method) = (false, false);
        for part in self.around_body() {
            let right = match part {
                SignedPiece::Part(Part::Literal(text)) => {
                    separates_id |= text.bytes().any(|byte| !is_id_byte(byte));
                    separates_method |= text.bytes().any(|byte| !byte.is_ascii_uppercase());
                    continue;
                }
                SignedPiece::Part(Part::Url) => {
                    (separates_id, separates_method) = (true, true);
                    continue;
                }
                SignedPiece::Part(Part::Timestamp) => Movable::Timestamp,
                SignedPiece::Part(Part::Id) => Movable::Id,
                SignedPiece::Part(Part::Method) => Movable::Method,
                SignedPiece::Body => Movable::Body,
            };
            let rfc3339 = self.format() == TimestampFormat::Rfc3339;
            let is_separated = match (left, right) {
                (Some(Movable::Id), Movable::Timestamp) if rfc3339 => true,
                (Some(left), right) if left == Movable::Id || right == Movable::Id => separates_id,
                (Some(left), right) if left == Movable::Method || right == Movable::Method => separates_method,
                _ => true,
            };
            if !is_separated {
                return true;
            }
            left = Some(right);
            (separates_id, separates_method) = (false, false);
        }
        false
    }

    /// Returns a fault if the end of the URL cannot come from the request.
    ///
    /// Bytes could move between the URL and the body in such a scheme. Two rules prevent a move:
    ///
    /// - A literal must follow the URL, unless the URL is the last part. The literal must begin
    ///   with a character outside the alphabet of URLs.
    /// - A URL behind the body must follow a literal. The literal must end with such a character.
    pub(crate) fn base_fault(&self) -> Option<&'static str> {
        let closes_url = |text: &str| text.bytes().next().is_some_and(|byte| !is_url_byte(byte));
        let opens_url = |text: &str| text.bytes().last().is_some_and(|byte| !is_url_byte(byte));
        let parts: Vec<_> = self.around_body().collect();
        for (place, _) in parts.iter().enumerate().filter(|(_, part)| **part == SignedPiece::Part(Part::Url)) {
            let next = place.checked_add(1).and_then(|next| parts.get(next));
            let previous = place.checked_sub(1).and_then(|previous| parts.get(previous));
            let closed = match next {
                None => true,
                Some(SignedPiece::Part(Part::Literal(text))) => closes_url(text),
                Some(_) => false,
            };
            let after_body = parts.iter().take(place).any(|part| *part == SignedPiece::Body);
            let opened = matches!(previous, Some(SignedPiece::Part(Part::Literal(text))) if opens_url(text));
            if !closed || (after_body && !opened) {
                return Some("the scheme signs the URL directly beside other text: call `.url(…)` instead of `.base_url(…)`");
            }
        }
        None
    }

    fn around_body(&self) -> impl Iterator<Item = SignedPiece> {
        let prefix = self.prefix.iter().copied().map(SignedPiece::Part);
        prefix.chain([SignedPiece::Body]).chain(self.suffix.iter().copied().map(SignedPiece::Part))
    }
}

/// Returns the text of the first fault present.
fn first_fault<const COUNT: usize>(faults: [(bool, &'static str); COUNT]) -> Option<&'static str> {
    faults.into_iter().find_map(|(is_there, fault)| is_there.then_some(fault))
}

/// One piece of the signed text.
#[derive(Clone, Copy, PartialEq)]
enum SignedPiece {
    Part(Part),
    Body,
}

/// A piece of the signed text with a length chosen by the sender.
#[derive(Clone, Copy, PartialEq)]
enum Movable {
    Timestamp,
    Id,
    Method,
    Body,
}

/// Returns whether the byte is a URL character (RFC 3986 §2). A signed request target may contain
/// no other characters.
pub(crate) const fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'#' | b'[' | b']' | b'@' | b'%')
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=')
}

/// Returns whether the text is a token (RFC 9110 §5.6.2), the syntax of a field name.
fn is_field_name(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::Algorithm;
    use crate::providers;
    use crate::scheme::encoding::Encoding;

    const MINUTE: Duration = Duration::from_secs(60);
    const SOUND: Scheme = Scheme::new("sound", "X-Signature").tagged(b'=', &[("v1", Algorithm::Sha256)]);

    const TIMESTAMP: &[Part] = &[Part::Timestamp];

    const fn listed_rfc3339(list: u8) -> Scheme {
        SOUND.list(list).prefix(TIMESTAMP).timestamp_item("t", MINUTE).timestamp_format(TimestampFormat::Rfc3339)
    }

    const SOUND_SCHEMES: &[Scheme] = &[
        SOUND,
        SOUND.list(b',').prefix(TIMESTAMP).timestamp_item("t", MINUTE),
        SOUND.suffix(TIMESTAMP).timestamp_header("X-Time", MINUTE),
        SOUND.prefix(TIMESTAMP).timestamp_header("X-Time", MAX_TOLERANCE),
        SOUND.prefix(&[Part::Id, Part::Literal(".")]).id_header("X-Id"),
        SOUND.suffix(&[Part::Literal("id:"), Part::Id]).id_header("X-Id"),
        SOUND.prefix(&[Part::Id, Part::Literal("a"), Part::Literal(".b")]).id_header("X-Id"),
        SOUND.encoding(Encoding::Base64).list(b' '),
        SOUND.any_of_headers(&["X-A", "X-B"]),
        SOUND.any_of_headers(&["X-A", "X-B", "X-C", "X-D", "X-E", "X-F", "X-G", "X-H", "X-I"]),
        SOUND.numbered_headers("X-S-").unauthenticated_event_header("X-S-Event"),
        SOUND.prefix(TIMESTAMP).timestamp_format(TimestampFormat::Milliseconds).timestamp_header("X-Time", MINUTE),
        SOUND.prefix(&[Part::Method, Part::Url]),
        SOUND.prefix(&[Part::Method, Part::Literal("\n")]),
        SOUND.prefix(&[Part::Url]).suffix(&[Part::Url]),
        Scheme::insecure_static_token("x", "X-Token"),
        rfc3339(&[Part::Id, Part::Timestamp]),
        rfc3339(&[Part::Timestamp]),
        listed_rfc3339(b','),
    ];

    /// Faulty schemes, by their fault.
    const FAULTY_SCHEMES: &[(&str, &[Scheme])] = &[
        ("the scheme names no header for the signature", &[SOUND.any_of_headers(&[])]),
        (
            "a header name is empty, too long, or holds a forbidden character",
            &[
                Scheme::new("x", ""),
                Scheme::new("x", "X Signature"),
                SOUND.prefix(TIMESTAMP).timestamp_header("", MINUTE),
                SOUND.any_of_headers(&["X-A", "X B"]),
                SOUND.numbered_headers(""),
                SOUND.unauthenticated_event_header("X Event"),
                SOUND.unauthenticated_delivery_id_header(""),
                SOUND.also_sends(&["X Other"]),
                Scheme::new("x", LONG).bare(Algorithm::Sha256),
            ],
        ),
        (
            "two parts of the scheme use the same header",
            &[
                SOUND.any_of_headers(&["X-A", "X-B", "x-a"]),
                SOUND
                    .prefix(&[Part::Timestamp, Part::Literal("."), Part::Id, Part::Literal(".")])
                    .timestamp_header("X-T", MINUTE)
                    .id_header("X-T"),
                SOUND.prefix(TIMESTAMP).timestamp_header("x-signature", MINUTE),
                SOUND.prefix(&[Part::Id, Part::Literal(".")]).id_header("X-SIGNATURE"),
                SOUND.any_of_headers(&["X-A", "x-a"]),
                SOUND.unauthenticated_delivery_id_header("x-signature"),
                Scheme::insecure_static_token("x", "X-Token").unauthenticated_event_header("X-Token"),
                SOUND.numbered_headers("X-S-").unauthenticated_event_header("x-s-7"),
                SOUND.numbered_headers("X-S-").prefix(&[Part::Id, Part::Literal(".")]).id_header("X-S-2"),
            ],
        ),
        (
            "a static token must be alone in one header",
            &[
                Scheme::insecure_static_token("x", "X-Token").numbered_headers("X-Token-"),
                Scheme::insecure_static_token("x", "X-Token").list(b','),
                Scheme::insecure_static_token("x", "X-Token").prefix(&[Part::Literal("a")]),
                Scheme::insecure_static_token("x", "X-Token").any_of_headers(&["X-A", "X-B"]),
            ],
        ),
        (
            "a name is empty, or not visible ASCII",
            &[
                SOUND.tagged(b'=', &[("", Algorithm::Sha256)]),
                SOUND.tagged(b'=', &[("é", Algorithm::Sha256)]),
                SOUND.tagged(b'=', &[(" v1", Algorithm::Sha256)]).list(b','),
            ],
        ),
        (
            "two signatures have the same name",
            &[SOUND.tagged(b'=', &[("v1", Algorithm::Sha256), ("v2", Algorithm::Sha256), ("v1", Algorithm::Sha512)])],
        ),
        (
            "a separator is neither visible ASCII nor a space",
            &[
                SOUND.tagged(0xe9, &[("v1", Algorithm::Sha256)]),
                SOUND.list(0x80),
                SOUND.tagged(b'\n', &[("v1", Algorithm::Sha256)]),
                SOUND.list(0),
            ],
        ),
        (
            "the separator of items also occurs in signatures",
            &[
                SOUND.list(b'a'),
                SOUND.list(b'F'),
                SOUND.list(b'0'),
                SOUND.encoding(Encoding::Base64).tagged(b':', &[("v1", Algorithm::Sha256)]).list(b'='),
                SOUND.encoding(Encoding::Base64).list(b'+'),
                SOUND.encoding(Encoding::Base64Url).list(b'-'),
            ],
        ),
        ("no signature has a name", &[SOUND.tagged(b'=', &[])]),
        (
            "a name holds a separator",
            &[
                SOUND.tagged(b'=', &[("v=1", Algorithm::Sha256)]),
                SOUND.list(b'v'),
                SOUND.list(b',').prefix(TIMESTAMP).timestamp_item("t,", MINUTE),
            ],
        ),
        ("items and names have the same separator", &[SOUND.list(b'=')]),
        (
            "the timestamp is an item of a list, but the signatures are not named items of one header",
            &[
                SOUND.prefix(TIMESTAMP).timestamp_item("t", MINUTE),
                SOUND.bare(Algorithm::Sha256).list(b',').prefix(TIMESTAMP).timestamp_item("t", MINUTE),
                SOUND.any_of_headers(&["X-A", "X-B"]).list(b',').prefix(TIMESTAMP).timestamp_item("t", MINUTE),
            ],
        ),
        (
            "the separator of items also occurs in the timestamp",
            &[
                listed_rfc3339(b':'),
                listed_rfc3339(b'-'),
                listed_rfc3339(b'.'),
                listed_rfc3339(b'+'),
                listed_rfc3339(b'T'),
                listed_rfc3339(b'Z'),
            ],
        ),
        ("timestamp and signature have the same name", &[SOUND.list(b',').prefix(TIMESTAMP).timestamp_item("v1", MINUTE)]),
        (
            "a timestamp needs a description and a signed part, or neither",
            &[
                SOUND.prefix(TIMESTAMP),
                SOUND.timestamp_header("X-Time", MINUTE),
                Scheme::insecure_static_token("x", "X-Token").timestamp_header("X-Time", MINUTE),
            ],
        ),
        (
            "the tolerance is longer than a year",
            &[
                SOUND.prefix(TIMESTAMP).timestamp_header("X-Time", MAX_TOLERANCE.saturating_add(Duration::from_nanos(1))),
                SOUND.prefix(TIMESTAMP).timestamp_header("X-Time", Duration::MAX),
            ],
        ),
        ("the scheme has a timestamp format, but no timestamp", &[SOUND.timestamp_format(TimestampFormat::Milliseconds)]),
        (
            "an id needs a header and a signed part, or neither",
            &[SOUND.suffix(&[Part::Id]), SOUND.id_header("X-Id"), Scheme::insecure_static_token("x", "X-Token").id_header("X-Id")],
        ),
        ("the shortest key is longer than the longest", &[SOUND.key_lengths(2, 1)]),
        (
            "bytes could move between two signed parts: separate them by a literal that neither an id nor a method can hold",
            &[
                SOUND.prefix(&[Part::Id]).id_header("X-Id"),
                SOUND.suffix(&[Part::Id]).id_header("X-Id"),
                SOUND.prefix(&[Part::Id, Part::Literal("x-1")]).id_header("X-Id"),
                SOUND.prefix(&[Part::Id, Part::Literal("+/=")]).id_header("X-Id"),
                SOUND.prefix(&[Part::Id, Part::Literal("")]).id_header("X-Id"),
                SOUND.prefix(&[Part::Id, Part::Timestamp, Part::Literal(".")]).id_header("X-Id").timestamp_header("X-Time", MINUTE),
                SOUND.prefix(&[Part::Timestamp, Part::Id, Part::Literal(".")]).id_header("X-Id").timestamp_header("X-Time", MINUTE),
                SOUND.prefix(&[Part::Id, Part::Literal("a"), Part::Literal("b")]).id_header("X-Id"),
                SOUND.prefix(&[Part::Method]),
                SOUND.suffix(&[Part::Method]),
                SOUND.prefix(&[Part::Method, Part::Literal("AZ")]),
                SOUND.prefix(&[Part::Id, Part::Method, Part::Literal(".")]).id_header("X-Id"),
                SOUND.prefix(&[Part::Method, Part::Timestamp]).timestamp_header("X-Time", MINUTE),
                // Only an id in front of an RFC 3339 timestamp needs no separating literal.
                rfc3339(&[Part::Timestamp, Part::Id, Part::Literal(".")]),
                rfc3339(&[Part::Id, Part::Literal("a"), Part::Timestamp, Part::Literal("b"), Part::Id]),
            ],
        ),
    ];

    #[test]
    fn faulty_schemes_are_rejected_and_sound_schemes_accepted() {
        for (fault, schemes) in FAULTY_SCHEMES {
            for (place, scheme) in schemes.iter().enumerate() {
                assert_eq!(scheme.fault(), Some(*fault), "{place}");
            }
        }
        for (place, scheme) in SOUND_SCHEMES.iter().chain(providers::ALL).enumerate() {
            assert_eq!(scheme.fault(), None, "{place}");
        }
    }

    const LONG: &str = match std::str::from_utf8(&[b'x'; MAX_NAME + 1]) {
        Ok(text) => text,
        Err(_) => "",
    };

    const fn rfc3339(prefix: &'static [Part]) -> Scheme {
        let scheme = SOUND.prefix(prefix).timestamp_header("X-Time", MINUTE).timestamp_format(TimestampFormat::Rfc3339);
        if prefix.len() > 1 { scheme.id_header("X-Id") } else { scheme }
    }

    #[test]
    fn base_url_requires_a_delimiter_beside_the_signed_url() {
        const LINE: Part = Part::Literal("\n");
        let closed: [Scheme; 4] = [
            SOUND.prefix(&[Part::Url, LINE]),
            SOUND.prefix(&[Part::Method, LINE, Part::Url, Part::Literal("\n.")]),
            SOUND.suffix(&[LINE, Part::Url]),
            SOUND.suffix(&[Part::Literal("{"), Part::Url, LINE]),
        ];
        for (place, scheme) in closed.iter().enumerate() {
            assert_eq!(scheme.base_fault(), None, "{place}");
        }
        let open: [Scheme; 6] = [
            SOUND.prefix(&[Part::Url]),
            SOUND.prefix(&[Part::Url, Part::Literal(".")]),
            SOUND.prefix(&[Part::Url, Part::Literal(".\n")]),
            SOUND.suffix(&[Part::Url]),
            SOUND.suffix(&[Part::Literal("\n."), Part::Url]),
            SOUND.prefix(&[Part::Url, Part::Timestamp, LINE]).timestamp_header("X-Time", MINUTE),
        ];
        for (place, scheme) in open.iter().enumerate() {
            assert!(scheme.base_fault().is_some(), "{place}");
        }
    }
}
