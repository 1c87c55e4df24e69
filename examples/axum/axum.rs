//! A receiver of Jira deliveries under axum, ready to deploy.
//!
//! ```text
//! cargo run --example axum
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
        // Added after the layer, and therefore not covered. Health checks have no signature.
        .route("/health", get(|| async { "up\n" }));

    let listener = TcpListener::bind(settings.address).await.map_err(receiver::in_use(settings.address))?;
    settings.print_curl(listener.local_addr()?)?;
    axum::serve(listener, app).with_graceful_shutdown(receiver::stop()).await?;
    Ok(())
}

/// Runs only for verified deliveries. Answers 200 at once: Jira waits for the response, and repeats
/// a delivery if the response is late.
async fn on_event(Extension(verified): Extension<Verified>, event: Result<Json<Event>, JsonRejection>) -> Result<(), JsonRejection> {
    // A verified body with unexpected content is answered 400, 415 or 422. Jira does not repeat
    // such a delivery. Without this line, the delivery would be lost unseen.
    let Json(event) = event.inspect_err(|error| eprintln!("verified, but not understood: {error}"))?;
    receiver::say(format_args!("{event} (signed with key {})", verified.key_id()));
    Ok(())
}
