use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::observe::one_line;
use countersign::tenant::VerifierTemplate;
use countersign::{KeyId, RequestHead, Secret, Verifier};
use futures_util::FutureExt as _;
use moka::sync::Cache;
use tokio::sync::Semaphore;

use crate::lookup_error::LookupError;
use crate::single_flight::{LookupResult, SingleFlight};

pub(crate) type FindTenant = Arc<dyn Fn(&dyn RequestHead) -> Option<String> + Send + Sync>;

type LoadedKeys = Vec<(KeyId, Secret)>;

type SourceFuture = Pin<Box<dyn Future<Output = Result<Option<LoadedKeys>, Box<dyn Error + Send + Sync>>> + Send>>;

pub(crate) struct Inner {
    pub(crate) template: VerifierTemplate,
    pub(crate) find: FindTenant,
    pub(crate) source: Box<dyn Fn(String) -> SourceFuture + Send + Sync>,
    /// Entries stay for longer than their keys are used. A tenant in this cache uses the permits of
    /// known tenants.
    pub(crate) known: Cache<String, CachedTenant>,
    /// A separate cache. In a shared cache, a flood of unknown names would evict known tenants.
    pub(crate) unknown: Cache<String, ()>,
    pub(crate) lookups: Arc<SingleFlight>,
    pub(crate) permits: Permits,
    pub(crate) time_to_live: Duration,
    pub(crate) timeout: Duration,
}

#[derive(Clone)]
pub(crate) struct CachedTenant {
    pub(crate) verifier: Verifier,
    /// Time of the last lookup. `None` forces a new lookup.
    pub(crate) since: Option<Instant>,
}

/// Limits the concurrent lookups.
pub(crate) struct Permits {
    pub(crate) number: usize,
    /// For names not known before.
    pub(crate) strangers: Semaphore,
    /// For tenants known before.
    pub(crate) known: Semaphore,
}

impl Permits {
    pub(crate) fn new(number: usize) -> Self {
        let number = number.min(Semaphore::MAX_PERMITS);
        Self { number, strangers: Semaphore::new(number), known: Semaphore::new(number) }
    }
}

impl Inner {
    /// Returns the cached answer: a verifier, or `Some(None)` for a name cached as unknown. `None`
    /// calls for a lookup.
    #[expect(clippy::option_option, reason = "outer `None`: not cached, inner `None`: an unknown tenant")]
    pub(crate) fn cached(&self, tenant: &str) -> Option<Option<Verifier>> {
        let known = self.known.get(tenant).filter(|known| known.since.is_some_and(|since| since.elapsed() < self.time_to_live));
        match known {
            Some(known) => Some(Some(known.verifier)),
            None => self.unknown.get(tenant).map(|()| None),
        }
    }

    pub(crate) fn cache(&self, tenant: String, result: &LookupResult) {
        match result {
            LookupResult::Known(verifier) => {
                self.unknown.invalidate(&tenant);
                self.known.insert(tenant, CachedTenant { verifier: verifier.clone(), since: Some(Instant::now()) });
            }
            LookupResult::Unknown => {
                self.known.invalidate(&tenant);
                self.unknown.insert(tenant, ());
            }
            LookupResult::Failed(_) => {}
        }
    }

    pub(crate) async fn lookup(&self, tenant: &str, was_known: bool) -> LookupResult {
        let began = Instant::now();
        let asked = self.query_source(tenant, was_known).await;
        let seconds = began.elapsed().as_secs_f64();
        // The sender writes the name, and the source writes the error text. A line break in either
        // would forge a log line.
        let name = one_line(tenant);
        match &asked {
            Ok(found) => tracing::debug!(target: "countersign", tenant = &*name, found = found.is_some(), seconds, "tenant looked up"),
            Err(fault) => {
                let source = fault.source().map(|source| tracing::field::display(one_line(&source.to_string()).into_owned()));
                tracing::debug!(target: "countersign", tenant = &*name, seconds, %fault, source, "tenant not looked up");
            }
        }
        let verifier =
            asked.and_then(|found| found.map(|keys| self.template.for_tenant(tenant, keys).map_err(LookupError::Unfit)).transpose());
        match verifier {
            Ok(Some(verifier)) => LookupResult::Known(verifier),
            Ok(None) => LookupResult::Unknown,
            Err(error) => LookupResult::Failed(Arc::new(error)),
        }
    }

    async fn query_source(&self, tenant: &str, was_known: bool) -> Result<Option<LoadedKeys>, LookupError> {
        let permits = if was_known { &self.permits.known } else { &self.permits.strangers };
        let asked = async {
            let _permit = permits.acquire().await.map_err(|_| LookupError::Stopped)?;
            let found = AssertUnwindSafe(async { (self.source)(tenant.to_owned()).await }).catch_unwind().await;
            found.map_err(|_| LookupError::Panicked)?.map_err(LookupError::Failed)
        };
        tokio::time::timeout(self.timeout, asked).await.map_err(|_| LookupError::TimedOut)?
    }
}
