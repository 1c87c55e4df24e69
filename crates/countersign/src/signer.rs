use std::fmt;
use std::time::SystemTime;

use crate::algorithm::Algorithm;
use crate::config_error::ConfigError;
use crate::crypto::mac::Mac;
use crate::keys::secret::Secret;
use crate::keys::wipe_stack::wiping_stack;
use crate::scheme::Scheme;
use crate::scheme::layout::{Grammar, Headers, TimestampSource};
use crate::scheme::url::Url;
use crate::verifier::parse::SignedParts;
use crate::verifier::policy::{UrlSetting, url};

/// The sending side of a [`Scheme`]: makes the headers that the provider would send with a body. For tests, for trying a receiver by
/// hand, and for senders of one's own.
///
/// ```
/// use countersign::{Secret, Signer, providers};
///
/// let signer = Signer::new(providers::JIRA, Secret::new("It's a Secret to Everybody"))?;
/// assert_eq!(signer.sign(b"Hello World!"), [(
///     "X-Hub-Signature".to_owned(),
///     "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9".to_owned(),
/// )]);
/// # Ok::<(), countersign::ConfigError>(())
/// ```
///
/// With a scheme of [static tokens](Scheme::insecure_static_token), the one header is the secret itself.
#[derive(Clone)]
pub struct Signer {
    scheme: Scheme,
    mac: Mac,
    url: Option<Url>,
    method: String,
    target: String,
    /// Of a static token.
    token: Option<Secret>,
}

impl Signer {
    /// Signs as the scheme's senders do by default; with SHA-256 in the `method=signature` family.
    ///
    /// # Errors
    /// Those of [`SignerBuilder::build`].
    pub fn new(scheme: Scheme, secret: Secret) -> Result<Self, ConfigError> {
        Self::builder(scheme, secret).build()
    }

    /// Starts the description of a signer that needs more than the secret.
    pub const fn builder(scheme: Scheme, secret: Secret) -> SignerBuilder {
        SignerBuilder { scheme, secret, algorithm: None, url: None, method: None, target: None }
    }

    /// The headers for a delivery of this body, as name and value.
    ///
    /// A timestamp is taken from the clock. So is an id, `msg_` and the nanoseconds since 1970: use [`sign_as`](Self::sign_as) for one's
    /// own.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> Vec<(String, String)> {
        self.headers(body, None, None)
    }

    /// [`sign`](Self::sign) at a given time. Times before 1970 count as 1970.
    #[must_use]
    pub fn sign_at(&self, body: &[u8], now: SystemTime) -> Vec<(String, String)> {
        self.headers(body, Some(now), None)
    }

    /// [`sign`](Self::sign) at a given time with a given delivery id, which a scheme that signs none ignores. The id is not judged.
    #[must_use]
    pub fn sign_as(&self, id: &str, body: &[u8], now: SystemTime) -> Vec<(String, String)> {
        self.headers(body, Some(now), Some(id))
    }

    fn headers(&self, body: &[u8], now: Option<SystemTime>, id: Option<&str>) -> Vec<(String, String)> {
        let Scheme { grammar, list, encoding, prefix, suffix, timestamp, id_header, .. } = self.scheme;
        let now = now.unwrap_or_else(SystemTime::now);
        let time = timestamp.map(|timestamp| (timestamp.source, self.scheme.format().write(now)));
        let made = || format!("msg_{}", now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos());
        let id = id_header.map(|name| (name, id.map_or_else(made, str::to_owned)));
        let name = match self.scheme.headers {
            Headers::Numbered(name) => format!("{name}1"),
            _ => self.scheme.header().to_owned(),
        };
        if let Some(token) = &self.token {
            return vec![(name, String::from_utf8_lossy(token.as_bytes()).into_owned())];
        }

        let parts = SignedParts {
            id: id.as_ref().map_or(b"", |(_, text)| text.as_bytes()),
            timestamp: time.as_ref().map_or(b"", |(_, text)| text.as_bytes()),
            method: &self.method,
            target: &self.target,
            ..SignedParts::NONE
        };
        let mut mac = self.mac.clone();
        parts.feed(self.url.as_ref(), prefix, |text| mac.update(text));
        mac.update(body);
        parts.feed(self.url.as_ref(), suffix, |text| mac.update(text));
        let tag = mac.tag();

        let mut value = match grammar {
            Grammar::Bare(_) | Grammar::StaticToken => String::new(),
            Grammar::Tagged { separator, names } => {
                let name = names.iter().find(|(_, algorithm)| *algorithm == tag.algorithm()).map_or("", |(name, _)| name);
                format!("{name}{}", char::from(separator))
            }
        };
        value.push_str(&tag.encode(encoding));

        let mut headers = Vec::with_capacity(3);
        headers.extend(id.map(|(name, id)| (name.to_owned(), id)));
        match (time, grammar, list) {
            (Some((TimestampSource::Header(name), text)), _, _) => headers.push((name.to_owned(), text)),
            (Some((TimestampSource::Item(name), text)), Grammar::Tagged { separator, .. }, Some(comma)) => {
                value = format!("{name}{}{text}{}{value}", char::from(separator), char::from(comma));
            }
            _ => {}
        }
        headers.push((name, value));
        headers
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("scheme", &self.scheme.name()).finish_non_exhaustive()
    }
}

/// Describes a [`Signer`]. Setters cannot fail; [`build`](Self::build) finds every mistake.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct SignerBuilder {
    scheme: Scheme,
    secret: Secret,
    algorithm: Option<Algorithm>,
    url: Option<UrlSetting>,
    method: Option<String>,
    target: Option<String>,
}

impl SignerBuilder {
    /// Signs with this one of the scheme's algorithms, SHA-1 among them: what that is worth is for the receiver to decide.
    pub const fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = Some(algorithm);
        self
    }

    /// The URL that the deliveries are posted to, for schemes that sign it: see [`VerifierBuilder::url`](crate::VerifierBuilder::url).
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(UrlSetting::Whole(url.into()));
        self
    }

    /// Scheme and host of that URL, and path and query: see [`VerifierBuilder::base_url`](crate::VerifierBuilder::base_url).
    pub fn base_url(mut self, base: impl Into<String>, target: impl Into<String>) -> Self {
        self.url = Some(UrlSetting::Base(base.into()));
        self.target = Some(target.into());
        self
    }

    /// The method by which the deliveries are posted, for schemes that sign it. `POST` unless set.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// The signer, ready to sign.
    ///
    /// # Errors
    /// [`ConfigError::EmptySecret`], [`ConfigError::InvalidSecret`], [`ConfigError::SecretLength`], [`ConfigError::InvalidScheme`],
    /// [`ConfigError::UnsupportedAlgorithm`]; [`ConfigError::MissingUrl`], [`ConfigError::InvalidUrl`], [`ConfigError::UnusedUrl`];
    /// [`ConfigError::NothingAllowed`] if the scheme's own default is no algorithm at all.
    pub fn build(self) -> Result<Signer, ConfigError> {
        let Self { scheme, secret, .. } = self;
        if let Some(fault) = scheme.fault() {
            return Err(ConfigError::InvalidScheme { fault });
        }
        // A scheme that rests on SHA-1 alone accepts nothing by default, and its senders have no choice.
        let default = || match scheme.default_algorithms {
            Some(algorithms) => algorithms.first().copied(),
            None => scheme.accepted_by_default().first().copied().or_else(|| scheme.algorithms().next()),
        };
        let algorithm = self.algorithm.or_else(default).ok_or(ConfigError::NothingAllowed)?;
        if !scheme.algorithms().any(|known| known == algorithm) {
            return Err(ConfigError::UnsupportedAlgorithm { algorithm });
        }
        let url = url(&scheme, self.url.as_ref())?;
        let (key, mac) = wiping_stack(|| {
            let key = scheme.key(&secret, None)?;
            let mac = Mac::new(algorithm, key.as_bytes());
            mac.map(|mac| (key, mac)).ok_or(ConfigError::InvalidSecret { key: None, expected: scheme.secret_form })
        })?;
        let token = (!scheme.covers_body()).then_some(key);
        let method = self.method.unwrap_or_else(|| "POST".to_owned());
        Ok(Signer { scheme, mac, url, method, target: self.target.unwrap_or_default(), token })
    }
}
