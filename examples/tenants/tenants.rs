//! A receiver of Jira deliveries for many tenants, each with a separate secret. The first delivery of
//! a tenant looks up the secret, and a cache keeps the secret.
//!
//! In this example, a folder replaces the database. The folder has one file per tenant, with the
//! secret of the tenant.
//!
//! ```text
//! mkdir tenants
//! printf 'the secret of acme' >tenants/acme
//! printf 'the secret of globex' >tenants/globex
//! cargo run --example tenants -- tenants
//! # in another terminal:
//! echo '{}' | JIRA_WEBHOOK_SECRET='the secret of acme' \
//!     cargo run --example send -- http://127.0.0.1:3000/jira/acme
//! ```
//!
//! `PORT` sets the port, by default 3000. The time to live of the cache is two seconds, also for
//! unknown tenants. A changed or added file thus counts after at most two seconds. This request makes
//! a change count at once:
//!
//! ```text
//! curl -X POST http://127.0.0.1:3000/tenants/acme/invalidate
//! ```
//!
//! Make the path `/tenants` reachable for operators only.

use std::env;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use axum::extract;
use axum::routing::post;
use axum::{Extension, Router};
use countersign::{Secret, Verified, Verifier, providers};
use countersign_tenants::Tenants;
use countersign_tower::VerifyLayer;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    receiver::run(serve()).await
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = env::args_os().nth(1).ok_or("usage: tenants FOLDER, with the secret of each tenant in FOLDER/TENANT")?.into();
    if !folder.is_dir() {
        return Err(format!("{}: no such folder", folder.display()).into());
    }
    let tenants = Tenants::builder(Verifier::builder(providers::JIRA))
        .by_path("/jira/{tenant}")
        .time_to_live(Duration::from_secs(2))
        .negative_ttl(Duration::from_secs(2))
        .build(move |tenant| secrets_of(folder.clone(), tenant))?;

    let app = Router::new()
        .route("/jira/{tenant}", post(on_event))
        .route_layer(VerifyLayer::new(tenants.clone()))
        .route("/tenants/{tenant}/invalidate", post(async move |extract::Path(tenant): extract::Path<String>| tenants.invalidate(&tenant)));

    let address = receiver::address()?;
    let listener = TcpListener::bind(address).await.map_err(receiver::in_use(address))?;
    receiver::say(format_args!("Listening on http://{}/jira/{{tenant}}. Ctrl-C stops the receiver.", listener.local_addr()?));
    axum::serve(listener, app).with_graceful_shutdown(receiver::stop()).await?;
    Ok(())
}

/// Returns the ids and secrets of a tenant, or `None` for an unknown tenant.
///
/// # Errors
/// The folder is missing, or the file of the tenant cannot be read. The delivery gets 503.
async fn secrets_of(folder: PathBuf, tenant: String) -> io::Result<Option<[(&'static str, Secret); 1]>> {
    // The name comes from an unverified request. A name such as `../outside` would leave the folder.
    if tenant.len() > 64 || !tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Ok(None);
    }
    // The read of a file blocks. On a thread of the runtime, the read would delay other deliveries.
    let path = folder.join(tenant);
    let found = tokio::task::spawn_blocking(move || Secret::from_file(path)).await?;
    match found {
        Ok(secret) => Ok(Some([("current", secret)])),
        // If the whole folder is missing, the tenant may still exist: an error, not `None`.
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder.is_dir() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Runs only for verified deliveries. Takes the tenant from the matched key, not from the path.
async fn on_event(Extension(verified): Extension<Verified>, body: String) {
    receiver::say(format_args!(
        "{} bytes from {} (signed with key {})",
        body.len(),
        verified.tenant().unwrap_or("nobody"),
        verified.key_id()
    ));
}
