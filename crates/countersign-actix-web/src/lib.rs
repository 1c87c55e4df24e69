//! actix-web middleware that lets only signed webhook deliveries through.
//!
//! ```no_run
//! use actix_web::{App, HttpResponse, HttpServer, web};
//! use countersign::{Secret, Verified, Verifier, providers};
//! use countersign_actix_web::Verify;
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let verifier = Verifier::builder(providers::JIRA)
//!         .key("2026-11", Secret::from_env("JIRA_WEBHOOK_SECRET")?)
//!         .build()?;
//!     let app = move || {
//!         let limit = web::PayloadConfig::new(verifier.body_limit());
//!         let jira = web::resource("/jira").app_data(limit).route(web::post().to(on_event));
//!         App::new().service(jira.wrap(Verify::new(verifier.clone())))
//!     };
//!     HttpServer::new(app).bind("127.0.0.1:3000")?.run().await?;
//!     Ok(())
//! }
//!
//! async fn on_event(verified: web::ReqData<Verified>, body: String) -> HttpResponse {
//!     println!("{} bytes, signed with {}", body.len(), verified.key_id());
//!     HttpResponse::Ok().finish()
//! }
//! ```
//!
//! # What happens to a request
//! 1. The head is judged. If it is not in order, the answer is 401, and nothing of the body is kept.
//! 2. The body is taken in as it was sent, hashed as it arrives, up to the verifier's limit: past it 413, and 400 if it breaks off.
//! 3. The signature is compared: 401 if it does not match.
//! 4. The wrapped service is called, once, with the same head and the same bytes, and with [`Verified`](countersign::Verified) in the
//!    request's extensions. Extractors read the body as ever: `Json<T>`, `Bytes`, `String`, `Form<T>`, `Payload`.
//!
//! What is verified are the bytes on the wire. A body with a `Content-Encoding` is verified compressed, and an extractor decompresses it
//! afterwards if the application turns that feature of actix-web on.
//!
//! A rejection is a response and not an error, so middleware further out runs as for any other response. It is the status alone, the same
//! for every cause, with [`Rejection`](countersign::Rejection) in its extensions; [`Verify::with_rejection_response`] replaces it. Each rejection is
//! one `tracing` event: see [`Verifier::report`](countersign::Verifier::report).
//!
//! # Where to put it
//! `App`, `scope`, `resource` and a route have a `wrap`, and each takes it.
//!
//! - On a `resource` or `scope` it covers all methods and paths below, those that end in 404 or 405 too; on an `App`, unknown paths as
//!   well, which are then answered 401.
//! - On a route it leaves the other methods of the resource alone. Wrap last: `web::post().to(on_event).wrap(…)`. With `.to` behind `.wrap`
//!   the application panics while it is being built, from actix-web 4.14 on, which is why this crate asks for that.
//! - Outside whatever changes the body. Of two middleware, the one that is wrapped last is the outer.
//!
//! # actix-web's own limits
//! They stand behind this one and are smaller: 256 KiB for `Bytes` and `String` ([`PayloadConfig`](actix_web::web::PayloadConfig)),
//! 2 MiB for `Json` ([`JsonConfig`](actix_web::web::JsonConfig)), 16 KiB for `Form` ([`FormConfig`](actix_web::web::FormConfig)). Raise
//! the one that your handler meets to [`Verifier::body_limit`](countersign::Verifier::body_limit), as above, or deliveries between the
//! two limits are answered 413 after they were verified. For `Json`: `.app_data(web::JsonConfig::default().limit(…))`.
//!
//! # The extractors
//! A handler can ask for a [`Delivery`], which is the body and the proof in one, or for [`VerifiedJson`]. Behind the middleware that costs no
//! copy of the body, which actix-web's own extractors make. Without it the extractor judges by the [`Verify`] in the application's data
//! (`app_data`), none of actix-web's limits is in the way, and a request costs less: see the figures of `countersign`. Give every `Verify` to
//! `app_data` in the same form, as it is or as `web::Data<Verify>`: a request that finds both is answered 500, for which is nearer cannot be told.
//!
//! # Failing closed
//! An extractor that has nothing to judge by, or two forms of it, answers 500, and says why in an event at `ERROR`.
//!
//! A handler that asks for `ReqData<Verified>` on a route that the middleware does not cover is not run: actix-web answers 500.
//!
//! # Tenants
//! Where tenants have keys of their own, the middleware takes a [`Resolver`](countersign::tenant::Resolver) in place of a verifier, such as the
//! `Tenants` of `countersign-tenants`. It is asked first, sees the whole path under a `scope` too, and none of the body is polled until it has
//! answered. [`Verify::tenant_by`] hands it what is in the request's extensions.
//!
//! # Slow bodies, and rejecting early
//! A body has the default [`Deadline`](countersign::Deadline), past which it is answered 408; [`Verify::deadline`] sets another.
//!
//! After a rejection by head, length or budget, up to 64 KiB of what is left of the body are thrown away, so that the client sees the answer
//! and the connection goes on ([`DrainPolicy`](countersign::DrainPolicy), [`Verify::drain`]). A client that is silent for one second is answered then, and
//! the connection ends. Of what is larger, or comes in chunks without an
//! end, nothing more is kept: the answer says `connection: close`, and actix-web takes in what still comes for a second
//! (`HttpServer::client_disconnect_timeout`) before it closes, which is enough for clients that write all before they read.
//!
//! A delivery with `Upgrade: websocket` is judged as any other. actix-web takes what follows such a head for a stream without an end, so the
//! adapter reads as much as `Content-Length` announces, and actix-web closes the connection after the answer.
//!
//! `Expect: 100-continue` is answered by actix-web itself, before any middleware runs: a client that asks is told to go on even if its head
//! is rejected then.

mod bounded_payload;
mod extract;
mod head;
mod middleware;
mod payload;
mod receive;
mod response;
mod settings;
mod verify;

pub use extract::delivery::Delivery;
pub use extract::error::VerifyError;
pub use extract::json::VerifiedJson;
pub use middleware::{VerifyFuture, VerifyMiddleware};
pub use verify::Verify;
