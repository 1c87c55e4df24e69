use std::fmt;
use std::time::Duration;

use crate::{Algorithm, ConfigError, Encoding, KeyId, Secret};

/// How a sender signs its deliveries: which header, in which grammar, over what.
///
/// The providers that this crate knows are constants of this type in [`providers`](crate::providers). A sender of one's own is a few
/// lines more:
///
/// ```
/// use std::time::Duration;
/// use countersign::{Algorithm, Part, Scheme};
///
/// const BILLING: Scheme = Scheme::new("billing", "X-Billing-Signature")
///     .tagged(b'=', &[("v1", Algorithm::Sha512)])
///     .before(&[Part::Timestamp, Part::Literal(".")])
///     .timestamp_header("X-Billing-Timestamp", Duration::from_secs(300));
/// ```
///
/// A description that cannot work is found by [`build`](crate::VerifierBuilder::build), never by a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    pub(crate) name: &'static str,
    pub(crate) header: &'static str,
    pub(crate) grammar: Grammar,
    pub(crate) list: Option<u8>,
    pub(crate) encoding: Encoding,
    pub(crate) default_algorithms: Option<&'static [Algorithm]>,
    pub(crate) before: &'static [Part],
    pub(crate) after: &'static [Part],
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) id_header: Option<&'static str>,
    pub(crate) secret_form: SecretForm,
    pub(crate) body_limit: usize,
}

/// What stands beside the body in the text that is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// These characters.
    Literal(&'static str),
    /// The timestamp, in exactly the characters in which it came.
    Timestamp,
    /// The delivery id, in exactly the characters in which it came.
    Id,
}

/// What one signature looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// The encoded tag alone.
    Bare(Algorithm),
    /// A name, a separator, the encoded tag. The name is the receiver's key to the algorithm.
    Tagged { separator: u8, names: &'static [(&'static str, Algorithm)] },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timestamp {
    pub(crate) source: TimestampSource,
    pub(crate) tolerance: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimestampSource {
    /// A header of its own.
    Header(&'static str),
    /// An item of the signature header's list, by its name.
    Item(&'static str),
}

/// How the text that the provider shows as the secret becomes the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretForm {
    /// The text's own bytes.
    Verbatim,
    /// The bytes that the base64 text stands for, without this prefix if it is there.
    Base64 { prefix: &'static str },
}

/// A year. Providers tolerate minutes.
const LONGEST_TOLERANCE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Names of WebSub §7.
const METHODS: &[(&str, Algorithm)] =
    &[("sha1", Algorithm::Sha1), ("sha256", Algorithm::Sha256), ("sha384", Algorithm::Sha384), ("sha512", Algorithm::Sha512)];

impl Scheme {
    /// 2 MiB: the limit for senders that document none.
    pub(crate) const DEFAULT_BODY_LIMIT: usize = 2 * 1024 * 1024;

    /// A scheme with the name `name` for logs, whose signature is one HMAC-SHA-256 of the body in hex, alone in the header `header`.
    #[must_use]
    pub const fn new(name: &'static str, header: &'static str) -> Self {
        Self {
            name,
            header,
            grammar: Grammar::Bare(Algorithm::Sha256),
            list: None,
            encoding: Encoding::Hex,
            default_algorithms: None,
            before: &[],
            after: &[],
            timestamp: None,
            id_header: None,
            secret_form: SecretForm::Verbatim,
            body_limit: Self::DEFAULT_BODY_LIMIT,
        }
    }

    /// `method=signature` as WebSub §7 has it, in hex, with the methods `sha1`, `sha256`, `sha384` and `sha512`; of these only
    /// `sha256` is accepted unless the receiver says otherwise.
    #[must_use]
    pub const fn method_signature(name: &'static str, header: &'static str) -> Self {
        Self::new(name, header).tagged(b'=', METHODS).default_algorithms(&[Algorithm::Sha256])
    }

    /// The header holds the encoded tag and nothing else.
    #[must_use]
    pub const fn bare(mut self, algorithm: Algorithm) -> Self {
        self.grammar = Grammar::Bare(algorithm);
        self
    }

    /// The encoded tag stands behind one of these names and `separator`, and the name says by which algorithm it was made. Names are
    /// compared with regard to case; the value is split at the first separator.
    #[must_use]
    pub const fn tagged(mut self, separator: u8, names: &'static [(&'static str, Algorithm)]) -> Self {
        self.grammar = Grammar::Tagged { separator, names };
        self
    }

    /// The header is a list, its items divided by `separator` and optional spaces after it. Items of names that
    /// [`tagged`](Self::tagged) does not list are passed over; of the others one has to match. More than 16 are refused.
    #[must_use]
    pub const fn list(mut self, separator: u8) -> Self {
        self.list = Some(separator);
        self
    }

    /// How the tag is written. [`Encoding::Hex`] unless set.
    #[must_use]
    pub const fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Which of the scheme's algorithms are accepted where the receiver does not say. Unless set, all but SHA-1.
    #[must_use]
    pub const fn default_algorithms(mut self, algorithms: &'static [Algorithm]) -> Self {
        self.default_algorithms = Some(algorithms);
        self
    }

    /// What is signed in front of the body.
    #[must_use]
    pub const fn before(mut self, parts: &'static [Part]) -> Self {
        self.before = parts;
        self
    }

    /// What is signed behind the body.
    #[must_use]
    pub const fn after(mut self, parts: &'static [Part]) -> Self {
        self.after = parts;
        self
    }

    /// When the delivery was signed stands in this header, in whole seconds since 1970. A delivery further than `tolerance` from the
    /// receiver's clock, in the past or in the future, is refused. [`Part::Timestamp`] has to be among the signed parts, and the tolerance
    /// a year at most.
    #[must_use]
    pub const fn timestamp_header(mut self, header: &'static str, tolerance: Duration) -> Self {
        self.timestamp = Some(Timestamp { source: TimestampSource::Header(header), tolerance });
        self
    }

    /// As [`timestamp_header`](Self::timestamp_header), where the timestamp is an item called `name` in the
    /// [`list`](Self::list) of signatures.
    #[must_use]
    pub const fn timestamp_item(mut self, name: &'static str, tolerance: Duration) -> Self {
        self.timestamp = Some(Timestamp { source: TimestampSource::Item(name), tolerance });
        self
    }

    /// The signed delivery id stands in this header: 1 to 256 characters of `A-Z a-z 0-9 _ -`. [`Part::Id`] has to be among the signed
    /// parts, and parted from body, timestamp and other ids by a literal with a character that no id holds, such as a dot: otherwise
    /// bytes could move from one to the other under the same signature.
    #[must_use]
    pub const fn id_header(mut self, header: &'static str) -> Self {
        self.id_header = Some(header);
        self
    }

    /// The provider shows its secret as base64, perhaps behind `prefix`, and signs with the bytes that it stands for.
    #[must_use]
    pub const fn base64_secret(mut self, prefix: &'static str) -> Self {
        self.secret_form = SecretForm::Base64 { prefix };
        self
    }

    /// The largest body in bytes that the provider documents; the default of
    /// [`VerifierBuilder::body_limit`](crate::VerifierBuilder::body_limit). 2 MiB unless set.
    #[must_use]
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// The name for logs and metrics: `jira`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The header that the signature stands in, in the provider's spelling: `X-Hub-Signature`.
    #[must_use]
    pub const fn header(&self) -> &'static str {
        self.header
    }

    /// All algorithms that the scheme has a name for, in the order of the description.
    pub(crate) fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        let (bare, names): (_, &[_]) = match self.grammar {
            Grammar::Bare(algorithm) => (Some(algorithm), &[]),
            Grammar::Tagged { names, .. } => (None, names),
        };
        bare.into_iter().chain(names.iter().map(|(_, algorithm)| *algorithm))
    }

    /// Those that are accepted where the receiver does not say.
    pub(crate) fn accepted_by_default(&self) -> Vec<Algorithm> {
        match self.default_algorithms {
            Some(algorithms) => algorithms.to_vec(),
            None => self.algorithms().filter(|algorithm| *algorithm != Algorithm::Sha1).collect(),
        }
    }

    /// The key that the provider makes of `secret`.
    pub(crate) fn key(&self, secret: &Secret, id: Option<&KeyId>) -> Result<Secret, ConfigError> {
        let key = match self.secret_form {
            SecretForm::Verbatim => secret.clone(),
            SecretForm::Base64 { prefix } => secret.decode_base64(prefix).ok_or_else(|| ConfigError::InvalidSecret { key: id.cloned() })?,
        };
        if key.is_blank() { Err(ConfigError::EmptySecret { key: id.cloned() }) } else { Ok(key) }
    }

    /// Why no delivery could ever be judged by this description, if so.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let signed = |part| self.before.contains(&part) || self.after.contains(&part);
        let (separator, names): (_, &[_]) = match self.grammar {
            Grammar::Bare(_) => (None, &[]),
            Grammar::Tagged { separator, names } => (Some(separator), names),
        };
        let item = match self.timestamp {
            Some(Timestamp { source: TimestampSource::Item(name), .. }) => Some(name),
            _ => None,
        };
        let has = |text: &str, separator: Option<u8>| separator.is_some_and(|byte| text.as_bytes().contains(&byte));
        let mut headers = vec![self.header];
        headers.extend(self.id_header);
        if let Some(Timestamp { source: TimestampSource::Header(header), .. }) = self.timestamp {
            headers.push(header);
        }

        let repeated = |name: &str| headers.iter().filter(|other| other.eq_ignore_ascii_case(name)).count() > 1;
        let mut names_before = names.iter().enumerate();

        if headers.iter().any(|name| !is_field_name(name)) {
            Some("a header name is empty or holds a character that no header name may")
        } else if headers.iter().any(|name| repeated(name)) {
            Some("two things stand in the same header")
        } else if names.iter().map(|(name, _)| *name).chain(item).any(|name| name.is_empty() || !name.is_ascii()) {
            Some("a name is empty or not ASCII")
        } else if names_before.any(|(place, (name, _))| names.iter().take(place).any(|(other, _)| other == name)) {
            Some("two signatures have the same name")
        } else if [separator, self.list].into_iter().flatten().any(|byte| !byte.is_ascii()) {
            Some("a separator is not ASCII")
        } else if self.list.is_some_and(|byte| self.encoding.uses(byte)) {
            Some("items are separated by a character that signatures are written in")
        } else if separator.is_some() && names.is_empty() {
            Some("no signature has a name")
        } else if names.iter().map(|(name, _)| *name).chain(item).any(|name| has(name, separator) || has(name, self.list)) {
            Some("a name holds a separator")
        } else if self.list.is_some() && self.list == separator {
            Some("items and names have the same separator")
        } else if item.is_some() && (self.list.is_none() || separator.is_none()) {
            Some("the timestamp is an item of a list, but the header is no list of named items")
        } else if item.is_some_and(|item| names.iter().any(|(name, _)| *name == item)) {
            Some("timestamp and signature have the same name")
        } else if self.timestamp.is_some() != signed(Part::Timestamp) {
            Some("a timestamp must be described and be signed, or neither")
        } else if self.timestamp.is_some_and(|timestamp| timestamp.tolerance > LONGEST_TOLERANCE) {
            Some("the tolerance is longer than a year")
        } else if self.id_header.is_some() != signed(Part::Id) {
            Some("an id must be described and be signed, or neither")
        } else if self.bytes_could_move() {
            Some("an id touches the body, the timestamp or another id: a literal with a character that no id holds must part them")
        } else {
            None
        }
    }

    /// Whether the same signed text could be read as another id and another body. A timestamp may touch the body: a digit more or less,
    /// at either end, moves it by decades, which [`LONGEST_TOLERANCE`] does not reach.
    fn bytes_could_move(&self) -> bool {
        // What stands in front of the place that the loop is at, as far back as it cannot be told apart from an id.
        #[derive(PartialEq)]
        enum Left {
            Parted,
            Id,
            Other,
        }
        let body = [None];
        let parts = self.before.iter().map(Some).chain(body).chain(self.after.iter().map(Some));
        let mut left = Left::Parted;
        for part in parts {
            let id = part == Some(&Part::Id);
            match part {
                Some(Part::Literal(text)) => {
                    if text.bytes().any(|byte| !is_id_byte(byte)) {
                        left = Left::Parted;
                    }
                }
                _ if left == Left::Id || (id && left == Left::Other) => return true,
                _ => left = if id { Left::Id } else { Left::Other },
            }
        }
        false
    }
}

/// The alphabet of signed ids. No separator is in it: a dot could move between an id and what is signed next to it.
pub(crate) const fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// A token of RFC 9110 §5.6.2, which is what a field name is.
fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

impl fmt::Debug for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheme").field("name", &self.name).field("header", &self.header).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const SOUND: Scheme = Scheme::new("sound", "X-Signature").tagged(b'=', &[("v1", Algorithm::Sha256)]);

    #[test]
    fn a_description_that_cannot_work_is_found() {
        let timestamp = &[Part::Timestamp];
        let faulty = [
            Scheme::new("x", ""),
            Scheme::new("x", "X Signature"),
            SOUND.tagged(b'=', &[]),
            SOUND.tagged(b'=', &[("v=1", Algorithm::Sha256)]),
            SOUND.list(b'v'),
            SOUND.list(b'='),
            SOUND.before(timestamp).timestamp_item("t", MINUTE),
            SOUND.list(b',').before(timestamp).timestamp_item("v1", MINUTE),
            SOUND.list(b',').before(timestamp).timestamp_item("t,", MINUTE),
            SOUND.bare(Algorithm::Sha256).list(b',').before(timestamp).timestamp_item("t", MINUTE),
            SOUND.before(timestamp).timestamp_header("", MINUTE),
            SOUND.before(timestamp),
            SOUND.timestamp_header("X-Time", MINUTE),
            SOUND.after(&[Part::Id]),
            SOUND.id_header("X-Id"),
            SOUND.tagged(b'=', &[("", Algorithm::Sha256)]),
            SOUND.tagged(b'=', &[("é", Algorithm::Sha256)]),
            SOUND.tagged(b'=', &[("v1", Algorithm::Sha256), ("v2", Algorithm::Sha256), ("v1", Algorithm::Sha512)]),
            SOUND.tagged(0xe9, &[("v1", Algorithm::Sha256)]),
            SOUND.list(0x80),
            SOUND.list(b'a'),
            SOUND.list(b'F'),
            SOUND.list(b'0'),
            SOUND.encoding(Encoding::Base64).tagged(b':', &[("v1", Algorithm::Sha256)]).list(b'='),
            SOUND.encoding(Encoding::Base64).list(b'+'),
            SOUND.before(timestamp).timestamp_header("x-signature", MINUTE),
            SOUND.before(&[Part::Id, Part::Literal(".")]).id_header("X-SIGNATURE"),
            // Bytes could move between the id and what it touches.
            SOUND.before(&[Part::Id]).id_header("X-Id"),
            SOUND.after(&[Part::Id]).id_header("X-Id"),
            SOUND.before(&[Part::Id, Part::Literal("x-1")]).id_header("X-Id"),
            SOUND.before(&[Part::Id, Part::Literal("")]).id_header("X-Id"),
            SOUND.before(&[Part::Id, Part::Timestamp, Part::Literal(".")]).id_header("X-Id").timestamp_header("X-Time", MINUTE),
            SOUND.before(&[Part::Timestamp, Part::Id, Part::Literal(".")]).id_header("X-Id").timestamp_header("X-Time", MINUTE),
            SOUND.before(&[Part::Id, Part::Literal("a"), Part::Literal("b")]).id_header("X-Id"),
            SOUND.before(timestamp).timestamp_header("X-Time", LONGEST_TOLERANCE + Duration::from_nanos(1)),
            SOUND.before(timestamp).timestamp_header("X-Time", Duration::MAX),
        ];
        for (place, scheme) in faulty.iter().enumerate() {
            assert!(scheme.fault().is_some(), "{place}");
        }
        let sound = [
            SOUND,
            SOUND.list(b',').before(timestamp).timestamp_item("t", MINUTE),
            SOUND.after(timestamp).timestamp_header("X-Time", MINUTE),
            SOUND.before(timestamp).timestamp_header("X-Time", LONGEST_TOLERANCE),
            SOUND.before(&[Part::Id, Part::Literal(".")]).id_header("X-Id"),
            SOUND.after(&[Part::Literal("id:"), Part::Id]).id_header("X-Id"),
            SOUND.before(&[Part::Id, Part::Literal("a"), Part::Literal(".b")]).id_header("X-Id"),
            SOUND.encoding(Encoding::Base64).list(b' '),
        ];
        for scheme in sound {
            assert_eq!(scheme.fault(), None);
        }
    }
}
