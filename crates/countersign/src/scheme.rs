//! How senders sign: a [`Scheme`] and its parts, for senders that [`providers`](crate::providers) does not list.

use std::fmt;
use std::time::Duration;

use crate::scheme::layout::{Grammar, Headers, Timestamp, TimestampSource, UnsignedHeaders};

pub(crate) mod describe;
pub(crate) mod encoding;
pub(crate) mod evidence;
pub(crate) mod layout;
pub(crate) mod part;
pub(crate) mod secret_form;
pub(crate) mod timestamp;
pub(crate) mod url;
pub(crate) mod validate;

pub use encoding::Encoding;
pub use evidence::Evidence;
pub use part::Part;
pub use secret_form::SecretForm;
pub use timestamp::TimestampFormat;

pub use crate::algorithm::Algorithm;

/// How a sender signs its deliveries: which header, in which grammar, over what.
///
/// The providers that this crate knows are constants of this type in [`providers`](crate::providers). A sender of one's own is a few
/// lines more, by the same builder:
///
/// ```
/// use std::time::Duration;
/// use countersign::scheme::{Algorithm, Part, Scheme};
///
/// const BILLING: Scheme = Scheme::new("billing", "X-Billing-Signature")
///     .tagged(b'=', &[("v1", Algorithm::Sha512)])
///     .prefix(&[Part::Timestamp, Part::Literal(".")])
///     .timestamp_header("X-Billing-Timestamp", Duration::from_secs(300));
/// ```
///
/// A description that cannot work is found by [`build`](crate::VerifierBuilder::build), never by a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    pub(crate) name: &'static str,
    pub(crate) headers: Headers,
    pub(crate) grammar: Grammar,
    pub(crate) list: Option<u8>,
    pub(crate) encoding: Encoding,
    pub(crate) default_algorithms: Option<&'static [Algorithm]>,
    pub(crate) prefix: &'static [Part],
    pub(crate) suffix: &'static [Part],
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) timestamp_format: Option<TimestampFormat>,
    pub(crate) also_sends: &'static [&'static str],
    pub(crate) id_header: Option<&'static str>,
    pub(crate) secret_form: SecretForm,
    /// Of the key in bytes: the shortest and the longest.
    pub(crate) key_lengths: (usize, usize),
    pub(crate) body_limit: usize,
    pub(crate) unsigned: UnsignedHeaders,
    pub(crate) documentation: &'static str,
    pub(crate) evidence: Evidence,
}

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
            headers: Headers::One(header),
            grammar: Grammar::Bare(Algorithm::Sha256),
            list: None,
            encoding: Encoding::Hex,
            default_algorithms: None,
            prefix: &[],
            suffix: &[],
            timestamp: None,
            timestamp_format: None,
            also_sends: &[],
            id_header: None,
            secret_form: SecretForm::Verbatim,
            key_lengths: (1, usize::MAX),
            body_limit: Self::DEFAULT_BODY_LIMIT,
            unsigned: UnsignedHeaders { delivery_id: None, event: None },
            documentation: "",
            evidence: Evidence::Own,
        }
    }

    /// `method=signature` as WebSub §7 has it, in hex, with the algorithms `sha1`, `sha256`, `sha384` and `sha512`; of these only
    /// `sha256` is accepted unless the receiver says otherwise.
    #[must_use]
    pub const fn method_signature(name: &'static str, header: &'static str) -> Self {
        Self::new(name, header).tagged(b'=', METHODS).default_algorithms(&[Algorithm::Sha256])
    }

    /// A scheme without a signature: the header holds the secret itself, and is compared with it in constant time.
    ///
    /// **This is weaker than any signature.** It does not cover the body, nor anything else: who sees one delivery can make others. A
    /// wrong token is rejected before the body is read.
    #[must_use]
    pub const fn insecure_static_token(name: &'static str, header: &'static str) -> Self {
        let mut scheme = Self::new(name, header);
        scheme.grammar = Grammar::StaticToken;
        scheme
    }

    /// Signatures stand in one or more of these headers, each of which may be there once, instead of in the one given to
    /// [`new`](Self::new). All that are there have to be well formed, and one has to match.
    #[must_use]
    pub const fn any_of_headers(mut self, headers: &'static [&'static str]) -> Self {
        self.headers = Headers::AnyOf(headers);
        self
    }

    /// Signatures stand in headers with numbers, `header` being what stands in front of the number: `X-Signature-` for `X-Signature-1`,
    /// `X-Signature-2` and so on as far as there is one. All of them have to be well formed, and one has to match; more than 16 are rejected.
    #[must_use]
    pub const fn numbered_headers(mut self, header: &'static str) -> Self {
        self.headers = Headers::Numbered(header);
        self
    }

    /// Beside its own, the sender sends the signature headers of other schemes, which are not looked at: in
    /// [`Verifier::any_of`](crate::Verifier::any_of) it has to be listed before those, or they would judge its deliveries.
    #[must_use]
    pub const fn also_sends(mut self, headers: &'static [&'static str]) -> Self {
        self.also_sends = headers;
        self
    }

    /// The header holds the encoded signature and nothing else.
    #[must_use]
    pub const fn bare(mut self, algorithm: Algorithm) -> Self {
        self.grammar = Grammar::Bare(algorithm);
        self
    }

    /// The encoded signature stands behind one of these names and `separator`, and the name says by which algorithm it was made. Names are
    /// compared with regard to case; the value is split at the first separator.
    #[must_use]
    pub const fn tagged(mut self, separator: u8, names: &'static [(&'static str, Algorithm)]) -> Self {
        self.grammar = Grammar::Tagged { separator, names };
        self
    }

    /// The header is a list, its items divided by `separator` and optional spaces after it. Items of names that
    /// [`tagged`](Self::tagged) does not list are passed over; the others have to be well formed, and one has to match. More than 16 are
    /// rejected.
    #[must_use]
    pub const fn list(mut self, separator: u8) -> Self {
        self.list = Some(separator);
        self
    }

    /// How the signature is written. [`Encoding::Hex`] unless set.
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
    pub const fn prefix(mut self, parts: &'static [Part]) -> Self {
        self.prefix = parts;
        self
    }

    /// What is signed behind the body.
    #[must_use]
    pub const fn suffix(mut self, parts: &'static [Part]) -> Self {
        self.suffix = parts;
        self
    }

    /// When the delivery was signed stands in this header, as whole seconds since 1970 unless [`timestamp_format`](Self::timestamp_format) says
    /// otherwise. A delivery further than `tolerance` from the receiver's clock, in the past or in the future, is rejected.
    /// [`Part::Timestamp`] has to be among the signed parts, and the tolerance a year at most.
    #[must_use]
    pub const fn timestamp_header(self, header: &'static str, tolerance: Duration) -> Self {
        self.timestamp(TimestampSource::Header(header), tolerance)
    }

    /// As [`timestamp_header`](Self::timestamp_header), where the timestamp is an item called `name` in the
    /// [`list`](Self::list) of signatures.
    #[must_use]
    pub const fn timestamp_item(self, name: &'static str, tolerance: Duration) -> Self {
        self.timestamp(TimestampSource::Item(name), tolerance)
    }

    const fn timestamp(mut self, source: TimestampSource, tolerance: Duration) -> Self {
        self.timestamp = Some(Timestamp { source, tolerance });
        self
    }

    /// How the timestamp is written. [`TimestampFormat::Seconds`] unless set.
    #[must_use]
    pub const fn timestamp_format(mut self, format: TimestampFormat) -> Self {
        self.timestamp_format = Some(format);
        self
    }

    /// The signed delivery id stands in this header: 1 to 256 characters of `A-Z a-z 0-9 _ -`. [`Part::Id`] has to be among the signed
    /// parts, and parted from body, timestamp and other ids by a literal with a character that no id holds, such as a dot: otherwise
    /// bytes could move from one to the other under the same signature. In front of a timestamp of [`TimestampFormat::Rfc3339`] it needs no
    /// literal, for that one's first colon stands at a fixed place.
    #[must_use]
    pub const fn id_header(mut self, header: &'static str) -> Self {
        self.id_header = Some(header);
        self
    }

    /// The provider signs with the bytes of the text that it shows as the secret, whatever it looks like. So it is unless said otherwise.
    #[must_use]
    pub const fn text_secret(mut self) -> Self {
        self.secret_form = SecretForm::Verbatim;
        self
    }

    /// The provider shows its secret as base64, perhaps behind `prefix`, and signs with the bytes that it stands for.
    #[must_use]
    pub const fn base64_secret(mut self, prefix: &'static str) -> Self {
        self.secret_form = SecretForm::Base64 { prefix };
        self
    }

    /// The provider shows its secret as hexadecimal digits, in either case, and signs with the bytes that they stand for.
    #[must_use]
    pub const fn hex_secret(mut self) -> Self {
        self.secret_form = SecretForm::Hex;
        self
    }

    /// The key has at least `shortest` and at most `longest` bytes, decoded. Unless set, one or more.
    #[must_use]
    pub const fn key_lengths(mut self, shortest: usize, longest: usize) -> Self {
        self.key_lengths = (shortest, longest);
        self
    }

    /// The largest body in bytes that the provider documents; the default of
    /// [`VerifierBuilder::body_limit`](crate::VerifierBuilder::body_limit). 2 MiB unless set.
    #[must_use]
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// The header in which the provider sends an id of the delivery that it does not sign.
    #[must_use]
    pub const fn unauthenticated_delivery_id_header(mut self, header: &'static str) -> Self {
        self.unsigned.delivery_id = Some(header);
        self
    }

    /// The header in which the provider names the kind of event, which nobody signs.
    #[must_use]
    pub const fn unauthenticated_event_header(mut self, header: &'static str) -> Self {
        self.unsigned.event = Some(header);
        self
    }

    /// Where the provider describes all this, and on what the description rests.
    pub(crate) const fn documented(mut self, evidence: Evidence, url: &'static str) -> Self {
        self.documentation = url;
        self.evidence = evidence;
        self
    }
}

/// The alphabet of signed ids. No separator is in it: a dot could move between an id and what is signed next to it.
pub(crate) const fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

impl fmt::Debug for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheme").field("name", &self.name).field("header", &self.header()).finish_non_exhaustive()
    }
}
