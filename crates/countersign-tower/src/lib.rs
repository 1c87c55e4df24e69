//! A tower layer that lets only signed webhook deliveries through, for axum, hyper and everything else that speaks tower.
//!
//! ```no_run
//! use axum::{Extension, Router, routing::post};
//! use countersign::{Secret, Verified, Verifier, providers};
//! use countersign_tower::VerifyLayer;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let verifier = Verifier::builder(providers::JIRA)
//!         .key("2026-11", Secret::from_env("JIRA_WEBHOOK_SECRET")?)
//!         .build()?;
//!     let app = Router::new().route("/jira", post(on_event)).route_layer(VerifyLayer::new(verifier));
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
//! 1. The head is judged. If it is not in order, the answer is 401, and nothing of the body is kept.
//! 2. The body is taken in, hashed as it arrives, up to the verifier's limit: past it 413, and 400 if it breaks off.
//! 3. The signature is compared: 401 if it does not match.
//! 4. The inner service is called, once, with the same head, the same bytes and the same trailers, and with
//!    [`Verified`](countersign::Verified) in the request's extensions.
//!
//! A rejection is a response of the status alone, the same for every cause, with [`Rejection`](countersign::Rejection) in its extensions
//! for middleware further out; [`VerifyLayer::with_rejection_response`] replaces it. Each rejection is one `tracing` event: see
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
//! axum's own limit of 2 MB for its extractors (`Bytes`, `String`, `Json`, …) does not stand in the way: with the feature `axum`, the layer raises
//! `DefaultBodyLimit` for a request whose verified body is larger, to the verifier's own limit. A lower limit that the application sets by itself still
//! stands for bodies of up to 2 MB. Without the feature, raise the limit with
//! `DefaultBodyLimit::max(verifier.body_limit())`, or deliveries between the two limits get a 413 after they were verified.
//!
//! A handler that asks for `Extension<Verified>` on a route that the layer does not cover is not run: axum answers 500.
//!
//! # The extractors
//! With the feature `axum`, a handler can ask for a [`Delivery`], which is the body and the proof in one, or for [`VerifiedJson`]. The layer
//! is then the application's state and need not be laid around anything, no limit of axum's is in the way, and a request costs less: see
//! the figures of `countersign`.
//!
//! # Signed paths
//! Where path and query are signed ([`base_url`](countersign::VerifierBuilder::base_url)), the signature is compared with the whole path: with the
//! feature `axum` under `nest` and `nest_service` too, as axum's `Router` keeps it in the extensions. Without that feature, and behind another
//! router, the layer knows the path only as the request has it. Put it outside
//! whatever takes a prefix off: behind it, a delivery that is signed for `/hook` would verify at `/admin/hook`. Without the feature the layer says
//! so at `WARN` when it is built.
//!
//! # Tenants
//! Where tenants have keys of their own, the layer takes a [`Resolver`](countersign::tenant::Resolver) in place of a verifier, such as the `Tenants` of
//! `countersign-tenants`. It is asked first, and none of the body is polled until it has answered. axum's `nest` takes the front of the path off:
//! with the feature `axum`, the resolver sees all of it. [`VerifyLayer::tenant_by`] hands it what is in the request's extensions.
//!
//! # Slow bodies, and rejecting early
//! The layer gives bodies a [`Deadline`](countersign::Deadline), past which they are answered 408. And after a rejection by head, length or budget
//! it throws away what is left of the body, so that a client that writes all before it reads sees the answer, and the connection goes on: bounded in
//! bytes and time, and by one second in which the client is silent ([`DrainPolicy`](countersign::DrainPolicy)), over HTTP/1 alone. Over HTTP/2 the
//! stream is ended, and the connection goes on by itself.
//!
//! Both go by the clock of tokio (feature `tokio`, on by default). A layer [without a clock](VerifyLayer::without_clock) gives a body as long as it likes,
//! and answers what is rejected by its head without polling the body.
//!
//! Where a part of the body is left, the answer over HTTP/1 says `connection: close`. A client that is still writing then may see the
//! connection reset before it sees the answer.

mod body;
#[cfg(feature = "axum")]
mod extract;
mod future;
mod head;
mod layer;
mod receive;
mod response;
mod service;
mod settings;

pub use body::VerifiedBody;
#[cfg(feature = "axum")]
pub use extract::delivery::Delivery;
#[cfg(feature = "axum")]
pub use extract::json::{VerifiedJson, VerifiedJsonRejection};
#[cfg(feature = "axum")]
pub use extract::rejection::VerifyRejection;
pub use future::VerifyFuture;
pub use layer::VerifyLayer;
pub use response::{EmptyResponse, RejectionResponse};
pub use service::Verify;
