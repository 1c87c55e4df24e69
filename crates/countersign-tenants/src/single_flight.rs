use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use countersign::Verifier;
use tokio::sync::watch;

use crate::lookup_error::LookupError;

/// What a lookup has brought.
#[derive(Clone)]
pub(crate) enum LookupResult {
    Known(Verifier),
    Unknown,
    Failed(Arc<LookupError>),
}

/// A lookup that is under way, for whoever waits for it.
#[derive(Clone)]
pub(crate) struct Lookup {
    began: Instant,
    result: watch::Receiver<Option<LookupResult>>,
}

impl Lookup {
    /// What it brings. An error if the runtime that it was on is gone.
    pub(crate) async fn result(mut self) -> Result<LookupResult, Arc<LookupError>> {
        let result = self.result.wait_for(Option::is_some).await.map_err(|_| Arc::new(LookupError::Stopped))?;
        result.clone().ok_or_else(|| Arc::new(LookupError::Stopped))
    }
}

/// The lookups that are under way, by the tenant's name.
#[derive(Default)]
pub(crate) struct SingleFlight(Mutex<HashMap<String, Lookup>>);

/// How a delivery gets the result of a lookup.
pub(crate) enum Join<T> {
    /// A lookup has just ended, with this result.
    Finished(T),
    Joined(Lookup),
    New(Lookup, LookupGuard),
    /// Too many lookups are under way.
    Full,
}

/// Ends a lookup. If the guard is dropped first, everybody who waits gets [`LookupError::Stopped`].
pub(crate) struct LookupGuard {
    lookups: Arc<SingleFlight>,
    tenant: String,
    lookup: Lookup,
    result: watch::Sender<Option<LookupResult>>,
}

impl SingleFlight {
    /// Takes part in the lookup of this tenant, or begins one if there are fewer than `most`. `finished` tells what came of one that has just
    /// ended; it is asked while none can end.
    ///
    /// One that has been under way for longer than `longest` is not waited for: something holds up the thread that it is on.
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

    /// Whoever comes from now on waits for a lookup of their own, and what the one under way brings is not held. `drop_cached` is done while
    /// none can end.
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
    /// Tells those who wait, and has the result cached by `cache` if it was not cancelled meanwhile.
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

    /// Whether the lookup of this tenant is still this one.
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
