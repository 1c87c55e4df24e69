use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use countersign::Verifier;
use tokio::sync::watch;

use crate::lookup_error::LookupError;

/// Result of a lookup.
#[derive(Clone)]
pub(crate) enum LookupResult {
    Known(Verifier),
    Unknown,
    Failed(Arc<LookupError>),
}

/// A lookup under way, shared by all deliveries waiting for the tenant.
#[derive(Clone)]
pub(crate) struct Lookup {
    began: Instant,
    result: watch::Receiver<Option<LookupResult>>,
}

impl Lookup {
    /// Waits for the result. Returns [`LookupError::Stopped`] if the runtime of the lookup is gone.
    pub(crate) async fn result(mut self) -> Result<LookupResult, Arc<LookupError>> {
        let result = self.result.wait_for(Option::is_some).await.map_err(|_| Arc::new(LookupError::Stopped))?;
        result.clone().ok_or_else(|| Arc::new(LookupError::Stopped))
    }
}

/// The lookups under way, by the tenant's name.
#[derive(Default)]
pub(crate) struct SingleFlight(Mutex<HashMap<String, Lookup>>);

/// Outcome of [`SingleFlight::join`].
pub(crate) enum Join<T> {
    /// Another lookup has just ended with this result.
    Finished(T),
    Joined(Lookup),
    New(Lookup, LookupGuard),
    /// Too many lookups are under way.
    Full,
}

/// Ends a lookup. A guard dropped without [`finish`](Self::finish) gives [`LookupError::Stopped`]
/// to all waiting deliveries.
pub(crate) struct LookupGuard {
    lookups: Arc<SingleFlight>,
    tenant: String,
    lookup: Lookup,
    result: watch::Sender<Option<LookupResult>>,
}

impl SingleFlight {
    /// Joins the lookup of this tenant, or starts a lookup if fewer than `most` are under way.
    ///
    /// `finished` returns the result of a lookup that has just ended. The call runs under the lock,
    /// so no lookup can end between this check and the join.
    ///
    /// A lookup older than `longest` is replaced: a blocked thread keeps the old lookup from
    /// ending.
    pub(crate) fn join<T>(self: &Arc<Self>, tenant: &str, most: usize, longest: Duration, finished: impl FnOnce() -> Option<T>) -> Join<T> {
        let mut lookups = self.lock();
        if let Some(finished) = finished() {
            return Join::Finished(finished);
        }
        if let Some(lookup) = lookups.get(tenant).filter(|lookup| lookup.began.elapsed() <= longest) {
            return Join::Joined(lookup.clone());
        }
        if lookups.len() >= most {
            return Join::Full;
        }
        let (sender, result) = watch::channel(None);
        let lookup = Lookup { began: Instant::now(), result };
        lookups.insert(tenant.to_owned(), lookup.clone());
        let guard = LookupGuard { lookups: Arc::clone(self), tenant: tenant.to_owned(), lookup: lookup.clone(), result: sender };
        Join::New(lookup, guard)
    }

    /// Cancels the lookup under way: later deliveries start a new lookup, and the old result is not
    /// cached. `drop_cached` runs under the lock, so no lookup can end in the meantime.
    pub(crate) fn cancel(&self, tenant: &str, drop_cached: impl FnOnce()) {
        let mut lookups = self.lock();
        lookups.remove(tenant);
        drop_cached();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Lookup>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LookupGuard {
    /// Sends the result to all waiting deliveries. Calls `cache` first, unless the lookup was
    /// cancelled or replaced.
    pub(crate) fn finish(self, result: LookupResult, cache: impl FnOnce(&LookupResult)) {
        {
            let mut lookups = self.lookups.lock();
            if self.is_current(&lookups) {
                cache(&result);
                lookups.remove(&self.tenant);
            }
        }
        self.result.send_replace(Some(result));
    }

    /// Returns whether this lookup was neither cancelled nor replaced.
    fn is_current(&self, lookups: &HashMap<String, Lookup>) -> bool {
        lookups.get(&self.tenant).is_some_and(|lookup| self.lookup.result.same_channel(&lookup.result))
    }
}

impl Drop for LookupGuard {
    fn drop(&mut self) {
        let mut lookups = self.lookups.lock();
        if self.is_current(&lookups) {
            lookups.remove(&self.tenant);
        }
    }
}
