use std::sync::Arc;
use std::time::Duration;

use crate::request::head::Head;
use crate::tenant::resolve_future::Resolving;
use crate::verifier::Verifier;

/// Chooses the verifier of each delivery by its head, where tenants have keys of their own: before a byte of the body is read, and so never
/// by the body. Every adapter takes one in place of a [`Verifier`].
///
/// The crate `countersign-tenants` has one that caches what it looks up. One of your own reads what it needs of the head, and returns a
/// future that borrows nothing of it:
///
/// ```
/// use std::collections::HashMap;
/// use countersign::{Head, Resolver, Resolving, Secret, Verifier, providers};
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
///     fn resolve(&self, head: &dyn Head) -> Resolving {
///         let tenant = head.original_target().strip_prefix("/jira/").and_then(|tenant| self.known.get(tenant));
///         Resolving::ready(tenant.cloned())
///     }
/// }
///
/// let decoy = Verifier::builder(providers::JIRA).build_decoy()?;
/// let acme = decoy.for_tenant("acme", [("2026-11", Secret::new("It's a Secret to Everybody"))])?;
/// let tenants = Tenants { decoy, known: HashMap::from([("acme".to_owned(), acme)]) };
/// # let _ = countersign::Verifiers::from(tenants);
/// # Ok::<(), countersign::ConfigError>(())
/// ```
///
/// What goes wrong in it lets nothing through: an error, a panic (where panics unwind) and an answer that does not come
/// [in time](Self::timeout) are answered 503, which senders repeat.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a `Verifier` nor chooses one",
    note = "build a `Verifier`, or implement `countersign::Resolver` for a type of your own"
)]
pub trait Resolver: Send + Sync + 'static {
    /// The verifier for tenants that are not known, made by [`build_decoy`](crate::VerifierBuilder::build_decoy). Asked for once, when
    /// an adapter is set up. Of any other verifier a decoy is made, so that nobody gets in by it.
    fn decoy(&self) -> &Verifier;

    /// Starts to look for the verifier of a delivery. It must not block. `None` for a tenant that is not known, which is then refused as a
    /// wrong signature is, after as much work.
    ///
    /// With [`Head::original_target`] it sees the path as it was sent, whatever prefixes a framework has taken off since.
    fn resolve(&self, head: &dyn Head) -> Resolving;

    /// How long a delivery waits for its verifier before it is answered 503, by the adapter's clock: five seconds unless said otherwise. A
    /// tower layer of `VerifyLayer::new`, which was told of no runtime, has no clock, and waits for as long as it takes.
    fn timeout(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// To keep a handle on it.
impl<R: Resolver + ?Sized> Resolver for Arc<R> {
    fn decoy(&self) -> &Verifier {
        (**self).decoy()
    }

    fn resolve(&self, head: &dyn Head) -> Resolving {
        (**self).resolve(head)
    }

    fn timeout(&self) -> Duration {
        (**self).timeout()
    }
}
