//! The published values in `vectors.json`: computed by somebody else, and never adjusted to what the code says.

use std::time::{Duration, SystemTime};

use countersign::{Algorithm, Encoding, Part, Scheme, Secret, Signer, Verifier, VerifierBuilder, providers};
use serde::Deserialize;

use crate::Delivery;

/// One published value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// The name of a scheme in [`SCHEMES`] or [`CUSTOM`].
    pub scheme: String,
    /// Where it was published.
    pub source: String,
    secret: Option<String>,
    secret_hex: Option<String>,
    body: Option<String>,
    body_hex: Option<String>,
    headers: Vec<(String, String)>,
    /// Seconds after 1970 at which it is to be judged, if the scheme has a timestamp.
    pub now: Option<u64>,
    /// The cause for which it is to be refused, if it is.
    pub refused: Option<String>,
}

/// All of them.
#[must_use]
pub fn all() -> Vec<Vector> {
    serde_json::from_str(include_str!("../vectors.json")).unwrap()
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
        let scheme = SCHEMES.iter().chain(&CUSTOM).find(|scheme| scheme.name() == self.scheme).unwrap();
        let builder = Verifier::builder(*scheme).key("published", self.secret());
        if self.scheme == "websub" { builder.allow_legacy_sha1() } else { builder }.build().unwrap()
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

/// Every constant in [`providers`].
pub const SCHEMES: [Scheme; 11] = [
    providers::JIRA,
    providers::JIRA_DATA_CENTER,
    providers::BITBUCKET,
    providers::BITBUCKET_DATA_CENTER,
    providers::CONFLUENCE_DATA_CENTER,
    providers::GITHUB,
    providers::META,
    providers::GITEA,
    providers::FORGEJO,
    providers::SLACK,
    providers::WEBSUB,
];

/// Schemes that a user would write, in the shapes that the providers above have not: a list with the timestamp among its items, and a
/// list in base64 with a signed id and a secret in base64.
pub const CUSTOM: [Scheme; 2] = [PADDLE, STANDARD_WEBHOOKS];

/// `Paddle-Signature: ts=…;h1=…` over `{ts}:{body}`, with a tolerance wider than Paddle's own.
pub const PADDLE: Scheme = Scheme::new("paddle", "Paddle-Signature")
    .tagged(b'=', &[("h1", Algorithm::Sha256)])
    .list(b';')
    .before(&[Part::Timestamp, Part::Literal(":")])
    .timestamp_item("ts", Duration::from_secs(60));

/// `webhook-signature: v1,… v1,…` over `{id}.{timestamp}.{body}`.
pub const STANDARD_WEBHOOKS: Scheme = Scheme::new("standard-webhooks", "webhook-signature")
    .tagged(b',', &[("v1", Algorithm::Sha256)])
    .list(b' ')
    .encoding(Encoding::Base64)
    .before(&[Part::Id, Part::Literal("."), Part::Timestamp, Part::Literal(".")])
    .id_header("webhook-id")
    .timestamp_header("webhook-timestamp", Duration::from_secs(300))
    .base64_secret("whsec_");

/// The secret that facts share: text in base64, so that every scheme can take it.
pub const SECRET: &str = "whsec_Q291bnRlcnNpZ24gdGVzdCBzZWNyZXQ=";

/// A sender of this scheme that has [`SECRET`].
#[must_use]
pub fn signer(scheme: Scheme) -> Signer {
    Signer::new(scheme, Secret::new(SECRET)).unwrap()
}

/// A sender of this scheme that has [`SECRET`] and signs by this algorithm.
#[must_use]
pub fn signer_by(scheme: Scheme, algorithm: Algorithm) -> Signer {
    Signer::with_algorithm(scheme, algorithm, Secret::new(SECRET)).unwrap()
}

/// The start of a receiver of this scheme that has [`SECRET`].
pub fn builder(scheme: Scheme) -> VerifierBuilder {
    Verifier::builder(scheme).key("main", Secret::new(SECRET))
}

/// A receiver of this scheme that has [`SECRET`].
#[must_use]
pub fn verifier(scheme: Scheme) -> Verifier {
    builder(scheme).build().unwrap()
}
