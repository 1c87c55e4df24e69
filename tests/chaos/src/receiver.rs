use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use countersign::{Secret, Verifier, providers};
use countersign_once::{ClaimInfo, GuardEvent, Once};
use countersign_once_redis::RedisStore;
use countersign_tower::VerifyLayer;
use tokio::time::sleep;

use crate::effects::{Effects, Place};

pub const SECRET: &str = "a secret of some length";

/// Longer than every fault, except for `receiver-paused-past-lease`.
pub const LEASE: Duration = Duration::from_secs(10);

/// Returns whether the handler of a delivery takes longer than a lease, so that the claim must be renewed. In scenarios with killed receivers, no
/// handler takes that long: repeated kills could end each of its runs.
pub fn is_long(delivery: &str) -> bool {
    delivery.parse::<usize>().is_ok_and(|number| number % 200 == 7)
}

/// A receiver in a process of its own. Prints its port.
pub async fn run() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let effects = Arc::new(Effects::new(Path::new(&variable("CHAOS_FOLDER"))));
    let verifier = Verifier::builder(providers::JIRA).key("k", Secret::new(SECRET)).build().unwrap();
    let store = RedisStore::connect(&variable("REDIS_URL"), "chaos:").await.unwrap();
    let noted = Arc::clone(&effects);
    let once = Once::builder("chaos", store).lease(LEASE).observer(move |event, key| {
        if event == GuardEvent::DoubleRun {
            noted.note_double_run(&key.to_string());
        }
    });
    let once = once.build(&verifier).unwrap();
    let hook = post(on_event).route_layer(VerifyLayer::new(verifier).once(once.clone()));
    let hook = hook.layer(from_fn_with_state(Arc::clone(&effects), note_answer));
    let unavailable = get(async move || once.count(GuardEvent::Unavailable).to_string());
    let app = Router::new().route("/hook", hook).route("/unavailable", unavailable).with_state(effects);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    std::io::stdout().flush().unwrap();
    axum::serve(listener, app).await.unwrap();
}

/// Notes a 2xx response. The guard has written the mark, or retries the mark in the background.
async fn note_answer(State(effects): State<Arc<Effects>>, request: Request, next: Next) -> Response {
    let delivery = request.headers()["X-Delivery"].to_str().unwrap().to_owned();
    let response = next.run(request).await;
    if response.status().is_success() {
        effects.answered(&delivery);
    }
    response
}

async fn on_event(State(effects): State<Arc<Effects>>, Extension(claim): Extension<ClaimInfo>, body: String) -> StatusCode {
    let mut handler = effects.begin(&body);
    // Deliveries with an odd number do not wait, so that a kill also meets answered deliveries.
    let is_held = |place| body.parse::<usize>().is_ok_and(|number| number % 2 == 0) && effects.is_held(place);
    let takes_long = is_long(&body) && std::env::var_os("CHAOS_LONG").is_some();
    sleep(if takes_long { LEASE + LEASE / 5 } else { Duration::from_millis(fastrand::u64(1..30)) }).await;
    if fastrand::u8(..20) == 0 {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    while is_held(Place::BeforeEffect) {
        sleep(Duration::from_millis(10)).await;
    }
    effects.apply(&mut handler, &body, claim.keys().map(|key| key.to_string()));
    while is_held(Place::AfterEffect) {
        sleep(Duration::from_millis(10)).await;
    }
    StatusCode::OK
}
