//! The semantics of a guard, with stores that answer at once, late, wrongly and never.

use std::collections::HashMap;
use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use countersign::identity::{DeliveryKey, Identity};
use countersign::{Secret, Signer, Verified, Verifier, providers};
use countersign_once::{
    Admission, ClaimInfo, ClaimReply, GuardEvent, Handled, MarkReply, MemoryStore, Once, OnceError, Owner, RenewReply, Store, StoreError,
    StoreFuture, WhenDown,
};
use tokio::sync::oneshot;

const BODY: &[u8] = b"{\"id\":\"evt_1\"}";

fn secret() -> Secret {
    Secret::new("a secret of some length")
}

fn verifier() -> Verifier {
    Verifier::builder(providers::STRIPE).key("k", secret()).build().unwrap()
}

fn verified(body: &[u8]) -> Verified {
    let head = Signer::new(providers::STRIPE, secret()).unwrap().sign(body);
    verifier().verify(&head, body).unwrap()
}

fn once() -> Once {
    Once::builder("stripe", MemoryStore::new(1000)).build(&verifier()).unwrap()
}

/// Handles [`BODY`] with a handler that answers `status`.
async fn handle(once: &Once, status: u16) -> Result<u16, &'static str> {
    match once.handle(&verified(BODY), BODY, |status| *status, |_| async move { status }).await {
        Handled::Response(status) => Ok(status),
        Handled::Repeated(_) => Err("repeated"),
        Handled::TryLater => Err("try later"),
    }
}

/// Returns whether no handler and no task of the guard is left.
fn is_idle(once: &Once) -> bool {
    std::pin::pin!(once.idle()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[tokio::test]
async fn handled_delivery_is_not_handled_again_and_gets_its_status() {
    let once = once();
    assert_eq!(handle(&once, 204).await, Ok(204));
    let again = once.handle(&verified(BODY), BODY, |_: &u16| unreachable!(), |_| async { unreachable!("the handler ran before") }).await;
    assert!(matches!(again, Handled::<u16>::Repeated(204)));
    assert_eq!((once.count(GuardEvent::Claimed), once.count(GuardEvent::Repeated)), (1, 1));
}

#[tokio::test]
async fn failed_delivery_is_handled_again() {
    let once = once();
    for status in [300, 404, 500, 503] {
        assert_eq!(handle(&once, status).await, Ok(status));
    }
    assert_eq!(handle(&once, 200).await, Ok(200));
    assert_eq!(handle(&once, 200).await, Err("repeated"));
}

#[tokio::test]
async fn concurrent_repeat_is_put_off() {
    let once = once();
    let (go, gate) = oneshot::channel::<()>();
    let first = tokio::spawn({
        let once = once.clone();
        async move {
            let handler = |_| async {
                gate.await.unwrap();
                200
            };
            once.handle(&verified(BODY), BODY, |status| *status, handler).await
        }
    });
    while once.count(GuardEvent::Claimed) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(handle(&once, 200).await, Err("try later"));
    assert_eq!(once.count(GuardEvent::Running), 1);
    go.send(()).unwrap();
    assert!(matches!(first.await.unwrap(), Handled::Response(200)));
    assert_eq!(handle(&once, 200).await, Err("repeated"));
}

#[tokio::test]
async fn panic_goes_on_and_releases_the_delivery() {
    let once = once();
    let panicking = tokio::spawn({
        let once = once.clone();
        async move {
            let handler = |_| async { panic!("a deliberate panic of this test") };
            let _ = once.handle(&verified(BODY), BODY, |_: &u16| 200, handler).await;
        }
    });
    let panic = panicking.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a deliberate panic of this test"));
    assert_eq!(handle(&once, 200).await, Ok(200));
}

#[tokio::test]
async fn handler_runs_on_after_its_sender_disconnects() {
    let once = once();
    let (go, gate) = oneshot::channel::<()>();
    let (delivery, handler) = (verified(BODY), |_| async {
        gate.await.unwrap();
        200
    });
    {
        let handled = once.handle(&delivery, BODY, |status: &u16| *status, handler);
        tokio::pin!(handled);
        // The sender waits for a while, and disconnects.
        let waited = tokio::time::timeout(Duration::from_millis(10), &mut handled).await;
        assert!(waited.is_err());
    }
    assert_eq!(handle(&once, 200).await, Err("try later"), "the handler still runs");
    go.send(()).unwrap();
    once.idle().await;
    assert_eq!(handle(&once, 200).await, Err("repeated"), "the mark was written");
}

#[tokio::test]
async fn dropped_claim_is_released_and_completed_claim_is_kept() {
    let once = once();
    for expected in [None, Some(200)] {
        let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
        assert_eq!(claim.key().to_string().len(), 64);
        match expected {
            None => drop(claim),
            Some(status) => claim.complete(status).await,
        }
    }
    assert!(matches!(once.begin(&verified(BODY), BODY).await, Admission::Repeated(200)));
}

#[tokio::test]
async fn guards_bodies_and_tenants_have_separate_keys() {
    let store = Shared::default();
    let guard = |name: &str| Once::builder(name, store.clone()).build(&verifier()).unwrap();
    assert_eq!(handle(&guard("one"), 200).await, Ok(200));
    assert_eq!(handle(&guard("two"), 200).await, Ok(200));
    let other = b"{\"id\":\"evt_2\"}";
    let handled = guard("one").handle(&verified(other), other, |()| 200, |_| async {}).await;
    assert!(matches!(handled, Handled::Response(())));
    assert_eq!(handle(&guard("one"), 200).await, Err("repeated"));
    // Tenants with equal bodies have separate keys.
    let template = Verifier::builder(providers::STRIPE).build_template().unwrap();
    for tenant in ["a", "b"] {
        let verifier = template.for_tenant(tenant, [("k", secret())]).unwrap();
        let head = Signer::new(providers::STRIPE, secret()).unwrap().sign(BODY);
        let verified = verifier.verify(&head, BODY).unwrap();
        let handled = guard("one").handle(&verified, BODY, |()| 200, |_| async {}).await;
        assert!(matches!(handled, Handled::Response(())), "{tenant}");
    }
}

#[tokio::test]
async fn delivery_without_an_identity_is_handled_without_a_guard() {
    let once = once();
    let body = b"{\"no\":\"id\"}";
    for _ in 0..2 {
        let handled = once.handle(&verified(body), body, |_| 200, |claim: ClaimInfo| async move { !claim.is_guarded() }).await;
        assert!(matches!(handled, Handled::Response(true)));
    }
    assert_eq!(once.count(GuardEvent::Unguarded), 2);
}

#[test]
fn guard_needs_an_identity_and_a_lease() {
    let dropbox = Verifier::builder(providers::DROPBOX).key("k", secret()).build().unwrap();
    let build = |verifier| Once::builder("guard", MemoryStore::new(1)).build(verifier);
    assert_eq!(build(&dropbox).unwrap_err(), OnceError::NoIdentity);
    let of_lease = |lease| Once::builder("guard", MemoryStore::new(1)).lease(lease).build(&verifier());
    let longest = Duration::from_secs(30 * 60);
    for lease in [Duration::ZERO, longest + Duration::from_nanos(1)] {
        assert_eq!(of_lease(lease).unwrap_err(), OnceError::LeaseOutOfRange);
    }
    of_lease(longest).unwrap();
    Once::builder("guard", MemoryStore::new(1)).identity(Identity::BODY).build(&dropbox).unwrap();
    let token = Verifier::builder(providers::GITLAB_TOKEN).key("k", secret()).build().unwrap();
    let guard = |identity| Once::builder("guard", MemoryStore::new(1)).identity(identity).build(&token);
    for identity in [Identity::BODY, Identity::BODY_AND_EVENT, Identity::BODY_OR_UNAUTHENTICATED_ID, Identity::member("id")] {
        assert_eq!(guard(identity).unwrap_err(), OnceError::UnfitIdentity);
    }
    guard(Identity::UNAUTHENTICATED_ID).unwrap();
    guard(Identity::NONE).unwrap();
    assert_eq!(guard(Identity::SIGNED_ID).unwrap_err(), OnceError::UnfitIdentity);
    for identity in [Identity::SIGNED_ID, Identity::UNAUTHENTICATED_ID, Identity::BODY_OR_UNAUTHENTICATED_ID, Identity::BODY_AND_EVENT] {
        let unfit = Once::builder("guard", MemoryStore::new(1)).identity(identity).build_for(&providers::META);
        assert_eq!(unfit.unwrap_err(), OnceError::UnfitIdentity, "{identity:?}");
    }
    Once::builder("guard", MemoryStore::new(1)).build_for(&providers::JIRA).unwrap();
    build(&token).unwrap();
}

#[test]
fn each_error_of_the_builder_names_its_setting() {
    for (error, named) in [
        (OnceError::NoIdentity, "call `.identity(…)`"),
        (OnceError::UnfitIdentity, "the header of the identity"),
        (OnceError::LeaseOutOfRange, "call `.lease(…)`"),
    ] {
        let text = error.to_string();
        assert!(text.contains(named) && text.starts_with(char::is_lowercase) && !text.ends_with('.'), "{text}");
    }
}

#[tokio::test]
async fn lease_and_keep_of_the_builder_win_over_those_of_the_row() {
    let (lease, keep) = (Duration::from_secs(7), Duration::from_secs(11));
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).lease(lease).keep(keep).build(&verifier()).unwrap();
    assert_eq!(handle(&once, 200).await, Ok(200));
    assert_eq!(*store.0.times.lock().unwrap(), (lease, keep));
    // Dropbox has no row of its own.
    let dropbox = Verifier::builder(providers::DROPBOX).key("k", secret()).build().unwrap();
    let once = Once::builder("dropbox", store.clone()).identity(Identity::BODY).build(&dropbox).unwrap();
    let head = Signer::new(providers::DROPBOX, secret()).unwrap().sign(BODY);
    let handled = once.handle(&dropbox.verify(&head, BODY).unwrap(), BODY, |status: &u16| *status, |_| async { 200 }).await;
    assert!(matches!(handled, Handled::Response(200)));
    assert_eq!(*store.0.times.lock().unwrap(), (Duration::from_secs(30), Duration::from_secs(7 * 24 * 60 * 60)), "the defaults");
    let once = Once::builder("stripe", MemoryStore::new(1000)).keep(Duration::ZERO).build(&verifier()).unwrap();
    for _ in 0..2 {
        assert_eq!(handle(&once, 200).await, Ok(200), "the mark is forgotten at once");
    }
}

#[tokio::test]
async fn debug_output_shows_names_and_keys_and_no_owner() {
    let builder = Once::builder("stripe", MemoryStore::new(1));
    assert_eq!(format!("{builder:?}"), "OnceBuilder { name: \"stripe\", .. }");
    let once = builder.build(&verifier()).unwrap();
    assert_eq!(format!("{once:?}"), format!("Once {{ name: \"stripe\", identity: {:?}, .. }}", once.identity()));
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    assert_eq!(format!("{claim:?}"), format!("Claim {{ key: {:?}, .. }}", claim.key()));
    let (store, owner) = (MemoryStore::new(1), Owner::from_bytes([7; 16]));
    assert_eq!(format!("{store:?}"), "MemoryStore { evicted: 0, .. }");
    assert_eq!((format!("{owner:?}"), owner.as_bytes()), ("Owner(..)".to_owned(), &[7; 16]));
    let release = store.release(claim.key(), owner);
    assert_eq!(format!("{release:?}"), "StoreFuture { .. }");
}

/// A store shared by several guards, with faults.
#[derive(Clone, Default)]
struct Shared(Arc<Faulty>);

struct Faulty {
    inner: MemoryStore,
    fault: Mutex<Option<Fault>>,
    /// The last owner to claim each key.
    owners: Mutex<HashMap<DeliveryKey, Owner>>,
    calls: AtomicUsize,
    released: AtomicUsize,
    renewed: AtomicUsize,
    marked: AtomicU16,
    /// The last lease and the last time to keep a mark.
    times: Mutex<(Duration, Duration)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// The store claims, and its answer is lost.
    LoseAnswerOfClaim,
    FailAll,
    FailClaim,
    FailRelease,
    FailRenew,
    /// A renewal takes a second, and takes effect at its end.
    SlowRenew,
    FailMark,
    /// The store marks, and its answer is lost.
    LoseAnswerOfMark,
    /// Another owner holds the claim.
    ForeignClaim,
    /// Another owner holds the first key. The mark of the second key fails.
    FailSecondMark,
}

impl Default for Faulty {
    fn default() -> Self {
        Self {
            inner: MemoryStore::new(1000),
            fault: Mutex::default(),
            owners: Mutex::default(),
            calls: AtomicUsize::new(0),
            released: AtomicUsize::new(0),
            renewed: AtomicUsize::new(0),
            marked: AtomicU16::new(0),
            times: Mutex::default(),
        }
    }
}

impl Shared {
    fn set(&self, fault: Option<Fault>) {
        *self.0.fault.lock().unwrap() = fault;
    }

    /// Removes the claim of a key, as if the lease had run out.
    fn forget(&self, key: DeliveryKey) {
        let owner = self.0.owners.lock().unwrap()[&key];
        let _ = Pin::new(&mut self.0.inner.release(key, owner)).poll(&mut Context::from_waker(Waker::noop()));
    }

    fn has(&self, fault: Fault) -> bool {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        let present = *self.0.fault.lock().unwrap();
        let is_failure = matches!(fault, Fault::FailClaim | Fault::FailRelease | Fault::FailRenew | Fault::FailMark);
        present == Some(fault) || (is_failure && present == Some(Fault::FailAll))
    }
}

impl Store for Shared {
    fn claim(&self, key: DeliveryKey, owner: Owner, lease: Duration) -> StoreFuture<ClaimReply> {
        if self.has(Fault::FailClaim) {
            return StoreFuture::new(async { Err(StoreError::new("away")) });
        }
        self.0.owners.lock().unwrap().insert(key, owner);
        self.0.times.lock().unwrap().0 = lease;
        let claimed = self.0.inner.claim(key, owner, lease);
        if self.has(Fault::LoseAnswerOfClaim) { StoreFuture::new(std::future::pending()) } else { claimed }
    }

    fn renew(&self, key: DeliveryKey, owner: Owner, lease: Duration) -> StoreFuture<RenewReply> {
        if self.has(Fault::FailRenew) {
            return StoreFuture::new(async { Err(StoreError::new("away")) });
        }
        self.0.renewed.fetch_add(1, Ordering::SeqCst);
        if self.has(Fault::SlowRenew) {
            let store = self.clone();
            return StoreFuture::new(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                store.0.inner.renew(key, owner, lease).await
            });
        }
        if self.has(Fault::ForeignClaim) { StoreFuture::ready(Ok(RenewReply::Lost)) } else { self.0.inner.renew(key, owner, lease) }
    }

    fn mark(&self, key: DeliveryKey, owner: Owner, status: u16, keep: Duration) -> StoreFuture<MarkReply> {
        if self.has(Fault::FailMark) {
            return StoreFuture::new(async { Err(StoreError::new("away")) });
        }
        if self.has(Fault::FailSecondMark) {
            self.set(Some(Fault::FailMark));
            return StoreFuture::ready(Ok(MarkReply::Other));
        }
        if self.has(Fault::ForeignClaim) {
            return StoreFuture::ready(Ok(MarkReply::Other));
        }
        self.0.marked.store(status, Ordering::SeqCst);
        self.0.times.lock().unwrap().1 = keep;
        let marked = self.0.inner.mark(key, owner, status, keep);
        if self.has(Fault::LoseAnswerOfMark) { StoreFuture::new(std::future::pending()) } else { marked }
    }

    fn release(&self, key: DeliveryKey, owner: Owner) -> StoreFuture<()> {
        self.0.released.fetch_add(1, Ordering::SeqCst);
        if self.has(Fault::FailRelease) {
            return StoreFuture::new(async { Err(StoreError::new("away")) });
        }
        let release = self.0.inner.release(key, owner);
        StoreFuture::new(release)
    }
}

#[tokio::test(start_paused = true)]
async fn claim_without_an_answer_is_released_and_the_delivery_is_put_off() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).build(&verifier()).unwrap();
    store.set(Some(Fault::LoseAnswerOfClaim));
    assert_eq!(handle(&once, 200).await, Err("try later"));
    assert_eq!(once.count(GuardEvent::Unavailable), 1);
    store.set(None);
    // The release runs in a separate task.
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(store.0.released.load(Ordering::SeqCst), 1);
    assert_eq!(handle(&once, 200).await, Ok(200), "the repeat does not wait for a lease");
}

#[tokio::test(start_paused = true)]
async fn failed_release_is_retried_until_the_end_of_the_lease() {
    let store = Shared::default();
    let lease = Duration::from_secs(30);
    let once = Once::builder("stripe", store.clone()).lease(lease).build(&verifier()).unwrap();
    // The store is away for most of a lease.
    store.set(Some(Fault::FailRelease));
    assert_eq!(handle(&once, 500).await, Ok(500));
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(handle(&once, 200).await, Err("try later"), "not released");
    store.set(None);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(handle(&once, 500).await, Ok(500), "released before the end of the lease");
    // The store stays away.
    store.set(Some(Fault::FailRelease));
    assert_eq!(handle(&once, 500).await, Ok(500));
    let (began, unavailable) = (tokio::time::Instant::now(), once.count(GuardEvent::Unavailable));
    once.idle().await;
    assert!((lease..lease + Duration::from_secs(6)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(once.count(GuardEvent::Unavailable), unavailable + 1, "the failed release is counted once");
}

#[tokio::test(start_paused = true)]
async fn failed_release_is_retried_for_a_minute_at_most() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).lease(Duration::from_secs(600)).build(&verifier()).unwrap();
    store.set(Some(Fault::FailRelease));
    assert_eq!(handle(&once, 500).await, Ok(500));
    let began = tokio::time::Instant::now();
    once.idle().await;
    assert!((60..66).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn idle_waits_for_a_claim_of_begin() {
    let once = once();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    assert!(!is_idle(&once));
    claim.complete(200).await;
    assert!(is_idle(&once));
    // A claim without a guard.
    let Admission::Run(claim) = once.begin(None, BODY).await else { panic!("an unverified delivery is not guarded") };
    assert!(!is_idle(&once));
    drop(claim);
    assert!(is_idle(&once));
}

#[tokio::test]
async fn when_down_decides_whether_a_delivery_runs_while_the_store_fails() {
    let store = Shared::default();
    store.set(Some(Fault::FailClaim));
    let guard = |when| Once::builder("stripe", store.clone()).when_down(when).build(&verifier()).unwrap();
    assert_eq!(handle(&guard(WhenDown::Refuse), 200).await, Err("try later"));
    assert_eq!(handle(&guard(WhenDown::Run), 200).await, Ok(200));
    let Admission::Unavailable(error) = guard(WhenDown::Refuse).begin(&verified(BODY), BODY).await else { panic!("the store fails") };
    assert_eq!((error.to_string(), error.source().unwrap().to_string()), ("the store failed".into(), "away".into()));
}

#[tokio::test]
async fn delivery_runs_while_the_store_fails_if_its_sender_never_repeats() {
    let store = Shared::default();
    store.set(Some(Fault::FailClaim));
    let github = Verifier::builder(providers::GITHUB).key("k", secret()).build().unwrap();
    let once = Once::builder("github", store).build(&github).unwrap();
    let head = Signer::new(providers::GITHUB, secret()).unwrap().sign(BODY);
    let verified = github.verify(&head, BODY).unwrap();
    assert!(matches!(once.handle(&verified, BODY, |()| 200, |_| async {}).await, Handled::Response(())));
}

#[tokio::test(start_paused = true)]
async fn failed_mark_is_retried_while_the_claim_stays() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).build(&verifier()).unwrap();
    let claimed = once.begin(&verified(BODY), BODY).await;
    let Admission::Run(claim) = claimed else { panic!("the delivery is free") };
    store.set(Some(Fault::FailMark));
    claim.complete(200).await;
    assert_eq!(store.0.marked.load(Ordering::SeqCst), 0);
    assert!(matches!(once.begin(&verified(BODY), BODY).await, Admission::Running), "the claim stays until the mark is written");
    store.set(None);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(matches!(once.begin(&verified(BODY), BODY).await, Admission::Repeated(200)));
    once.idle().await;
    assert_eq!(once.count(GuardEvent::MarkLost), 0);
}

#[tokio::test]
async fn completion_waits_for_the_mark_or_the_release() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).build(&verifier()).unwrap();
    for (status, released) in [(500, 1), (200, 1)] {
        let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
        claim.complete(status).await;
        assert_eq!(store.0.released.load(Ordering::SeqCst), released, "after {status}");
        assert!(is_idle(&once), "no task is left after {status}");
    }
    assert!(matches!(once.begin(&verified(BODY), BODY).await, Admission::Repeated(200)));
}

/// A renewal that ends after the release would set the claim again.
#[tokio::test(start_paused = true)]
async fn release_waits_for_a_renewal_on_its_way() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).lease(Duration::from_secs(3)).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    store.set(Some(Fault::SlowRenew));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(store.0.renewed.load(Ordering::SeqCst), 1);
    claim.complete(500).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(matches!(once.begin(&verified(BODY), BODY).await, Admission::Run(_)));
}

#[tokio::test(start_paused = true)]
async fn release_dropped_during_a_renewal_waits_for_the_renewal() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).lease(Duration::from_secs(3)).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    store.set(Some(Fault::SlowRenew));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(tokio::time::timeout(Duration::from_millis(100), claim.complete(500)).await.is_err());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(matches!(once.begin(&verified(BODY), BODY).await, Admission::Run(_)));
}

#[tokio::test(start_paused = true)]
async fn lost_claim_is_reported_to_the_handler_and_counted() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).lease(Duration::from_secs(3)).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    let info = claim.info();
    // Another process takes the delivery, after this process stood still for longer than the lease.
    store.set(Some(Fault::ForeignClaim));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(info.is_lost());
    assert_eq!(once.count(GuardEvent::Expired), 1);
    claim.complete(200).await;
    assert_eq!(once.count(GuardEvent::DoubleRun), 1, "the other owner held the claim");
}

#[tokio::test]
async fn claim_forgotten_by_the_store_is_counted_as_lost_and_marked() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    store.forget(claim.key());
    claim.complete(204).await;
    assert_eq!((once.count(GuardEvent::Expired), once.count(GuardEvent::DoubleRun)), (1, 0));
    assert!(matches!(once.begin(&verified(BODY), BODY).await, Admission::Repeated(204)));
}

#[tokio::test(start_paused = true)]
async fn claim_through_an_arc_is_renewed_until_another_owner_has_claimed() {
    let store = Shared::default();
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    let once = Once::builder("stripe", shared).lease(Duration::from_secs(3)).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!((store.0.renewed.load(Ordering::SeqCst), claim.info().is_lost()), (2, false));
    store.set(Some(Fault::ForeignClaim));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(claim.info().is_lost());
    claim.complete(200).await;
}

#[tokio::test]
async fn claim_in_memory_outlives_its_lease() {
    let lease = Duration::from_millis(10);
    let (store, shared) = (MemoryStore::new(1000), Arc::new(MemoryStore::new(1000)));
    for builder in [Once::builder("stripe", store), Once::builder("stripe", shared)] {
        let once = builder.lease(lease).build(&verifier()).unwrap();
        let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
        // The process stands still: a lease would run out.
        std::thread::sleep(2 * lease);
        assert!(!claim.info().is_lost());
        assert!(matches!(once.begin(&verified(BODY), BODY).await, Admission::Running));
    }
}

/// Signs and verifies a Jira delivery with an unsigned id.
fn jira(body: &[u8], id: &str) -> Verified {
    let verifier = Verifier::builder(providers::JIRA).key("k", secret()).build().unwrap();
    let mut head = Signer::new(providers::JIRA, secret()).unwrap().sign(body);
    head.push(("X-Atlassian-Webhook-Identifier".to_owned(), id.to_owned()));
    verifier.verify(&head, body).unwrap()
}

#[tokio::test]
async fn either_of_two_keys_identifies_a_repeat() {
    let verifier = Verifier::builder(providers::JIRA).key("k", secret()).build().unwrap();
    let once = Once::builder("jira", MemoryStore::new(1000)).build(&verifier).unwrap();
    let deliver = async |body: &'static [u8], id: &str| {
        let handled = once.handle(&jira(body, id), body, |()| 200, |_| async {}).await;
        matches!(handled, Handled::Response(()))
    };
    assert!(deliver(b"body 1", "1").await);
    assert!(!deliver(b"body 1", "2").await, "the body is known");
    assert!(!deliver(b"body 2", "1").await, "the id is known");
    assert!(deliver(b"body 3", "2").await, "a replay of a known body marks no id");
}

/// A stranger sends a recorded delivery that has failed so far, under the id of a handled delivery.
#[tokio::test]
async fn replay_under_a_known_id_does_not_suppress_a_failed_delivery() {
    let verifier = Verifier::builder(providers::JIRA).key("k", secret()).build().unwrap();
    let once = Once::builder("jira", MemoryStore::new(1000)).build(&verifier).unwrap();
    let deliver = async |body: &'static [u8], id: &str, status: u16| {
        once.handle(&jira(body, id), body, |status: &u16| *status, |_| async move { status }).await
    };
    assert!(matches!(deliver(b"a", "1", 200).await, Handled::Response(200)));
    assert!(matches!(deliver(b"b", "2", 500).await, Handled::Response(500)));
    assert!(matches!(deliver(b"b", "1", 200).await, Handled::Repeated(200)), "the id is known");
    assert!(matches!(deliver(b"b", "2", 200).await, Handled::Response(200)), "the sender's repeat is handled");
}

#[tokio::test]
async fn claim_has_all_keys_of_its_delivery() {
    let verifier = Verifier::builder(providers::JIRA).key("k", secret()).build().unwrap();
    let store = Arc::new(MemoryStore::new(1000));
    let once = Once::builder("jira", Arc::clone(&store)).build(&verifier).unwrap();
    let (body, delivery) = (b"body", jira(b"body", "1"));
    let Admission::Run(claim) = once.begin(&delivery, body).await else { panic!("the delivery is free") };
    let (first, second) = Identity::BODY_OR_UNAUTHENTICATED_ID.keys("jira", &delivery, body).unwrap();
    assert_eq!(claim.info().keys().collect::<Vec<_>>(), [first, second.unwrap()]);
    assert_eq!((claim.key(), store.evicted()), (first, 0));
}

#[tokio::test]
async fn each_event_of_a_batch_has_its_own_claim() {
    let once = Once::builder("batches", MemoryStore::new(1000)).identity(Identity::NONE).build(&verifier()).unwrap();
    let (delivery, mut handled) = (verified(BODY), Vec::new());
    for fails in [true, false] {
        for event in ["1", "2", "3"] {
            match once.begin_event(&delivery, &[event]).await {
                Admission::Run(claim) => {
                    let status = if fails && event == "2" { 500 } else { 200 };
                    handled.push((event, status));
                    claim.complete(status).await;
                }
                admission => assert!(matches!(admission, Admission::Repeated(200))),
            }
        }
    }
    assert_eq!(handled, [("1", 200), ("2", 500), ("3", 200), ("2", 200)]);
    for id in [&["11"][..], &["1", "1"]] {
        let Admission::Run(claim) = once.begin_event(&delivery, id).await else { panic!("in the key, a length precedes each value") };
        assert!(claim.info().is_guarded());
        claim.complete(200).await;
    }
    // The delivery itself is unguarded.
    let Admission::Run(claim) = once.begin(&delivery, BODY).await else { panic!("the delivery is free") };
    assert!(!claim.info().is_guarded());
}

#[tokio::test]
async fn event_without_an_id_is_unguarded() {
    let once = Once::builder("batches", MemoryStore::new(1000)).identity(Identity::NONE).build(&verifier()).unwrap();
    let delivery = verified(BODY);
    for id in [&[][..], &[""], &["", ""], &["account", ""]] {
        for _ in 0..2 {
            let Admission::Run(claim) = once.begin_event(&delivery, id).await else { panic!("each event of {id:?} runs") };
            assert!(!claim.info().is_guarded());
            claim.complete(200).await;
        }
    }
}

#[tokio::test]
async fn event_behind_a_static_token_is_unguarded() {
    let token = Verifier::builder(providers::GITLAB_TOKEN).key("k", secret()).build().unwrap();
    let once = Once::builder("gitlab", MemoryStore::new(1)).identity(Identity::NONE).build(&token).unwrap();
    let head = Signer::new(providers::GITLAB_TOKEN, secret()).unwrap().sign(BODY);
    let verified = token.verify(&head, BODY).unwrap();
    for _ in 0..2 {
        let Admission::Run(claim) = once.begin_event(&verified, &["1"]).await else {
            panic!("each event runs, because a stranger could choose the id")
        };
        assert!(!claim.info().is_guarded());
        claim.complete(200).await;
    }
}

#[tokio::test]
async fn closed_guard_puts_off_new_deliveries_and_lets_handlers_end() {
    let once = once();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    once.close();
    let other = b"{\"id\":\"evt_2\"}";
    assert!(matches!(once.begin(&verified(other), other).await, Admission::Unavailable(_)));
    let without_identity = b"{}";
    assert!(matches!(once.begin(&verified(without_identity), without_identity).await, Admission::Unavailable(_)));
    assert!(matches!(once.begin(None, b"unverified").await, Admission::Unavailable(_)));
    assert!(matches!(once.begin_event(&verified(other), &["1"]).await, Admission::Unavailable(_)));
    claim.complete(200).await;
    once.idle().await;
}

#[tokio::test]
async fn guard_of_several_schemes_takes_the_identity_shared_by_their_rows() {
    let verifier = |scheme| Verifier::builder(scheme).key("k", secret()).build().unwrap();
    let several = |schemes: [countersign::scheme::Scheme; 2]| Verifier::any_of(schemes.map(verifier)).unwrap();
    let guard = |verifier| Once::builder("several", Shared::default()).build(verifier);
    assert_eq!(guard(&several([providers::GITHUB, providers::STRIPE])).unwrap_err(), OnceError::NoIdentity);
    let same = several([providers::GITEA, providers::GITHUB]);
    let store = Shared::default();
    store.set(Some(Fault::FailClaim));
    let once = Once::builder("several", store).build(&same).unwrap();
    assert_eq!(once.identity(), Identity::UNAUTHENTICATED_ID);
    let mut head = Signer::new(providers::GITEA, secret()).unwrap().sign(BODY);
    head.push(("X-Gitea-Delivery".to_owned(), "1".to_owned()));
    let verified = same.verify(&head, BODY).unwrap();
    assert!(matches!(once.begin(&verified, BODY).await, Admission::Run(_)), "neither provider repeats a delivery");
}

#[tokio::test]
async fn guard_of_several_schemes_takes_the_longest_keep_and_the_shortest_lease() {
    let (one, other) = (providers::BITBUCKET, providers::ADYEN);
    let rows = [one, other].map(|scheme| scheme.repeats().unwrap());
    assert!(rows[0].keep() < rows[1].keep() && rows[0].lease() < rows[1].lease(), "each bound comes from another row");
    // The key of Adyen is in hexadecimal digits.
    let verifier = |scheme| Verifier::builder(scheme).key("k", Secret::new("ab".repeat(32))).build().unwrap();
    for schemes in [[one, other], [other, one]] {
        let several = Verifier::any_of(schemes.map(verifier)).unwrap();
        let store = Shared::default();
        let once = Once::builder("several", store.clone()).identity(Identity::BODY).build(&several).unwrap();
        assert_eq!(handle(&once, 200).await, Ok(200));
        assert_eq!(*store.0.times.lock().unwrap(), (rows[0].lease(), rows[1].keep()));
    }
}

/// The first sender repeats its deliveries, and the second never does.
#[tokio::test]
async fn delivery_runs_while_the_store_fails_if_one_of_several_senders_never_repeats() {
    for (schemes, runs) in [([providers::STRIPE, providers::SHOPIFY], false), ([providers::STRIPE, providers::GITHUB], true)] {
        let several = Verifier::any_of(schemes.map(|scheme| Verifier::builder(scheme).key("k", secret()).build().unwrap())).unwrap();
        let store = Shared::default();
        store.set(Some(Fault::FailClaim));
        let once = Once::builder("several", store).identity(Identity::BODY).build(&several).unwrap();
        assert_eq!(handle(&once, 200).await, if runs { Ok(200) } else { Err("try later") });
    }
}

#[tokio::test]
async fn guard_that_only_counts_never_refuses() {
    let store = Shared::default();
    store.set(Some(Fault::FailClaim));
    let once = Once::builder("stripe", store).count_only().build(&verifier()).unwrap();
    assert_eq!(handle(&once, 200).await, Ok(200));
    assert_eq!((once.count(GuardEvent::Unavailable), once.count(GuardEvent::Unguarded)), (1, 1));
}

/// The store fails from the end of the handler on. The guard gives up the mark after five minutes.
#[tokio::test(start_paused = true)]
async fn lost_mark_is_counted_once() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).build(&verifier()).unwrap();
    store.set(Some(Fault::FailMark));
    assert_eq!(handle(&once, 200).await, Ok(200));
    tokio::time::sleep(Duration::from_secs(290)).await;
    assert_eq!((once.count(GuardEvent::Unavailable), once.count(GuardEvent::MarkLost)), (1, 0), "the retries are not counted");
    once.idle().await;
    assert_eq!((once.count(GuardEvent::Unavailable), once.count(GuardEvent::MarkLost)), (1, 1));
}

#[tokio::test]
async fn claim_is_lost_as_soon_as_its_lease_has_run_out() {
    let lease = Duration::from_millis(500);
    let once = Once::builder("stripe", Shared::default()).lease(lease).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    let info = claim.info();
    assert!(!info.is_lost());
    // The process stands still: no renewal runs.
    std::thread::sleep(lease);
    assert!(info.is_lost());
    claim.complete(200).await;

    let Admission::Run(claim) = once.begin(&verified(b"{\"id\":\"evt_2\"}"), b"{\"id\":\"evt_2\"}").await else {
        panic!("the delivery is free")
    };
    let info = claim.info();
    claim.complete(200).await;
    std::thread::sleep(lease);
    assert!(!info.is_lost(), "the delivery is marked");
}

#[tokio::test(start_paused = true)]
async fn failed_renewal_is_retried_well_before_the_end_of_the_lease() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).lease(Duration::from_secs(30)).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    store.set(Some(Fault::FailRenew));
    tokio::time::sleep(Duration::from_secs(22)).await;
    store.set(None);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(store.0.renewed.load(Ordering::SeqCst), 1);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!claim.info().is_lost());
    claim.complete(200).await;
}

#[tokio::test(start_paused = true)]
async fn claim_is_lost_after_a_lease_without_a_renewal() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).lease(Duration::from_secs(30)).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    let info = claim.info();
    store.set(Some(Fault::FailRenew));
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert!(!info.is_lost() && once.count(GuardEvent::Unavailable) >= 2);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(info.is_lost());
    assert_eq!(once.count(GuardEvent::Expired), 1);
    claim.complete(200).await;
}

#[tokio::test(start_paused = true)]
async fn lost_claim_is_counted_once_though_its_mark_finds_no_claim() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).lease(Duration::from_secs(30)).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    store.set(Some(Fault::FailRenew));
    tokio::time::sleep(Duration::from_secs(60)).await;
    store.set(None);
    store.forget(claim.key());
    claim.complete(200).await;
    assert_eq!(once.count(GuardEvent::Expired), 1);
}

/// A repeat in other bytes has one of two keys in common.
#[tokio::test]
async fn double_run_by_the_second_key_is_counted() {
    let verifier = Verifier::builder(providers::JIRA).key("k", secret()).build().unwrap();
    let store = Shared::default();
    let once = Once::builder("jira", store.clone()).build(&verifier).unwrap();
    let Admission::Run(claim) = once.begin(&jira(b"body 1", "7"), b"body 1").await else { panic!("the delivery is free") };
    // The lease has run out, and another process has handled the repeat.
    let (_, id) = Identity::BODY_OR_UNAUTHENTICATED_ID.keys("jira", &jira(b"body 2", "7"), b"body 2").unwrap();
    store.forget(id.unwrap());
    let Admission::Run(other) = once.begin(&jira(b"body 2", "7"), b"body 2").await else { panic!("the lease has run out") };
    other.complete(200).await;
    claim.complete(200).await;
    assert_eq!(once.count(GuardEvent::DoubleRun), 1);
}

/// The lease of the first delivery has run out, and another process has handled the body under another id.
#[tokio::test]
async fn double_run_by_one_key_hides_the_loss_of_the_other_key() {
    let verifier = Verifier::builder(providers::JIRA).key("k", secret()).build().unwrap();
    let store = Shared::default();
    let once = Once::builder("jira", store.clone()).build(&verifier).unwrap();
    let Admission::Run(claim) = once.begin(&jira(b"body", "1"), b"body").await else { panic!("the delivery is free") };
    claim.info().keys().for_each(|key| store.forget(key));
    let Admission::Run(other) = once.begin(&jira(b"body", "2"), b"body").await else { panic!("the lease has run out") };
    other.complete(200).await;
    claim.complete(200).await;
    assert_eq!((once.count(GuardEvent::DoubleRun), once.count(GuardEvent::Expired)), (1, 0), "one event for each claim");
}

#[tokio::test(start_paused = true)]
async fn double_run_is_counted_once_if_the_second_mark_is_retried() {
    let jira = Verifier::builder(providers::JIRA).key("k", secret()).build().unwrap();
    let store = Shared::default();
    let once = Once::builder("jira", store.clone()).build(&jira).unwrap();
    let Admission::Run(claim) = once.begin(&self::jira(b"body", "1"), b"body").await else { panic!("the delivery is free") };
    store.set(Some(Fault::FailSecondMark));
    claim.complete(200).await;
    store.set(Some(Fault::ForeignClaim));
    once.idle().await;
    assert_eq!((once.count(GuardEvent::DoubleRun), once.count(GuardEvent::MarkLost)), (1, 0));
}

/// A store without leases. A release takes this long. Unless this is zero, the release needs the timer of a runtime.
struct Timed(Arc<MemoryStore>, Duration);

impl Store for Timed {
    fn claim(&self, key: DeliveryKey, owner: Owner, lease: Duration) -> StoreFuture<ClaimReply> {
        self.0.claim(key, owner, lease)
    }

    fn renew(&self, key: DeliveryKey, owner: Owner, lease: Duration) -> StoreFuture<RenewReply> {
        self.0.renew(key, owner, lease)
    }

    fn mark(&self, key: DeliveryKey, owner: Owner, status: u16, keep: Duration) -> StoreFuture<MarkReply> {
        self.0.mark(key, owner, status, keep)
    }

    fn release(&self, key: DeliveryKey, owner: Owner) -> StoreFuture<()> {
        let (store, pause) = (Arc::clone(&self.0), self.1);
        StoreFuture::new(async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            store.release(key, owner).await
        })
    }

    fn has_leases(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn claim_dropped_outside_of_the_runtime_is_released_on_the_runtime() {
    let store = Timed(Arc::new(MemoryStore::new(1000)), Duration::from_millis(1));
    let once = Once::builder("stripe", store).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    // Outside of the runtime, the timer of the release would panic.
    std::thread::spawn(move || drop(claim)).join().unwrap();
    once.idle().await;
    assert_eq!(handle(&once, 200).await, Ok(200));
}

#[test]
fn ended_runtime_releases_the_delivery_and_gives_no_response() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (once, delivery, first) = (once(), verified(BODY), runtime());
    let mut handled = Box::pin(once.handle(&delivery, BODY, |status: &u16| *status, |_| std::future::pending::<u16>()));
    let mut cx = Context::from_waker(Waker::noop());
    first.block_on(async {
        assert!(handled.as_mut().poll(&mut cx).is_pending());
        // The handler begins.
        tokio::task::yield_now().await;
    });
    drop(first);
    assert!(handled.as_mut().poll(&mut cx).is_pending(), "nobody waits for the response");
    assert_eq!(runtime().block_on(handle(&once, 200)), Ok(200));
}

#[tokio::test]
async fn claim_dropped_on_its_runtime_is_released_at_once() {
    let store = Timed(Arc::new(MemoryStore::new(1000)), Duration::ZERO);
    let once = Once::builder("stripe", store).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    drop(claim);
    assert!(is_idle(&once), "the store answers at the first poll");
    assert_eq!(handle(&once, 200).await, Ok(200));
}

/// The runtime of the claim drops each new task at once.
#[test]
fn claim_dropped_after_its_runtime_spawns_no_endless_tasks() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (once, first) = (Once::builder("stripe", Shared::default()).build(&verifier()).unwrap(), runtime());
    let Admission::Run(claim) = first.block_on(once.begin(&verified(BODY), BODY)) else { panic!("the delivery is free") };
    drop(first);
    drop(claim);
    assert!(is_idle(&once));
    assert_eq!(runtime().block_on(handle(&once, 200)), Ok(200));
}

#[tokio::test]
async fn claim_dropped_outside_of_the_runtime_is_released() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    std::thread::spawn(move || drop(claim)).join().unwrap();
    once.idle().await;
    assert_eq!(store.0.released.load(Ordering::SeqCst), 1);
    assert_eq!(handle(&once, 200).await, Ok(200));
}

#[tokio::test]
async fn full_store_puts_off_new_deliveries_and_keeps_claims() {
    let once = Once::builder("stripe", MemoryStore::new(1)).build(&verifier()).unwrap();
    let (mut claims, mut put_off) = (Vec::new(), 0);
    for number in 0..100 {
        let body = format!("{{\"id\":{number}}}");
        match once.begin(&verified(body.as_bytes()), body.as_bytes()).await {
            Admission::Run(claim) => claims.push((claim, body)),
            admission => {
                assert!(matches!(admission, Admission::Unavailable(_)));
                put_off += 1;
            }
        }
    }
    assert_eq!((claims.len(), put_off), (32, 68));
    for (claim, body) in claims {
        assert!(matches!(once.begin(&verified(body.as_bytes()), body.as_bytes()).await, Admission::Running));
        claim.complete(200).await;
    }
}

#[tokio::test]
async fn guard_that_only_counts_runs_repeats_and_calls_its_observer() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let observed = Arc::clone(&seen);
    let observer = move |event: GuardEvent, key: DeliveryKey| observed.lock().unwrap().push((event, key));
    let once = Once::builder("stripe", MemoryStore::new(1000)).count_only().observer(observer).build(&verifier()).unwrap();
    for _ in 0..2 {
        assert_eq!(handle(&once, 200).await, Ok(200));
    }
    let Admission::Run(first) = once.begin(&verified(BODY), BODY).await else { panic!("a repeat runs") };
    let key = first.key();
    let events = [GuardEvent::Claimed, GuardEvent::Repeated, GuardEvent::Unguarded, GuardEvent::Repeated, GuardEvent::Unguarded];
    assert_eq!(*seen.lock().unwrap(), events.map(|event| (event, key)));
}

#[tokio::test]
async fn handler_without_a_guard_runs_on_after_its_sender_disconnects() {
    let once = once();
    let body = b"{\"no\":\"id\"}";
    let (done, mut wait) = oneshot::channel::<()>();
    let delivery = verified(body);
    let handler = |_| async move {
        tokio::time::sleep(Duration::from_millis(30)).await;
        done.send(()).unwrap();
    };
    let sent = tokio::time::timeout(Duration::from_millis(5), once.handle(&delivery, body, |()| 200, handler)).await;
    assert!(sent.is_err() && wait.try_recv().is_err());
    once.idle().await;
    wait.try_recv().unwrap();
}

#[tokio::test(start_paused = true)]
async fn dropped_completion_still_writes_its_mark() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    store.set(Some(Fault::LoseAnswerOfMark));
    let dropped = tokio::time::timeout(Duration::from_millis(10), claim.complete(200)).await;
    assert!(dropped.is_err());
    store.set(None);
    once.idle().await;
    assert!(matches!(once.begin(&verified(BODY), BODY).await, Admission::Repeated(200)));
    assert_eq!(once.count(GuardEvent::DoubleRun), 0, "the same owner marks again");
}

#[tokio::test(start_paused = true)]
async fn claim_without_a_mark_is_lost_after_its_lease() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).lease(Duration::from_secs(3)).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    let info = claim.info();
    store.set(Some(Fault::FailAll));
    claim.complete(200).await;
    assert!(!info.is_lost());
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(info.is_lost(), "another handler may run");
    store.set(None);
    once.idle().await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(!info.is_lost(), "the delivery is marked");
}

#[tokio::test(start_paused = true)]
async fn completion_dropped_before_its_first_poll_still_writes_its_mark() {
    let once = once();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    drop(claim.complete(200));
    once.idle().await;
    assert!(matches!(once.begin(&verified(BODY), BODY).await, Admission::Repeated(200)));
}

/// The store writes the mark, and the answer is lost. The guard renews the claim while retrying the mark.
#[tokio::test(start_paused = true)]
async fn renewal_of_a_marked_delivery_counts_no_lost_claim() {
    let store = Shared::default();
    let once = Once::builder("stripe", store.clone()).lease(Duration::from_millis(300)).build(&verifier()).unwrap();
    let Admission::Run(claim) = once.begin(&verified(BODY), BODY).await else { panic!("the delivery is free") };
    store.set(Some(Fault::LoseAnswerOfMark));
    claim.complete(200).await;
    store.set(None);
    once.idle().await;
    assert_eq!((once.count(GuardEvent::Expired), once.count(GuardEvent::DoubleRun)), (0, 0));
    assert!(matches!(once.begin(&verified(BODY), BODY).await, Admission::Repeated(200)));
}

#[test]
fn metrics_count_the_events_of_a_guard() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let once = once();
            assert_eq!(handle(&once, 200).await, Ok(200));
            assert_eq!(handle(&once, 200).await, Err("repeated"));
        });
    });
    let text = recorder.handle().render();
    for line in ["event=\"claimed\"} 1", "event=\"repeated\"} 1", "event=\"double_run\"} 0"] {
        assert!(text.contains(&format!("countersign_once_total{{guard=\"stripe\",{line}")), "{line} in {text}");
    }
}
