//! Tenants with their own keys, and the choice of a verifier for each delivery.

pub(crate) mod decoy;
pub(crate) mod resolve;
pub(crate) mod resolve_future;
pub(crate) mod resolver;
pub(crate) mod source;
pub(crate) mod template;

pub use resolve_future::ResolveFuture;
pub use resolver::Resolver;
pub use template::VerifierTemplate;
