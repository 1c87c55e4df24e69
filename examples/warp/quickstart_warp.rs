//! The smallest receiver of Jira deliveries under warp.

use std::error::Error;
use std::process::ExitCode;

use countersign::{ConfigError, Secret, Verifier, providers};
use countersign_warp::{Delivery, JsonError, Verify};
use serde::Deserialize;
use warp::{Filter, filters::BoxedFilter, http::StatusCode, reply::Response};

#[tokio::main]
async fn main() -> ExitCode {
    // Rejections are events of `tracing`. Without a subscriber, nobody sees the causes.
    tracing_subscriber::fmt().init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let routes = routes(Secret::from_env("JIRA_WEBHOOK_SECRET")?)?;
    // `warp::serve(routes).run(address)` would panic if the port is in use.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}/jira", listener.local_addr()?);
    warp::serve(routes).incoming(listener).run().await;
    Ok(())
}

pub(crate) fn routes(secret: Secret) -> Result<BoxedFilter<(Response,)>, ConfigError> {
    let verifier = Verifier::builder(providers::JIRA).key("2026-11", secret).hints().build()?;
    Ok(warp::path!("jira").and(warp::post()).and(Verify::new(verifier).then(on_event)).boxed())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    webhook_event: String,
}

/// Runs only for verified deliveries.
async fn on_event(delivery: Delivery) -> Result<StatusCode, JsonError> {
    // Without this line, an unexpected delivery would be lost unseen: it gets 400.
    let event: Event = delivery.json().inspect_err(|error| eprintln!("{error}"))?;
    println!("{} signed with key {}", event.webhook_event, delivery.verified.key_id());
    Ok(StatusCode::OK)
}
