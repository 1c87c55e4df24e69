use std::time::SystemTime;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
use countersign::scheme::{Algorithm, Scheme};
use countersign::{SignerBuilder, VerifierBuilder, providers};

use crate::failure::Failure;

/// Options for the provider.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Provider")]
pub(crate) struct Provider {
    /// Provider of the delivery; `countersign providers` lists all
    #[arg(long = "provider", default_value = "jira", value_name = "NAME", value_parser = parser(), hide_possible_values = true)]
    pub(crate) scheme: Scheme,
    /// URL of the receiver as registered at the provider, for providers signing the URL
    #[arg(long, value_name = "URL")]
    pub(crate) signed_url: Option<String>,
    /// An option of the commands that verify. Signing takes the algorithm of the provider.
    #[arg(skip)]
    pub(crate) allow_sha1: bool,
}

pub(crate) fn parser() -> impl clap::builder::TypedValueParser<Value = Scheme> {
    let names = providers::ALL.iter().map(|scheme| PossibleValue::new(scheme.name()));
    PossibleValuesParser::new(names).try_map(|name| by_name(&name).ok_or("no such provider"))
}

pub(crate) fn by_name(name: &str) -> Option<Scheme> {
    providers::ALL.iter().find(|scheme| scheme.name() == name).copied()
}

impl Provider {
    pub(crate) fn verifier(&self) -> VerifierBuilder {
        self.configure(countersign::Verifier::builder(self.scheme))
    }

    /// Applies the options to a verifier, also of another scheme.
    pub(crate) fn configure(&self, builder: VerifierBuilder) -> VerifierBuilder {
        let builder = self.signed_url.iter().fold(builder, VerifierBuilder::url);
        if self.allow_sha1 { builder.allow_legacy_sha1() } else { builder }
    }

    pub(crate) fn signer(&self, secret: countersign::Secret, algorithm: Option<Algorithm>) -> SignerBuilder {
        let signer = countersign::Signer::builder(self.scheme, secret);
        let signer = self.signed_url.iter().fold(signer, SignerBuilder::url);
        algorithm.into_iter().fold(signer, SignerBuilder::algorithm)
    }

    pub(crate) fn check_url(&self) -> Result<(), Failure> {
        match (self.scheme.signs_url(), &self.signed_url) {
            (true, None) => {
                Err(Failure::new(format!("{} signs the URL: give the URL of the receiver as --signed-url", self.scheme.name())))
            }
            (false, Some(_)) => Err(Failure::new(format!("{} does not sign the URL: leave --signed-url out", self.scheme.name()))),
            _ => Ok(()),
        }
    }
}

/// Parses seconds since 1970, or an RFC 3339 time.
pub(crate) fn time(text: &str) -> Result<SystemTime, String> {
    if let Ok(seconds) = text.parse() {
        let time = SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(seconds));
        return time.ok_or_else(|| "the time is too far in the future".to_owned());
    }
    humantime::parse_rfc3339_weak(text).map_err(|error| format!("{error}; give seconds since 1970, or a time such as 2026-11-24T17:30:00Z"))
}

pub(crate) fn algorithm(text: &str) -> Result<Algorithm, String> {
    let known = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512];
    known.into_iter().find(|known| known.name() == text).ok_or_else(|| "expected sha1, sha256, sha384 or sha512".to_owned())
}
