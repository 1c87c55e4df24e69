//! A receiver of Jira deliveries under warp, with the settings of a deployment.
//!
//! ```text
//! cargo run --example warp
//! ```
//!
//! | variable | meaning |
//! |---|---|
//! | `JIRA_WEBHOOK_SECRET` | the secret set in Jira; without the variable, the program makes and prints a random secret |
//! | `JIRA_WEBHOOK_SECRET_OLD` | the previous secret, accepted too, during a change of the secret |
//! | `PORT` | the port, by default 3000; 0 for any free port |
//!
//! The server listens on 127.0.0.1 only. Put a proxy with HTTPS in front, or change the address.
//! The code shared with the receivers of other frameworks is in `examples/receiver`.

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

/// Runs only for verified deliveries. Responds with 200 at once, because Jira waits for the
/// response, and repeats a failed delivery.
async fn on_event(delivery: Delivery) -> Result<StatusCode, JsonError> {
    // The response to a genuine body with unexpected content is 400. Jira does not repeat such a
    // delivery, so the log is the only trace.
    let event: Event = delivery.json().inspect_err(|error| {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        eprintln!("verified, but not understood: {cause}");
    })?;
    receiver::say(format_args!("{event} (signed with key {})", delivery.verified.key_id()));
    Ok(StatusCode::OK)
}
