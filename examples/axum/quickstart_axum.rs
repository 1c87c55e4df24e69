//! The smallest receiver of Jira deliveries under axum.

use std::error::Error;
use std::process::ExitCode;

use axum::extract::Json;
use axum::{Extension, Router, routing::post};
use countersign::{ConfigError, Secret, Verified, Verifier, providers};
use countersign_tower::VerifyLayer;
use serde::Deserialize;

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
    let app = app(Secret::from_env("JIRA_WEBHOOK_SECRET")?)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}/jira", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

pub(crate) fn app(secret: Secret) -> Result<Router, ConfigError> {
    let verifier = Verifier::builder(providers::JIRA).key("2026-11", secret).hints().build()?;
    Ok(Router::new().route("/jira", post(on_event)).route_layer(VerifyLayer::new(verifier)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    webhook_event: String,
}

/// Runs only for verified deliveries.
async fn on_event(Extension(verified): Extension<Verified>, Json(event): Json<Event>) {
    println!("{} signed with key {}", event.webhook_event, verified.key_id());
}
