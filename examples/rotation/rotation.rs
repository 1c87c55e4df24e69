//! A receiver of Jira deliveries with the secret in a file. A change of the file changes the secret,
//! without a restart and without a lost delivery. Kubernetes and Docker pass secrets to a service in
//! such files.
//!
//! ```text
//! mkdir secrets && printf 'the first secret' >secrets/current
//! cargo run --example rotation -- secrets
//! # in another terminal:
//! printf 'the second secret' >secrets/new
//! mv secrets/current secrets/previous && mv secrets/new secrets/current
//! # Both secrets are accepted within two seconds. When the last match of `previous` is long ago:
//! rm secrets/previous
//! ```
//!
//! `PORT` sets the port, by default 3000. `GET /keys` lists the keys, each with the seconds since
//! the last match. Make `/keys` reachable for operators only.

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use axum::routing::{get, post};
use axum::{Extension, Router};
use countersign::{Keys, Verified, Verifier, providers};
use countersign_keys::KeyFiles;
use countersign_tower::VerifyLayer;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    receiver::run(serve()).await
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: rotation FOLDER, with the secret in FOLDER/current")?;
    let files = KeyFiles::new()
        .file("current", format!("{folder}/current"))
        // The file exists only during a change of the secret.
        .optional_file("previous", format!("{folder}/previous"));
    let verifier = files.verifier(Verifier::builder(providers::JIRA)).map_err(|error| match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    })?;
    // Reads the files once a second, until the end of this function.
    let _watch = files.watch(verifier.keys(), Duration::from_secs(1))?;

    let keys = verifier.keys();
    let app = Router::new()
        .route("/jira", post(on_event))
        .route_layer(VerifyLayer::new(verifier))
        .route("/keys", get(|| async move { list(&keys) }));

    let address = receiver::address()?;
    let listener = TcpListener::bind(address).await.map_err(receiver::in_use(address))?;
    receiver::say(format_args!("Listening on http://{}/jira. Ctrl-C stops the receiver.", listener.local_addr()?));
    axum::serve(listener, app).with_graceful_shutdown(receiver::stop()).await?;
    Ok(())
}

async fn on_event(Extension(verified): Extension<Verified>, body: String) {
    receiver::say(format_args!("{} bytes (signed with key {})", body.len(), verified.key_id()));
}

fn list(keys: &Keys) -> String {
    let line = |key: &countersign::KeyStatus| match key.last_matched().and_then(|time| time.elapsed().ok()) {
        Some(ago) => format!("{}: last matched {} seconds ago\n", key.id(), ago.as_secs()),
        None => format!("{}: never matched\n", key.id()),
    };
    keys.list().iter().map(line).collect()
}
