//! Test vectors from two files:
//!
//! - `vectors.json` has values published by others, never adjusted to the code.
//! - `computed.json` has values computed by `computed.py` from the description of each provider, without any code of countersign.

use std::time::{Duration, SystemTime};

use countersign::scheme::{Algorithm, Scheme};
use countersign::{ConfigError, Secret, Signer, Verifier, VerifierBuilder, providers};
use serde::Deserialize;

use crate::Delivery;

/// One vector.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// The name of a scheme in [`providers::ALL`].
    pub scheme: String,
    /// The publisher, if other than the provider.
    pub by: Option<String>,
    /// The place of publication.
    pub source: String,
    secret: Option<String>,
    secret_hex: Option<String>,
    body: Option<String>,
    body_hex: Option<String>,
    headers: Vec<(String, String)>,
    /// The time of verification in seconds after the Unix epoch, for a scheme with a timestamp.
    pub now: Option<u64>,
    /// The cause of the rejection, for a vector with a fault.
    pub rejected: Option<String>,
    /// The signed URL, for a scheme with a signed URL.
    url: Option<String>,
    /// Parts of the headers without influence on the verdict: names of headers, and texts in header values.
    #[serde(default)]
    ignored: Vec<String>,
    /// The tag of a computed vector.
    #[serde(default)]
    pub tag: String,
    /// The name in front of the tag of a computed vector.
    pub name: Option<String>,
    /// The text between name and tag of a computed vector.
    #[serde(default)]
    pub separator: String,
    /// The tags of other algorithms for the same text in the same encoding, for a computed vector.
    #[serde(default)]
    pub others: Vec<(String, String)>,
}

/// Returns all vectors.
#[must_use]
pub fn all() -> Vec<Vector> {
    [published(), computed()].concat()
}

/// Returns the vectors published by others.
#[must_use]
pub fn published() -> Vec<Vector> {
    serde_json::from_str(include_str!("../vectors.json")).unwrap()
}

/// Returns the vectors computed from the descriptions of the providers.
#[must_use]
pub fn computed() -> Vec<Vector> {
    serde_json::from_str(include_str!("../computed.json")).unwrap()
}

impl Vector {
    /// Returns the secret shared by sender and receiver.
    #[must_use]
    pub fn secret(&self) -> Secret {
        Secret::new(bytes(self.secret.as_deref(), self.secret_hex.as_deref()))
    }

    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        bytes(self.body.as_deref(), self.body_hex.as_deref())
    }

    /// Returns a verifier with the secret of this vector.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        let builder = Verifier::builder(scheme(&self.scheme)).key("published", self.secret());
        let builder = self.url.iter().fold(builder, VerifierBuilder::url);
        // The RFCs publish SHA-1 values, too.
        if self.by.as_deref() == Some("rfc") { builder.allow_legacy_sha1() } else { legacy(&scheme(&self.scheme), builder) }
            .build()
            .unwrap()
    }

    /// Returns whether the byte at `place` of this header has no influence on the verdict.
    #[must_use]
    pub fn is_ignored(&self, header: usize, place: usize) -> bool {
        let (name, value) = &self.headers[header];
        let covers = |text: &String| value.match_indices(text.as_str()).any(|(start, _)| (start..start + text.len()).contains(&place));
        self.ignored.iter().any(|text| text == name || covers(text))
    }

    /// Returns the delivery.
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
        _ => panic!("a vector has either text or hexadecimal text"),
    }
}

/// Returns the time this number of seconds after the Unix epoch.
#[must_use]
pub fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Returns the scheme with this name.
#[must_use]
pub fn scheme(name: &str) -> Scheme {
    *providers::ALL.iter().find(|scheme| scheme.name() == name).unwrap_or_else(|| panic!("no scheme has the name {name}"))
}

/// The providers with SHA-1 alone.
const LEGACY: [&str; 3] = ["intercom", "trello", "vercel"];

/// The receiver's URL, for schemes with a signed URL.
pub const URL: &str = "https://hooks.example.com/in?a=b";

/// The shared secret of the facts, for schemes that accept any text as a secret.
pub const SECRET: &str = "whsec_Q291bnRlcnNpZ24sIGEgc2VjcmV0IGZvciB0ZXN0cyE=";

/// Returns two secrets in a form accepted by this scheme. Providers show secrets in one of a few forms.
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
    // For a scheme with another length: the secret of its computed vector, and the same secret with one changed character.
    let vector = computed().into_iter().find(|vector| vector.scheme == scheme.name()).expect("the scheme has a computed vector");
    let secret = vector.secret.expect("the computed vector has a text as its secret");
    let middle = secret.len() / 2;
    let other = if secret[middle..].starts_with('1') { "2" } else { "1" };
    let changed = format!("{}{other}{}", &secret[..middle], &secret[middle + 1..]);
    [secret, changed].map(Secret::new)
}

fn scheme_takes(scheme: &Scheme, secret: &str) -> bool {
    legacy(scheme, with_url(scheme, Verifier::builder(*scheme).key("main", Secret::new(secret)))).build().is_ok()
}

/// Returns a signer for this scheme, with the first of the [`secrets`].
#[must_use]
pub fn signer(scheme: Scheme) -> Signer {
    signer_with(scheme, 0)
}

/// Returns a signer for this scheme, with the secret at `place` of the [`secrets`].
#[must_use]
pub fn signer_with(scheme: Scheme, place: usize) -> Signer {
    let builder = Signer::builder(scheme, secrets(scheme)[place].clone());
    if scheme.signs_url() { builder.url(URL) } else { builder }.build().unwrap()
}

/// Returns a signer for this scheme, with [`SECRET`] and this algorithm.
#[must_use]
pub fn signer_by(scheme: Scheme, algorithm: Algorithm) -> Signer {
    Signer::builder(scheme, Secret::new(SECRET)).algorithm(algorithm).build().unwrap()
}

/// Returns a builder for this scheme, with the first of the [`secrets`].
pub fn builder(scheme: Scheme) -> VerifierBuilder {
    let [secret, _] = secrets(scheme);
    legacy(&scheme, with_url(&scheme, Verifier::builder(scheme).key("main", secret)))
}

fn with_url(scheme: &Scheme, builder: VerifierBuilder) -> VerifierBuilder {
    if scheme.signs_url() { builder.url(URL) } else { builder }
}

/// Allows SHA-1 only for the three providers in [`LEGACY`].
fn legacy(scheme: &Scheme, builder: VerifierBuilder) -> VerifierBuilder {
    match builder.clone().build() {
        Err(ConfigError::LegacySha1) if LEGACY.contains(&scheme.name()) => builder.allow_legacy_sha1(),
        _ => builder,
    }
}

/// Returns a verifier for this scheme, with the first of the [`secrets`].
#[must_use]
pub fn verifier(scheme: Scheme) -> Verifier {
    builder(scheme).build().unwrap()
}
