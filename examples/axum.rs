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
//! It listens on 127.0.0.1 alone: put a proxy that speaks HTTPS in front, or change the address.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Json};
use axum::routing::{get, post};
use axum::{Extension, Router};
use countersign::{Secret, Signer, Verified, Verifier, providers};
use countersign_tower::VerifyLayer;
use serde::Deserialize;
use tokio::net::TcpListener;

const EVENT: &str = r#"{"webhookEvent":"jira:issue_updated","issue":{"key":"PROJ-1"}}"#;

/// What this receiver reads of an event. Jira sends much more; `webhookEvent` is an open set, and not every event has an issue.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    webhook_event: String,
    issue: Option<Issue>,
}

#[derive(Deserialize)]
struct Issue {
    key: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    // Refusals are events of `tracing`, so a subscriber is what tells why.
    tracing_subscriber::fmt().init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("axum: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (secret, made) = secret()?;
    let mut builder = Verifier::builder(providers::JIRA).key("current", secret.clone());
    if env::var_os("JIRA_WEBHOOK_SECRET_OLD").is_some() {
        builder = builder.key("old", Secret::from_env("JIRA_WEBHOOK_SECRET_OLD")?);
    }
    let verifier = builder.build()?;

    // axum's own limit of 2 MB for `Json` would refuse deliveries that are within Jira's 25 MB.
    let limit = DefaultBodyLimit::max(verifier.body_limit());
    let app = Router::new()
        .route("/jira", post(on_event))
        .route_layer(VerifyLayer::new(verifier))
        .layer(limit)
        // Added after the layer, and so not covered by it.
        .route("/health", get(|| async { "up\n" }));

    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse()).map_err(|error| format!("PORT: {error}"))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address).await.map_err(|error| format!("{address}: {error} (PORT chooses another port)"))?;
    if let Some(secret) = made {
        println!("JIRA_WEBHOOK_SECRET is not set. For this run it is:\n\n  {secret}\n");
    }
    print_curl(&format!("http://{}/jira", listener.local_addr()?), secret)?;
    axum::serve(listener, app).with_graceful_shutdown(stop()).await?;
    println!("stopped");
    Ok(())
}

/// Runs only for deliveries that were verified. Answers 200 at once: Jira waits for the answer, and repeats what it takes for failed.
async fn on_event(Extension(verified): Extension<Verified>, event: Result<Json<Event>, JsonRejection>) -> Result<(), JsonRejection> {
    // A body that is genuine but not what we expect is answered 400 or 422, which Jira does not repeat: it should not go unseen.
    let Json(event) = event.inspect_err(|error| eprintln!("verified, but not understood: {error}"))?;
    let issue = event.issue.map(|issue| issue.key).unwrap_or_default();
    println!("{} {issue} (signed with key {})", event.webhook_event, verified.key_id());
    Ok(())
}

/// Returns when Ctrl-C is pressed or, as service managers ask for it, at SIGTERM.
async fn stop() {
    // Without a handler there is nothing to wait for, and the server goes on until it is killed.
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

/// The secret from the environment; or a random one to try things with, and its text to be shown.
fn secret() -> Result<(Secret, Option<String>), Box<dyn Error>> {
    if env::var_os("JIRA_WEBHOOK_SECRET").is_some() {
        return Ok((Secret::from_env("JIRA_WEBHOOK_SECRET")?, None));
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let mut text = String::new();
    for byte in random {
        write!(text, "{byte:02x}")?;
    }
    Ok((Secret::new(text.clone()), Some(text)))
}

/// Prints a delivery to paste, and the same forged.
fn print_curl(url: &str, secret: Secret) -> Result<(), Box<dyn Error>> {
    let headers = Signer::new(providers::JIRA, secret)?.sign(EVENT.as_bytes());
    let (name, value) = headers.first().ok_or("Jira signs with one header")?;
    let curl = |event: &str| format!("curl -i -H 'Content-Type: application/json' -H '{name}: {value}' -d '{event}' {url}");
    println!("Listening on {url}. A delivery as Jira would sign it:\n\n  {}\n", curl(EVENT));
    println!("The same, but the issue was changed on the way:\n\n  {}\n", curl(&EVENT.replace("PROJ-1", "PROJ-2")));
    println!("Ctrl-C stops it.");
    Ok(())
}
