//! A receiver of Jira deliveries under warp, with the tower layer around `warp::service`. Behind
//! the layer, warp's own filters read the body.
//!
//! ```text
//! cargo run --example warp_layer
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
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use countersign::Verified;
use countersign_tower::VerifyLayer;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use receiver::{Event, Settings};
use tokio::net::TcpListener;
use tower_layer::Layer;
use warp::Filter;
use warp::http::StatusCode;

#[tokio::main]
async fn main() -> ExitCode {
    receiver::run(serve()).await
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env()?;
    let layer = VerifyLayer::new(settings.verifier.clone());

    // The layer covers every route, and answers unsigned requests to unknown paths with 401. Routes
    // for unsigned requests need a separate server.
    let jira = warp::path!("jira").and(warp::post()).and(warp::ext::get()).and(warp::body::json()).map(on_event);
    let service = layer.layer(warp::service(jira));

    let listener = TcpListener::bind(settings.address).await.map_err(receiver::in_use(settings.address))?;
    settings.print_curl(listener.local_addr()?)?;
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(receiver::stop());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let Ok((stream, _)) = accepted else {
            // A passing error, such as too many open files.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let server = auto::Builder::new(TokioExecutor::new());
        let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service.clone())).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // An error on a connection concerns only the client of this connection.
            connection.await.ok();
        });
    }
    graceful.shutdown().await;
    Ok(())
}

/// Runs only for verified deliveries.
#[expect(clippy::needless_pass_by_value, reason = "warp passes extracted values by value")]
fn on_event(verified: Verified, event: Event) -> StatusCode {
    receiver::say(format_args!("{event} (signed with key {})", verified.key_id()));
    StatusCode::OK
}
