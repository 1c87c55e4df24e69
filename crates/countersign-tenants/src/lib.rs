//! Chooses the secret of a webhook by its tenant: looked up once, held for a while, and never by the body.
//!
//! A service that serves many customers registers a webhook for each, with a secret of its own, at an address that tells them apart. Here the
//! address is `/jira/{tenant}`, and a database knows the secrets:
//!
//! ```no_run
//! use axum::{Extension, Router, routing::post};
//! use countersign::{Secret, Verified, Verifier, providers};
//! use countersign_tenants::Tenants;
//! use countersign_tower::VerifyLayer; // with the features `axum` and `tokio`
//!
//! /// The ids and secrets of a tenant, `None` if there is no such tenant.
//! async fn secrets_of(tenant: String) -> Result<Option<Vec<(String, Secret)>>, std::io::Error> {
//!     # let _ = tenant;
//!     // SELECT id, secret FROM webhook_secrets WHERE tenant = $1 …
//!     Ok(None)
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let tenants = Tenants::builder(Verifier::builder(providers::JIRA)).by_path("/jira/{tenant}").build(secrets_of)?;
//!     let app = Router::new()
//!         .route("/jira/{tenant}", post(on_event))
//!         .route_layer(VerifyLayer::new(tenants));
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     axum::serve(listener, app).await?;
//!     Ok(())
//! }
//!
//! async fn on_event(Extension(verified): Extension<Verified>, body: String) {
//!     println!("{} bytes from {:?}", body.len(), verified.tenant());
//! }
//! ```
//!
//! `Verify::new` of `countersign-actix-web` and of `countersign-warp` takes the same [`Tenants`].
//!
//! # What happens to a delivery
//! 1. The head names the tenant, by its path ([`TenantsBuilder::by_path`]) or by whatever a function finds in it ([`TenantsBuilder::by`]), such
//!    as what a middleware further out has found out: see `tenant_by` of each adapter.
//! 2. If the tenant's keys are held, they are used. If it is held that there is no such tenant, or the head has a fault anyway, nothing is
//!    looked up.
//! 3. Otherwise they are looked up, in a task of tokio, once for all deliveries that wait for them. In the meantime none of the body is read.
//! 4. A tenant that is not known is rejected as a wrong signature is: by the same 401, and after the work of one key, as the whole body is
//!    hashed for nothing. By time, somebody who tries can tell whether a name is held, as a lookup takes longer; when it is looked up again,
//!    which is sooner for unknown ones; and, of large bodies, whether a tenant has several keys just now. Names of tenants should be no secret.
//! 5. If the source fails, panics or does not answer in time, the answer is 503 with `Retry-After`, and the log has the cause
//!    `keys_unavailable` with what the source said.
//!
//! **A name that comes from the path is whatever the sender wrote, percent-decoded**: it can hold `../`, a slash, NUL and line breaks. A source
//! that reads a file by the name, as the example `tenants` does, has to reject names that leave its folder. Events of this crate and of
//! `countersign` escape the name; [`one_line`](countersign::observe::one_line()) does so for logs of your own.
//!
//! The handler goes by [`Verified::tenant`](countersign::Verified::tenant), which is the tenant with whose key the delivery is signed, in the
//! spelling of the head: where the source takes `ACME` for `acme`, they are two names here.
//!
//! # Bounds
//! | what | default | set by |
//! |---|---|---|
//! | tenants held, and names of unknown ones | 10,000 of each | [`capacity`](TenantsBuilder::capacity) |
//! | how long keys are used before they are looked up again | a minute | [`time_to_live`](TenantsBuilder::time_to_live), [`Tenants::invalidate`] |
//! | how long it is held that a tenant is unknown | ten seconds | [`negative_ttl`](TenantsBuilder::negative_ttl) |
//! | how long a lookup may take | five seconds | [`timeout`](TenantsBuilder::timeout) |
//! | lookups at once | 64 of names that may be nobody's, and as many of tenants that have been known before | [`max_concurrent_lookups`](TenantsBuilder::max_concurrent_lookups) |
//! | names that wait for a permit | 16 for each permit; beyond them 503 at once | |
//! | a tenant's name | 256 bytes; longer ones are unknown | |
//!
//! # Seeing it
//! A lookup is an event of `tracing` at `DEBUG`, with the target `countersign` and the fields `tenant`, `found` and `seconds`, or `fault` and `source`; that a head names no tenant is one, too. It stands in the span of
//! the delivery that began it.

mod lookup;
mod lookup_error;
mod path_pattern;
mod single_flight;
mod tenants;
mod tenants_builder;
mod tenants_error;

pub use path_pattern::PathPattern;
pub use tenants::Tenants;
pub use tenants_builder::TenantsBuilder;
pub use tenants_error::TenantsError;
