use std::sync::Arc;
use std::time::Duration;

use crate::request::head::RequestHead;
use crate::tenant::resolve_future::ResolveFuture;
use crate::verifier::Verifier;

/// Chooses the verifier of each delivery by its head, where tenants have keys of their own: before a byte of the body is read, and so never
/// by the body. Every adapter takes one in place of a [`Verifier`].
///
/// The crate `countersign-tenants` has one that caches what it looks up. One of your own reads what it needs of the head, and returns a
/// future that borrows nothing of it:
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
///         let tenant = head.original_target().strip_prefix("/jira/").and_then(|tenant| self.known.get(tenant));
///         ResolveFuture::ready(tenant.cloned())
///     }
/// }
///
/// let template = Verifier::builder(providers::JIRA).build_template()?;
/// let acme = template.for_tenant("acme", [("2026-11", Secret::new("It's a Secret to Everybody"))])?;
/// let tenants = Tenants { decoy: template.decoy().clone(), known: HashMap::from([("acme".to_owned(), acme)]) };
/// # let _ = countersign::adapter::VerifierSource::from(tenants);
/// # Ok::<(), countersign::ConfigError>(())
/// ```
///
/// What goes wrong in it lets nothing through: an error, a panic (where panics unwind) and an answer that does not come
/// [in time](Self::timeout) are answered 503, which senders repeat.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a `Verifier` nor chooses one",
    note = "build a `Verifier`, or implement `countersign::tenant::Resolver` for a type of your own"
)]
pub trait Resolver: Send + Sync + 'static {
    /// Returns the verifier for unknown tenants: the [decoy](crate::tenant::VerifierTemplate::decoy) of a template. Called once, when an adapter is set up.
    /// The adapter makes a decoy of any other verifier, so that nobody gets in by this one.
    fn decoy(&self) -> &Verifier;

    /// Starts to look for the verifier of a delivery. It must not block. `None` for a tenant that is not known, which is then rejected as a
    /// wrong signature is, after as much work.
    ///
    /// With [`RequestHead::original_target`] it sees the path as it was sent, whatever prefixes a framework has taken off since.
    fn resolve(&self, head: &dyn RequestHead) -> ResolveFuture;

    /// How long a delivery waits for its verifier before it is answered 503, by the adapter's clock: five seconds unless said otherwise. A
    /// tower layer `without_clock` waits for as long as it takes.
    fn timeout(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// To keep a handle on it.
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
