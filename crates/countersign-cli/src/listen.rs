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
use crate::listen::receiver::{MAX_UNTOLD, MAX_WAITING, Receiver};
use crate::listen::saved::Folder;
use crate::output::{self, Verbosity};
use crate::provider::Provider;
use crate::secrets::Secrets;

/// Receive deliveries, say of each whether it is genuine, and pass on those that are
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  countersign listen --secret-file jira.secret --port 3000 --explain\n  countersign listen --provider stripe --secret-env STRIPE_SECRET \\\n    --forward http://127.0.0.1:8080\n  countersign listen --config countersign.toml --save captured\n\nThe file of --config has a table for each provider:\n\n  [[provider]]\n  path = \"/jira\"\n  provider = \"jira\"\n  # or secret-env; of a list, each may be the one\n  secret-file = \"2026-11=/run/secrets/jira\"\n  # optional, as are signed-url and allow-sha1\n  forward = \"http://127.0.0.1:8080\"\n\nPaths of files are looked for from where the command is run. What is not genuine is answered 401 and goes nowhere; what is not posted, 405. Nobody signs path and headers: give --forward a path if what stands behind it has several. What is passed on keeps its Host. If the service behind is down, the answer is 502; if it is slow, 504. Of what is too large (413), cut off or too slow nothing is kept. Ctrl-C finishes what is in flight, and stops; a second Ctrl-C stops at once."
)]
pub(crate) struct Listen {
    #[command(flatten)]
    provider: Provider,
    #[command(flatten)]
    secrets: Secrets,
    #[command(flatten)]
    listening: ListenOptions,
}

/// Where, and what is done with what comes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Listening")]
struct ListenOptions {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port; 0 for one that is free
    #[arg(long, short, value_name = "PORT", default_value_t = 3000)]
    port: u16,
    /// Several providers by path, from this TOML file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scheme", "secret_file", "secret_env", "secret", "signed_url", "allow_sha1", "forward"])]
    config: Option<PathBuf>,
    /// Pass genuine deliveries on to this URL, unchanged, and give its answer back. If it has a path, all go there; otherwise each goes to its own
    #[arg(long, value_name = "URL", value_parser = client::url)]
    forward: Option<Uri>,
    /// How long the service behind may take to answer, such as 30s or 500ms
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    forward_timeout: Duration,
    /// Keep each genuine delivery in this folder, for `verify --request`
    #[arg(long, value_name = "FOLDER")]
    save: Option<PathBuf>,
    /// Keep deliveries there, too, that are not genuine: 100 of them, and 16 MiB, at most. Anybody can send them
    #[arg(long, requires = "save")]
    save_rejected: bool,
    /// Find out why, of deliveries that are not genuine
    #[arg(long)]
    explain: bool,
    /// Print one JSON object for each delivery, in place of a line
    #[arg(long)]
    json: bool,
    /// Bytes of bodies in memory, of all deliveries at once. What does not fit is answered 503
    #[arg(long, value_name = "BYTES", default_value_t = 64 * 1024 * 1024)]
    memory: usize,
    /// The largest body in bytes, in place of the provider's
    #[arg(long, value_name = "BYTES")]
    body_limit: Option<usize>,
}

impl Listen {
    pub(crate) fn run(self, verbosity: Verbosity) -> Result<bool, Failure> {
        let ListenOptions { config, forward, body_limit, memory, .. } = &self.listening;
        let bounds = Bounds { body_limit: *body_limit, budget: MemoryBudget::new(*memory) };
        let endpoints = match config {
            Some(file) => config::read(file, &bounds, verbosity)?,
            None => vec![Endpoint::new(None, self.provider, self.secrets.load(verbosity)?, forward.clone(), &bounds)?],
        };
        let ListenOptions { host, port, forward_timeout, save, save_rejected, explain, json, .. } = self.listening;
        let journal = Journal::new(json, verbosity);
        let folder = save.map(|path| Folder::open(path, save_rejected)).transpose()?;
        let (waiting, turn, untold) = (Semaphore::new(MAX_WAITING), tokio::sync::Mutex::default(), Arc::new(Semaphore::new(MAX_UNTOLD)));
        let receiver = Receiver { endpoints, client: Client::new()?, forward_timeout, folder, explain, journal, waiting, turn, untold };
        client::block_on(async move {
            let listener = TcpListener::bind((host, port)).await;
            let listener = listener.map_err(|error| Failure::because(format!("cannot listen on {host}:{port}"), error))?;
            let address = listener.local_addr().map_err(|error| Failure::because("cannot listen", error))?;
            if verbosity > Verbosity::Quiet {
                for path in receiver.endpoints.iter().map(|endpoint| endpoint.path.as_deref().unwrap_or("/")) {
                    output::note(format!("Listening on http://{address}{path}. Ctrl-C stops it."));
                }
            }
            Arc::new(receiver).serve(listener).await;
            Ok(true)
        })
    }
}
