use std::error::Error;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countersign::{Head, KeyId, Resolver, Resolving, Secret, Verifier, VerifierBuilder};
use futures_util::FutureExt as _;
use moka::future::Cache;
use tokio::sync::Semaphore;

use crate::TenantsBuilder;
use crate::miss::Miss;

/// Bytes of a tenant's name. There is no look-up for what is longer.
const LONGEST_NAME: usize = 256;

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

pub(crate) type Find = Arc<dyn Fn(&dyn Head) -> Option<String> + Send + Sync>;

type Keys = Vec<(KeyId, Secret)>;

type Asking = Pin<Box<dyn Future<Output = Result<Option<Keys>, Box<dyn Error + Send + Sync>>> + Send>>;

pub(crate) struct Inner {
    pub(crate) decoy: Verifier,
    pub(crate) find: Find,
    pub(crate) source: Box<dyn Fn(String) -> Asking + Send + Sync>,
    pub(crate) known: Cache<String, Verifier>,
    /// Apart from those, so that no flood of strangers takes their place.
    pub(crate) unknown: Cache<String, ()>,
    pub(crate) turns: Semaphore,
    pub(crate) timeout: Duration,
    /// How often a tenant was forgotten.
    pub(crate) forgotten: AtomicU64,
}

impl Tenants {
    /// Starts the description. The verifier is what all tenants have in common, and has no key.
    pub const fn builder(verifier: VerifierBuilder) -> TenantsBuilder {
        TenantsBuilder::new(verifier)
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The largest body in bytes that is accepted, whoever's it is.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        self.0.decoy.body_limit()
    }

    /// The verifier that stands for tenants that are not known. It shares its log with those of the tenants: by its
    /// [`refused`](Verifier::refused) it tells how many deliveries have been refused, whoever's they were.
    #[must_use]
    pub fn decoy(&self) -> &Verifier {
        &self.0.decoy
    }

    /// Looks this tenant up again when it is met next: after its secret was changed, or it was added or taken away.
    pub async fn forget(&self, tenant: &str) {
        // What a look-up that is under way brings is from before.
        self.0.forgotten.fetch_add(1, Ordering::SeqCst);
        self.0.known.invalidate(tenant).await;
        self.0.unknown.invalidate(tenant).await;
    }

    /// How many tenants are held now.
    pub async fn held(&self) -> u64 {
        self.0.known.run_pending_tasks().await;
        self.0.known.entry_count()
    }
}

impl Resolver for Tenants {
    fn decoy(&self) -> &Verifier {
        &self.0.decoy
    }

    fn resolve(&self, head: &dyn Head) -> Resolving {
        let tenant = (self.0.find)(head).filter(|tenant| !tenant.is_empty() && tenant.len() <= LONGEST_NAME);
        let Some(tenant) = tenant else { return Resolving::ready(None) };
        // What is refused by its head, whoever's it is, is not worth a look-up.
        if !self.0.known.contains_key(&tenant) && self.0.decoy.head_fault(&head).is_some() {
            return Resolving::ready(None);
        }
        let inner = Arc::clone(&self.0);
        Resolving::new(async move {
            if let Some(verifier) = inner.known.get(&tenant).await {
                return Ok(Some(verifier));
            }
            if inner.unknown.get(&tenant).await.is_some() {
                return Ok(None);
            }
            // It goes on when this request is gone: others may wait for the same tenant.
            tokio::spawn(inner.look_up(tenant)).await.map_err(|_| Arc::new(Miss::Stopped))?
        })
    }

    fn timeout(&self) -> Duration {
        self.0.timeout
    }
}

impl Inner {
    /// One for each tenant, however many wait for it.
    async fn look_up(self: Arc<Self>, tenant: String) -> Result<Option<Verifier>, Arc<Miss>> {
        let before = self.forgotten.load(Ordering::SeqCst);
        let found = self.known.try_get_with_by_ref(&tenant, self.ask(&tenant)).await;
        if self.forgotten.load(Ordering::SeqCst) != before {
            self.known.invalidate(&tenant).await;
            self.unknown.invalidate(&tenant).await;
        }
        match found {
            Ok(verifier) => Ok(Some(verifier)),
            Err(miss) if matches!(*miss, Miss::Unknown) => Ok(None),
            Err(miss) => Err(miss),
        }
    }

    async fn ask(&self, tenant: &str) -> Result<Verifier, Miss> {
        // By somebody who has just asked.
        if self.unknown.contains_key(tenant) {
            return Err(Miss::Unknown);
        }
        let began = Instant::now();
        let asked = self.ask_source(tenant).await;
        let seconds = began.elapsed().as_secs_f64();
        match &asked {
            Ok(found) => tracing::debug!(target: "countersign", tenant, found = found.is_some(), seconds, "tenant looked up"),
            Err(fault) => tracing::debug!(target: "countersign", tenant, seconds, %fault, "tenant not looked up"),
        }
        let Some(keys) = asked? else {
            self.unknown.insert(tenant.to_owned(), ()).await;
            return Err(Miss::Unknown);
        };
        self.decoy.for_tenant(tenant, keys).map_err(Miss::Unfit)
    }

    async fn ask_source(&self, tenant: &str) -> Result<Option<Keys>, Miss> {
        let asked = async {
            let _turn = self.turns.acquire().await.map_err(|_| Miss::Stopped)?;
            let found = AssertUnwindSafe(async { (self.source)(tenant.to_owned()).await }).catch_unwind().await;
            found.map_err(|_| Miss::Panicked)?.map_err(Miss::Failed)
        };
        tokio::time::timeout(self.timeout, asked).await.map_err(|_| Miss::TimedOut)?
    }
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").field("decoy", &self.0.decoy).finish_non_exhaustive()
    }
}
