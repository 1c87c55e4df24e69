use std::ops::RangeInclusive;
use std::time::Duration;

use crate::algorithm::Algorithm;
use crate::identity::{Identity, Kind, RepeatPolicy};
use crate::scheme::Scheme;
use crate::scheme::encoding::Encoding;
use crate::scheme::evidence::Evidence;
use crate::scheme::layout::{Grammar, Headers, Timestamp};
use crate::scheme::part::Part;
use crate::scheme::secret_form::SecretForm;
use crate::scheme::timestamp::TimestampFormat;

/// Properties of a scheme, for tools and docs.
impl Scheme {
    /// Returns the provider's name for logs and metrics, such as `jira`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the signature header in the provider's spelling, such as `X-Hub-Signature`.
    ///
    /// Returns the first header of several. Returns numbered headers without the number.
    #[must_use]
    pub const fn header(&self) -> &'static str {
        match self.headers {
            Headers::One(header) | Headers::Numbered(header) => header,
            Headers::AnyOf(headers) => match headers.first() {
                Some(header) => header,
                None => "",
            },
        }
    }

    /// Returns the URL of the provider's page about signatures. Empty for a custom scheme.
    #[must_use]
    pub const fn documentation(&self) -> &'static str {
        self.documentation
    }

    /// Returns whether deliveries can have this identity: the scheme knows each header of the
    /// identity, and [covers the body](Self::covers_body) if the identity depends on the body.
    #[must_use]
    pub const fn supports(&self, identity: Identity) -> bool {
        match identity.0 {
            Kind::None => true,
            Kind::SignedId => self.signed_id_header().is_some(),
            Kind::UnauthenticatedId => self.unsigned_delivery_id_header().is_some(),
            Kind::Body | Kind::Member(_) => self.covers_body(),
            Kind::BodyAndEvent => self.covers_body() && self.unsigned_event_header().is_some(),
            Kind::BodyOrUnauthenticatedId => self.covers_body() && self.unsigned_delivery_id_header().is_some(),
        }
    }

    /// Returns how the sender repeats deliveries. `None` if unknown.
    #[must_use]
    pub const fn repeats(&self) -> Option<RepeatPolicy> {
        self.repeats
    }

    /// Returns the evidence for this description.
    #[must_use]
    pub const fn evidence(&self) -> Evidence {
        self.evidence
    }

    /// Returns the largest accepted difference between a timestamp and the receiver's clock.
    ///
    /// The tolerance applies to both the past and the future. Returns `None` if the scheme signs no
    /// timestamp.
    #[must_use]
    pub const fn tolerance(&self) -> Option<Duration> {
        match self.timestamp {
            Some(Timestamp { tolerance, .. }) => Some(tolerance),
            None => None,
        }
    }

    /// Returns the format of the timestamp. Without a signed timestamp the value has no meaning.
    #[must_use]
    pub const fn timestamp_format_used(&self) -> TimestampFormat {
        self.format()
    }

    /// Returns the header of the signed delivery id, or `None` if the scheme signs no id.
    #[must_use]
    pub const fn signed_id_header(&self) -> Option<&'static str> {
        self.id_header
    }

    /// Returns the header of a delivery id outside the signature, if such a header is known.
    #[must_use]
    pub const fn unsigned_delivery_id_header(&self) -> Option<&'static str> {
        self.unsigned.delivery_id
    }

    /// Returns the header of the event kind, outside the signature, if such a header is known.
    #[must_use]
    pub const fn unsigned_event_header(&self) -> Option<&'static str> {
        self.unsigned.event
    }

    /// Returns the format of the timestamp.
    pub(crate) const fn format(&self) -> TimestampFormat {
        match self.timestamp_format {
            Some(format) => format,
            None => TimestampFormat::Seconds,
        }
    }

    /// Returns whether the signature covers the body. Returns `false` for a static token.
    #[must_use]
    pub const fn covers_body(&self) -> bool {
        !matches!(self.grammar, Grammar::StaticToken)
    }

    /// Returns whether [`Part::Url`] is among the signed parts. A verifier of such a scheme needs
    /// [`VerifierBuilder::url`](crate::VerifierBuilder::url) or
    /// [`VerifierBuilder::base_url`](crate::VerifierBuilder::base_url).
    #[must_use]
    pub fn signs_url(&self) -> bool {
        self.prefix.contains(&Part::Url) || self.suffix.contains(&Part::Url)
    }

    /// Returns the encoding of the signature.
    #[must_use]
    pub const fn signature_encoding(&self) -> Encoding {
        self.encoding
    }

    /// Creates a secret from random bytes, in the form shown by the provider.
    ///
    /// The text is hex digits, or base64 behind the prefix.
    ///
    /// ```
    /// use countersign::providers;
    ///
    /// assert_eq!(providers::JIRA.secret_of(&[0xab; 32]), "ab".repeat(32));
    /// assert!(providers::STANDARD_WEBHOOKS.secret_of(&[0xab; 32]).starts_with("whsec_"));
    /// ```
    #[must_use]
    pub fn secret_of(&self, random: &[u8; 32]) -> String {
        match self.secret_form {
            SecretForm::Base64 { prefix } => format!("{prefix}{}", Encoding::Base64.encode(random)),
            SecretForm::Verbatim | SecretForm::Hex => Encoding::Hex.encode(random),
        }
    }

    /// Returns all algorithms of the scheme, in the order of the description.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        let (bare, names): (_, &[_]) = match self.grammar {
            Grammar::Bare(algorithm) => (Some(algorithm), &[]),
            Grammar::Tagged { names, .. } => (None, names),
            // Tokens are compared by their HMAC-SHA-256.
            Grammar::StaticToken => (Some(Algorithm::Sha256), &[]),
        };
        bare.into_iter().chain(names.iter().map(|(_, algorithm)| *algorithm))
    }

    /// Returns the algorithms accepted by default. Empty if SHA-1 is the scheme's only algorithm.
    ///
    /// [`VerifierBuilder::algorithms`](crate::VerifierBuilder::algorithms) and
    /// [`VerifierBuilder::allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1) change the
    /// accepted algorithms.
    #[must_use]
    pub fn accepted_by_default(&self) -> Vec<Algorithm> {
        match self.default_algorithms {
            Some(algorithms) => algorithms.to_vec(),
            None => self.algorithms().filter(|algorithm| *algorithm != Algorithm::Sha1).collect(),
        }
    }

    /// Returns the signature headers in the provider's spelling.
    ///
    /// A numbered header is returned without the number: see
    /// [`has_numbered_headers`](Self::has_numbered_headers).
    #[must_use]
    pub fn signature_headers(&self) -> &[&'static str] {
        match &self.headers {
            Headers::One(header) | Headers::Numbered(header) => std::slice::from_ref(header),
            Headers::AnyOf(headers) => headers,
        }
    }

    /// Returns whether signature headers have numbers, such as `X-Signature-1` and `X-Signature-2`.
    #[must_use]
    pub const fn has_numbered_headers(&self) -> bool {
        matches!(self.headers, Headers::Numbered(_))
    }

    /// Returns the names in front of signatures, with the algorithm of each. Empty if signatures
    /// have no name.
    #[must_use]
    pub const fn algorithm_names(&self) -> &'static [(&'static str, Algorithm)] {
        match self.grammar {
            Grammar::Tagged { names, .. } => names,
            Grammar::Bare(_) | Grammar::StaticToken => &[],
        }
    }

    /// Returns the form of the secret's text.
    #[must_use]
    pub const fn secret_form(&self) -> SecretForm {
        self.secret_form
    }

    /// Returns the shortest and the longest key in bytes, after decoding.
    #[must_use]
    pub const fn key_bytes(&self) -> RangeInclusive<usize> {
        self.key_lengths.0..=self.key_lengths.1
    }
}
