use std::error::Error;
use std::fmt;

use crate::algorithm::Algorithm;
use crate::key_id::KeyId;
use crate::scheme::secret_form::SecretForm;

/// What is wrong with a configuration, found when it is built, so that no request can meet it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no key.
    NoKey,
    /// The secret has no bytes, or nothing but white space and NULs. HMAC cannot tell NULs from none, and white space can be guessed. Usual
    /// causes: an environment variable that is not set, and a file with a line break alone.
    EmptySecret {
        /// The key whose secret it is; `None` for a signer.
        key: Option<KeyId>,
    },
    /// The secret is not in the form in which the provider shows it, such as base64.
    InvalidSecret {
        /// The key whose secret it is; `None` for a signer.
        key: Option<KeyId>,
        /// The form that the scheme expects.
        expected: SecretForm,
    },
    /// The secret, decoded, has not the length that the provider documents. Usual cause: a secret of something else.
    SecretLength {
        /// The key whose secret it is; `None` for a signer.
        key: Option<KeyId>,
        /// The fewest bytes.
        shortest: usize,
        /// The most bytes.
        longest: usize,
    },
    /// Two keys have the same id.
    DuplicateKeyId {
        /// The id.
        key: KeyId,
    },
    /// There is no key of this id.
    UnknownKey {
        /// The id.
        key: KeyId,
    },
    /// A template was given a key, and has none.
    UnusedKey {
        /// The id.
        key: KeyId,
    },
    /// The limit for bodies is zero bytes.
    ZeroBodyLimit,
    /// No algorithm is allowed.
    NothingAllowed,
    /// The scheme has no name for this algorithm, so no delivery can use it.
    UnsupportedAlgorithm {
        /// The algorithm that was asked for.
        algorithm: Algorithm,
    },
    /// SHA-1 is among the algorithms, but [`allow_legacy_sha1`](crate::VerifierBuilder::allow_legacy_sha1) was not called.
    LegacySha1,
    /// The scheme signs the URL, and none was given.
    MissingUrl,
    /// What was given as URL or base is none, in ASCII and without a fragment; a base has no path either.
    InvalidUrl,
    /// A URL was given, but the scheme signs none.
    UnusedUrl,
    /// A tolerance was given, but the scheme signs no timestamp; or it is longer than a year.
    InvalidTolerance,
    /// The machine has no clock, as on `wasm32-unknown-unknown`, and none was given by [`clock`](crate::VerifierBuilder::clock).
    NoClock,
    /// There is no verifier to choose from.
    NoVerifier,
    /// Two schemes of one verifier read the same header, or one reads what the sender of a later one sends as well: the header could not
    /// choose between them. In the second case, list the later one first.
    SharedHeader {
        /// The header.
        header: &'static str,
    },
    /// The scheme contradicts itself.
    InvalidScheme {
        /// How.
        fault: &'static str,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |f: &mut fmt::Formatter<'_>, key: &Option<KeyId>| match key {
            Some(key) => write!(f, "the secret of key {key:?}"),
            None => f.write_str("the secret"),
        };
        match self {
            Self::NoKey => f.write_str("no key: call `.key(id, secret)`"),
            Self::EmptySecret { key } => {
                of(f, key)?;
                f.write_str(" is empty or white space alone: fill in the variable or the file that it comes from")
            }
            Self::InvalidSecret { key, expected } => {
                of(f, key)?;
                write!(f, " has the wrong form: expected {expected}")
            }
            Self::SecretLength { key, shortest, longest } => {
                of(f, key)?;
                write!(f, " has the wrong length: expected {shortest} to {longest} bytes, decoded")
            }
            Self::DuplicateKeyId { key } => write!(f, "two keys have the id {key:?}: give each its own"),
            Self::UnknownKey { key } => write!(f, "no key has the id {key:?}: see `Keys::list`"),
            Self::UnusedKey { key } => write!(f, "a template has no key, but {key:?} is given: give it to `for_tenant`"),
            Self::ZeroBodyLimit => f.write_str("the body limit is zero: call `.body_limit(bytes)` with one at least"),
            Self::NothingAllowed => f.write_str("no algorithm is allowed: name one in `.algorithms([…])`"),
            Self::UnsupportedAlgorithm { algorithm } => {
                write!(f, "the scheme has no name for {algorithm}: name one of its own in `.algorithms([…])`")
            }
            Self::LegacySha1 => f.write_str("sha1 is not accepted by default: call `.allow_legacy_sha1()`"),
            Self::MissingUrl => f.write_str("no URL given: call `.url(…)`"),
            Self::InvalidUrl => {
                f.write_str("the URL cannot be signed: give `http://` or `https://`, ASCII and no fragment, and no path to `.base_url(…)`")
            }
            Self::UnusedUrl => f.write_str("the scheme signs no URL: call neither `.url(…)` nor `.base_url(…)`"),
            Self::InvalidTolerance => f.write_str("the tolerance is longer than a year, or the scheme signs no timestamp: leave it out"),
            Self::NoClock => f.write_str("this machine has no clock: call `.clock(…)`"),
            Self::NoVerifier => f.write_str("no verifier: give `any_of` one at least"),
            Self::SharedHeader { header } => {
                write!(f, "two schemes read the header {header}: list the other first, or give each a route of its own")
            }
            Self::InvalidScheme { fault } => write!(f, "the scheme contradicts itself: {fault}"),
        }
    }
}

impl Error for ConfigError {}
