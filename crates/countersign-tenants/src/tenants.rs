use std::error::Error;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::{Head, KeyId, Resolver, Resolving, Secret, Verifier, VerifierBuilder, one_line};
use futures_util::FutureExt as _;
use moka::sync::Cache;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::flight::{Boarded, Flights, Landing};
use crate::miss::{Miss, Unavailable};
use crate::tenants_builder::TenantsBuilder;

/// Bytes of a tenant's name. There is no look-up for what is longer.
const LONGEST_NAME: usize = 256;

/// Names that nobody knows may wait for their turn, so many for each turn: what comes beyond them is answered 503 at once.
const WAITING_FOR_A_TURN: usize = 16;

/// What an adapter waits longer than a look-up may take, so that it is the look-up that says what was the matter.
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
    verifier: Verifier,
    /// When it was looked up; `None` if it is to be looked up again.
    since: Option<Instant>,
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

    /// How many deliveries were refused for this cause, whoever's they were: as [`Verifier::refused`].
    #[must_use]
    pub fn refused(&self, kind: countersign::RejectionKind) -> u64 {
        self.0.decoy.refused(kind)
    }

    /// Looks this tenant up again when it is met next: after its secret was changed, or it was added or taken away. Every delivery that comes
    /// after this is judged by what the source says after this. The name is the one in the head, in the same spelling.
    pub fn forget(&self, tenant: &str) {
        let Inner { flights, known, unknown, .. } = &*self.0;
        flights.cancel(tenant, || {
            // It is remembered that there is one.
            if let Some(Known { verifier, .. }) = known.get(tenant) {
                known.insert(tenant.to_owned(), Known { verifier, since: None });
            }
            unknown.invalidate(tenant);
        });
    }

    /// How many tenants are held now, those among them whose keys are to be looked up again.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.0.known.run_pending_tasks();
        self.0.known.entry_count()
    }
}

impl Resolver for Tenants {
    fn decoy(&self) -> &Verifier {
        &self.0.decoy
    }

    fn resolve(&self, head: &dyn Head) -> Resolving {
        let inner = &self.0;
        let tenant = (inner.find)(head).filter(|tenant| !tenant.is_empty() && tenant.len() <= LONGEST_NAME);
        let Some(tenant) = tenant else {
            tracing::debug!(target: "countersign", "the head names no tenant");
            return Resolving::ready(None);
        };
        if let Some(held) = inner.held(&tenant) {
            return Resolving::ready(held);
        }
        // What is refused by its head, whoever's it is, is not worth a look-up.
        if inner.decoy.head_fault(&head).is_some() {
            return Resolving::ready(None);
        }
        let was_known = inner.known.contains_key(&tenant);
        let most = if was_known { usize::MAX } else { inner.turns.number.saturating_mul(WAITING_FOR_A_TURN) };
        let flight = match inner.flights.board(&tenant, most, inner.timeout.saturating_add(GRACE), || inner.held(&tenant)) {
            Boarded::Landed(held) => return Resolving::ready(held),
            Boarded::Full => return Resolving::new(async { Err(Unavailable { tenant, miss: Arc::new(Miss::Full) }) }),
            Boarded::Joined(flight) => flight,
            Boarded::New(flight, pilot) => {
                let inner = Arc::clone(inner);
                let tenant = tenant.clone();
                let look_up = async move {
                    let landing = inner.look_up(&tenant, was_known).await;
                    pilot.land(landing, |landing| inner.hold(tenant, landing));
                };
                // It goes on when this request is gone: others may wait for the same tenant.
                tokio::spawn(look_up.in_current_span());
                flight
            }
        };
        Resolving::new(async {
            match flight.landing().await {
                Ok(Landing::Known(verifier)) => Ok(Some(verifier)),
                Ok(Landing::Unknown) => Ok(None),
                Ok(Landing::Failed(miss)) | Err(miss) => Err(Unavailable { tenant, miss }),
            }
        })
    }

    fn timeout(&self) -> Duration {
        self.0.timeout.saturating_add(GRACE)
    }
}

impl Inner {
    /// What is known without a look-up: a verifier, or that there is none.
    #[expect(clippy::option_option, reason = "that nobody knows the tenant is something to know")]
    fn held(&self, tenant: &str) -> Option<Option<Verifier>> {
        let known = self.known.get(tenant).filter(|known| known.since.is_some_and(|since| since.elapsed() < self.time_to_live));
        match known {
            Some(known) => Some(Some(known.verifier)),
            None => self.unknown.get(tenant).map(|()| None),
        }
    }

    fn hold(&self, tenant: String, landing: &Landing) {
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

    async fn look_up(&self, tenant: &str, was_known: bool) -> Landing {
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

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").field("decoy", &self.0.decoy).finish_non_exhaustive()
    }
}
