//! Signing schemes: a [`Scheme`] and its parts, for senders without a row in
//! [`providers`](crate::providers).

use std::fmt;
use std::time::Duration;

use crate::identity::RepeatPolicy;
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

/// A description of how a sender signs deliveries: the header, the grammar and the signed text.
///
/// Known providers are constants of this type in [`providers`](crate::providers). A description of
/// another sender takes a few lines with the same builder:
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
/// [`build`](crate::VerifierBuilder::build) rejects an unusable description, so no request can meet
/// such a description.
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
    /// The shortest and the longest key, in bytes.
    pub(crate) key_lengths: (usize, usize),
    pub(crate) body_limit: usize,
    pub(crate) unsigned: UnsignedHeaders,
    pub(crate) repeats: Option<RepeatPolicy>,
    pub(crate) documentation: &'static str,
    pub(crate) evidence: Evidence,
}

/// The method names of WebSub §7.
const METHODS: &[(&str, Algorithm)] =
    &[("sha1", Algorithm::Sha1), ("sha256", Algorithm::Sha256), ("sha384", Algorithm::Sha384), ("sha512", Algorithm::Sha512)];

impl Scheme {
    /// 2 MiB: the limit for senders without a documented limit.
    pub(crate) const DEFAULT_BODY_LIMIT: usize = 2 * 1024 * 1024;

    /// Creates a scheme: one HMAC-SHA-256 of the body in hex, alone in `header`.
    ///
    /// `name` is the name for logs.
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
            repeats: None,
            documentation: "",
            evidence: Evidence::Own,
        }
    }

    /// Creates a scheme with `method=signature` in hex, as in WebSub §7.
    ///
    /// The methods are `sha1`, `sha256`, `sha384` and `sha512`. Only `sha256` is accepted unless
    /// [`VerifierBuilder::algorithms`](crate::VerifierBuilder::algorithms) or
    /// [`VerifierBuilder::allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1) accepts
    /// more.
    #[must_use]
    pub const fn method_signature(name: &'static str, header: &'static str) -> Self {
        Self::new(name, header).tagged(b'=', METHODS).default_algorithms(&[Algorithm::Sha256])
    }

    /// Creates a scheme without a signature: the header holds the secret itself.
    ///
    /// The value is compared with the secret in constant time. A wrong token is rejected before the
    /// body is read.
    ///
    /// **A static token is weaker than any signature.** The token covers neither the body nor
    /// anything else. Anybody with a copy of one delivery can forge others.
    #[must_use]
    pub const fn insecure_static_token(name: &'static str, header: &'static str) -> Self {
        let mut scheme = Self::new(name, header);
        scheme.grammar = Grammar::StaticToken;
        scheme
    }

    /// Reads signatures from any of `headers`, instead of the header given to [`new`](Self::new).
    ///
    /// - At least one of the headers must have a value.
    /// - Each header may occur once. A delivery with a repeated header is rejected.
    /// - One signature has to match. A malformed signature matches no key.
    #[must_use]
    pub const fn any_of_headers(mut self, headers: &'static [&'static str]) -> Self {
        self.headers = Headers::AnyOf(headers);
        self
    }

    /// Reads signatures from numbered headers. `header` is the name in front of the number.
    ///
    /// `X-Signature-` stands for `X-Signature-1`, `X-Signature-2` and so on, up to the first
    /// missing number. One signature has to match. A malformed signature matches no key. A delivery
    /// with more than 16 signatures is rejected.
    #[must_use]
    pub const fn numbered_headers(mut self, header: &'static str) -> Self {
        self.headers = Headers::Numbered(header);
        self
    }

    /// Lists signature headers of other schemes, sent by this sender as well. Verifiers of this
    /// scheme ignore these headers.
    ///
    /// A verifier of another scheme would reject this sender's deliveries. So
    /// [`Verifier::any_of`](crate::Verifier::any_of) requires this scheme before the other schemes.
    /// The other order is a [`ConfigError::SharedHeader`](crate::ConfigError::SharedHeader).
    #[must_use]
    pub const fn also_sends(mut self, headers: &'static [&'static str]) -> Self {
        self.also_sends = headers;
        self
    }

    /// Sets the grammar: the header holds the encoded signature and nothing else.
    #[must_use]
    pub const fn bare(mut self, algorithm: Algorithm) -> Self {
        self.grammar = Grammar::Bare(algorithm);
        self
    }

    /// Sets the grammar: a name, `separator`, then the encoded signature. The name selects the
    /// algorithm.
    ///
    /// Names are case-sensitive. The value is split at the first separator.
    #[must_use]
    pub const fn tagged(mut self, separator: u8, names: &'static [(&'static str, Algorithm)]) -> Self {
        self.grammar = Grammar::Tagged { separator, names };
        self
    }

    /// Makes the header a list. `separator` and optional spaces after the separator divide the
    /// items.
    ///
    /// - Items with a name not listed in [`tagged`](Self::tagged) are ignored.
    /// - One signature has to match. A malformed signature matches no key.
    /// - A delivery with more than 16 signatures is rejected.
    #[must_use]
    pub const fn list(mut self, separator: u8) -> Self {
        self.list = Some(separator);
        self
    }

    /// Sets the encoding of the signature. Default: [`Encoding::Hex`].
    #[must_use]
    pub const fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Sets the algorithms accepted by default. The receiver can choose others of the scheme's
    /// algorithms with [`VerifierBuilder::algorithms`](crate::VerifierBuilder::algorithms).
    ///
    /// Default: every algorithm of the scheme except SHA-1.
    #[must_use]
    pub const fn default_algorithms(mut self, algorithms: &'static [Algorithm]) -> Self {
        self.default_algorithms = Some(algorithms);
        self
    }

    /// Sets the parts signed in front of the body.
    #[must_use]
    pub const fn prefix(mut self, parts: &'static [Part]) -> Self {
        self.prefix = parts;
        self
    }

    /// Sets the parts signed behind the body.
    #[must_use]
    pub const fn suffix(mut self, parts: &'static [Part]) -> Self {
        self.suffix = parts;
        self
    }

    /// Sets the header of the timestamp, and the tolerance.
    ///
    /// The timestamp is the time of signing, in whole seconds since 1970 unless
    /// [`timestamp_format`](Self::timestamp_format) sets another format. A delivery is rejected if
    /// its timestamp differs from the receiver's clock by more than `tolerance`, in the past or in
    /// the future.
    ///
    /// [`Part::Timestamp`] must be among the signed parts. The tolerance is a year at most.
    #[must_use]
    pub const fn timestamp_header(self, header: &'static str, tolerance: Duration) -> Self {
        self.timestamp(TimestampSource::Header(header), tolerance)
    }

    /// Sets the name of the timestamp's item in the [`list`](Self::list) of signatures, and the
    /// tolerance.
    ///
    /// The rules of [`timestamp_header`](Self::timestamp_header) apply here too.
    #[must_use]
    pub const fn timestamp_item(self, name: &'static str, tolerance: Duration) -> Self {
        self.timestamp(TimestampSource::Item(name), tolerance)
    }

    const fn timestamp(mut self, source: TimestampSource, tolerance: Duration) -> Self {
        self.timestamp = Some(Timestamp { source, tolerance });
        self
    }

    /// Sets the format of the timestamp. Default: [`TimestampFormat::Seconds`].
    #[must_use]
    pub const fn timestamp_format(mut self, format: TimestampFormat) -> Self {
        self.timestamp_format = Some(format);
        self
    }

    /// Sets the header of the signed delivery id.
    ///
    /// An id has 1 to 256 characters of base64 and base64url: `A-Z a-z 0-9 + / - _ =`.
    ///
    /// [`Part::Id`] must be among the signed parts. A literal must separate the id from the body,
    /// the timestamp, the method and other ids. The literal must contain a character outside the
    /// alphabet of ids, such as a dot or a colon. Otherwise bytes could move from one part to the other under
    /// the same signature.
    ///
    /// An id in front of a [`TimestampFormat::Rfc3339`] timestamp needs no literal: the first colon
    /// of the timestamp has a fixed place.
    #[must_use]
    pub const fn id_header(mut self, header: &'static str) -> Self {
        self.id_header = Some(header);
        self
    }

    /// Sets the secret's form to text: the key is the bytes of the secret's text, without any
    /// decoding. This form is the default.
    #[must_use]
    pub const fn text_secret(mut self) -> Self {
        self.secret_form = SecretForm::Verbatim;
        self
    }

    /// Sets the secret's form to base64, with or without `prefix` in front. The key is the decoded
    /// bytes.
    #[must_use]
    pub const fn base64_secret(mut self, prefix: &'static str) -> Self {
        self.secret_form = SecretForm::Base64 { prefix };
        self
    }

    /// Sets the secret's form to hexadecimal digits in either case. The key is the decoded bytes.
    #[must_use]
    pub const fn hex_secret(mut self) -> Self {
        self.secret_form = SecretForm::Hex;
        self
    }

    /// Sets the shortest and the longest key in bytes, after decoding. Default: one byte or more.
    #[must_use]
    pub const fn key_lengths(mut self, shortest: usize, longest: usize) -> Self {
        self.key_lengths = (shortest, longest);
        self
    }

    /// Sets the largest body documented by the provider, in bytes. Default: 2 MiB.
    ///
    /// [`VerifierBuilder::body_limit`](crate::VerifierBuilder::body_limit) defaults to this limit.
    #[must_use]
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets the sender's repeats: the defaults of a guard that handles each delivery once.
    #[must_use]
    pub const fn repeat_policy(mut self, policy: RepeatPolicy) -> Self {
        self.repeats = Some(policy);
        self
    }

    /// Sets the header of a delivery id outside the signature.
    #[must_use]
    pub const fn unauthenticated_delivery_id_header(mut self, header: &'static str) -> Self {
        self.unsigned.delivery_id = Some(header);
        self
    }

    /// Sets the header of the event kind. The signature does not cover this header.
    #[must_use]
    pub const fn unauthenticated_event_header(mut self, header: &'static str) -> Self {
        self.unsigned.event = Some(header);
        self
    }

    /// Sets the provider's page and the evidence for the description.
    pub(crate) const fn documented(mut self, evidence: Evidence, url: &'static str) -> Self {
        self.documentation = url;
        self.evidence = evidence;
        self
    }
}

/// The alphabet of signed ids: the characters of base64 and base64url. The alphabet has no dot and no
/// colon: both could move between an id and the signed part beside the id.
pub(crate) const fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

impl fmt::Debug for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheme").field("name", &self.name).field("header", &self.header()).finish_non_exhaustive()
    }
}
