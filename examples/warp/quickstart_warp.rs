//! The smallest receiver of Jira deliveries under warp.

use countersign::{ConfigError, Secret, Verifier, providers};
use countersign_warp::{Delivery, JsonError, Verify};
use serde::Deserialize;
use warp::{Filter, Rejection, Reply, http::StatusCode};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let routes = routes(Secret::from_env("JIRA_WEBHOOK_SECRET")?)?;
    warp::serve(routes).run(([127, 0, 0, 1], 3000)).await;
    Ok(())
}

pub(crate) fn routes(secret: Secret) -> Result<impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone, ConfigError> {
    let verifier = Verifier::builder(providers::JIRA).key("2026-11", secret).build()?;
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
    println!("{} signed with key {}", event.webhook_event, delivery.verified().key_id());
    Ok(StatusCode::OK)
}
