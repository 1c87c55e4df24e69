//! Tenants come, go and change their secrets while deliveries are verified.

use std::io;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use countersign::tenant::Resolver as _;
use countersign::{RequestHead, Secret, Signer, Verifier, providers};
use countersign_tenants::Tenants;
use fastrand::Rng;
use tokio::runtime::{self, Runtime};

use crate::round::{Round, Tally, pause};

const DELIVERERS: u64 = 5;
const CHANGERS: u64 = 2;
const TENANTS: usize = 6;

/// The capacity of the cache. The number of tenants is greater, so some tenants are evicted.
const HELD: u64 = 4;

const LOOKUPS: usize = 2;
const HEADER: &str = "X-Tenant";
const BODY: &[u8] = b"{}";

/// The key source. The secret of a tenant contains the generation of the tenant.
#[derive(Default)]
struct Source {
    generations: [AtomicU64; TENANTS],
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

/// Returns whether the tenant exists. Every fourth generation is without the tenant.
const fn exists(generation: u64) -> bool {
    generation % 4 != 3
}

fn secret(tenant: usize, generation: u64) -> Secret {
    Secret::new(format!("secret {generation} of {tenant}"))
}

type Keys = [(String, Secret); 1];

impl Source {
    async fn ask(self: Arc<Self>, tenant: String, mut random: Rng) -> Result<Option<Keys>, io::Error> {
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        let _running = RunningLookup(&self.at_once);
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        let tenant: usize = tenant.parse().unwrap();
        if random.bool() {
            tokio::task::yield_now().await;
        }
        let generation = self.generations[tenant].load(Ordering::SeqCst);
        match random.u8(..) {
            0..=63 => {}
            64..=127 => tokio::task::yield_now().await,
            // Sometimes longer than the timeout.
            128..=245 => tokio::time::sleep(Duration::from_micros(random.u64(..5000))).await,
            246..=250 => return Err(io::Error::other("the source is down")),
            // Panics without a message.
            251..=255 => panic::resume_unwind(Box::new(())),
        }
        Ok(exists(generation).then(|| [(format!("{tenant}/{generation}"), secret(tenant, generation))]))
    }
}

/// A running lookup. Every kind of end drops this value, and counts the lookup down.
struct RunningLookup<'a>(&'a AtomicUsize);

impl Drop for RunningLookup<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct World {
    source: Arc<Source>,
    tenants: Tenants,
    runtime: Runtime,
    /// The generation of each tenant at the last `invalidate`. Later deliveries need this generation or a later one.
    forgotten: [AtomicU64; TENANTS],
    tally: Tally,
}

pub fn round(round: &Round) -> Tally {
    let source = Arc::new(Source::default());
    let seeds = AtomicU64::new(300);
    let ask = {
        let (source, random) = (Arc::clone(&source), round.random(300));
        move |tenant| {
            let seed = seeds.fetch_add(1, Ordering::Relaxed);
            Arc::clone(&source).ask(tenant, Rng::with_seed(random.clone().u64(..) ^ seed))
        }
    };
    let tenants = Tenants::builder(Verifier::builder(providers::JIRA))
        .by(|head: &dyn RequestHead| {
            let mut tenant = None;
            head.header(HEADER, &mut |value| tenant = String::from_utf8(value.to_vec()).ok());
            tenant
        })
        .capacity(HELD)
        .time_to_live(Duration::from_millis(5))
        .negative_ttl(Duration::from_millis(3))
        .timeout(Duration::from_millis(4))
        .max_concurrent_lookups(LOOKUPS)
        .build(ask)
        .unwrap();
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let world = World { source, tenants, runtime, forgotten: Default::default(), tally: Tally::default() };
    thread::scope(|scope| {
        for thread in 0..CHANGERS {
            let (world, random) = (&world, round.random(thread));
            scope.spawn(move || world.change(round, random));
        }
        for thread in 0..DELIVERERS {
            let (world, random) = (&world, round.random(100 + thread));
            scope.spawn(move || world.deliver(round, random));
        }
    });
    // Unknown tenants and tenants known before have separate limits.
    let most = world.source.most_at_once.load(Ordering::SeqCst);
    assert!(most <= 2 * LOOKUPS, "{most} concurrent lookups");
    world.tally
}

impl World {
    fn change(&self, round: &Round, mut random: Rng) {
        while round.is_running() {
            let tenant = random.usize(..TENANTS);
            let generation = self.source.generations[tenant].fetch_add(1, Ordering::SeqCst) + 1;
            pause(&mut random);
            self.tenants.invalidate(&tenant.to_string());
            self.forgotten[tenant].fetch_max(generation, Ordering::SeqCst);
            thread::sleep(Duration::from_micros(random.u64(..1000)));
        }
    }

    fn deliver(&self, round: &Round, mut random: Rng) {
        let unsigned = format!("sha256={}", "0".repeat(64));
        while round.is_running() {
            let tenant = random.usize(..TENANTS);
            let name = tenant.to_string();
            let oldest = self.forgotten[tenant].load(Ordering::SeqCst);
            let head = [("X-Hub-Signature", &unsigned), (HEADER, &name)];
            let resolved = self.runtime.block_on(async { self.tenants.resolve(&head).await });
            let newest = self.source.generations[tenant].load(Ordering::SeqCst);
            match resolved {
                Ok(Some(verifier)) => {
                    let generation = self.generation_of(&verifier, tenant);
                    assert!(
                        (oldest..=newest).contains(&generation),
                        "tenant {tenant}: keys of generation {generation}, not of {oldest} to {newest}"
                    );
                    Self::judge(&verifier, tenant, generation);
                    self.tally.count(true);
                }
                Ok(None) => {
                    let ever_gone = (oldest..=newest).any(|generation| !exists(generation));
                    assert!(ever_gone, "tenant {tenant} is unknown, but existed in generations {oldest} to {newest}");
                    self.tally.count(false);
                }
                // The source failed or was too slow, or too many lookups waited.
                Err(_) => self.tally.count(false),
            }
            pause(&mut random);
        }
    }

    /// Returns the generation from the id of the only key.
    fn generation_of(&self, verifier: &Verifier, tenant: usize) -> u64 {
        let listed = verifier.keys().list();
        let (whose, generation) = listed[0].id().as_str().split_once('/').unwrap();
        assert_eq!(whose, tenant.to_string(), "the verifier has the keys of another tenant");
        generation.parse().unwrap()
    }

    /// Asserts that the verifier accepts the secret of this tenant and generation, and no other secret.
    fn judge(verifier: &Verifier, tenant: usize, generation: u64) {
        let signed = |tenant, generation| Signer::new(providers::JIRA, secret(tenant, generation)).unwrap().sign(BODY);
        let verified = verifier.verify(&signed(tenant, generation), BODY).unwrap();
        assert_eq!(verified.tenant(), Some(tenant.to_string().as_str()));
        for (tenant, generation) in [((tenant + 1) % TENANTS, generation), (tenant, generation + 1)] {
            assert!(verifier.verify(&signed(tenant, generation), BODY).is_err(), "accepted generation {generation} of tenant {tenant}");
        }
    }
}
