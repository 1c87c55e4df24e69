//! How tenants are looked up, cached and forgotten, whatever the adapter.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::adapter::{HeaderIndex, NoTimer, Receive, ReceiveOptions, VerifierSource};
use countersign::tenant::{ResolveFuture, Resolver as _};
use countersign::{ConfigError, RejectionKind, RequestHead, Secret, Signer, Verifier, providers};
use countersign_tenants::{Tenants, TenantsBuilder, TenantsError};
use tokio::sync::Semaphore;

/// A store whose answers wait for a test to let them go.
#[derive(Clone)]
struct Store {
    secrets: Arc<Mutex<HashMap<String, &'static str>>>,
    asked: Arc<AtomicUsize>,
    at_once: Arc<AtomicUsize>,
    most_at_once: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl Store {
    /// One that answers at once.
    fn new() -> Self {
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Self { secrets: Arc::default(), asked: Arc::default(), at_once: Arc::default(), most_at_once: Arc::default(), gate }
    }

    /// One that answers as often as its gate is opened.
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

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn tenants(&self, builder: TenantsBuilder) -> Tenants {
        let store = self.clone();
        let ask = move |tenant: String| {
            let store = store.clone();
            async move {
                store.asked.fetch_add(1, Ordering::SeqCst);
                // What is in it when it is asked.
                let secret = store.secrets.lock().unwrap().get(&tenant).copied();
                let now = store.at_once.fetch_add(1, Ordering::SeqCst) + 1;
                store.most_at_once.fetch_max(now, Ordering::SeqCst);
                store.gate.acquire().await.unwrap().forget();
                store.at_once.fetch_sub(1, Ordering::SeqCst);
                match secret {
                    Some("down") => Err(io::Error::other("away")),
                    secret => Ok(secret.map(|secret| [("k", Secret::new(secret))])),
                }
            }
        };
        builder.build(ask).unwrap()
    }
}

fn builder() -> TenantsBuilder {
    Tenants::builder(Verifier::builder(providers::JIRA)).by_path("/jira/{tenant}")
}

/// The head of a delivery to this tenant.
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

/// What comes of a delivery that is signed with the secret `one`.
async fn verdict(tenants: &Tenants, tenant: &str) -> Result<String, RejectionKind> {
    let head = to(tenant);
    let resolving = tenants.resolve(&head);
    let verifier = match resolving.await {
        Ok(verifier) => verifier.unwrap_or_else(|| tenants.decoy().clone()),
        Err(_) => return Err(RejectionKind::KeysUnavailable),
    };
    verifier.verify(&head, b"body").map(|verified| verified.tenant().unwrap().to_owned()).map_err(|rejection| rejection.kind())
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what can fail")]
fn good(tenant: &str) -> Result<String, RejectionKind> {
    Ok(tenant.to_owned())
}

/// Polls so far as it goes by itself.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn one_lookup_serves_all_who_wait_for_a_tenant() {
    conformance::run(async {
        let store = Store::closed().with("acme", "one");
        let tenants = store.tenants(builder());
        let mut waiting = Vec::new();
        for place in 0..1000 {
            let tenants = tenants.clone();
            waiting.push(tokio::spawn(async move { verdict(&tenants, if place % 2 == 0 { "acme" } else { "initech" }).await }));
        }
        settle().await;
        assert_eq!(store.asked(), 2);
        store.gate.add_permits(Semaphore::MAX_PERMITS / 2);
        for (place, waiting) in waiting.into_iter().enumerate() {
            let expected = if place % 2 == 0 { good("acme") } else { Err(RejectionKind::UnknownTenant) };
            assert_eq!(waiting.await.unwrap(), expected);
        }
        for _ in 0..10 {
            assert_eq!(verdict(&tenants, "acme").await, good("acme"));
            assert_eq!(verdict(&tenants, "initech").await, Err(RejectionKind::UnknownTenant));
        }
        assert_eq!(store.asked(), 2);
        assert_eq!(tenants.cached(), 1);
    });
}

#[test]
fn a_lookup_goes_on_when_whoever_began_it_is_gone() {
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
        assert_eq!(store.asked(), 1);
        store.gate.add_permits(1);
        settle().await;
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        assert_eq!(store.asked(), 1);
    });
}

#[test]
fn a_failure_is_told_to_all_who_wait_and_not_held() {
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
        assert_eq!(store.asked(), 1);
        store.set("acme", "one");
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        assert_eq!(store.asked(), 2);
    });
}

#[test]
fn a_lookup_that_takes_too_long_is_given_up_for_all() {
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
        assert_eq!((start.elapsed().as_secs(), store.asked()), (2, 1));
        // Its turn is given back.
        store.gate.add_permits(1000);
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
    });
}

#[test]
fn keys_are_held_for_their_time_and_unknown_tenants_for_theirs() {
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
        assert_eq!(store.asked(), 2);
        tokio::time::sleep(2 * short).await;
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        assert_eq!(verdict(&tenants, "globex").await, good("globex"));
        assert_eq!(store.asked(), 3);

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
fn what_is_forgotten_is_looked_up_again() {
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
        assert_eq!(store.asked(), 4);
    });
}

#[test]
fn what_is_looked_up_while_it_is_forgotten_is_not_held() {
    conformance::run(async {
        let store = Store::closed().with("acme", "one");
        let tenants = store.tenants(builder());
        let waiting = tokio::spawn({
            let tenants = tenants.clone();
            async move { verdict(&tenants, "acme").await }
        });
        settle().await;
        assert_eq!(store.asked(), 1);
        store.set("acme", "another");
        tenants.invalidate("acme");
        store.gate.add_permits(1000);
        // It was asked for before.
        assert_eq!(waiting.await.unwrap(), good("acme"));
        assert_eq!(verdict(&tenants, "acme").await, Err(RejectionKind::SignatureMismatch));
    });
}

#[test]
fn a_delivery_that_comes_after_a_tenant_was_forgotten_waits_for_no_older_lookup() {
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
            assert_eq!(store.asked(), 3, "it is asked anew, and nobody else is");
            store.gate.add_permits(1000);
            assert_eq!(late.await.unwrap(), expected);
            drop((early.await.unwrap(), other.await.unwrap()));
            for _ in 0..3 {
                assert_eq!(verdict(&tenants, "acme").await, expected, "whichever came back last");
                assert_eq!(verdict(&tenants, "globex").await, Err(RejectionKind::UnknownTenant));
            }
            assert_eq!(store.asked(), 3, "to forget one is not to forget others");
        }
    });
}

#[test]
fn a_lookup_whose_runtime_is_gone_is_no_trap() {
    let store = Store::closed().with("acme", "one");
    let tenants = store.tenants(builder());
    let (asked, head) = (tenants.clone(), to("acme"));
    // Begun on a runtime that ends before it is done.
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut waiting = None;
    other.block_on(async {
        waiting = Some(asked.resolve(&head));
        settle().await;
    });
    drop(other);
    conformance::run(async move {
        assert!(waiting.unwrap().await.is_err());
        store.gate.add_permits(1000);
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
    });
}

#[test]
fn a_lookup_that_is_held_up_is_not_waited_for_by_others() {
    conformance::run(async {
        let store = Store::closed().with("acme", "one");
        let tenants = store.tenants(builder().timeout(Duration::from_millis(50)));
        let stuck = tenants.clone();
        // Its thread does nothing else, so nothing of the lookup is done, and no clock rings.
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
fn who_is_known_has_turns_of_their_own_in_a_flood() {
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
        assert_eq!(store.asked(), 1 + 2, "no more than its turns");
        let rejected = flood.iter().filter(|one| one.is_finished()).count();
        assert_eq!(rejected, 1000 - 2 * 16, "nor do more than some wait for one");
        // Its time is over, and it is asked for at once.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let known = ask("acme".to_owned());
        settle().await;
        assert_eq!(store.asked(), 1 + 2 + 1);
        assert_eq!(verdict(&tenants, "globex").await, Err(RejectionKind::KeysUnavailable), "who is new has to come again");
        store.gate.add_permits(Semaphore::MAX_PERMITS / 2);
        assert_eq!(known.await.unwrap(), good("acme"));
        let mut unknown = 0;
        for one in flood {
            match one.await.unwrap() {
                Err(RejectionKind::UnknownTenant) => unknown += 1,
                other => assert_eq!(other, Err(RejectionKind::KeysUnavailable)),
            }
        }
        assert_eq!(unknown, 2 * 16);
        assert_eq!(verdict(&tenants, "globex").await, good("globex"));
    });
}

#[test]
fn a_flood_of_names_has_so_many_lookups_at_once() {
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
        assert_eq!(store.asked(), 1 + 8);
        // Who is held is not kept waiting.
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        store.gate.add_permits(Semaphore::MAX_PERMITS / 2);
        for flood in flood {
            assert_eq!(flood.await.unwrap(), Err(RejectionKind::UnknownTenant));
        }
        assert_eq!(verdict(&tenants, "globex").await, good("globex"));
        assert_eq!((store.asked(), store.most_at_once.load(Ordering::SeqCst)), (102, 8));
    });
}

#[test]
fn strangers_take_no_place_of_those_who_are_held() {
    conformance::run(async {
        let store = Store::new().with("acme", "one");
        let tenants = store.tenants(builder().capacity(10));
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        for place in 0..1000 {
            assert_eq!(verdict(&tenants, &format!("nobody-{place}")).await, Err(RejectionKind::UnknownTenant));
        }
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
        assert_eq!(store.asked(), 1001);
    });
}

#[test]
fn a_source_that_panics_is_one_that_fails() {
    conformance::run(async {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        // Before its future is there.
        let ask = move |_| {
            assert!(count.fetch_add(1, Ordering::SeqCst) > 0, "as the test wants it");
            async { Ok::<_, io::Error>(Some([("k", Secret::new("one"))])) }
        };
        let tenants = builder().build(ask).unwrap();
        assert_eq!(verdict(&tenants, "acme").await, Err(RejectionKind::KeysUnavailable));
        assert_eq!(verdict(&tenants, "acme").await, good("acme"));
    });
}

#[test]
fn without_a_runtime_nothing_is_let_through() {
    let tenants = Store::new().with("acme", "one").tenants(builder());
    let (verifiers, mut cx) = (VerifierSource::from(tenants), std::task::Context::from_waker(std::task::Waker::noop()));
    let terms = ReceiveOptions { deadline: None, drain: None, ..ReceiveOptions::new(verifiers.clone()) };
    let judged = Receive::new().poll_head(&mut cx, &terms, &to("acme"), &mut NoTimer);
    let std::task::Poll::Ready(Err(rejection)) = judged else { panic!("it is known that it fails") };
    assert_eq!((rejection.kind(), rejection.status_code()), (RejectionKind::KeysUnavailable, 503));
}

#[test]
fn a_tenant_may_be_named_by_anything_in_the_head() {
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
fn mistakes_are_found_when_it_is_built() {
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
