//! A warp filter that lets only signed webhook deliveries through.
//!
//! ```no_run
//! use countersign::{Secret, Verifier, providers};
//! use countersign_warp::{Delivery, Verify};
//! use warp::Filter;
//! use warp::http::StatusCode;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let verifier = Verifier::builder(providers::JIRA)
//!         .key("2026-11", Secret::from_env("JIRA_WEBHOOK_SECRET")?)
//!         .build()?;
//!     let jira = warp::path!("jira").and(warp::post()).and(Verify::new(verifier).then(on_event));
//!     warp::serve(jira).run(([127, 0, 0, 1], 3000)).await;
//!     Ok(())
//! }
//!
//! async fn on_event(delivery: Delivery) -> StatusCode {
//!     println!("{} bytes, signed with {}", delivery.body.len(), delivery.verified.key_id());
//!     StatusCode::OK
//! }
//! ```
//!
//! # What happens to a request
//! 1. The head is judged. If it is not in order, the delivery is rejected with 401, and nothing of the body is kept.
//! 2. The body is taken in, hashed as it arrives, up to the verifier's limit, whether it announces its length or comes in chunks: past it
//!    413, and 400 if it breaks off. warp itself has no limit for bodies: `content_length_limit` only reads what is announced.
//! 3. The signature is compared: 401 if it does not match.
//! 4. The handler is called with the [`Delivery`]: the bytes as they were sent, and the proof.
//!
//! A rejection is a response of the status alone, the same for every cause, with [`Rejection`](countersign::Rejection) in its extensions;
//! [`Verify::with_rejection_response`] replaces it. Each rejection is one `tracing` event: see [`Verifier::report`](countersign::Verifier::report).
//!
//! # Three ways to attach it
//! A rejection that nothing recovers is answered 500 by warp, if it is not one of warp's own. So:
//!
//! - [`Verify::then`] is a handler and its guard in one. It answers rejections itself, and nothing need be recovered. Put it last, behind
//!   the filters for path and method, none of which may read the body.
//! - [`Verify::delivery`] is a filter that extracts the [`Delivery`] and rejects an unverified delivery, to be composed with others. **Put
//!   [`.recover(recover)`](recover()) behind the handler**, before any `or`: what is rejected here must not be tried on the next route.
//!
//!   ```
//!   # use countersign::{Secret, Verifier, providers};
//!   use countersign_warp::{Delivery, Verify, recover};
//!   use warp::Filter;
//!
//!   # let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("secret")).build()?;
//!   let jira = warp::path!("jira" / String)
//!       .and(warp::post())
//!       .and(Verify::new(verifier).delivery())
//!       .map(|project, delivery: Delivery| format!("{project}: {} bytes\n", delivery.body.len()))
//!       .recover(recover);
//!   let routes = jira.or(warp::path!("health").map(|| "up\n"));
//!   # let _ = warp::service(routes);
//!   # Ok::<(), countersign::ConfigError>(())
//!   ```
//! - `countersign_tower::VerifyLayer` around [`warp::service`], for routes that are to read the body by
//!   warp's own filters: a filter cannot put a body back, a layer can. It covers all of the routes, so serve it where all of them are
//!   webhooks, and note that an unknown path is answered 401.
//!
//!   ```no_run
//!   use countersign::{Secret, Verified, Verifier, providers};
//!   use countersign_tower::VerifyLayer;
//!   use hyper_util::rt::{TokioExecutor, TokioIo};
//!   use hyper_util::server::conn::auto;
//!   use hyper_util::service::TowerToHyperService;
//!   use tower_layer::Layer;
//!   use warp::Filter;
//!
//!   #[tokio::main]
//!   async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!       let verifier = Verifier::builder(providers::JIRA)
//!           .key("2026-11", Secret::from_env("JIRA_WEBHOOK_SECRET")?)
//!           .build()?;
//!       let jira = warp::path!("jira")
//!           .and(warp::post())
//!           .and(warp::ext::get::<Verified>())
//!           .and(warp::body::json())
//!           .map(|verified: Verified, event: serde_json::Value| format!("{event} signed with {}\n", verified.key_id()));
//!       let service = VerifyLayer::new(verifier).layer(warp::service(jira));
//!
//!       let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!       loop {
//!           // Such as too many open files, which passes.
//!           let Ok((stream, _)) = listener.accept().await else {
//!               tokio::time::sleep(std::time::Duration::from_millis(100)).await;
//!               continue;
//!           };
//!           let service = TowerToHyperService::new(service.clone());
//!           tokio::spawn(async move {
//!               let server = auto::Builder::new(TokioExecutor::new());
//!               // What is wrong with one connection is that client's affair.
//!               server.serve_connection(TokioIo::new(stream), service).await.ok();
//!           });
//!       }
//!   }
//!   ```
//!
//! # Failing closed
//! A handler of `then` cannot be reached without a [`Delivery`], and only a verified one can be made. `warp::ext::get::<Verified>()` on a
//! route that the layer does not cover rejects, and warp answers 500.
//!
//! # Tenants
//! Where tenants have keys of their own, the filter takes a [`Resolver`](countersign::tenant::Resolver) in place of a verifier, such as the `Tenants` of
//! `countersign-tenants`. It is asked first, sees the whole path whatever filters have matched of it, and none of the body is polled until it
//! has answered. [`Verify::tenant_by`] hands it what a filter finds, such as in the request's extensions.
//!
//! # Slow bodies, and rejecting early
//! A body has the default [`Deadline`](countersign::Deadline), past which it is answered 408; [`Verify::deadline`] sets another.
//!
//! After a rejection by head, length or budget, what is left of the body is thrown away, so that a client that writes all before it reads
//! sees the answer, and the connection goes on. That is bounded in bytes and time, and by one second in which the client is silent
//! ([`DrainPolicy`](countersign::DrainPolicy), [`Verify::drain`]). Of what is larger nothing is read: the answer says `connection: close`, and a client that is still writing may see
//! the connection reset. A filter does not see whether a request came over HTTP/2, where there is no need for it; the layer does.

mod delivery;
mod head;
mod rejection;
mod tenant;
mod verify;

pub use delivery::{Delivery, JsonError};
pub use rejection::{VerifyRejection, recover};
pub use tenant::VerifyTenant;
pub use verify::Verify;
