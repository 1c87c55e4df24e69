use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use countersign::Verifier;
use tokio::sync::watch;

use crate::lookup_error::Miss;

/// What a look-up has brought.
#[derive(Clone)]
pub(crate) enum Landing {
    Known(Verifier),
    Unknown,
    Failed(Arc<Miss>),
}

/// A look-up that is under way, for whoever waits for it.
#[derive(Clone)]
pub(crate) struct Flight {
    began: Instant,
    landing: watch::Receiver<Option<Landing>>,
}

impl Flight {
    /// What it brings. An error if the runtime that it was on is gone.
    pub(crate) async fn landing(mut self) -> Result<Landing, Arc<Miss>> {
        let landing = self.landing.wait_for(Option::is_some).await.map_err(|_| Arc::new(Miss::Stopped))?;
        landing.clone().ok_or_else(|| Arc::new(Miss::Stopped))
    }
}

/// The look-ups that are under way, by the tenant's name.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<String, Flight>>);

/// Whether there is a flight already, or this one has to be flown.
pub(crate) enum Boarded<T> {
    /// One has just ended, and brought this.
    Landed(T),
    Joined(Flight),
    New(Flight, Pilot),
    /// There are too many.
    Full,
}

/// Brings a look-up down. If it is dropped before, whoever waits is told so.
pub(crate) struct Pilot {
    flights: Arc<Flights>,
    tenant: String,
    flight: Flight,
    landing: watch::Sender<Option<Landing>>,
}

impl Flights {
    /// Takes part in the look-up of this tenant, or begins one if there are fewer than `most`. `landed` tells what came of one that has just
    /// ended; it is asked while none can end.
    ///
    /// One that has been under way for longer than `longest` is not waited for: something holds up the thread that it is on.
    pub(crate) fn board<T>(
        self: &Arc<Self>,
        tenant: &str,
        most: usize,
        longest: Duration,
        landed: impl FnOnce() -> Option<T>,
    ) -> Boarded<T> {
        let mut flights = self.lock();
        if let Some(landed) = landed() {
            return Boarded::Landed(landed);
        }
        if let Some(flight) = flights.get(tenant).filter(|flight| flight.began.elapsed() <= longest) {
            return Boarded::Joined(flight.clone());
        }
        if flights.len() >= most {
            return Boarded::Full;
        }
        let (sender, landing) = watch::channel(None);
        let flight = Flight { began: Instant::now(), landing };
        flights.insert(tenant.to_owned(), flight.clone());
        let pilot = Pilot { flights: Arc::clone(self), tenant: tenant.to_owned(), flight: flight.clone(), landing: sender };
        Boarded::New(flight, pilot)
    }

    /// Whoever comes from now on waits for a look-up of their own, and what the one under way brings is not held. `drop_held` is done while
    /// none can end.
    pub(crate) fn cancel(&self, tenant: &str, drop_held: impl FnOnce()) {
        let mut flights = self.lock();
        flights.remove(tenant);
        drop_held();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pilot {
    /// Tells those who wait, and has it held by `hold` if it was not cancelled meanwhile.
    pub(crate) fn land(self, landing: Landing, hold: impl FnOnce(&Landing)) {
        {
            let mut flights = self.flights.lock();
            if self.is_current(&flights) {
                hold(&landing);
                flights.remove(&self.tenant);
            }
        }
        self.landing.send_replace(Some(landing));
    }

    /// Whether the look-up of this tenant is still this one.
    fn is_current(&self, flights: &HashMap<String, Flight>) -> bool {
        flights.get(&self.tenant).is_some_and(|flight| self.flight.landing.same_channel(&flight.landing))
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        if self.is_current(&flights) {
            flights.remove(&self.tenant);
        }
    }
}
