use std::fmt;
use std::time::SystemTime;

use crate::mac::Mac;
use crate::scheme::{Grammar, TimestampSource};
use crate::{Algorithm, ConfigError, Part, Scheme, Secret};

/// The sending side of a [`Scheme`]: makes the headers that the provider would send with a body. For tests, for trying a receiver by
/// hand, and for senders of one's own.
///
/// ```
/// use countersign::{Secret, Signer, providers};
///
/// let signer = Signer::new(providers::JIRA, Secret::new("It's a Secret to Everybody"))?;
/// assert_eq!(signer.sign(b"Hello World!"), [(
///     "X-Hub-Signature",
///     "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9".to_owned(),
/// )]);
/// # Ok::<(), countersign::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Signer {
    scheme: Scheme,
    mac: Mac,
}

impl Signer {
    /// Signs as the scheme's senders do by default; with SHA-256 in the `method=signature` family.
    ///
    /// # Errors
    /// [`ConfigError::EmptySecret`], [`ConfigError::InvalidSecret`], [`ConfigError::InvalidScheme`]; [`ConfigError::NothingAllowed`] and
    /// [`ConfigError::UnsupportedAlgorithm`] if that is what the scheme's own default is.
    pub fn new(scheme: Scheme, secret: Secret) -> Result<Self, ConfigError> {
        // A scheme that rests on SHA-1 alone accepts nothing by default, and its senders have no choice.
        let default = match scheme.default_algorithms {
            Some(algorithms) => algorithms.first().copied(),
            None => scheme.accepted_by_default().first().copied().or_else(|| scheme.algorithms().next()),
        };
        if let Some(fault) = scheme.fault() {
            return Err(ConfigError::InvalidScheme { fault });
        }
        Self::with_algorithm(scheme, default.ok_or(ConfigError::NothingAllowed)?, secret)
    }

    /// Signs with one of the scheme's algorithms, SHA-1 among them: what that is worth is for the receiver to decide.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), and [`ConfigError::UnsupportedAlgorithm`].
    #[expect(clippy::needless_pass_by_value, reason = "a signer takes its secret over, as a verifier does")]
    pub fn with_algorithm(scheme: Scheme, algorithm: Algorithm, secret: Secret) -> Result<Self, ConfigError> {
        if let Some(fault) = scheme.fault() {
            return Err(ConfigError::InvalidScheme { fault });
        }
        if !scheme.algorithms().any(|known| known == algorithm) {
            return Err(ConfigError::UnsupportedAlgorithm { algorithm });
        }
        let key = scheme.key(&secret, None)?;
        let mac = Mac::new(algorithm, key.as_bytes()).ok_or(ConfigError::InvalidSecret { key: None })?;
        Ok(Self { scheme, mac })
    }

    /// The headers for a delivery of this body, as name and value.
    ///
    /// A timestamp is taken from the clock. So is an id, `msg_` and the nanoseconds since 1970: use [`sign_as`](Self::sign_as) for one's
    /// own.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> Vec<(&'static str, String)> {
        self.headers(body, None, None)
    }

    /// [`sign`](Self::sign) at a given time. Times before 1970 count as 1970.
    #[must_use]
    pub fn sign_at(&self, body: &[u8], now: SystemTime) -> Vec<(&'static str, String)> {
        self.headers(body, Some(now), None)
    }

    /// [`sign`](Self::sign) at a given time with a given delivery id, which a scheme that signs none ignores. The id is not judged.
    #[must_use]
    pub fn sign_as(&self, id: &str, body: &[u8], now: SystemTime) -> Vec<(&'static str, String)> {
        self.headers(body, Some(now), Some(id))
    }

    fn headers(&self, body: &[u8], now: Option<SystemTime>, id: Option<&str>) -> Vec<(&'static str, String)> {
        let Scheme { header, grammar, list, encoding, before, after, timestamp, id_header, .. } = self.scheme;
        let since_1970 = || now.unwrap_or_else(SystemTime::now).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let time = timestamp.map(|timestamp| (timestamp.source, since_1970().as_secs().to_string()));
        let id = id_header.map(|name| (name, id.map_or_else(|| format!("msg_{}", since_1970().as_nanos()), str::to_owned)));

        let mut mac = self.mac.clone();
        let feed = |mac: &mut Mac, parts: &[Part]| {
            for part in parts {
                mac.update(match part {
                    Part::Literal(text) => text.as_bytes(),
                    Part::Timestamp => time.as_ref().map_or(b"", |(_, text)| text.as_bytes()),
                    Part::Id => id.as_ref().map_or(b"", |(_, text)| text.as_bytes()),
                });
            }
        };
        feed(&mut mac, before);
        mac.update(body);
        feed(&mut mac, after);
        let tag = mac.finish();

        let mut value = match grammar {
            Grammar::Bare(_) => String::new(),
            Grammar::Tagged { separator, names } => {
                let name = names.iter().find(|(_, algorithm)| *algorithm == tag.algorithm()).map_or("", |(name, _)| name);
                format!("{name}{}", char::from(separator))
            }
        };
        value.push_str(&tag.encode(encoding));

        let mut headers = Vec::with_capacity(3);
        headers.extend(id);
        match (time, grammar, list) {
            (Some((TimestampSource::Header(name), text)), _, _) => headers.push((name, text)),
            (Some((TimestampSource::Item(name), text)), Grammar::Tagged { separator, .. }, Some(comma)) => {
                value = format!("{name}{}{text}{}{value}", char::from(separator), char::from(comma));
            }
            _ => {}
        }
        headers.push((header, value));
        headers
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("scheme", &self.scheme.name()).finish_non_exhaustive()
    }
}
