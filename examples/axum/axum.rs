//! A receiver of Jira deliveries under axum, as one would deploy it.
//!
//! ```text
//! cargo run --example axum
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

use axum::extract::Json;
use axum::extract::rejection::JsonRejection;
use axum::routing::{get, post};
use axum::{Extension, Router};
use countersign::Verified;
use countersign_tower::VerifyLayer;
use receiver::{Event, Settings};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    receiver::run(serve()).await
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env()?;
    let verifier = settings.verifier.clone();

    let app = Router::new()
        .route("/jira", post(on_event))
        .route_layer(VerifyLayer::new(verifier))
        // Added after the layer, and so not covered by it.
        .route("/health", get(|| async { "up\n" }));

    let listener = TcpListener::bind(settings.address).await.map_err(receiver::in_use(settings.address))?;
    settings.print_curl(listener.local_addr()?)?;
    axum::serve(listener, app).with_graceful_shutdown(receiver::stop()).await?;
    Ok(())
}

/// Runs only for deliveries that were verified. Answers 200 at once: Jira waits for the answer, and repeats what it takes for failed.
async fn on_event(Extension(verified): Extension<Verified>, event: Result<Json<Event>, JsonRejection>) -> Result<(), JsonRejection> {
    // A body that is genuine but not what we expect is answered 400 or 422, which Jira does not repeat: it should not go unseen.
    let Json(event) = event.inspect_err(|error| eprintln!("verified, but not understood: {error}"))?;
    receiver::say(format_args!("{event} (signed with key {})", verified.key_id()));
    Ok(())
}
