use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use countersign_once::{Admission, ClaimReply, Once, Store as _};
use countersign_once_redis::{Problem, RedisConnection, RedisStore, RedisStoreError, redis};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::server::Server;
use crate::{LEASE, key, owner};

/// Claims until an answer comes. Each operation is dropped after 200 milliseconds, as by a guard with little patience.
async fn claimed_within(store: &RedisStore, number: u8, limit: Duration) -> ClaimReply {
    let until = Instant::now() + limit;
    loop {
        if let Ok(Ok(reply)) = timeout(Duration::from_millis(200), store.claim(key(number), owner(), LEASE)).await {
            return reply;
        }
        assert!(Instant::now() < until, "the store does not reconnect");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn store_reconnects_after_the_server_refused_its_user_for_a_while() {
    let Some(server) = Server::start("refused") else { return };
    server.wait().await;
    server.command(&["ACL", "SETUSER", "app", "on", ">password", "~*", "+@all"]).await;
    let url = server.url().replace("redis://", "redis://app:password@");
    let store = RedisStore::connect(&url, "test:").await.unwrap();
    server.command(&["ACL", "SETUSER", "app", "off"]).await;
    server.command(&["CLIENT", "KILL", "USER", "app"]).await;
    let failing = Instant::now() + Duration::from_millis(500);
    while Instant::now() < failing {
        store.claim(key(1), owner(), LEASE).await.unwrap_err();
        sleep(Duration::from_millis(20)).await;
    }
    server.command(&["ACL", "SETUSER", "app", "on"]).await;
    assert_eq!(claimed_within(&store, 1, Duration::from_secs(10)).await, ClaimReply::Acquired);
}

#[tokio::test]
async fn closed_connection_costs_no_operation() {
    let Some(server) = Server::start("closed") else { return };
    let store = server.store().await;
    for number in 0..5 {
        server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
        sleep(Duration::from_millis(200)).await;
        assert_eq!(store.claim(key(number), owner(), LEASE).await.unwrap(), ClaimReply::Acquired);
    }
}

#[test]
fn attempt_of_an_ended_runtime_does_not_end_the_connection() {
    let Some(server) = Server::start("runtime") else { return };
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let store = RedisStore::new(RedisConnection::to_server(client), "test:");
    runtime().block_on(server.wait());
    // The attempt to connect hangs, and ends with its runtime.
    server.signal("STOP");
    let first = runtime();
    first.block_on(async { timeout(Duration::from_millis(100), store.claim(key(1), owner(), LEASE)).await.unwrap_err() });
    drop(first);
    server.signal("CONT");
    assert_eq!(runtime().block_on(claimed_within(&store, 1, Duration::from_secs(10))), ClaimReply::Acquired);
}

/// Forwards each connection to a server. `freeze` stops all connections so far: the sockets stay open, and no byte passes.
struct Proxy {
    port: u16,
    freeze: watch::Sender<()>,
    accepted: Arc<AtomicUsize>,
}

impl Proxy {
    async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (freeze, frozen) = watch::channel(());
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let mut frozen = frozen.clone();
                frozen.mark_unchanged();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        // The sockets stay open.
                        Ok(()) = frozen.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Self { port, freeze, accepted }
    }
}

#[tokio::test]
async fn store_leaves_a_silent_connection_after_five_seconds() {
    let Some(server) = Server::start("silent") else { return };
    server.wait().await;
    let proxy = Proxy::start(server.port()).await;
    let store = RedisStore::connect(&format!("redis://127.0.0.1:{}/", proxy.port), "test:").await.unwrap();
    assert_eq!(store.claim(key(1), owner(), LEASE).await.unwrap(), ClaimReply::Acquired);
    let (began, before) = (Instant::now(), proxy.accepted.load(Ordering::SeqCst));
    proxy.freeze.send(()).unwrap();
    assert_eq!(claimed_within(&store, 2, Duration::from_secs(20)).await, ClaimReply::Acquired);
    assert!(began.elapsed() >= Duration::from_secs(5), "a release must not overtake its claim after a short stop");
    assert_eq!(proxy.accepted.load(Ordering::SeqCst), before + 1, "one attempt to connect for all operations");
    assert_eq!(store.claim(key(1), owner(), LEASE).await.unwrap(), ClaimReply::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn claim_dropped_outside_of_the_runtime_is_released() {
    let Some(server) = Server::start("outside") else { return };
    let secret = || countersign::Secret::new("a secret of some length");
    let verifier = countersign::Verifier::builder(countersign::providers::JIRA).key("k", secret()).build().unwrap();
    let head = countersign::Signer::new(countersign::providers::JIRA, secret()).unwrap().sign(b"body");
    let verified = verifier.verify(&head, b"body").unwrap();
    let once = Once::builder("jira", server.store().await).build(&verifier).unwrap();
    let Admission::Run(claim) = once.begin(&verified, b"body").await else { panic!("the first delivery runs") };
    std::thread::spawn(move || drop(claim)).join().unwrap();
    once.idle().await;
    assert!(matches!(once.begin(&verified, b"body").await, Admission::Run(_)));
}

#[tokio::test]
async fn server_forbidding_info_passes_connect_and_fails_connect_strict() {
    let Some(server) = Server::start("info") else { return };
    server.wait().await;
    server.command(&["ACL", "SETUSER", "app", "on", ">password", "~*", "+@all", "-@dangerous"]).await;
    let url = server.url().replace("redis://", "redis://app:password@");
    let store = RedisStore::connect(&url, "test:").await.unwrap();
    assert_eq!(store.problems().await.unwrap(), [Problem::Unchecked]);
    assert_eq!(store.claim(key(1), owner(), LEASE).await.unwrap(), ClaimReply::Acquired);
    let error = RedisStore::connect_strict(&url, "test:").await.unwrap_err();
    assert!(matches!(&error, RedisStoreError::Problems(problems) if *problems == [Problem::Unchecked]), "{error}");
}

#[tokio::test]
async fn commands_listed_in_the_readme_suffice() {
    let Some(server) = Server::start("rights") else { return };
    server.wait().await;
    let rights = ["+set", "+get", "+pttl", "+pexpire", "+del", "+eval", "+info", "+ping", "+hello", "+select", "+auth"];
    server.command(&[&["ACL", "SETUSER", "app", "on", ">password", "~test:*"], &rights[..]].concat()).await;
    let client = redis::Client::open(server.url().replace("redis://", "redis://app:password@")).unwrap();
    let (store, one) = (RedisStore::new(RedisConnection::to_server(client), "test:"), owner());
    assert_eq!(store.problems().await.unwrap(), []);
    store.claim(key(1), one, LEASE).await.unwrap();
    store.renew(key(1), one, LEASE).await.unwrap();
    store.release(key(1), one).await.unwrap();
    store.claim(key(1), one, LEASE).await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    store.finish(key(1), one, 200, crate::KEEP).await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    store.finish(key(1), one, 200, crate::KEEP).await.unwrap();
}
