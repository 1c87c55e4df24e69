//! The smallest receiver of Jira deliveries under warp.

use std::error::Error;
use std::process::ExitCode;

use countersign::{ConfigError, Secret, Verifier, providers};
use countersign_warp::{Delivery, JsonError, Verify};
use serde::Deserialize;
use warp::{Filter, Rejection, Reply, http::StatusCode};

#[tokio::main]
async fn main() -> ExitCode {
    // Rejections are events of `tracing`: without a subscriber, nobody is told why.
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
    // `run` would panic where the port is taken.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}/jira", listener.local_addr()?);
    warp::serve(routes).incoming(listener).run().await;
    Ok(())
}

pub(crate) fn routes(secret: Secret) -> Result<impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone, ConfigError> {
    let verifier = Verifier::builder(providers::JIRA).key("2026-11", secret).hints().build()?;
    Ok(warp::path!("jira").and(warp::post()).and(Verify::new(verifier).then(on_event)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    webhook_event: String,
}

/// Runs for verified deliveries only.
async fn on_event(delivery: Delivery) -> Result<StatusCode, JsonError> {
    let event: Event = delivery.json()?;
    println!("{} signed with key {}", event.webhook_event, delivery.verified.key_id());
    Ok(StatusCode::OK)
}
