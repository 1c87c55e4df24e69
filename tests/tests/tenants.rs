//! Tests of tenants without an adapter: lookup, cache and invalidation.

use std::collections::HashMap;
use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::iter::successors;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use conformance::Received;
use countersign::adapter::{HeaderIndex, NoTimer, Receive, ReceiveOptions, VerifierSource};
use countersign::tenant::{ResolveFuture, Resolver as _};
use countersign::{ConfigError, RejectionKind, RequestHead, Secret, Signer, Verifier, providers};
use countersign_tenants::{PathPattern, Tenants, TenantsBuilder, TenantsError};
use tokio::sync::Semaphore;

/// A key store with a gate. Each lookup waits for a permit of the gate.
#[derive(Clone)]
struct Store {
    secrets: Arc<Mutex<HashMap<String, &'static str>>>,
    lookups: Arc<AtomicUsize>,
    concurrent: Arc<AtomicUsize>,
    most_concurrent: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl Store {
    /// Creates a store with an open gate. Lookups answer at once.
    fn new() -> Self {
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Self { secrets: Arc::default(), lookups: Arc::default(), concurrent: Arc::default(), most_concurrent: Arc::default(), gate }
    }

    /// Creates a store with a closed gate. Each added permit answers one lookup.
    fn closed() -> Self {
        Self { gate: Arc::new(Semaphore::new(0)), ..Self::new() }
    }

    fn with(self, tenant: &str, secret: &'static str) -> Self {
        self.set(tenant, secret);
        self
    }

    fn set(&self, tenant: &str, secret: &'static str) {
        self.secrets.lock().unwrap().insert(tenant.to_owned(), secret);
    }

    fn lookups(&self) -> usize {
        self.lookups.load(Ordering::SeqCst)
    }

    fn tenants(&self, builder: TenantsBuilder) -> Tenants {
        let store = self.clone();
        let lookup = move |tenant: String| {
            let store = store.clone();
            async move {
                store.lookups.fetch_add(1, Ordering::SeqCst);
                // The lookup returns the secret at its start.
                let secret = store.secrets.lock().unwrap().get(&tenant).copied();
                let now = store.concurrent.fetch_add(1, Ordering::SeqCst) + 1;
                store.most_concurrent.fetch_max(now, Ordering::SeqCst);
                store.gate.acquire().await.unwrap().forget();
                store.concurrent.fetch_sub(1, Ordering::SeqCst);
                match secret {
                    Some("down") => Err(io::Error::other("the store is down")),
                    secret => Ok(secret.map(|secret| [("k", Secret::new(secret))])),
                }
            }
        };
        builder.build(lookup).unwrap()
    }
}

fn builder() -> TenantsBuilder {
    Tenants::builder(Verifier::builder(providers::JIRA)).by_path("/jira/{tenant}")
}

/// The target and the headers of a delivery.
struct To(String, Vec<(String, String)>);

impl RequestHead for To {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &str {
        &self.0
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        self.1.headers(index);
    }
}

fn to(tenant: &str) -> To {
    let signer = Signer::new(providers::JIRA, Secret::new("one")).unwrap();
    To(format!("/jira/{tenant}"), signer.sign(b"body"))
}

/// Returns the verified tenant, or the cause of the rejection, for a delivery signed with the secret `one`.
async fn verdict(tenants: &Tenants, tenant: &str) -> Result<String, RejectionKind> {
    let head = to(tenant);
    let resolving = tenants.resolve(&head);
    let verifier = match resolving.await {
        Ok(verifier) => verifier.unwrap_or_else(|| tenants.decoy().clone()),
        Err(_) => return Err(RejectionKind::KeysUnavailable),
    };
    verifier.verify(&head, b"body").map(|verified| verified.tenant().unwrap().to_owned()).map_err(|rejection| rejection.kind())
}

#[expect(clippy::unnecessary_wraps, reason = "the tests compare the value with a result")]
fn good(tenant: &str) -> Result<String, RejectionKind> {
    Ok(tenant.to_owned())
}

/// Returns the texts of an error and of its sources.
fn texts(error: &(dyn Error + 'static)) -> Vec<String> {
    successors(Some(error), |&error| error.source()).map(ToString::to_string).collect()
}

/// Yields until every spawned task waits.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn one_lookup_serves_all_waiting_deliveries() {
    conformance::run(async {
        let store = Store::closed().with("acme", "one");
        let tenants = store.tenants(builder());
        let mut waiting = Vec::new();
        for place in 0..1000 {
            let tenants = tenants.clone();
            waiting.push(tokio::spawn(async move { verdict(&tenants, if place % 2 == 0 { "acme" } else { "initech" }).await }));
        }
        settle().await;
        assert_eq!(store.lookups(), 2);
        store.gate.add_permits(Semaphore::MAX_PERMITS / 2);
        for (place, waiting) in waiting.into_iter().enumerate() {
            let expected = if place % 2 == 0 { good("acme") } else { Err(RejectionKind::UnknownTenant) };
            assert_eq!(waiting.await.unwrap(), expected);
        }
        for _ in 0..10 {
            assert_eq!(verdict(&tenants, "acme").await, good("acme"));
            assert_eq!(verdict(&tenants, "initech").await, Err(RejectionKind::UnknownTenant));
        }
        assert_eq!(store.lookups(), 2);
        assert_eq!(tenants.cached(), 1);
    });
}

#[test]
fn lookup_continues_after_its_delivery_is_dropped() {
    conformance::run(async {
        let store = Store::closed().with("acme", "one");
        let tenants = store.tenants(builder());
        for _ in 0..10 {
            let (head, mut resolving) = (to("acme"), None::<ResolveFuture>);
            let resolving = resolving.insert(tenants.resolve(&head));
            poll_fn(|cx| {
                assert!(Pin::new(&mut *resolving).poll(cx).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
            settle().await;
        }
        assert_eq!(store.lookups(), 1);
        store.gate.add_permits(1);
        settle().await;
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        assert_eq!(store.lookups(), 1);
    });
}

#[test]
fn lookup_failure_reaches_all_waiting_deliveries_and_is_not_cached() {
    conformance::run(async {
        let store = Store::closed().with("acme", "down");
        let tenants = store.tenants(builder());
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let tenants = tenants.clone();
                tokio::spawn(async move { verdict(&tenants, "acme").await })
            })
            .collect();
        settle().await;
        store.gate.add_permits(1000);
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap(), Err(RejectionKind::KeysUnavailable));
        }
        assert_eq!(store.lookups(), 1);
        store.set("acme", "one");
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        assert_eq!(store.lookups(), 2);
    });
}

#[test]
fn lookup_timeout_fails_all_waiting_deliveries() {
    conformance::run(async {
        tokio::time::pause();
        let store = Store::closed().with("acme", "one");
        let tenants = store.tenants(builder().timeout(Duration::from_secs(2)));
        let start = tokio::time::Instant::now();
        let early = tokio::spawn({
            let tenants = tenants.clone();
            async move { verdict(&tenants, "acme").await }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(verdict(&tenants, "acme").await, Err(RejectionKind::KeysUnavailable));
        assert_eq!(early.await.unwrap(), Err(RejectionKind::KeysUnavailable));
        assert_eq!((start.elapsed().as_secs(), store.lookups()), (2, 1));
        // After the timeout, the next delivery begins a new lookup.
        store.gate.add_permits(1000);
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
    });
}

#[test]
fn failed_lookup_names_the_tenant_and_the_cause() {
    conformance::run(async {
        tokio::time::pause();
        let lookup = |tenant: String| async move {
            match &*tenant {
                "failing" => Err(io::Error::other("the store is down")),
                "silent" => std::future::pending().await,
                "panicking" => panic!("a deliberate panic of this test"),
                _ => Ok(Some([("k", Secret::new(""))])),
            }
        };
        let tenants = builder().build(lookup).unwrap();
        let empty = ConfigError::EmptySecret { key: Some("k".into()) }.to_string();
        for (tenant, causes) in [
            ("failing", &["the key source failed", "the store is down"][..]),
            ("silent", &["the key source did not answer in time"][..]),
            ("panicking", &["the key source panicked"][..]),
            ("empty", &["the key source returned no valid keys", &empty][..]),
        ] {
            let error = tenants.resolve(&to(tenant)).await.unwrap_err();
            let texts = texts(&*error);
            assert_eq!(texts[0], format!("the keys of {tenant:?} are unavailable"));
            assert_eq!(texts[1..], *causes, "{tenant}");
        }
    });
}

#[test]
fn lookup_is_refused_while_sixteen_others_wait_for_one_permit() {
    conformance::run(async {
        let store = Store::closed().with("acme", "one");
        let tenants = store.tenants(builder().max_concurrent_lookups(1));
        let waiting: Vec<_> = (0..16).map(|place| tenants.resolve(&to(&format!("nobody-{place}")))).collect();
        let error = tenants.resolve(&to("acme")).await.unwrap_err();
        assert_eq!(texts(&*error), ["the keys of \"acme\" are unavailable", "too many lookups wait for a permit"]);
        store.gate.add_permits(1000);
        for unknown in waiting {
            assert!(unknown.await.unwrap().is_none());
        }
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
    });
}

#[test]
fn timed_out_lookup_frees_its_permit() {
    conformance::run(async {
        tokio::time::pause();
        let store = Store::closed().with("acme", "one");
        let tenants = store.tenants(builder().max_concurrent_lookups(1).timeout(Duration::from_secs(2)));
        let ask = |tenant: &'static str| {
            let tenants = tenants.clone();
            tokio::spawn(async move { verdict(&tenants, tenant).await })
        };
        let silent = ask("silent");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let waiting = ask("acme");
        settle().await;
        assert_eq!(store.lookups(), 1, "the only permit is in use");
        assert_eq!(silent.await.unwrap(), Err(RejectionKind::KeysUnavailable));
        settle().await;
        assert_eq!(store.lookups(), 2, "the permit is free, although the key source has not answered");
        store.gate.add_permits(1);
        assert_eq!(waiting.await.unwrap(), good("acme"));
    });
}

/// A head that is read for as long as the lookup of its tenant takes.
struct Slow<'t> {
    head: To,
    tenants: &'t Tenants,
    gate: &'t Semaphore,
}

impl RequestHead for Slow<'_> {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &str {
        self.head.target()
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        self.gate.add_permits(1);
        let start = Instant::now();
        while self.tenants.cached() == 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "the lookup does not end");
            std::thread::sleep(Duration::from_millis(1));
        }
        self.head.headers(index);
    }
}

/// The lookup ends after the delivery has missed the cache, and before the delivery joins the lookup.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn delivery_takes_the_result_of_a_lookup_that_has_just_ended() {
    let store = Store::closed().with("acme", "one");
    let tenants = store.tenants(builder());
    let first = tenants.resolve(&to("acme"));
    let slow = Slow { head: to("acme"), tenants: &tenants, gate: &store.gate };
    let verifier = tenants.resolve(&slow).await.unwrap().unwrap();
    assert_eq!(verifier.verify(&slow.head, b"body").unwrap().tenant(), Some("acme"));
    assert!(first.await.unwrap().is_some());
    assert_eq!(store.lookups(), 1);
}

#[test]
fn keys_and_unknown_tenants_are_cached_for_separate_times() {
    conformance::run(async {
        let store = Store::new().with("acme", "one");
        let (long, short) = (Duration::from_secs(3600), Duration::from_millis(50));
        let tenants = store.tenants(builder().time_to_live(long).negative_ttl(short));
        for _ in 0..2 {
            assert_eq!(verdict(&tenants, "acme").await, good("acme"));
            assert_eq!(verdict(&tenants, "globex").await, Err(RejectionKind::UnknownTenant));
            store.set("acme", "another");
            store.set("globex", "one");
        }
        assert_eq!(store.lookups(), 2);
        tokio::time::sleep(2 * short).await;
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        assert_eq!(verdict(&tenants, "globex").await, good("globex"));
        assert_eq!(store.lookups(), 3);

        let tenants = store.tenants(builder().time_to_live(short).negative_ttl(long));
        assert_eq!(verdict(&tenants, "initech").await, Err(RejectionKind::UnknownTenant));
        assert_eq!(verdict(&tenants, "globex").await, good("globex"));
        store.set("initech", "one");
        store.set("globex", "another");
        tokio::time::sleep(2 * short).await;
        assert_eq!(verdict(&tenants, "initech").await, Err(RejectionKind::UnknownTenant));
        assert_eq!(verdict(&tenants, "globex").await, Err(RejectionKind::SignatureMismatch));
    });
}

#[test]
fn invalidated_tenant_is_looked_up_again() {
    conformance::run(async {
        let store = Store::new().with("acme", "one");
        let tenants = store.tenants(builder());
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        assert_eq!(verdict(&tenants, "globex").await, Err(RejectionKind::UnknownTenant));
        store.set("acme", "another");
        store.set("globex", "one");
        tenants.invalidate("acme");
        tenants.invalidate("globex");
        assert_eq!(verdict(&tenants, "acme").await, Err(RejectionKind::SignatureMismatch));
        assert_eq!(verdict(&tenants, "globex").await, good("globex"));
        assert_eq!(store.lookups(), 4);
    });
}

#[test]
fn lookup_begun_before_invalidation_is_not_cached() {
    conformance::run(async {
        let store = Store::closed().with("acme", "one");
        let tenants = store.tenants(builder());
        let waiting = tokio::spawn({
            let tenants = tenants.clone();
            async move { verdict(&tenants, "acme").await }
        });
        settle().await;
        assert_eq!(store.lookups(), 1);
        store.set("acme", "another");
        tenants.invalidate("acme");
        store.gate.add_permits(1000);
        // The lookup began before the invalidation.
        assert_eq!(waiting.await.unwrap(), good("acme"));
        assert_eq!(verdict(&tenants, "acme").await, Err(RejectionKind::SignatureMismatch));
    });
}

#[test]
fn delivery_after_invalidation_waits_for_a_new_lookup() {
    conformance::run(async {
        for (before, after, expected) in [
            (Some("one"), Some("another"), Err(RejectionKind::SignatureMismatch)),
            (Some("another"), Some("one"), good("acme")),
            (None, Some("one"), good("acme")),
            (Some("one"), None, Err(RejectionKind::UnknownTenant)),
        ] {
            let store = Store::closed();
            let set = |secret: Option<&'static str>| match secret {
                Some(secret) => store.set("acme", secret),
                None => drop(store.secrets.lock().unwrap().remove("acme")),
            };
            set(before);
            let tenants = store.tenants(builder());
            let ask = |tenant: &'static str| {
                let tenants = tenants.clone();
                tokio::spawn(async move { verdict(&tenants, tenant).await })
            };
            let (early, other) = (ask("acme"), ask("globex"));
            settle().await;
            set(after);
            tenants.invalidate("acme");
            let late = ask("acme");
            settle().await;
            assert_eq!(store.lookups(), 3, "only `acme` is looked up again");
            store.gate.add_permits(1000);
            assert_eq!(late.await.unwrap(), expected);
            drop((early.await.unwrap(), other.await.unwrap()));
            for _ in 0..3 {
                assert_eq!(verdict(&tenants, "acme").await, expected, "for any order of the two lookups");
                assert_eq!(verdict(&tenants, "globex").await, Err(RejectionKind::UnknownTenant));
            }
            assert_eq!(store.lookups(), 3, "invalidation keeps other tenants cached");
        }
    });
}

#[test]
fn lookup_on_a_dropped_runtime_fails_and_can_be_repeated() {
    let store = Store::closed().with("acme", "one");
    let tenants = store.tenants(builder());
    let (cloned, head) = (tenants.clone(), to("acme"));
    // The lookup begins on a runtime that ends before the lookup.
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut waiting = None;
    other.block_on(async {
        waiting = Some(cloned.resolve(&head));
        settle().await;
    });
    drop(other);
    conformance::run(async move {
        let error = waiting.unwrap().await.unwrap_err();
        assert_eq!(texts(&*error), ["the keys of \"acme\" are unavailable", "the lookup was stopped"]);
        store.gate.add_permits(1000);
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
    });
}

#[test]
fn blocked_lookup_does_not_block_other_deliveries() {
    conformance::run(async {
        let store = Store::closed().with("acme", "one");
        let tenants = store.tenants(builder().timeout(Duration::from_millis(50)));
        let stuck = tenants.clone();
        // The thread sleeps, so the lookup makes no progress and no timer of its runtime fires.
        let (begun, began) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let _resolving = stuck.resolve(&to("acme"));
                begun.send(()).unwrap();
                std::thread::sleep(Duration::from_millis(1500));
            });
        });
        began.recv().unwrap();
        store.gate.add_permits(1000);
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        thread.join().unwrap();
    });
}

#[test]
fn known_tenants_keep_their_permits_under_flood() {
    conformance::run(async {
        let store = Store::closed().with("acme", "one").with("globex", "one");
        let tenants = store.tenants(builder().max_concurrent_lookups(2).time_to_live(Duration::from_millis(1)));
        store.gate.add_permits(1);
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        let ask = |tenant: String| {
            let tenants = tenants.clone();
            tokio::spawn(async move { verdict(&tenants, &tenant).await })
        };
        let flood: Vec<_> = (0..1000).map(|place| ask(format!("nobody-{place}"))).collect();
        settle().await;
        assert_eq!(store.lookups(), 1 + 2, "the two permits limit the lookups");
        let rejected = flood.iter().filter(|delivery| delivery.is_finished()).count();
        assert_eq!(rejected, 1000 - 2 * 16, "the queue for a permit is limited, too");
        // The cached keys of `acme` have expired. The known tenant is looked up at once.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let known = ask("acme".to_owned());
        settle().await;
        assert_eq!(store.lookups(), 1 + 2 + 1);
        assert_eq!(verdict(&tenants, "globex").await, Err(RejectionKind::KeysUnavailable), "a new tenant is rejected during the flood");
        store.gate.add_permits(Semaphore::MAX_PERMITS / 2);
        assert_eq!(known.await.unwrap(), good("acme"));
        let mut unknown = 0;
        for delivery in flood {
            match delivery.await.unwrap() {
                Err(RejectionKind::UnknownTenant) => unknown += 1,
                other => assert_eq!(other, Err(RejectionKind::KeysUnavailable)),
            }
        }
        assert_eq!(unknown, 2 * 16);
        assert_eq!(verdict(&tenants, "globex").await, good("globex"));
    });
}

#[test]
fn concurrent_lookups_are_limited_in_a_flood_of_names() {
    conformance::run(async {
        let store = Store::closed().with("acme", "one").with("globex", "one");
        let tenants = store.tenants(builder().max_concurrent_lookups(8));
        store.gate.add_permits(1);
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        let flood: Vec<_> = (0..100)
            .map(|place| {
                let tenants = tenants.clone();
                tokio::spawn(async move { verdict(&tenants, &format!("nobody-{place}")).await })
            })
            .collect();
        settle().await;
        assert_eq!(store.lookups(), 1 + 8);
        // A cached tenant does not wait.
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        store.gate.add_permits(Semaphore::MAX_PERMITS / 2);
        for flood in flood {
            assert_eq!(flood.await.unwrap(), Err(RejectionKind::UnknownTenant));
        }
        assert_eq!(verdict(&tenants, "globex").await, good("globex"));
        assert_eq!((store.lookups(), store.most_concurrent.load(Ordering::SeqCst)), (102, 8));
    });
}

#[test]
fn unknown_tenants_evict_no_cached_tenant() {
    conformance::run(async {
        let store = Store::new().with("acme", "one");
        let tenants = store.tenants(builder().capacity(10));
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        for place in 0..1000 {
            assert_eq!(verdict(&tenants, &format!("nobody-{place}")).await, Err(RejectionKind::UnknownTenant));
        }
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        assert_eq!(store.lookups(), 1001);
    });
}

#[test]
fn cache_holds_no_more_tenants_than_its_capacity() {
    conformance::run(async {
        let names: Vec<_> = (0..50).map(|place| format!("tenant-{place}")).collect();
        let store = names.iter().fold(Store::new(), |store, name| store.with(name, "one"));
        let tenants = store.tenants(builder().capacity(3));
        for name in &names {
            assert_eq!(verdict(&tenants, name).await, good(name));
        }
        assert!((1..=3).contains(&tenants.cached()), "{}", tenants.cached());
    });
}

#[test]
fn cached_counts_the_tenants_in_the_cache() {
    conformance::run(async {
        let store = Store::new().with("acme", "one").with("globex", "one");
        let tenants = store.tenants(builder());
        assert_eq!(tenants.cached(), 0);
        for tenant in ["acme", "globex", "acme"] {
            assert_eq!(verdict(&tenants, tenant).await, good(tenant));
        }
        assert_eq!(tenants.cached(), 2);
    });
}

#[test]
fn rejections_are_counted_over_all_tenants() {
    conformance::run(async {
        let tenants = Store::new().with("acme", "two").with("globex", "two").tenants(builder());
        for tenant in ["acme", "globex", "acme", "initech"] {
            let head = to(tenant);
            let verifier = tenants.resolve(&head).await.unwrap().unwrap_or_else(|| tenants.decoy().clone());
            let mut received = Received::begin(&verifier, head).unwrap();
            received.push(&b"body"[..]).unwrap();
            received.finish().unwrap_err();
        }
        let rejected = [RejectionKind::SignatureMismatch, RejectionKind::UnknownTenant, RejectionKind::MissingSignature];
        assert_eq!(rejected.map(|kind| tenants.rejected(kind)), [3, 1, 0]);
    });
}

#[test]
fn empty_and_overlong_names_are_not_looked_up() {
    conformance::run(async {
        let find = |head: &dyn RequestHead| head.target().strip_prefix("/jira/").map(str::to_owned);
        let store = Store::new();
        let tenants = store.tenants(Tenants::builder(Verifier::builder(providers::JIRA)).by(find));
        for (len, lookups) in [(0, 0), (257, 0), (256, 1), (1, 2)] {
            assert_eq!(verdict(&tenants, &"x".repeat(len)).await, Err(RejectionKind::UnknownTenant));
            assert_eq!(store.lookups(), lookups, "{len} bytes");
        }
    });
}

#[test]
fn delivery_waits_for_a_lookup_longer_than_the_lookup_may_take() {
    let tenants = Store::new().tenants(builder().timeout(Duration::from_secs(7)));
    assert_eq!(tenants.timeout(), Duration::from_secs(8));
}

#[test]
fn panic_in_the_key_source_is_a_lookup_failure() {
    conformance::run(async {
        let lookups = AtomicUsize::new(0);
        // The function panics before returning a future.
        let lookup = move |_| {
            assert!(lookups.fetch_add(1, Ordering::SeqCst) > 0, "a deliberate panic of this test");
            async { Ok::<_, io::Error>(Some([("k", Secret::new("one"))])) }
        };
        let tenants = builder().build(lookup).unwrap();
        assert_eq!(verdict(&tenants, "acme").await, Err(RejectionKind::KeysUnavailable));
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
    });
}

#[test]
fn delivery_without_a_runtime_gets_503() {
    let tenants = Store::new().with("acme", "one").tenants(builder());
    let (verifiers, mut cx) = (VerifierSource::from(tenants), std::task::Context::from_waker(std::task::Waker::noop()));
    let options = ReceiveOptions { deadline: None, drain: None, ..ReceiveOptions::new(verifiers.clone()) };
    let polled = Receive::new().poll_head(&mut cx, &options, &to("acme"), &mut NoTimer);
    let std::task::Poll::Ready(Err(rejection)) = polled else { panic!("the lookup fails at the first poll") };
    assert_eq!((rejection.kind(), rejection.status_code()), (RejectionKind::KeysUnavailable, 503));
}

#[test]
fn tenant_can_be_read_from_any_part_of_the_head() {
    conformance::run(async {
        let find = |head: &dyn RequestHead| {
            let mut tenant = None;
            head.header("x-tenant", &mut |value| tenant = String::from_utf8(value.to_vec()).ok());
            tenant
        };
        let builder = Tenants::builder(Verifier::builder(providers::JIRA)).by(find);
        let tenants = Store::new().with("acme", "one").tenants(builder);
        let mut head = to("globex");
        assert!(tenants.resolve(&head).await.unwrap().is_none());
        head.1.push(("X-Tenant".into(), "acme".into()));
        let verifier = tenants.resolve(&head).await.unwrap().unwrap();
        assert_eq!(verifier.verify(&head, b"body").unwrap().tenant(), Some("acme"));
    });
}

#[test]
fn builder_rejects_invalid_settings() {
    let build = |builder: TenantsBuilder| builder.build(|_| async { Ok::<Option<[(&str, Secret); 0]>, io::Error>(None) }).err();
    let jira = || Verifier::builder(providers::JIRA);
    assert_eq!(build(Tenants::builder(jira())), Some(TenantsError::NoName));
    for builder in [builder().capacity(0), builder().max_concurrent_lookups(0), builder().timeout(Duration::ZERO)] {
        assert_eq!(build(builder), Some(TenantsError::Zero));
    }
    assert!(matches!(build(Tenants::builder(jira()).by_path("/jira")), Some(TenantsError::InvalidPattern { .. })));
    let keyed = Tenants::builder(jira().key("k", Secret::new("one"))).by_path("/{tenant}");
    assert_eq!(build(keyed), Some(TenantsError::Verifier(ConfigError::UnusedKey { key: "k".into() })));
    let zero = Tenants::builder(jira().body_limit(0)).by_path("/{tenant}");
    assert_eq!(build(zero), Some(TenantsError::Verifier(ConfigError::ZeroBodyLimit)));
    let forever = builder()
        .time_to_live(Duration::MAX)
        .negative_ttl(Duration::MAX)
        .timeout(Duration::MAX)
        .capacity(u64::MAX)
        .max_concurrent_lookups(usize::MAX);
    assert_eq!(build(forever), None);
}

#[test]
fn each_error_of_the_builder_names_its_setting() {
    for (error, named, source) in [
        (TenantsError::NoName, "call `.by_path(…)` or `.by(…)`", None),
        (PathPattern::new("/jira").unwrap_err(), "\"/jira\" is no path pattern for tenants: the path has no {tenant}", None),
        (TenantsError::Zero, "capacity, timeout and the number of lookups", None),
        (TenantsError::Verifier(ConfigError::NoKey), "verifiers", Some("no key: call `.key(id, secret)`")),
    ] {
        let text = error.to_string();
        assert!(text.contains(named) && !text.starts_with(char::is_uppercase) && !text.ends_with('.'), "{text}");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), source, "{text}");
    }
}

#[test]
fn tenants_share_the_body_limit_of_the_builder() {
    conformance::run(async {
        let limited = Tenants::builder(Verifier::builder(providers::JIRA).body_limit(7)).by_path("/jira/{tenant}");
        let tenants = Store::new().with("acme", "one").tenants(limited);
        let verifier = tenants.resolve(&to("acme")).await.unwrap().unwrap();
        assert_eq!((tenants.body_limit(), verifier.body_limit()), (7, 7));
    });
}

#[test]
fn debug_output_shows_settings_and_no_secret() {
    conformance::run(async {
        let keyed = Verifier::builder(providers::JIRA).key("k", Secret::new("needle"));
        let tenants = Store::new().with("acme", "needle").tenants(builder());
        assert_eq!(verdict(&tenants, "acme").await, Err(RejectionKind::SignatureMismatch));
        let shown = [
            (format!("{:?}", Tenants::builder(keyed.clone())), format!("TenantsBuilder {{ verifier: {keyed:?}, .. }}")),
            (format!("{tenants:?}"), format!("Tenants {{ decoy: {:?}, .. }}", tenants.decoy())),
            (format!("{:?}", PathPattern::new("/jira/{tenant}").unwrap()), "PathPattern { .. }".to_owned()),
        ];
        for (shown, expected) in shown {
            assert_eq!(shown, expected);
            assert!(!shown.contains("needle"), "{shown}");
        }
    });
}
