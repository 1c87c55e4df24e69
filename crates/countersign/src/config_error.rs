use std::error::Error;
use std::fmt;

use crate::algorithm::Algorithm;
use crate::key_id::KeyId;
use crate::scheme::secret_form::SecretForm;

/// A mistake in a configuration, found at build time. No request can meet such a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The verifier has no key.
    NoKey,
    /// The secret is empty, or consists of white space and NULs.
    ///
    /// HMAC cannot distinguish NULs from an empty key (RFC 2104 §2), and white space can be
    /// guessed. Usual causes: an unset environment variable, or a file with a line break alone.
    EmptySecret {
        /// The id of the secret's key, or `None` for a signer.
        key: Option<KeyId>,
    },
    /// The secret does not have the form shown by the provider, such as base64.
    InvalidSecret {
        /// The id of the secret's key, or `None` for a signer.
        key: Option<KeyId>,
        /// The form expected by the scheme.
        expected: SecretForm,
    },
    /// The decoded secret does not have the length documented by the provider. Usual cause: the
    /// secret of something else.
    SecretLength {
        /// The id of the secret's key, or `None` for a signer.
        key: Option<KeyId>,
        /// The shortest key, in bytes.
        shortest: usize,
        /// The longest key, in bytes.
        longest: usize,
    },
    /// Two keys have the same id.
    DuplicateKeyId {
        /// The id.
        key: KeyId,
    },
    /// No key has this id.
    UnknownKey {
        /// The id.
        key: KeyId,
    },
    /// A template was given a key, but a template has no keys.
    UnusedKey {
        /// The id.
        key: KeyId,
    },
    /// The body limit is zero bytes.
    ZeroBodyLimit,
    /// No algorithm is allowed.
    NothingAllowed,
    /// The scheme has no name for this algorithm, so no delivery can use the algorithm.
    UnsupportedAlgorithm {
        /// The requested algorithm.
        algorithm: Algorithm,
    },
    /// SHA-1 is among the algorithms, but
    /// [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1) was not called.
    ///
    /// SHA-1 is in the list of [`algorithms`](crate::VerifierBuilder::algorithms), or the scheme
    /// accepts no other algorithm by default.
    LegacySha1,
    /// The scheme signs the URL, but no URL was given.
    MissingUrl,
    /// The URL or base URL is invalid. A URL is in ASCII and has no fragment. A base URL also has
    /// no path and no query.
    InvalidUrl,
    /// A URL was given, but the scheme signs no URL.
    UnusedUrl,
    /// A tolerance was given, but the scheme signs no timestamp, or the tolerance exceeds a year.
    InvalidTolerance,
    /// The machine has no clock, as on `wasm32-unknown-unknown`, and
    /// [`clock`](crate::VerifierBuilder::clock) sets no other clock.
    NoClock,
    /// The list of verifiers is empty.
    NoVerifier,
    /// Two schemes of one verifier share a header, so the header cannot select a scheme.
    ///
    /// Both schemes read the header, or an earlier scheme reads a header sent by a later scheme's
    /// sender as well. In the second case, list the later scheme first.
    SharedHeader {
        /// The header.
        header: &'static str,
    },
    /// The scheme contradicts itself.
    InvalidScheme {
        /// A description of the contradiction.
        fault: &'static str,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let write_subject = |f: &mut fmt::Formatter<'_>, key: &Option<KeyId>| match key {
            Some(key) => write!(f, "the secret of key {key:?}"),
            None => f.write_str("the secret"),
        };
        match self {
            Self::NoKey => f.write_str("no key: call `.key(id, secret)`"),
            Self::EmptySecret { key } => {
                write_subject(f, key)?;
                f.write_str(" is empty or white space: set the variable, or fill the file")
            }
            Self::InvalidSecret { key, expected } => {
                write_subject(f, key)?;
                write!(f, " has the wrong form: expected {expected}")
            }
            Self::SecretLength { key, shortest, longest } => {
                write_subject(f, key)?;
                write!(f, " has the wrong length: expected {shortest} to {longest} bytes, decoded")
            }
            Self::DuplicateKeyId { key } => write!(f, "two keys have the id {key:?}: give each key its own id"),
            Self::UnknownKey { key } => write!(f, "no key has the id {key:?}: `Keys::list` returns all ids"),
            Self::UnusedKey { key } => write!(f, "a template has no keys: pass {key:?} to `for_tenant`"),
            Self::ZeroBodyLimit => f.write_str("the body limit is zero: call `.body_limit(bytes)` with 1 or more"),
            Self::NothingAllowed => f.write_str("no algorithm is allowed: call `.algorithms([…])` with at least one"),
            Self::UnsupportedAlgorithm { algorithm } => {
                write!(f, "the scheme does not know {algorithm}: pass one of the scheme's algorithms to `.algorithms([…])`")
            }
            Self::LegacySha1 => f.write_str("sha1 is not accepted by default: call `.allow_legacy_sha1()`"),
            Self::MissingUrl => f.write_str("the scheme signs the URL: call `.url(…)`"),
            Self::InvalidUrl => {
                f.write_str("the URL cannot be signed: use `http://` or `https://`, ASCII and no fragment; `.base_url(…)` takes no path")
            }
            Self::UnusedUrl => f.write_str("the scheme signs no URL: call neither `.url(…)` nor `.base_url(…)`"),
            Self::InvalidTolerance => {
                f.write_str("the tolerance is longer than a year, or the scheme signs no timestamp: remove `.tolerance(…)`")
            }
            Self::NoClock => f.write_str("this target has no clock: call `.clock(…)`"),
            Self::NoVerifier => f.write_str("no verifier: pass at least one to `any_of`"),
            Self::SharedHeader { header } => {
                write!(f, "two schemes read the header {header}: list the other scheme first, or give each scheme a route")
            }
            Self::InvalidScheme { fault } => write!(f, "the scheme contradicts itself: {fault}"),
        }
    }
}

impl Error for ConfigError {}
