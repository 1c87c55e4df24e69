//! A receiver of Jira deliveries under axum, with a guard against repeats.
//!
//! ```text
//! JIRA_WEBHOOK_SECRET=swordfish-and-then-some cargo run --example once
//! # in another terminal: the same delivery three times, with one run of the handler and three times 200
//! echo '{}' | COUNTERSIGN_SECRET=swordfish-and-then-some cargo run --bin countersign -- \
//!     send --repeat 2 http://127.0.0.1:3000/jira
//! ```
//!
//! The variable `REDIS_URL`, such as `redis://127.0.0.1/`, sets a store for several processes. The
//! variable `PORT` sets another port. The handler takes a second: a repeat within this second
//! gets 503 with `Retry-After`.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use axum::routing::post;
use axum::{Extension, Router};
use countersign::{Secret, Verifier, providers};
use countersign_once::{ClaimInfo, GuardEvent, MemoryStore, Once};
use countersign_once_redis::RedisStore;
use countersign_tower::VerifyLayer;
use tokio::net::TcpListener;
use tokio::time::timeout;

#[tokio::main]
async fn main() -> ExitCode {
    receiver::run(serve()).await
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let secret = Secret::from_env("JIRA_WEBHOOK_SECRET")?;
    let verifier = Verifier::builder(providers::JIRA).key("2026-11", secret).build()?;
    // Several processes need a shared store.
    let once = match std::env::var("REDIS_URL") {
        Ok(url) => Once::builder("jira", RedisStore::connect(&url, "example:once:").await?),
        Err(_) => Once::builder("jira", MemoryStore::new(100_000)),
    };
    let once = once.build(&verifier)?;
    let layer = VerifyLayer::new(verifier).once(once.clone());
    let app = Router::new().route("/jira", post(on_event)).route_layer(layer);

    let address = receiver::address()?;
    let listener = TcpListener::bind(address).await.map_err(receiver::in_use(address))?;
    receiver::say(format_args!("Listening on http://{}/jira. Ctrl-C stops the receiver.", listener.local_addr()?));
    axum::serve(listener, app).with_graceful_shutdown(receiver::stop()).await?;
    // A handler runs on after its sender has disconnected. While Redis is down, marks wait.
    if timeout(Duration::from_secs(20), once.idle()).await.is_err() {
        receiver::say(format_args!("Some marks are not written: their deliveries may run again."));
    }
    let (claimed, repeated, running) = (once.count(GuardEvent::Claimed), once.count(GuardEvent::Repeated), once.count(GuardEvent::Running));
    receiver::say(format_args!("{claimed} claimed, {repeated} repeated, {running} put off"));
    Ok(())
}

/// Succeeds once for each delivery.
async fn on_event(Extension(claim): Extension<ClaimInfo>, body: String) {
    tokio::time::sleep(Duration::from_secs(1)).await;
    receiver::say(format_args!("handled {} bytes with key {}", body.len(), claim.key()));
}
