use crate::lookup_error::Miss;
use crate::single_flight::{Flights, Landing};
use countersign::{Head, KeyId, Secret, Verifier, one_line};
use futures_util::FutureExt as _;
use moka::sync::Cache;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

pub(crate) type Find = Arc<dyn Fn(&dyn Head) -> Option<String> + Send + Sync>;

type Keys = Vec<(KeyId, Secret)>;

type Asking = Pin<Box<dyn Future<Output = Result<Option<Keys>, Box<dyn Error + Send + Sync>>> + Send>>;

pub(crate) struct Inner {
    pub(crate) decoy: Verifier,
    pub(crate) find: Find,
    pub(crate) source: Box<dyn Fn(String) -> Asking + Send + Sync>,
    /// For longer than they are used: who was known before has turns of their own.
    pub(crate) known: Cache<String, Known>,
    /// Apart from those, so that no flood of strangers takes their place.
    pub(crate) unknown: Cache<String, ()>,
    pub(crate) flights: Arc<Flights>,
    pub(crate) turns: Turns,
    pub(crate) time_to_live: Duration,
    pub(crate) timeout: Duration,
}

#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) verifier: Verifier,
    /// When it was looked up; `None` if it is to be looked up again.
    pub(crate) since: Option<Instant>,
}

/// How many look-ups go on at once.
pub(crate) struct Turns {
    pub(crate) number: usize,
    /// Of names that may be nobody's.
    pub(crate) strangers: Semaphore,
    /// Of tenants that have been known before.
    pub(crate) known: Semaphore,
}

impl Turns {
    pub(crate) fn new(number: usize) -> Self {
        let number = number.min(Semaphore::MAX_PERMITS);
        Self { number, strangers: Semaphore::new(number), known: Semaphore::new(number) }
    }
}

impl Inner {
    /// What is known without a look-up: a verifier, or that there is none.
    #[expect(clippy::option_option, reason = "that nobody knows the tenant is something to know")]
    pub(crate) fn held(&self, tenant: &str) -> Option<Option<Verifier>> {
        let known = self.known.get(tenant).filter(|known| known.since.is_some_and(|since| since.elapsed() < self.time_to_live));
        match known {
            Some(known) => Some(Some(known.verifier)),
            None => self.unknown.get(tenant).map(|()| None),
        }
    }

    pub(crate) fn hold(&self, tenant: String, landing: &Landing) {
        match landing {
            Landing::Known(verifier) => {
                self.unknown.invalidate(&tenant);
                self.known.insert(tenant, Known { verifier: verifier.clone(), since: Some(Instant::now()) });
            }
            Landing::Unknown => {
                self.known.invalidate(&tenant);
                self.unknown.insert(tenant, ());
            }
            Landing::Failed(_) => {}
        }
    }

    pub(crate) async fn look_up(&self, tenant: &str, was_known: bool) -> Landing {
        let began = Instant::now();
        let asked = self.ask_source(tenant, was_known).await;
        let seconds = began.elapsed().as_secs_f64();
        // The name is the sender's, and the text of the fault the source's.
        let name = one_line(tenant);
        match &asked {
            Ok(found) => tracing::debug!(target: "countersign", tenant = &*name, found = found.is_some(), seconds, "tenant looked up"),
            Err(fault) => {
                let source = fault.source().map(|source| tracing::field::display(one_line(&source.to_string()).into_owned()));
                tracing::debug!(target: "countersign", tenant = &*name, seconds, %fault, source, "tenant not looked up");
            }
        }
        let verifier = asked.and_then(|found| found.map(|keys| self.decoy.for_tenant(tenant, keys).map_err(Miss::Unfit)).transpose());
        match verifier {
            Ok(Some(verifier)) => Landing::Known(verifier),
            Ok(None) => Landing::Unknown,
            Err(miss) => Landing::Failed(Arc::new(miss)),
        }
    }

    async fn ask_source(&self, tenant: &str, was_known: bool) -> Result<Option<Keys>, Miss> {
        let turns = if was_known { &self.turns.known } else { &self.turns.strangers };
        let asked = async {
            let _turn = turns.acquire().await.map_err(|_| Miss::Stopped)?;
            let found = AssertUnwindSafe(async { (self.source)(tenant.to_owned()).await }).catch_unwind().await;
            found.map_err(|_| Miss::Panicked)?.map_err(Miss::Failed)
        };
        tokio::time::timeout(self.timeout, asked).await.map_err(|_| Miss::TimedOut)?
    }
}
