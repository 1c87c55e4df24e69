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

/// Options for a received delivery, the provider and the secrets.
#[derive(Args, Clone, Debug)]
pub(crate) struct Case {
    #[command(flatten)]
    received: DeliveryOptions,
    #[command(flatten)]
    pub(crate) provider: Provider,
    /// Also accept HMAC-SHA-1, a legacy algorithm not to be trusted
    #[arg(long, help_heading = "Provider")]
    allow_sha1: bool,
    #[command(flatten)]
    secrets: Secrets,
    /// Verify as of this time instead of now: seconds since 1970, or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = provider::time, help_heading = "Delivery")]
    at: Option<SystemTime>,
    /// Print a JSON object
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

/// A delivery to verify, with provider, secrets and time.
pub(crate) struct Input {
    pub(crate) provider: Provider,
    pub(crate) delivery: Delivery,
    pub(crate) secrets: Vec<NamedSecret>,
    pub(crate) now: SystemTime,
    /// Bodies of the other requests in the same capture.
    pub(crate) others: Vec<Vec<u8>>,
}

impl Case {
    pub(crate) fn load(&self, verbosity: Verbosity) -> Result<Input, Failure> {
        let (delivery, others) = self.received.load()?;
        self.provider.check_url()?;
        let secrets = self.secrets.load(verbosity)?;
        let now = self.at.unwrap_or_else(SystemTime::now);
        let provider = Provider { allow_sha1: self.allow_sha1, ..self.provider.clone() };
        Ok(Input { provider, delivery, secrets, now, others })
    }
}

impl Input {
    /// Verifies the delivery as a receiver would. Skips a secret invalid for the provider if
    /// another secret is valid.
    ///
    /// # Errors
    ///
    /// Returns an error if no secret is valid for the provider, or the verifier cannot be built.
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

/// Describes a verified delivery in a sentence.
pub(crate) fn describe(verified: &Verified, input: &Input) -> String {
    let key = verified.key_id();
    let first = input.secrets.first().filter(|first| *key != *first.id.as_str());
    let older = first.map(|first| format!("; not with {}, so the sender may still use an older secret", first.id)).unwrap_or_default();
    let by = match verified.algorithm() {
        Some(algorithm) => format!("signed with the secret {key}, by HMAC with {algorithm}"),
        None => format!("the token matches the secret {key}; a token does not cover the body"),
    };
    format!("{}: {by}{older}", styled(GOOD, "verified"))
}

/// Describes a verified delivery in JSON.
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
