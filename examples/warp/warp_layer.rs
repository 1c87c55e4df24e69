//! A receiver of Jira deliveries under warp, by the tower layer around `warp::service`, behind which warp's own filters read the body.
//!
//! ```text
//! cargo run --example warp_layer
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

    // The layer covers all that it is laid around, and answers 401 on unknown paths too: what nobody signs wants a server of its own.
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
            // Such as too many open files, which passes.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let server = auto::Builder::new(TokioExecutor::new());
        let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service.clone())).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // What is wrong with one connection is that client's affair.
            connection.await.ok();
        });
    }
    graceful.shutdown().await;
    Ok(())
}

/// Runs only for deliveries that were verified.
#[expect(clippy::needless_pass_by_value, reason = "warp hands over what its filters extract")]
fn on_event(verified: Verified, event: Event) -> StatusCode {
    receiver::say(format_args!("{event} (signed with key {})", verified.key_id()));
    StatusCode::OK
}
