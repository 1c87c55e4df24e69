use crate::delivery::Delivery;
use crate::delivery_options::DeliveryOptions;
use crate::failure::Failure;
use crate::output::{GOOD, Verbosity, styled};
use crate::provider::{self, Provider};
use crate::secrets::{NamedSecret, Secrets};
use clap::Args;
use countersign::{Rejection, Verified, Verifier};
use serde_json::{Value, json};
use std::time::SystemTime;

/// A delivery, and by what it is judged.
#[derive(Args, Clone, Debug)]
pub(crate) struct Case {
    #[command(flatten)]
    received: DeliveryOptions,
    #[command(flatten)]
    pub(crate) provider: Provider,
    #[command(flatten)]
    secrets: Secrets,
    /// The time of receiving in place of now: seconds since 1970, or as in RFC 3339
    #[arg(long, value_name = "TIME", value_parser = provider::time, help_heading = "Delivery")]
    at: Option<SystemTime>,
    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

/// What is to be judged.
pub(crate) struct Input {
    pub(crate) provider: Provider,
    pub(crate) delivery: Delivery,
    pub(crate) secrets: Vec<NamedSecret>,
    pub(crate) now: SystemTime,
    /// The bodies of other requests that were captured with it.
    pub(crate) others: Vec<Vec<u8>>,
}

impl Case {
    pub(crate) fn load(&self, verbosity: Verbosity) -> Result<Input, Failure> {
        let (delivery, others) = self.received.load()?;
        self.provider.check_url()?;
        let secrets = self.secrets.load(verbosity)?;
        let now = self.at.unwrap_or_else(SystemTime::now);
        Ok(Input { provider: self.provider.clone(), delivery, secrets, now, others })
    }
}

impl Input {
    /// What the verifier of a receiver says. A secret that the provider could not have is passed over if another is left.
    pub(crate) fn judge(&self) -> Result<Result<Verified, Rejection>, Failure> {
        let mut builder = self.provider.verifier();
        let mut fault = None;
        let mut usable = false;
        for secret in &self.secrets {
            match self.provider.verifier().key(secret.id.as_str(), secret.secret()).build() {
                Ok(_) => {
                    builder = builder.key(secret.id.as_str(), secret.secret());
                    usable = true;
                }
                Err(error) => fault = Some(error),
            }
        }
        match fault {
            Some(error) if !usable => Err(Failure::new(error.to_string())),
            _ => Ok(builder.build().map(|verifier: Verifier| verifier.verify_at(&self.delivery, &self.delivery.body, self.now))?),
        }
    }
}

/// For a person.
pub(crate) fn said(verified: &Verified, input: &Input) -> String {
    let key = verified.key_id();
    let first = input.secrets.first().filter(|first| *key != *first.id.as_str());
    let older = first.map(|first| format!("; not with {}, so perhaps by one of an older rotation", first.id)).unwrap_or_default();
    let by = match verified.algorithm() {
        Some(algorithm) => format!("signed with the secret {key}, by HMAC of {algorithm}"),
        None => format!("it shows the token {key}, which says nothing about the body"),
    };
    format!("{}: {by}{older}", styled(GOOD, "verified"))
}

/// For a program.
pub(crate) fn proof(verified: &Verified) -> Value {
    json!({
        "verified": true,
        "provider": verified.scheme(),
        "key": verified.key_id().as_str(),
        "algorithm": verified.algorithm().map(countersign::scheme::Algorithm::name),
        "signed_at": verified.signed_at().map(|time| humantime::format_rfc3339_seconds(time).to_string()),
        "signed_id": verified.signed_id(),
    })
}
