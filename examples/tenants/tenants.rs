//! A receiver of Jira deliveries for many tenants, each with a secret of its own, which is looked up when the tenant is met and then held.
//!
//! Here a folder stands for the database: it has a file for each tenant, with the secret in it.
//!
//! ```text
//! mkdir tenants && printf 'the secret of acme' >tenants/acme && printf 'the secret of globex' >tenants/globex
//! cargo run --example tenants -- tenants
//! # in another terminal:
//! echo '{}' | JIRA_WEBHOOK_SECRET='the secret of acme' cargo run --example send -- http://127.0.0.1:3000/jira/acme
//! ```
//!
//! `PORT` chooses another port than 3000. A tenant whose file was changed or added is looked up again after two seconds, or at once after
//! `curl -X POST http://127.0.0.1:3000/tenants/acme/invalidate`: not for strangers, so put it where only operators get to.

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
    let folder: PathBuf = env::args_os().nth(1).ok_or("usage: tenants FOLDER, with a file for each tenant that holds its secret")?.into();
    if !folder.is_dir() {
        return Err(format!("{}: there is no such folder", folder.display()).into());
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
    receiver::say(format_args!("Listening on http://{}/jira/{{tenant}}. Ctrl-C stops it.", listener.local_addr()?));
    axum::serve(listener, app).with_graceful_shutdown(receiver::stop()).await?;
    Ok(())
}

/// The ids and secrets of a tenant, or `None` if there is no such tenant. What is wrong with the store is an error, and answered 503.
async fn secrets_of(folder: PathBuf, tenant: String) -> io::Result<Option<[(&'static str, Secret); 1]>> {
    // The name is a stranger's, and must not lead out of the folder.
    if tenant.len() > 64 || !tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Ok(None);
    }
    // Reading a file blocks, so it has a thread of its own.
    let path = folder.join(tenant);
    let found = tokio::task::spawn_blocking(move || Secret::from_file(path)).await?;
    match found {
        Ok(secret) => Ok(Some([("current", secret)])),
        // But where the whole folder is gone, nobody can tell who is a tenant.
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder.is_dir() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Runs for verified deliveries only, and goes by whose key it was and not by the path.
async fn on_event(Extension(verified): Extension<Verified>, body: String) {
    receiver::say(format_args!(
        "{} bytes from {} (signed with key {})",
        body.len(),
        verified.tenant().unwrap_or("nobody"),
        verified.key_id()
    ));
}
