use std::ops::RangeInclusive;
use std::time::Duration;

use crate::algorithm::Algorithm;
use crate::scheme::Scheme;
use crate::scheme::encoding::Encoding;
use crate::scheme::evidence::Evidence;
use crate::scheme::layout::{Grammar, Headers, Timestamp};
use crate::scheme::part::Part;
use crate::scheme::secret_form::SecretForm;
use crate::scheme::timestamp::TimestampFormat;

/// What a scheme tells of itself, for tools and docs.
impl Scheme {
    /// The provider's name for logs and metrics: `jira`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The header that the signature stands in, in the provider's spelling: `X-Hub-Signature`. The first, where there are several; with
    /// the number 1 left out, where they have numbers.
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

    /// The provider's page about its signatures; empty for a scheme of one's own.
    #[must_use]
    pub const fn documentation(&self) -> &'static str {
        self.documentation
    }

    /// On what this description rests.
    #[must_use]
    pub const fn evidence(&self) -> Evidence {
        self.evidence
    }

    /// How far a timestamp may be from the receiver's clock, to either side; `None` if the scheme signs no timestamp.
    #[must_use]
    pub const fn tolerance(&self) -> Option<Duration> {
        match self.timestamp {
            Some(Timestamp { tolerance, .. }) => Some(tolerance),
            None => None,
        }
    }

    /// How the timestamp is written, of a scheme that signs one.
    #[must_use]
    pub const fn timestamp_format_used(&self) -> TimestampFormat {
        self.format()
    }

    /// The header that a signed delivery id stands in; `None` if the scheme signs none.
    #[must_use]
    pub const fn signed_id_header(&self) -> Option<&'static str> {
        self.id_header
    }

    /// The header in which the provider sends an id of the delivery that it does not sign, if one is known.
    #[must_use]
    pub const fn unsigned_delivery_id_header(&self) -> Option<&'static str> {
        self.unsigned.delivery_id
    }

    /// The header in which the provider names the kind of event, which nobody signs, if one is known.
    #[must_use]
    pub const fn unsigned_event_header(&self) -> Option<&'static str> {
        self.unsigned.event
    }

    /// How its timestamp is written.
    pub(crate) const fn format(&self) -> TimestampFormat {
        match self.timestamp_format {
            Some(format) => format,
            None => TimestampFormat::Seconds,
        }
    }

    /// Whether the body is covered at all: not by a static token.
    #[must_use]
    pub const fn covers_body(&self) -> bool {
        !matches!(self.grammar, Grammar::StaticToken)
    }

    /// Whether [`Part::Url`] is among the signed parts, so that [`VerifierBuilder::url`](crate::VerifierBuilder::url) is needed.
    #[must_use]
    pub fn signs_url(&self) -> bool {
        self.prefix.contains(&Part::Url) || self.suffix.contains(&Part::Url)
    }

    /// How the signature is written.
    #[must_use]
    pub const fn signature_encoding(&self) -> Encoding {
        self.encoding
    }

    /// A new secret in the form in which the provider shows one, made of these random bytes: hex digits, or base64 behind the prefix.
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

    /// All algorithms that the scheme has a name for, in the order of the description.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        let (bare, names): (_, &[_]) = match self.grammar {
            Grammar::Bare(algorithm) => (Some(algorithm), &[]),
            Grammar::Tagged { names, .. } => (None, names),
            // By which tokens are compared.
            Grammar::StaticToken => (Some(Algorithm::Sha256), &[]),
        };
        bare.into_iter().chain(names.iter().map(|(_, algorithm)| *algorithm))
    }

    /// Returns the algorithms that a verifier of this scheme accepts unless [`algorithms`](crate::VerifierBuilder::algorithms) or
    /// [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1) says otherwise: none, where the provider has nothing but SHA-1.
    #[must_use]
    pub fn accepted_by_default(&self) -> Vec<Algorithm> {
        match self.default_algorithms {
            Some(algorithms) => algorithms.to_vec(),
            None => self.algorithms().filter(|algorithm| *algorithm != Algorithm::Sha1).collect(),
        }
    }

    /// Returns the headers that signatures stand in, in the provider's spelling. A header with numbers is given without the number:
    /// [`has_numbered_headers`](Self::has_numbered_headers).
    #[must_use]
    pub fn signature_headers(&self) -> &[&'static str] {
        match &self.headers {
            Headers::One(header) | Headers::Numbered(header) => std::slice::from_ref(header),
            Headers::AnyOf(headers) => headers,
        }
    }

    /// Returns whether signatures stand in headers with numbers, such as `X-Signature-1` and `X-Signature-2`.
    #[must_use]
    pub const fn has_numbered_headers(&self) -> bool {
        matches!(self.headers, Headers::Numbered(_))
    }

    /// Returns the names in front of signatures, with the algorithm of each. Empty if signatures have no name.
    #[must_use]
    pub const fn algorithm_names(&self) -> &'static [(&'static str, Algorithm)] {
        match self.grammar {
            Grammar::Tagged { names, .. } => names,
            Grammar::Bare(_) | Grammar::StaticToken => &[],
        }
    }

    /// Returns the form in which the provider shows its secret.
    #[must_use]
    pub const fn secret_form(&self) -> SecretForm {
        self.secret_form
    }

    /// Returns the fewest and the most bytes of a key, decoded.
    #[must_use]
    pub const fn key_bytes(&self) -> RangeInclusive<usize> {
        self.key_lengths.0..=self.key_lengths.1
    }
}
