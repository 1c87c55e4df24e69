mod config;
mod forward;
mod journal;
mod receiver;
mod saved;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use countersign::MemoryBudget;
use http::Uri;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::client::{self, Client};
use crate::failure::Failure;
use crate::listen::config::{Bounds, Endpoint};
use crate::listen::journal::Journal;
use crate::listen::receiver::{MAX_UNPRINTED, MAX_WAITING, Receiver};
use crate::listen::saved::Folder;
use crate::output::{self, Verbosity};
use crate::provider::Provider;
use crate::secrets::Secrets;

/// Receive and verify deliveries, and forward genuine deliveries
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  countersign listen --secret-file jira.secret --port 3000 --explain\n  countersign listen --provider stripe --secret-env STRIPE_SECRET \\\n    --forward http://127.0.0.1:8080\n  countersign listen --config countersign.toml --save captured\n\nThe file of --config has a table for each provider:\n\n  [[provider]]\n  path = \"/jira\"\n  provider = \"jira\"\n  # or secret-env; each secret of a list is tried\n  secret-file = \"2026-11=/run/secrets/jira\"\n  # optional, like signed-url and allow-sha1\n  forward = \"http://127.0.0.1:8080\"\n\nPaths of files are relative to the current directory.\n\nForged deliveries are answered 401 and not forwarded. Requests with another method than POST are answered 405. The sender does not sign path and headers: give --forward a path if the service has several paths. Forwarded deliveries keep the Host header. If the service is down, the response is 502; if the service is slow, 504. Deliveries too large (413), cut off or too slow are not saved.\n\nCtrl-C finishes the running deliveries and stops. A second Ctrl-C stops at once."
)]
pub(crate) struct Listen {
    #[command(flatten)]
    provider: Provider,
    /// Also accept HMAC-SHA-1, a legacy algorithm not to be trusted
    #[arg(long, help_heading = "Provider")]
    allow_sha1: bool,
    #[command(flatten)]
    secrets: Secrets,
    #[command(flatten)]
    listening: ListenOptions,
}

/// Options of the receiver.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Listening")]
struct ListenOptions {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port; 0 for a free port
    #[arg(long, short, value_name = "PORT", default_value_t = 3000)]
    port: u16,
    /// TOML file with a provider for each path
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scheme", "secret_file", "secret_env", "secret", "signed_url", "allow_sha1", "forward"])]
    config: Option<PathBuf>,
    /// Forward genuine deliveries to this URL, unchanged, and return the response. A path in the
    /// URL replaces the path of the delivery
    #[arg(long, value_name = "URL", value_parser = client::url)]
    forward: Option<Uri>,
    /// Time limit for the response to a forwarded delivery, such as 30s or 500ms
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    forward_timeout: Duration,
    /// Save each genuine delivery in this folder, for `verify --request`
    #[arg(long, value_name = "FOLDER")]
    save: Option<PathBuf>,
    /// Also save rejected deliveries, at most 100 and 16 MiB in all. Anybody can send such
    /// deliveries
    #[arg(long, requires = "save")]
    save_rejected: bool,
    /// Find the causes of rejections, one at a time. At most 8 rejections wait, including the
    /// running search. Bodies over 4 MiB are not explained
    #[arg(long)]
    explain: bool,
    /// Print a JSON object for each delivery, instead of a line
    #[arg(long)]
    json: bool,
    /// Limit of all bodies in memory together, in bytes. A delivery beyond the limit is answered
    /// 503
    #[arg(long, value_name = "BYTES", default_value_t = 64 * 1024 * 1024)]
    memory: usize,
    /// Limit of a body in bytes, instead of the provider's limit
    #[arg(long, value_name = "BYTES")]
    body_limit: Option<usize>,
}

impl Listen {
    pub(crate) fn run(self, verbosity: Verbosity) -> Result<bool, Failure> {
        let ListenOptions { config, forward, body_limit, memory, .. } = &self.listening;
        let bounds = Bounds { body_limit: *body_limit, budget: MemoryBudget::new(*memory) };
        let provider = Provider { allow_sha1: self.allow_sha1, ..self.provider };
        let endpoints = match config {
            Some(file) => config::read(file, &bounds, verbosity)?,
            None => vec![Endpoint::new(None, provider, self.secrets.load(verbosity)?, forward.clone(), &bounds)?],
        };
        let ListenOptions { host, port, forward_timeout, save, save_rejected, explain, json, .. } = self.listening;
        let journal = Journal::new(json, verbosity);
        let folder = save.map(|path| Folder::open(path, save_rejected)).transpose()?;
        let (waiting, turn, unprinted) =
            (Semaphore::new(MAX_WAITING), tokio::sync::Mutex::default(), Arc::new(Semaphore::new(MAX_UNPRINTED)));
        let receiver = Receiver { endpoints, client: Client::new()?, forward_timeout, folder, explain, journal, waiting, turn, unprinted };
        client::block_on(async move {
            let listener = TcpListener::bind((host, port)).await;
            let listener = listener.map_err(|error| Failure::because(format!("cannot listen on {host}:{port}"), error))?;
            let address = listener.local_addr().map_err(|error| Failure::because("cannot read the listening address", error))?;
            if verbosity > Verbosity::Quiet {
                for path in receiver.endpoints.iter().map(|endpoint| endpoint.path.as_deref().unwrap_or("/")) {
                    output::note(format!("Listening on http://{address}{path}. Ctrl-C stops the receiver."));
                }
            }
            Arc::new(receiver).serve(listener).await;
            Ok(true)
        })
    }
}
