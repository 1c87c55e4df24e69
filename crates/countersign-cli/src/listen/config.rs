use std::path::Path;

use countersign::{MemoryBudget, Verifier, VerifierBuilder};
use http::Uri;
use serde::Deserialize;

use crate::client;
use crate::failure::Failure;
use crate::output::Verbosity;
use crate::provider::{self, Provider};
use crate::secrets::{NamedSecret, Secrets};

/// A provider with path, secrets and verifier.
pub(crate) struct Endpoint {
    /// `None` for every path.
    pub(crate) path: Option<String>,
    pub(crate) provider: Provider,
    pub(crate) secrets: Vec<NamedSecret>,
    pub(crate) forward: Option<Uri>,
    pub(crate) verifier: Verifier,
}

impl Endpoint {
    pub(crate) fn new(
        path: Option<String>,
        provider: Provider,
        secrets: Vec<NamedSecret>,
        forward: Option<Uri>,
        bounds: &Bounds,
    ) -> Result<Self, Failure> {
        provider.check_url()?;
        let builder = secrets.iter().fold(provider.verifier(), |builder, secret| builder.key(secret.id.as_str(), secret.secret()));
        let builder = bounds.body_limit.into_iter().fold(builder, VerifierBuilder::body_limit).memory_budget(bounds.budget.clone());
        let name = provider.scheme.name();
        let verifier = builder.build().map_err(|error| Failure::because(format!("cannot build a verifier for {name}"), error))?;
        Ok(Self { path, provider, secrets, forward, verifier })
    }
}

/// Limits for all endpoints.
pub(crate) struct Bounds {
    pub(crate) body_limit: Option<usize>,
    pub(crate) budget: MemoryBudget,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "tables [[provider]]")]
struct Config {
    #[serde(default)]
    provider: Vec<Table>,
}

/// A string, or a list of strings.
#[derive(Default, Deserialize)]
#[serde(from = "TextOrList")]
struct OneOrMore(Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
enum TextOrList {
    One(String),
    More(Vec<String>),
}

impl From<TextOrList> for OneOrMore {
    fn from(given: TextOrList) -> Self {
        match given {
            TextOrList::One(text) => Self(vec![text]),
            TextOrList::More(texts) => Self(texts),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table of a provider")]
struct Table {
    path: String,
    provider: String,
    #[serde(default)]
    secret_file: OneOrMore,
    #[serde(default)]
    secret_env: OneOrMore,
    signed_url: Option<String>,
    #[serde(default)]
    allow_sha1: bool,
    forward: Option<String>,
}

/// Reads the endpoints of a file, at least one. Errors show no text of the file: a user may have
/// written a secret in place of a file name, a path or a TOML key.
pub(crate) fn read(file: &Path, bounds: &Bounds, verbosity: Verbosity) -> Result<Vec<Endpoint>, Failure> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| Failure::because(format!("cannot read {name}"), error))?;
    let config: Config = toml::from_str(&text).map_err(|error| Failure::new(format!("{name} is invalid{}", place(&text, &error))))?;
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for (place, table) in config.provider.into_iter().enumerate() {
        let fault = |error| Failure::because(format!("{name}, [[provider]] number {}", place.saturating_add(1)), error);
        let endpoint = endpoint(table, bounds, verbosity).map_err(fault)?;
        if endpoints.iter().any(|other| other.path == endpoint.path) {
            return Err(fault(Failure::new("two providers have this path: give each provider its own")));
        }
        endpoints.push(endpoint);
    }
    if endpoints.is_empty() { Err(Failure::new(format!("{name} has no [[provider]] table"))) } else { Ok(endpoints) }
}

/// Describes an error by line and problem, without the text of the line, and without a value quoted
/// by `toml`.
fn place(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| format!(", line {}", before.matches('\n').count().saturating_add(1))).unwrap_or_default();
    let message = error.message();
    let what = match message.split_once(", expected ") {
        // "invalid type: string \"…\", expected a boolean".
        Some((found, expected)) if found.starts_with("invalid ") => format!("expected {expected}"),
        // "unknown field `…`, expected one of …".
        Some((found, expected)) if found.starts_with("unknown field ") => format!("unknown key, expected {expected}"),
        _ if message.starts_with("unknown field ") => "unknown key".to_owned(),
        _ if message.contains('"') => "the value cannot be parsed".to_owned(),
        _ => message.to_owned(),
    };
    format!("{line}: {what}")
}

fn endpoint(table: Table, bounds: &Bounds, verbosity: Verbosity) -> Result<Endpoint, Failure> {
    let Table { path, provider, secret_file: OneOrMore(secret_file), secret_env: OneOrMore(secret_env), signed_url, allow_sha1, forward } =
        table;
    if !path.starts_with('/') || path.contains(['?', '#']) {
        return Err(Failure::new("the path must begin with / and have no query"));
    }
    let scheme = provider::by_name(&provider).ok_or_else(|| Failure::new("no such provider: `countersign providers` lists all"))?;
    if secret_file.is_empty() && secret_env.is_empty() {
        return Err(Failure::new("no secret given: set secret-file or secret-env"));
    }
    let fault = |_| Failure::new("cannot read the secret: set secret-file to the name of a file, or secret-env to the name of a variable");
    let secrets = Secrets::new(secret_file, secret_env).load(verbosity).map_err(fault)?;
    let forward = forward.map(|url| client::url(&url).map_err(|error| Failure::new(format!("forward is not a URL: {error}"))));
    Endpoint::new(Some(path), Provider { scheme, signed_url, allow_sha1 }, secrets, forward.transpose()?, bounds)
}
