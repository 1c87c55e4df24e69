//! A receiver of Jira deliveries under warp, ready to deploy.
//!
//! ```text
//! cargo run --example warp
//! ```
//!
//! | variable | value |
//! |---|---|
//! | `JIRA_WEBHOOK_SECRET` | the secret set in Jira; if unset, the receiver makes and prints a random secret |
//! | `JIRA_WEBHOOK_SECRET_OLD` | the previous secret, also accepted; only during a rotation |
//! | `PORT` | the port, by default 3000; 0 for any free port |
//!
//! The receiver listens only on 127.0.0.1. Put an HTTPS proxy in front, or change the address. The
//! code shared by the receivers of all frameworks is in `examples/receiver`.

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

    // warp has no limit for bodies. The body limit of the verifier applies.
    let jira = warp::path!("jira").and(warp::post()).and(verify.then(on_event));
    let health = warp::path!("health").and(warp::get()).map(|| "up\n");

    let listener = TcpListener::bind(settings.address).await.map_err(receiver::in_use(settings.address))?;
    settings.print_curl(listener.local_addr()?)?;
    warp::serve(jira.or(health)).incoming(listener).graceful(receiver::stop()).run().await;
    Ok(())
}

/// Runs only for verified deliveries. Answers 200 at once: Jira waits for the response, and repeats
/// a delivery if the response is late.
async fn on_event(delivery: Delivery) -> Result<StatusCode, JsonError> {
    // A verified body with unexpected content is answered 400. Jira does not repeat such a
    // delivery. Without this line, the delivery would be lost unseen.
    let event: Event = delivery.json().inspect_err(|error| {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        eprintln!("verified, but not understood: {cause}");
    })?;
    receiver::say(format_args!("{event} (signed with key {})", delivery.verified.key_id()));
    Ok(StatusCode::OK)
}
