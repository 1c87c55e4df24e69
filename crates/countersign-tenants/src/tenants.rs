use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign::{Head, Resolver, Resolving, Verifier};
use tracing::Instrument as _;

use crate::lookup::{Inner, Known};
use crate::lookup_error::{Miss, Unavailable};
use crate::single_flight::{Boarded, Landing};

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

impl Tenants {
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

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").field("decoy", &self.0.decoy).finish_non_exhaustive()
    }
}
