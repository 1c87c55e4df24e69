//! A receiver of Jira deliveries with metrics for Prometheus: verdicts by cause, matches by key, body
//! sizes, durations, and the used bytes of the memory budget.
//!
//! ```text
//! JIRA_WEBHOOK_SECRET=swordfish-and-then-some cargo run --example metrics
//! # in another terminal:
//! echo '{}' | JIRA_WEBHOOK_SECRET=swordfish-and-then-some \
//!     cargo run --example send -- http://127.0.0.1:3000/jira
//! curl http://127.0.0.1:3000/metrics
//! ```
//!
//! `PORT` sets the port, by default 3000. Make `/metrics` reachable for operators only.

use std::error::Error;
use std::process::ExitCode;

use axum::routing::{get, post};
use axum::{Extension, Router};
use countersign::observe::MetricsObserver;
use countersign::{MemoryBudget, Secret, Verified, Verifier, providers};
use countersign_tower::VerifyLayer;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    receiver::run(serve()).await
}

async fn serve() -> Result<(), Box<dyn Error>> {
    // Install the recorder first: `MetricsObserver::new` describes the metrics, and a description
    // without a recorder is lost.
    let prometheus = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("countersign_body_bytes".into()), &[1e3, 1e4, 1e5, 1e6, 1e7])?
        .set_buckets_for_metric(Matcher::Full("countersign_delivery_duration_seconds".into()), &[1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0])?
        .install_recorder()?;
    let budget = MemoryBudget::new(256 * 1024 * 1024);
    let verifier = Verifier::builder(providers::JIRA)
        .key("2026-11", Secret::from_env("JIRA_WEBHOOK_SECRET")?)
        .memory_budget(budget.clone())
        .observer(MetricsObserver::new().memory_budget(budget))
        .build()?;

    let app = Router::new()
        .route("/jira", post(on_event))
        .route_layer(VerifyLayer::new(verifier))
        .route("/metrics", get(|| async move { prometheus.render() }));

    let address = receiver::address()?;
    let listener = TcpListener::bind(address).await.map_err(receiver::in_use(address))?;
    receiver::say(format_args!("Listening on http://{}/jira. Ctrl-C stops the receiver.", listener.local_addr()?));
    axum::serve(listener, app).with_graceful_shutdown(receiver::stop()).await?;
    Ok(())
}

async fn on_event(Extension(verified): Extension<Verified>, body: String) {
    receiver::say(format_args!("{} bytes (signed with key {})", body.len(), verified.key_id()));
}
