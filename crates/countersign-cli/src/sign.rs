use std::time::SystemTime;

use clap::Args;
use countersign::scheme::Algorithm;

use crate::delivery_options;
use crate::failure::Failure;
use crate::output::{self, Verbosity};
use crate::provider::{self, Provider};
use crate::secrets::Secrets;

/// Print the headers a provider would send with a body
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  countersign sign --secret-file jira.secret event.json\n  countersign sign --provider stripe --secret-env STRIPE_SECRET \\\n    --curl http://localhost:3000/stripe event.json"
)]
pub(crate) struct Sign {
    /// File with the body; `-` for standard input
    #[arg(default_value = "-", value_name = "FILE")]
    file: String,
    /// Print only the headers of the signature
    #[arg(long, conflicts_with = "curl")]
    header_only: bool,
    /// Print a `curl` command that sends the delivery to this URL
    #[arg(long, value_name = "URL")]
    curl: Option<String>,
    #[command(flatten)]
    signing: SignOptions,
}

/// Options for signing.
#[derive(Args, Clone, Debug)]
pub(crate) struct SignOptions {
    #[command(flatten)]
    pub(crate) provider: Provider,
    #[command(flatten)]
    secrets: Secrets,
    /// ID of the secret to sign with; default: the first secret
    #[arg(long, value_name = "ID", help_heading = "Signing")]
    key_id: Option<String>,
    /// Hash to sign with, for providers with several: sha1, sha256, sha384 or sha512
    #[arg(long, value_name = "HASH", value_parser = provider::algorithm, help_heading = "Signing")]
    hash: Option<Algorithm>,
    /// Sign as of this time instead of now: seconds since 1970, or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = provider::time, help_heading = "Signing")]
    pub(crate) at: Option<SystemTime>,
    /// Delivery id, signed or unsigned, for providers with an id
    #[arg(long, value_name = "ID", help_heading = "Signing")]
    pub(crate) id: Option<String>,
}

impl SignOptions {
    pub(crate) fn signer(&self, verbosity: Verbosity) -> Result<countersign::Signer, Failure> {
        self.provider.check_url()?;
        let secret = self.secrets.load_one(self.key_id.as_deref(), verbosity)?;
        let built = self.provider.signer(secret.secret(), self.hash).build();
        built.map_err(|error| Failure::because(format!("cannot sign for {}", self.provider.scheme.name()), error))
    }

    pub(crate) fn headers(&self, signer: &countersign::Signer, id: &str, body: &[u8]) -> Vec<(String, String)> {
        signer.sign_as(id, body, self.at.unwrap_or_else(SystemTime::now))
    }
}

impl Sign {
    pub(crate) fn run(self, verbosity: Verbosity) -> Result<bool, Failure> {
        let signer = self.signing.signer(verbosity)?;
        let body = delivery_options::read(&self.file)?;
        let id = self.signing.id.clone().map_or_else(|| random_id().map(|id| format!("msg_{id}")), Ok)?;
        let mut headers = self.signing.headers(&signer, &id, &body);
        if !self.header_only {
            headers.insert(0, ("Content-Type".to_owned(), content_type(&body).to_owned()));
        }
        match &self.curl {
            None => headers.iter().for_each(|(name, value)| output::line(format!("{name}: {value}"))),
            Some(url) => {
                let headers = headers.iter().map(|(name, value)| format!("-H {} ", quoted(&format!("{name}: {value}"))));
                let body = quoted(&format!("@{}", self.file));
                output::line(format!("curl -i {}--data-binary {body} {}", headers.collect::<String>(), quoted(url)));
                if self.file == "-" && verbosity > Verbosity::Quiet {
                    output::warn("the body came from standard input: give curl the same input");
                }
            }
        }
        Ok(true)
    }
}

/// Returns the media type: JSON if the body parses.
pub(crate) fn content_type(body: &[u8]) -> &'static str {
    match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => "application/json",
        Err(_) => "application/octet-stream",
    }
}

/// Quotes a text as a single word for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns a random UUID of version 4 (RFC 9562 §5.4).
pub(crate) fn random_id() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Failure::because("cannot get random numbers from the system", error))?;
    let id = (u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let digits = format!("{id:032x}");
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    Ok([part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-"))
}
