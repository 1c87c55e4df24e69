//! The values in `vectors.json`, published by others and never adjusted to what the code says, and those in `computed.json`, which
//! `computed.py` makes of each provider's description without a line of our code.

use std::time::{Duration, SystemTime};

use countersign::scheme::{Algorithm, Scheme};
use countersign::{ConfigError, Secret, Signer, Verifier, VerifierBuilder, providers};
use serde::Deserialize;

use crate::Delivery;

/// One published value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// The name of a scheme in [`providers::ALL`].
    pub scheme: String,
    /// By whom it was published, if not by the provider.
    pub by: Option<String>,
    /// Where it was published.
    pub source: String,
    secret: Option<String>,
    secret_hex: Option<String>,
    body: Option<String>,
    body_hex: Option<String>,
    headers: Vec<(String, String)>,
    /// Seconds after 1970 at which it is to be judged, if the scheme has a timestamp.
    pub now: Option<u64>,
    /// The cause for which it is to be rejected, if it is.
    pub rejected: Option<String>,
    /// The URL that was signed, if the scheme signs one.
    url: Option<String>,
    /// What stands beside the signature and could be anything: names of headers, and texts in their values.
    #[serde(default)]
    ignored: Vec<String>,
    /// Of a computed value: the tag, the name in front of it and what stands between, and what other algorithms make of the same text in
    /// the same encoding.
    #[serde(default)]
    pub tag: String,
    /// See [`tag`](Self::tag).
    pub name: Option<String>,
    /// See [`tag`](Self::tag).
    #[serde(default)]
    pub separator: String,
    /// See [`tag`](Self::tag).
    #[serde(default)]
    pub others: Vec<(String, String)>,
}

/// All of them.
#[must_use]
pub fn all() -> Vec<Vector> {
    [published(), computed()].concat()
}

/// Those that others have published.
#[must_use]
pub fn published() -> Vec<Vector> {
    serde_json::from_str(include_str!("../vectors.json")).unwrap()
}

/// Those that were computed from a provider's description.
#[must_use]
pub fn computed() -> Vec<Vector> {
    serde_json::from_str(include_str!("../computed.json")).unwrap()
}

impl Vector {
    /// What the sender and the receiver share.
    #[must_use]
    pub fn secret(&self) -> Secret {
        Secret::new(bytes(self.secret.as_deref(), self.secret_hex.as_deref()))
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        bytes(self.body.as_deref(), self.body_hex.as_deref())
    }

    /// A verifier with this vector's secret.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        let builder = Verifier::builder(scheme(&self.scheme)).key("published", self.secret());
        let builder = self.url.iter().fold(builder, VerifierBuilder::url);
        // Among the published values there are some of SHA-1.
        if self.by.as_deref() == Some("rfc") { builder.allow_legacy_sha1() } else { legacy(&scheme(&self.scheme), builder) }
            .build()
            .unwrap()
    }

    /// Whether nothing depends on what stands at this place of this header.
    #[must_use]
    pub fn is_ignored(&self, header: usize, place: usize) -> bool {
        let (name, value) = &self.headers[header];
        let covers = |text: &String| value.match_indices(text.as_str()).any(|(start, _)| (start..start + text.len()).contains(&place));
        self.ignored.iter().any(|text| text == name || covers(text))
    }

    /// The delivery.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        let delivery = Delivery::unsigned(self.body()).headers(self.headers.clone());
        match self.now {
            Some(seconds) => delivery.at(at(seconds)),
            None => delivery,
        }
    }
}

fn bytes(text: Option<&str>, hex: Option<&str>) -> Vec<u8> {
    match (text, hex) {
        (Some(text), None) => text.as_bytes().to_vec(),
        (None, Some(hex)) => (0..hex.len()).step_by(2).map(|place| u8::from_str_radix(&hex[place..place + 2], 16).unwrap()).collect(),
        _ => panic!("either as text or in hex"),
    }
}

/// The moment so many seconds after 1970.
#[must_use]
pub fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The scheme of this name.
#[must_use]
pub fn scheme(name: &str) -> Scheme {
    *providers::ALL.iter().find(|scheme| scheme.name() == name).unwrap_or_else(|| panic!("no scheme is called {name}"))
}

/// The providers that have nothing but SHA-1.
const LEGACY: [&str; 3] = ["intercom", "trello", "vercel"];

/// Where the deliveries of those go that sign it.
pub const URL: &str = "https://hooks.example.com/in?a=b";

/// The secret that facts share, where a scheme takes any text.
pub const SECRET: &str = "whsec_Q291bnRlcnNpZ24sIGEgc2VjcmV0IGZvciB0ZXN0cyE=";

/// A secret that this scheme can take, and another one. Each provider shows its secrets in one of a few forms.
#[must_use]
pub fn secrets(scheme: Scheme) -> [Secret; 2] {
    let forms = [
        [SECRET, "whsec_QW5vdGhlciBvbmUsIG5vIGxlc3Mgb2YgYSBzZWNyZXQ="],
        ["Q291bnRlcnNpZ24sIGEgc2VjcmV0IGZvciB0ZXN0cyE=", "QW5vdGhlciBvbmUsIG5vIGxlc3Mgb2YgYSBzZWNyZXQ="],
        ["00ff".repeat(16).leak(), "01FE".repeat(16).leak()],
    ];
    if let Some(form) = forms.into_iter().find(|form| form.iter().all(|secret| scheme_takes(&scheme, secret))) {
        return form.map(Secret::new);
    }
    // Another length: what its computed value was made with, and the same with one character changed.
    let vector = computed().into_iter().find(|vector| vector.scheme == scheme.name()).expect("a computed value");
    let secret = vector.secret.expect("a secret in text");
    let middle = secret.len() / 2;
    let other = if secret[middle..].starts_with('1') { "2" } else { "1" };
    let changed = format!("{}{other}{}", &secret[..middle], &secret[middle + 1..]);
    [secret, changed].map(Secret::new)
}

fn scheme_takes(scheme: &Scheme, secret: &str) -> bool {
    legacy(scheme, with_url(scheme, Verifier::builder(*scheme).key("main", Secret::new(secret)))).build().is_ok()
}

/// A sender of this scheme that has the first of its [`secrets`].
#[must_use]
pub fn signer(scheme: Scheme) -> Signer {
    signer_with(scheme, 0)
}

/// A sender of this scheme that has this one of its [`secrets`].
#[must_use]
pub fn signer_with(scheme: Scheme, place: usize) -> Signer {
    let builder = Signer::builder(scheme, secrets(scheme)[place].clone());
    if scheme.signs_url() { builder.url(URL) } else { builder }.build().unwrap()
}

/// A sender of this scheme that has [`SECRET`] and signs by this algorithm.
#[must_use]
pub fn signer_by(scheme: Scheme, algorithm: Algorithm) -> Signer {
    Signer::builder(scheme, Secret::new(SECRET)).algorithm(algorithm).build().unwrap()
}

/// The start of a receiver of this scheme that has the first of its [`secrets`].
pub fn builder(scheme: Scheme) -> VerifierBuilder {
    let [secret, _] = secrets(scheme);
    legacy(&scheme, with_url(&scheme, Verifier::builder(scheme).key("main", secret)))
}

fn with_url(scheme: &Scheme, builder: VerifierBuilder) -> VerifierBuilder {
    if scheme.signs_url() { builder.url(URL) } else { builder }
}

/// Accepts SHA-1 where a provider has nothing else, and nowhere else: there are no other rows than those three.
fn legacy(scheme: &Scheme, builder: VerifierBuilder) -> VerifierBuilder {
    match builder.clone().build() {
        Err(ConfigError::LegacySha1) if LEGACY.contains(&scheme.name()) => builder.allow_legacy_sha1(),
        _ => builder,
    }
}

/// A receiver of this scheme that has the first of its [`secrets`].
#[must_use]
pub fn verifier(scheme: Scheme) -> Verifier {
    builder(scheme).build().unwrap()
}
