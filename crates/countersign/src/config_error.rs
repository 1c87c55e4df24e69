use std::error::Error;
use std::fmt;

use crate::{Algorithm, KeyId};

/// What is wrong with a configuration, found when it is built, so that no request can meet it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no key.
    NoKey,
    /// The secret has no bytes, or nothing but NULs, which HMAC cannot tell from none. Usual cause: an environment variable that is not
    /// set.
    EmptySecret {
        /// The key whose secret it is; `None` for a signer.
        key: Option<KeyId>,
    },
    /// The secret is not in the form in which the provider shows it, such as base64.
    InvalidSecret {
        /// The key whose secret it is; `None` for a signer.
        key: Option<KeyId>,
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
    /// A decoy was given a key, and has none.
    UnusedKey {
        /// The id.
        key: KeyId,
    },
    /// Keys of a tenant were given for a verifier of several schemes, and they say not of which.
    SeveralSchemes,
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
            Self::NoKey => f.write_str("there is no key"),
            Self::EmptySecret { key } => {
                of(f, key)?;
                f.write_str(" is empty")
            }
            Self::InvalidSecret { key } => {
                of(f, key)?;
                f.write_str(" is not in the form that the scheme demands")
            }
            Self::SecretLength { key, shortest, longest } => {
                of(f, key)?;
                write!(f, " is not {shortest} to {longest} bytes long")
            }
            Self::DuplicateKeyId { key } => write!(f, "two keys have the id {key:?}"),
            Self::UnknownKey { key } => write!(f, "there is no key with the id {key:?}"),
            Self::UnusedKey { key } => write!(f, "the key {key:?} is given where each tenant brings keys of its own"),
            Self::SeveralSchemes => f.write_str("keys of a tenant are given for several schemes at once"),
            Self::ZeroBodyLimit => f.write_str("the limit for bodies is zero"),
            Self::NothingAllowed => f.write_str("no algorithm is allowed"),
            Self::UnsupportedAlgorithm { algorithm } => write!(f, "the scheme does not know {algorithm}"),
            Self::LegacySha1 => f.write_str("sha1 is only accepted after allow_legacy_sha1"),
            Self::MissingUrl => f.write_str("the scheme signs the URL, and none is given"),
            Self::InvalidUrl => f.write_str("what is given as the URL is none that can be signed"),
            Self::UnusedUrl => f.write_str("a URL is given, but the scheme signs none"),
            Self::InvalidTolerance => f.write_str("the scheme signs no timestamp, or the tolerance is longer than a year"),
            Self::NoVerifier => f.write_str("there is no verifier to choose from"),
            Self::SharedHeader { header } => write!(f, "two schemes read the header {header}"),
            Self::InvalidScheme { fault } => write!(f, "the scheme contradicts itself: {fault}"),
        }
    }
}

impl Error for ConfigError {}
