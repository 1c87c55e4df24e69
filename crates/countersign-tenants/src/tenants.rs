use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign::tenant::{ResolveFuture, Resolver};
use countersign::{RequestHead, Verifier};
use tracing::Instrument as _;

use crate::lookup::{CachedTenant, Inner};
use crate::lookup_error::{LookupError, Unavailable};
use crate::single_flight::{Join, LookupResult};

/// Bytes of a tenant's name. There is no lookup for what is longer.
const MAX_NAME: usize = 256;

/// Names that nobody knows may wait for a permit, so many for each permit: what comes beyond them is answered 503 at once.
const WAITING_PER_PERMIT: usize = 16;

/// What an adapter waits longer than a lookup may take, so that it is the lookup that says what was the matter.
const GRACE: Duration = Duration::from_secs(1);

/// Chooses the verifier of a delivery by its tenant, whose keys are looked up once and then held. Cheap to clone. Every adapter takes it in
/// place of a [`Verifier`].
///
/// ```
/// use countersign::{Secret, Verifier, providers};
/// use countersign_tenants::Tenants;
///
/// # #[derive(Clone)] struct Store;
/// # impl Store { async fn secret_of(&self, tenant: &str) -> Result<Option<String>, std::io::Error> { Ok(None) } }
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
#[derive(Clone)]
pub struct Tenants(Arc<Inner>);

impl Tenants {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The largest body in bytes that is accepted, whoever's it is.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        self.0.template.decoy().body_limit()
    }

    /// How many deliveries were rejected for this cause, whoever's they were: as [`Verifier::rejected`].
    #[must_use]
    pub fn rejected(&self, kind: countersign::RejectionKind) -> u64 {
        self.0.template.decoy().rejected(kind)
    }

    /// Invalidates the cached keys of a tenant, or the cached answer that the tenant is unknown. Call this after the tenant's secret was changed, or
    /// the tenant was added or removed. Deliveries that arrive after the call are verified with keys that are looked up after the call. The name is
    /// spelled as in the request.
    pub fn invalidate(&self, tenant: &str) {
        let Inner { lookups, known, unknown, .. } = &*self.0;
        lookups.cancel(tenant, || {
            // It is remembered that there is one.
            if let Some(CachedTenant { verifier, .. }) = known.get(tenant) {
                known.insert(tenant.to_owned(), CachedTenant { verifier, since: None });
            }
            unknown.invalidate(tenant);
        });
    }

    /// Returns the number of cached tenants. Tenants whose keys have to be looked up again count.
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
        // What is rejected by its head, whoever's it is, is not worth a lookup.
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
                // The lookup goes on when this request is gone: others may wait for the same tenant.
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
