use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::{Secret, Verifier, providers};
use loom::future::block_on;
use loom::thread;

use crate::single_flight::{Join, LookupResult, SingleFlight};

const TENANT: &str = "acme";

/// The secret of a tenant changes during lookups. The id of a key is the generation of the secret.
pub fn run() -> usize {
    let key = |id| Verifier::builder(providers::JIRA).key(id, Secret::new(id)).build().unwrap();
    let verifiers = ["0", "1"].map(key);
    crate::explore(move || {
        let world = Arc::new(World {
            lookups: Arc::default(),
            held: Mutex::new(None),
            source: AtomicUsize::new(0),
            forgotten: AtomicUsize::new(0),
            verifiers: verifiers.clone(),
        });
        let spawn = |what: fn(&World)| {
            let world = Arc::clone(&world);
            thread::spawn(move || what(&world))
        };
        let early = spawn(World::deliver);
        let changing = spawn(World::change);
        world.deliver();
        early.join().unwrap();
        changing.join().unwrap();
        world.deliver();
    })
}

struct World {
    lookups: Arc<SingleFlight>,
    /// The cached generation.
    held: Mutex<Option<usize>>,
    source: AtomicUsize,
    /// The generation at the last invalidation. Later deliveries need this generation or a later one.
    forgotten: AtomicUsize,
    verifiers: [Verifier; 2],
}

impl World {
    fn change(&self) {
        self.source.store(1, Ordering::SeqCst);
        self.lookups.cancel(TENANT, || *self.held.lock().unwrap() = None);
        self.forgotten.store(1, Ordering::SeqCst);
    }

    fn deliver(&self) {
        let oldest = self.forgotten.load(Ordering::SeqCst);
        let generation = self.resolve();
        assert!(generation >= oldest, "verified with the keys of generation {generation}, older than {oldest}");
    }

    /// Resolves as `Tenants` does, without a runtime: the thread that begins a lookup also runs the lookup.
    fn resolve(&self) -> usize {
        if let Some(held) = self.held() {
            return held;
        }
        match self.lookups.join(TENANT, usize::MAX, Duration::MAX, || self.held()) {
            Join::Finished(held) => held,
            Join::Full => unreachable!("the number of lookups is not limited"),
            Join::Joined(lookup) => {
                let Ok(LookupResult::Known(verifier)) = block_on(lookup.result()) else { unreachable!("the tenant is known") };
                verifier.keys().list()[0].id().as_str().parse().unwrap()
            }
            Join::New(_, guard) => {
                let generation = self.source.load(Ordering::SeqCst);
                let result = LookupResult::Known(self.verifiers[generation].clone());
                guard.finish(result, |_| *self.held.lock().unwrap() = Some(generation));
                generation
            }
        }
    }

    fn held(&self) -> Option<usize> {
        *self.held.lock().unwrap()
    }
}
