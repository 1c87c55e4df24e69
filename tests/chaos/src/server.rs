use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Router};
use countersign::{Secret, Verifier, providers};
use countersign_once::{ClaimInfo, GuardEvent, Once};
use countersign_once_redis::RedisStore;
use countersign_tower::VerifyLayer;

use crate::effects::Effects;

pub const SECRET: &str = "a secret of some length";

/// Longer than every fault but one.
pub const LEASE: Duration = Duration::from_secs(10);

/// A receiver in a process of its own. Prints its port.
pub async fn run() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let effects = Arc::new(Effects::new(Path::new(&variable("CHAOS_FOLDER"))));
    let verifier = Verifier::builder(providers::JIRA).key("k", Secret::new(SECRET)).build().unwrap();
    let store = RedisStore::connect(&variable("REDIS_URL"), "chaos:").await.unwrap();
    let once = Once::builder("chaos", store).lease(LEASE).build(&verifier).unwrap();
    let hook = post(on_event).route_layer(VerifyLayer::new(verifier).once(once.clone()));
    let app = Router::new().route("/hook", hook).route("/counts", get(async move || counts(&once))).with_state(effects);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    std::io::stdout().flush().unwrap();
    axum::serve(listener, app).await.unwrap();
}

/// The double runs and the expired claims.
fn counts(once: &Once) -> String {
    format!("{} {}", once.count(GuardEvent::DoubleRun), once.count(GuardEvent::Expired))
}

async fn on_event(State(effects): State<Arc<Effects>>, Extension(claim): Extension<ClaimInfo>, body: String) -> StatusCode {
    let running = effects.begin(&body);
    tokio::time::sleep(Duration::from_millis(fastrand::u64(1..30))).await;
    if fastrand::u8(..20) == 0 {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    running.apply();
    effects.apply(&body, claim.keys().map(|key| key.to_string()));
    // A kill in this time leads to a second run.
    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..10))).await;
    StatusCode::OK
}
