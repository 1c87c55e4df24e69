//! A receiver of Jira deliveries under warp, as one would deploy it.
//!
//! ```text
//! cargo run --example warp
//! ```
//!
//! | variable | |
//! |---|---|
//! | `JIRA_WEBHOOK_SECRET` | the secret that is set in Jira; without it a random one is made and printed |
//! | `JIRA_WEBHOOK_SECRET_OLD` | while the secret is being changed: the one before, accepted too |
//! | `PORT` | default 3000; 0 for any that is free |
//!
//! It listens on 127.0.0.1 alone: put a proxy that speaks HTTPS in front, or change the address. What is not the framework's stands in
//! `examples/receiver`, which all the receivers share.

use std::error::Error;
use std::process::ExitCode;

use countersign_warp::{Delivery, JsonError, Verify};
use receiver::{Event, Settings};
use tokio::net::TcpListener;
use warp::Filter;
use warp::http::StatusCode;

#[tokio::main]
async fn main() -> ExitCode {
    receiver::run(serve()).await
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env()?;
    let verify = Verify::new(settings.verifier.clone());

    // warp has no limit for bodies of its own: the verifier's holds.
    let jira = warp::path!("jira").and(warp::post()).and(verify.then(on_event));
    let health = warp::path!("health").and(warp::get()).map(|| "up\n");

    let listener = TcpListener::bind(settings.address).await.map_err(receiver::in_use(settings.address))?;
    settings.print_curl(listener.local_addr()?)?;
    warp::serve(jira.or(health)).incoming(listener).graceful(receiver::stop()).run().await;
    Ok(())
}

/// Runs only for deliveries that were verified. Answers 200 at once: Jira waits for the answer, and repeats what it takes for failed.
async fn on_event(delivery: Delivery) -> Result<StatusCode, JsonError> {
    // A body that is genuine but not what we expect is answered 400, which Jira does not repeat: it should not go unseen.
    let event: Event = delivery.json().inspect_err(|error| {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        eprintln!("verified, but not understood: {cause}");
    })?;
    receiver::say(format_args!("{event} (signed with key {})", delivery.verified.key_id()));
    Ok(StatusCode::OK)
}
