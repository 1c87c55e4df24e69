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

/// The sending side of a [`Scheme`]: creates the headers of a provider's delivery.
///
/// A signer is for tests, for trying a receiver by hand, and for custom senders.
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
/// A scheme of [static tokens](Scheme::insecure_static_token) has a single header: the secret
/// itself.
#[doc(alias("hmac", "webhook sender"))]
#[derive(Clone)]
pub struct Signer {
    scheme: Scheme,
    mac: Mac,
    url: Option<Url>,
    method: String,
    target: String,
    /// The secret of a scheme of static tokens.
    token: Option<Secret>,
}

impl Signer {
    /// Creates a signer with the default algorithm of the scheme's senders. The default algorithm
    /// of [`Scheme::method_signature`] is SHA-256.
    ///
    /// # Errors
    /// The errors of [`SignerBuilder::build`].
    pub fn new(scheme: Scheme, secret: Secret) -> Result<Self, ConfigError> {
        Self::builder(scheme, secret).build()
    }

    /// Returns a builder for a signer with further settings.
    pub const fn builder(scheme: Scheme, secret: Secret) -> SignerBuilder {
        SignerBuilder { scheme, secret, algorithm: None, url: None, method: None, target: None }
    }

    /// Returns the headers for a delivery of this body, as pairs of name and value.
    ///
    /// The timestamp is the clock's time. The id is `msg_` and the nanoseconds since 1970.
    /// [`sign_as`](Self::sign_as) sets another id.
    ///
    /// # Panics
    /// Panics on a target without a clock, such as `wasm32-unknown-unknown`. Call
    /// [`sign_at`](Self::sign_at) there.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> Vec<(String, String)> {
        self.headers(body, None, None)
    }

    /// Returns the headers as [`sign`](Self::sign) does, at a given time. A time before 1970 counts
    /// as 1970.
    #[must_use]
    pub fn sign_at(&self, body: &[u8], now: SystemTime) -> Vec<(String, String)> {
        self.headers(body, Some(now), None)
    }

    /// Returns the headers as [`sign`](Self::sign) does, at a given time and with a given delivery
    /// id.
    ///
    /// The id is not checked. A scheme without a signed id ignores the id.
    #[must_use]
    pub fn sign_as(&self, id: &str, body: &[u8], now: SystemTime) -> Vec<(String, String)> {
        self.headers(body, Some(now), Some(id))
    }

    fn headers(&self, body: &[u8], now: Option<SystemTime>, id: Option<&str>) -> Vec<(String, String)> {
        let Scheme { grammar, list, encoding, prefix, suffix, timestamp, id_header, .. } = self.scheme;
        let now = now.unwrap_or_else(SystemTime::now);
        let time = timestamp.map(|timestamp| (timestamp.source, self.scheme.format().write(now)));
        let new_id = || format!("msg_{}", now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos());
        let id = id_header.map(|name| (name, id.map_or_else(new_id, str::to_owned)));
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
            (Some((TimestampSource::Item(name), text)), Grammar::Tagged { separator, .. }, Some(list_separator)) => {
                value = format!("{name}{}{text}{}{value}", char::from(separator), char::from(list_separator));
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

/// A builder for a [`Signer`]. Setters cannot fail: [`build`](Self::build) finds every mistake.
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
    /// Sets the algorithm, one of the scheme's algorithms. SHA-1 is allowed here: the receiver
    /// decides about accepting SHA-1.
    pub const fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = Some(algorithm);
        self
    }

    /// Sets the target URL of the deliveries, for schemes with a signed URL: see
    /// [`VerifierBuilder::url`](crate::VerifierBuilder::url).
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(UrlSetting::Whole(url.into()));
        self
    }

    /// Sets scheme and host of the target URL, and path and query: see
    /// [`VerifierBuilder::base_url`](crate::VerifierBuilder::base_url).
    pub fn base_url(mut self, base: impl Into<String>, target: impl Into<String>) -> Self {
        self.url = Some(UrlSetting::Base(base.into()));
        self.target = Some(target.into());
        self
    }

    /// Sets the request method of the deliveries, for schemes with a signed method. Default:
    /// `POST`.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Creates the signer.
    ///
    /// # Errors
    /// - [`ConfigError::EmptySecret`], [`ConfigError::InvalidSecret`] or
    ///   [`ConfigError::SecretLength`]: the secret is unusable.
    /// - [`ConfigError::InvalidScheme`]: the scheme contradicts itself, or cannot sign a base URL.
    /// - [`ConfigError::UnsupportedAlgorithm`]: the scheme does not have the algorithm.
    /// - [`ConfigError::NothingAllowed`]: the scheme's own default has no algorithm.
    /// - [`ConfigError::MissingUrl`], [`ConfigError::InvalidUrl`] or [`ConfigError::UnusedUrl`]:
    ///   the URL does not fit the scheme.
    pub fn build(self) -> Result<Signer, ConfigError> {
        let Self { scheme, secret, .. } = self;
        if let Some(fault) = scheme.fault() {
            return Err(ConfigError::InvalidScheme { fault });
        }
        // A scheme with SHA-1 alone accepts nothing by default, but the senders have no other
        // algorithm.
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
