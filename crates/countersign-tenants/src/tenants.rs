use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign::tenant::{ResolveFuture, Resolver};
use countersign::{RequestHead, Verifier};
use tracing::Instrument as _;

use crate::lookup::{CachedTenant, Inner};
use crate::lookup_error::{LookupError, Unavailable};
use crate::single_flight::{Join, LookupResult};

/// Maximum length of a tenant's name in bytes. A longer name counts as unknown, without a lookup.
const MAX_NAME: usize = 256;

/// Lookups under way for each permit, running or waiting. Beyond this bound, a name not known
/// before gets 503 at once.
const WAITING_PER_PERMIT: usize = 16;

/// An adapter waits for this much longer than the timeout of a lookup. With equal times, the
/// adapter could give up first, and the log would not show the error of the lookup.
const GRACE: Duration = Duration::from_secs(1);

/// Chooses the verifier of each delivery by the tenant.
///
/// The keys of a tenant are looked up once and then cached. Every adapter takes `Tenants` in place
/// of a [`Verifier`]. Clones are cheap, and share the cache.
///
/// A lookup needs a tokio runtime. Outside a runtime, [`resolve`](Resolver::resolve) panics instead
/// of starting a lookup. Adapters catch the panic and answer 503.
///
/// ```
/// use countersign::{Secret, Verifier, providers};
/// use countersign_tenants::Tenants;
///
/// # #[derive(Clone)] struct Store;
/// # impl Store {
/// #     async fn secret_of(&self, tenant: &str) -> Result<Option<String>, std::io::Error> { Ok(None) }
/// # }
/// # let store = Store;
/// let tenants = Tenants::builder(Verifier::builder(providers::JIRA))
///     .by_path("/jira/{tenant}")
///     .build(move |tenant| {
///         let store = store.clone();
///         async move {
///             let secret = store.secret_of(&tenant).await?;
///             Ok::<_, std::io::Error>(secret.map(|secret| [("current", Secret::new(secret))]))
///         }
///     })?;
/// # Ok::<(), countersign_tenants::TenantsError>(())
/// ```
#[doc(alias("multi-tenant", "multitenancy"))]
#[derive(Clone)]
pub struct Tenants(Arc<Inner>);

impl Tenants {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Returns the limit for request bodies in bytes, the same for all tenants.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        self.0.template.decoy().body_limit()
    }

    /// Returns the number of rejections with this cause, over all tenants, like
    /// [`Verifier::rejected`].
    #[must_use]
    pub fn rejected(&self, kind: countersign::RejectionKind) -> u64 {
        self.0.template.decoy().rejected(kind)
    }

    /// Invalidates the cached keys of a tenant, or the cached answer for an unknown tenant.
    ///
    /// Call this function after adding or removing a tenant, or after changing the secret of a
    /// tenant. Deliveries arriving after the call are verified with keys from a new lookup. Spell
    /// the name as in the request.
    pub fn invalidate(&self, tenant: &str) {
        let Inner { lookups, known, unknown, .. } = &*self.0;
        lookups.cancel(tenant, || {
            // The entry stays: without the entry, the tenant would lose the permits of known
            // tenants.
            if let Some(CachedTenant { verifier, .. }) = known.get(tenant) {
                known.insert(tenant.to_owned(), CachedTenant { verifier, since: None });
            }
            unknown.invalidate(tenant);
        });
    }

    /// Returns the number of cached tenants. Tenants due for a new lookup count too.
    #[must_use]
    pub fn cached(&self) -> u64 {
        self.0.known.run_pending_tasks();
        self.0.known.entry_count()
    }
}

impl Resolver for Tenants {
    fn decoy(&self) -> &Verifier {
        self.0.template.decoy()
    }

    fn resolve(&self, head: &dyn RequestHead) -> ResolveFuture {
        let inner = &self.0;
        let tenant = (inner.find)(head).filter(|tenant| !tenant.is_empty() && tenant.len() <= MAX_NAME);
        let Some(tenant) = tenant else {
            tracing::debug!(target: "countersign", "the head names no tenant");
            return ResolveFuture::ready(None);
        };
        if let Some(cached) = inner.cached(&tenant) {
            return ResolveFuture::ready(cached);
        }
        // The decoy rejects the delivery for the same fault, so a lookup would be wasted.
        if inner.template.decoy().head_fault(&head).is_some() {
            return ResolveFuture::ready(None);
        }
        let was_known = inner.known.contains_key(&tenant);
        let most = if was_known { usize::MAX } else { inner.permits.number.saturating_mul(WAITING_PER_PERMIT) };
        let lookup = match inner.lookups.join(&tenant, most, inner.timeout.saturating_add(GRACE), || inner.cached(&tenant)) {
            Join::Finished(cached) => return ResolveFuture::ready(cached),
            Join::Full => return ResolveFuture::new(async { Err(Unavailable { tenant, error: Arc::new(LookupError::Full) }) }),
            Join::Joined(lookup) => lookup,
            Join::New(lookup, guard) => {
                let inner = Arc::clone(inner);
                let tenant = tenant.clone();
                let work = async move {
                    let result = inner.lookup(&tenant, was_known).await;
                    guard.finish(result, |result| inner.cache(tenant, result));
                };
                // In the future of this request, the lookup would end with the request, although
                // other deliveries may wait for the same tenant.
                tokio::spawn(work.in_current_span());
                lookup
            }
        };
        ResolveFuture::new(async {
            match lookup.result().await {
                Ok(LookupResult::Known(verifier)) => Ok(Some(verifier)),
                Ok(LookupResult::Unknown) => Ok(None),
                Ok(LookupResult::Failed(error)) | Err(error) => Err(Unavailable { tenant, error }),
            }
        })
    }

    fn timeout(&self) -> Duration {
        self.0.timeout.saturating_add(GRACE)
    }
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").field("decoy", self.0.template.decoy()).finish_non_exhaustive()
    }
}
