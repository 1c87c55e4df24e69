//! A tower layer that lets only signed webhook deliveries through, for axum, hyper and everything else that speaks tower.
//!
//! ```no_run
//! use axum::{Extension, Router, extract::DefaultBodyLimit, routing::post};
//! use countersign::{Secret, Verified, Verifier, providers};
//! use countersign_tower::VerifyLayer;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let verifier = Verifier::builder(providers::JIRA)
//!         .key("2026-11", Secret::from_env("JIRA_WEBHOOK_SECRET")?)
//!         .build()?;
//!     let limit = DefaultBodyLimit::max(verifier.body_limit());
//!     let app = Router::new()
//!         .route("/jira", post(on_event))
//!         .route_layer(VerifyLayer::new(verifier))
//!         .layer(limit);
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     axum::serve(listener, app).await?;
//!     Ok(())
//! }
//!
//! async fn on_event(Extension(verified): Extension<Verified>, body: String) {
//!     println!("{} bytes, signed with {}", body.len(), verified.key_id());
//! }
//! ```
//!
//! # What happens to a request
//! 1. The head is judged. If it is not in order, the answer is 401, and the body is never polled.
//! 2. The body is taken in, hashed as it arrives, up to the verifier's limit: past it 413, and 400 if it breaks off.
//! 3. The signature is compared: 401 if it does not match.
//! 4. The inner service is called, once, with the same head, the same bytes and the same trailers, and with
//!    [`Verified`](countersign::Verified) in the request's extensions.
//!
//! A refusal is a response of the status alone, the same for every cause, with [`Rejection`](countersign::Rejection) in its extensions
//! for middleware further out; [`VerifyLayer::refuse_with`] replaces it. Each refusal is one `tracing` event: see
//! [`Verifier::report`](countersign::Verifier::report).
//!
//! # Where to put it in axum
//! - On a router: `route_layer`, not `layer`. Both verify the routes that were added before, but `layer` also verifies what no route
//!   matches, so that an unknown path is answered 401 and not 404; after a `merge`, unknown paths of the whole application.
//! - On a method, where the same path also answers requests that nobody signs:
//!   `get(health).merge(post(on_event).route_layer(layer))`. In `get(health).post(on_event).route_layer(layer)` it covers both.
//! - Around the whole application, for which `axum::serve` needs a hint:
//!   ```no_run
//!   # async fn serve(listener: tokio::net::TcpListener, router: axum::Router, layer: countersign_tower::VerifyLayer) {
//!   use axum::{ServiceExt, extract::Request};
//!   use tower_layer::Layer;
//!
//!   let app = layer.layer(router);
//!   axum::serve(listener, ServiceExt::<Request>::into_make_service(app)).await.unwrap();
//!   # }
//!   ```
//! - Outside whatever changes the body, so that this layer sees the bytes that the sender signed:
//!   `.route_layer(RequestDecompressionLayer::new()).route_layer(layer)`. Of two layers, the one that is added last is the outer.
//!
//! axum's own limit of 2 MB for its extractors (`Bytes`, `String`, `Json`, …) still stands behind this layer's. Raise it with
//! `DefaultBodyLimit::max(verifier.body_limit())`, as above, or deliveries between the two limits get a 413 after they were verified.
//!
//! A handler that asks for `Extension<Verified>` on a route that the layer does not cover is not run: axum answers 500.
//!
//! # Early refusals
//! The answer to a request whose head is not in order, or whose body is over the limit, is sent without waiting for the rest of the
//! body. Over HTTP/1.1 hyper then closes the connection unless little of the body is left, and a client that is still writing may see
//! the connection reset before it sees the answer. Over HTTP/2 the stream alone is reset, and the connection goes on.

mod future;
mod layer;
mod options;
mod refuse;
mod request_head;
mod service;
#[cfg_attr(not(feature = "tokio"), path = "no_timer.rs")]
mod timer;
mod verified_body;

pub use future::VerifyFuture;
pub use layer::VerifyLayer;
pub use refuse::{EmptyResponse, Refuse};
pub use service::Verify;
pub use verified_body::VerifiedBody;
