use std::sync::Arc;
use std::time::Duration;

use crate::request::head::RequestHead;
use crate::tenant::resolve_future::ResolveFuture;
use crate::verifier::Verifier;

/// Chooses the verifier of each delivery by the head, for tenants with their own keys. The choice
/// happens before any of the body is read, and so never depends on the body. Every adapter takes a
/// resolver in place of a [`Verifier`].
///
/// The crate `countersign-tenants` provides a resolver with a cache. A custom resolver reads the
/// head and returns a future. The future must not borrow from the head:
///
/// ```
/// use std::collections::HashMap;
/// use countersign::{RequestHead, Secret, Verifier, providers};
/// use countersign::tenant::{ResolveFuture, Resolver};
///
/// struct Tenants {
///     decoy: Verifier,
///     known: HashMap<String, Verifier>,
/// }
///
/// impl Resolver for Tenants {
///     fn decoy(&self) -> &Verifier {
///         &self.decoy
///     }
///
///     fn resolve(&self, head: &dyn RequestHead) -> ResolveFuture {
///         let tenant = head.original_target().strip_prefix("/jira/");
///         ResolveFuture::ready(tenant.and_then(|tenant| self.known.get(tenant)).cloned())
///     }
/// }
///
/// let template = Verifier::builder(providers::JIRA).build_template()?;
/// let acme_keys = [("2026-11", Secret::new("It's a Secret to Everybody"))];
/// let acme = template.for_tenant("acme", acme_keys)?;
/// let known = HashMap::from([("acme".to_owned(), acme)]);
/// let tenants = Tenants { decoy: template.decoy().clone(), known };
/// # let _ = countersign::adapter::VerifierSource::from(tenants);
/// # Ok::<(), countersign::ConfigError>(())
/// ```
///
/// A failed lookup lets no delivery through. The response is a 503, and senders repeat the
/// delivery, in each of these cases:
/// - The resolver returns an error.
/// - The resolver panics, if panics unwind.
/// - The resolver does not answer within the [`timeout`](Self::timeout).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a `Verifier` nor a `Resolver`",
    note = "build a `Verifier`, or implement `countersign::tenant::Resolver` for a type of your own"
)]
#[doc(alias("multi-tenant", "multitenancy"))]
pub trait Resolver: Send + Sync + 'static {
    /// Returns the verifier for unknown tenants: the
    /// [decoy](crate::tenant::VerifierTemplate::decoy) of a template. Called once, during the setup
    /// of an adapter. The adapter turns any other verifier into a decoy, so that this verifier lets
    /// no delivery through.
    fn decoy(&self) -> &Verifier;

    /// Starts the lookup of the verifier for a delivery. Must not block. The future returns `None`
    /// for an unknown tenant. The delivery is then rejected like a wrong signature, after the same
    /// work.
    ///
    /// [`RequestHead::original_target`] returns the path as sent, including any prefix already
    /// removed by the framework.
    fn resolve(&self, head: &dyn RequestHead) -> ResolveFuture;

    /// Returns the time limit of a lookup, by default five seconds. A delivery without an answer in
    /// this time is rejected with 503. The adapter's clock measures the time. A tower layer
    /// `without_clock` waits without a limit.
    fn timeout(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// Lets the application keep a handle on the resolver.
impl<R: Resolver + ?Sized> Resolver for Arc<R> {
    fn decoy(&self) -> &Verifier {
        (**self).decoy()
    }

    fn resolve(&self, head: &dyn RequestHead) -> ResolveFuture {
        (**self).resolve(head)
    }

    fn timeout(&self) -> Duration {
        (**self).timeout()
    }
}
