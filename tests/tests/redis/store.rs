use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use countersign::identity::Identity;
use countersign::{Secret, Signer, Verifier, providers};
use countersign_once::{Admission, ClaimReply, Handled, MarkReply, Once, RenewReply, Store};
use countersign_once_redis::{Problem, RedisStore, RedisStoreError, redis};

use crate::server::Server;
use crate::{KEEP, LEASE, key, owner};

#[tokio::test]
async fn claim_excludes_others_until_its_end() {
    let Some(server) = Server::start("claim") else { return };
    let (store, one, two) = (server.store().await, owner(), owner());
    assert_eq!(store.claim(key(1), one, LEASE).await.unwrap(), ClaimReply::Acquired);
    assert_eq!(store.claim(key(1), one, LEASE).await.unwrap(), ClaimReply::Acquired, "an operation may be repeated");
    assert_eq!(store.claim(key(1), two, LEASE).await.unwrap(), ClaimReply::Running);
    store.release(key(1), two).await.unwrap();
    assert_eq!(store.claim(key(1), two, LEASE).await.unwrap(), ClaimReply::Running, "only the owner releases");
    store.release(key(1), one).await.unwrap();
    assert_eq!(store.claim(key(1), two, LEASE).await.unwrap(), ClaimReply::Acquired);
    assert_eq!(store.mark(key(1), two, 204, KEEP).await.unwrap(), MarkReply::Own);
    assert_eq!(store.mark(key(1), two, 204, KEEP).await.unwrap(), MarkReply::Own, "an operation may be repeated");
    assert_eq!(store.claim(key(1), one, LEASE).await.unwrap(), ClaimReply::Marked(204));
    store.release(key(1), two).await.unwrap();
    assert_eq!(store.claim(key(1), one, LEASE).await.unwrap(), ClaimReply::Marked(204), "a mark is not released");
    assert_eq!(store.renew(key(1), two, LEASE).await.unwrap(), RenewReply::Lost);
    assert_eq!(store.mark(key(1), one, 200, KEEP).await.unwrap(), MarkReply::Other);
}

#[tokio::test]
async fn claim_ends_with_its_lease_and_mark_with_its_time() {
    let Some(server) = Server::start("lease") else { return };
    let (store, one, two) = (server.store().await, owner(), owner());
    let short = Duration::from_millis(100);
    store.claim(key(1), one, short).await.unwrap();
    tokio::time::sleep(short * 2).await;
    assert_eq!(store.claim(key(1), two, LEASE).await.unwrap(), ClaimReply::Acquired);
    assert_eq!(store.renew(key(1), one, LEASE).await.unwrap(), RenewReply::Lost);
    store.release(key(1), two).await.unwrap();
    assert_eq!(store.renew(key(1), one, short).await.unwrap(), RenewReply::Restored, "the server has forgotten the claim");
    assert_eq!(store.renew(key(1), one, LEASE).await.unwrap(), RenewReply::Held);
    tokio::time::sleep(short * 2).await;
    assert_eq!(store.claim(key(1), two, LEASE).await.unwrap(), ClaimReply::Running, "the renewal has extended the claim");
    assert_eq!(store.mark(key(2), one, 200, short).await.unwrap(), MarkReply::Unclaimed);
    assert_eq!(store.claim(key(2), two, LEASE).await.unwrap(), ClaimReply::Marked(200));
    tokio::time::sleep(short * 2).await;
    assert_eq!(store.claim(key(2), two, LEASE).await.unwrap(), ClaimReply::Acquired);
}

#[tokio::test]
async fn lease_is_cut_to_half_an_hour_and_mark_to_ten_years() {
    let Some(server) = Server::start("cut") else { return };
    let (store, one, name) = (server.store().await, owner(), format!("test:{}", key(1)));
    let left = async || redis::from_redis_value::<u64>(server.command(&["PTTL", &name]).await).unwrap();
    let is_cut_to = |left: u64, seconds: u64| (seconds * 1000 - 60_000..=seconds * 1000).contains(&left);
    assert_eq!(store.claim(key(1), one, Duration::MAX).await.unwrap(), ClaimReply::Acquired);
    assert!(is_cut_to(left().await, 30 * 60));
    store.renew(key(1), one, Duration::MAX).await.unwrap();
    assert!(is_cut_to(left().await, 30 * 60));
    assert_eq!(store.claim(key(1), owner(), LEASE).await.unwrap(), ClaimReply::Running, "a long claim is no mark");
    store.mark(key(1), one, 200, Duration::MAX).await.unwrap();
    assert!(is_cut_to(left().await, 10 * 365 * 24 * 60 * 60));
}

#[tokio::test]
async fn value_of_another_program_fails_claims_and_marks_and_stays() {
    let Some(server) = Server::start("foreign") else { return };
    let (store, one) = (server.store().await, owner());
    let cause = "the value of the key was not written by this crate: choose another prefix";
    let name = format!("test:{}", key(1));
    for value in ["", "a value of another program", "c0123", "d200"] {
        server.command(&["SET", &name, value]).await;
        let error = store.claim(key(1), one, LEASE).await.unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), cause, "{value:?}");
        assert_eq!(store.renew(key(1), one, LEASE).await.unwrap(), RenewReply::Lost, "{value:?}");
        store.release(key(1), one).await.unwrap();
        let error = store.mark(key(1), one, 200, KEEP).await.unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), cause, "{value:?}");
        assert_eq!(server.command(&["GET", &name]).await, redis::Value::BulkString(value.into()));
    }
}

/// The answer to the first try is lost.
#[tokio::test]
async fn mark_finds_the_mark_of_another_owner_at_each_try() {
    let Some(server) = Server::start("tries") else { return };
    let (store, one, two) = (server.store().await, owner(), owner());
    store.mark(key(1), one, 204, KEEP).await.unwrap();
    for _ in 0..2 {
        assert_eq!(store.mark(key(1), two, 200, KEEP).await.unwrap(), MarkReply::Other);
    }
    assert_eq!(store.claim(key(1), two, LEASE).await.unwrap(), ClaimReply::Marked(204), "the first mark stays");
    assert_eq!(store.mark(key(1), one, 204, KEEP).await.unwrap(), MarkReply::Own);
}

#[tokio::test]
async fn full_server_keeps_marks_and_refuses_claims() {
    let Some(server) = Server::start("full") else { return };
    let (store, one, two) = (server.store().await, owner(), owner());
    assert_eq!(store.claim(key(1), one, LEASE).await.unwrap(), ClaimReply::Acquired);
    assert_eq!(store.claim(key(2), one, LEASE).await.unwrap(), ClaimReply::Acquired);
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    store.claim(key(3), one, LEASE).await.unwrap_err();
    assert_eq!(store.mark(key(1), one, 204, KEEP).await.unwrap(), MarkReply::Own);
    assert_eq!(store.claim(key(1), two, LEASE).await.unwrap_err().to_string(), "the store failed", "a full server refuses every claim");
    store.release(key(2), one).await.unwrap();
    assert_eq!(store.renew(key(1), one, LEASE).await.unwrap(), RenewReply::Held);
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(store.claim(key(1), two, LEASE).await.unwrap(), ClaimReply::Marked(200), "no renewal shortens a mark");
    // Below an hour, an entry is read as a claim, so the mark has an hour more than `KEEP`.
    let left = server.command(&["PTTL", &format!("test:{}", key(1))]).await;
    let (least, most) = (KEEP + Duration::from_secs(3600 - 60), KEEP + Duration::from_secs(3600));
    assert!(
        matches!(left, redis::Value::Int(left) if (least.as_millis()..=most.as_millis()).contains(&u128::try_from(left).unwrap())),
        "{left:?}"
    );
    assert_eq!(store.claim(key(2), two, LEASE).await.unwrap(), ClaimReply::Acquired);
    store.mark(key(4), one, 200, KEEP).await.unwrap();
}

#[tokio::test]
async fn full_server_writes_no_mark_over_the_claim_of_another_owner() {
    let Some(server) = Server::start("another") else { return };
    let (store, one, two, three) = (server.store().await, owner(), owner(), owner());
    // The lease of `one` has run out, and `two` has claimed the delivery.
    store.claim(key(1), two, LEASE).await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    store.mark(key(1), one, 200, KEEP).await.unwrap_err();
    store.release(key(1), two).await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    // The guard retries the mark.
    assert_eq!(store.mark(key(1), one, 200, KEEP).await.unwrap(), MarkReply::Unclaimed);
    assert_eq!(store.claim(key(1), three, LEASE).await.unwrap(), ClaimReply::Marked(200));
    // The other mark says that the delivery was handled.
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    assert_eq!(store.mark(key(1), two, 204, KEEP).await.unwrap(), MarkReply::Other);
}

#[tokio::test]
async fn restart_forgets_nothing_and_a_dead_server_fails_soon() {
    let Some(mut server) = Server::start("restart") else { return };
    let (store, one, two) = (server.store().await, owner(), owner());
    store.claim(key(1), one, LEASE).await.unwrap();
    store.mark(key(2), one, 202, KEEP).await.unwrap();
    server.kill();
    let began = Instant::now();
    store.claim(key(3), one, LEASE).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    server.restart();
    let until = Instant::now() + Duration::from_secs(20);
    while store.claim(key(3), one, LEASE).await.is_err() {
        assert!(Instant::now() < until, "the store does not reconnect");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(store.claim(key(1), two, LEASE).await.unwrap(), ClaimReply::Running);
    assert_eq!(store.claim(key(2), two, LEASE).await.unwrap(), ClaimReply::Marked(202));
}

#[tokio::test]
async fn connecting_finds_the_problems_of_the_server() {
    let Some(server) = Server::start("problems") else { return };
    assert_eq!(server.store().await.problems().await.unwrap(), []);
    RedisStore::connect_strict(&server.url(), "test:").await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    server.command(&["CONFIG", "SET", "appendonly", "no"]).await;
    let error = RedisStore::connect_strict(&server.url(), "test:").await.unwrap_err();
    let RedisStoreError::Problems(problems) = &error else { panic!("{error}") };
    assert!(problems.contains(&Problem::Evicts { policy: "allkeys-lru".into() }) && problems.contains(&Problem::NotPersistent));
    assert!(error.to_string().contains("maxmemory-policy is allkeys-lru: set noeviction"), "{error}");
    // Without `connect_strict`, the problems are logged only.
    RedisStore::connect(&server.url(), "test:").await.unwrap();
    assert!(matches!(RedisStore::connect("redis://127.0.0.1:1/", "test:").await, Err(RedisStoreError::Connection(_))));
    assert!(matches!(RedisStore::connect("not a url", "test:").await, Err(RedisStoreError::Connection(_))));
}

#[test]
fn each_problem_names_its_setting() {
    for (problem, named) in [
        (Problem::Evicts { policy: "allkeys-lru".into() }, "maxmemory-policy is allkeys-lru: set noeviction"),
        (Problem::NotPersistent, "appendonly is no: set yes"),
        (Problem::Unchecked, "allow INFO, or check maxmemory-policy and appendonly"),
        (Problem::TooOld { version: "6.2.14".into() }, "the version is 6.2.14: Redis 7.0"),
    ] {
        let text = problem.to_string();
        assert!(text.contains(named) && text.starts_with(char::is_lowercase) && !text.ends_with('.'), "{text}");
    }
    let error = RedisStoreError::Problems(vec![Problem::NotPersistent, Problem::Unchecked]);
    let text = format!("Redis is unfit for a guard: {}; {}", Problem::NotPersistent, Problem::Unchecked);
    assert_eq!((error.to_string(), error.source().is_none()), (text, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_handler_runs_for_a_delivery_through_several_connections() {
    let Some(server) = Server::start("processes") else { return };
    let secret = || Secret::new("a secret of some length");
    let verifier = Verifier::builder(providers::JIRA).key("k", secret()).build().unwrap();
    let body = b"body";
    let head = Signer::new(providers::JIRA, secret()).unwrap().sign(body);
    let verified = verifier.verify(&head, body).unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for _ in 0..5 {
        // Each guard has a separate connection, like a guard in another process.
        let once = Once::builder("jira", server.store().await).build(&verifier).unwrap();
        for _ in 0..20 {
            let (once, verified, runs) = (once.clone(), verified.clone(), Arc::clone(&runs));
            tasks.push(tokio::spawn(async move {
                let handler = |_| async move {
                    runs.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    200_u16
                };
                once.handle(&verified, body, |status| *status, handler).await
            }));
        }
    }
    let mut responses = 0;
    for task in tasks {
        responses += usize::from(matches!(task.await.unwrap(), Handled::Response(_)));
    }
    assert_eq!((responses, runs.load(Ordering::SeqCst)), (1, 1));
    let once = Once::builder("jira", server.store().await).build(&verifier).unwrap();
    assert!(matches!(once.begin(&verified, body).await, Admission::Repeated(200)));
    // Redis holds a single key, with the key of the delivery as text.
    let (first, _) = Identity::BODY.keys("jira", &verified, body).unwrap();
    let keys: Vec<String> = redis::from_redis_value(server.command(&["KEYS", "*"]).await).unwrap();
    assert_eq!(keys, [format!("test:{first}")]);
}
