use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use countersign_once::{Admission, ClaimReply, Once, Store as _};
use countersign_once_redis::redis::aio::ConnectionLike as _;
use countersign_once_redis::{Problem, RedisConnection, RedisStore, RedisStoreError, redis};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::server::Server;
use crate::{KEEP, LEASE, key, owner};

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

/// With RESP2, only an operation notices that the connection is closed.
#[tokio::test]
async fn closed_connection_costs_one_operation_with_resp2() {
    let Some(server) = Server::start("resp2") else { return };
    server.wait().await;
    let store = RedisStore::new(RedisConnection::to_server(redis::Client::open(server.url()).unwrap()), "test:");
    store.claim(key(1), owner(), LEASE).await.unwrap();
    server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    sleep(Duration::from_millis(200)).await;
    store.claim(key(2), owner(), LEASE).await.unwrap_err();
    assert_eq!(store.claim(key(3), owner(), LEASE).await.unwrap(), ClaimReply::Acquired);
}

#[tokio::test]
async fn aborted_transaction_keeps_the_connection() {
    let Some(server) = Server::start("aborted") else { return };
    server.wait().await;
    let proxy = Proxy::start(server.port()).await;
    let client = redis::Client::open(format!("redis://127.0.0.1:{}/", proxy.port)).unwrap();
    let mut connection = RedisConnection::to_server(client);
    let before = proxy.accepted.load(Ordering::SeqCst);
    for _ in 0..2 {
        let aborted = redis::pipe().atomic().cmd("NO-SUCH-COMMAND").query_async::<()>(&mut connection).await.unwrap_err();
        assert!(aborted.to_string().contains("NO-SUCH-COMMAND"), "{aborted}");
    }
    assert_eq!(proxy.accepted.load(Ordering::SeqCst), before + 1);
}

#[tokio::test]
async fn operation_without_an_answer_keeps_the_connection() {
    let Some(server) = Server::start("slow") else { return };
    server.wait().await;
    let proxy = Proxy::start(server.port()).await;
    let store = RedisStore::connect(&format!("redis://127.0.0.1:{}/", proxy.port), "test:").await.unwrap();
    let before = proxy.accepted.load(Ordering::SeqCst);
    server.signal("STOP");
    let error = store.claim(key(1), owner(), LEASE).await.unwrap_err();
    server.signal("CONT");
    assert!(error.source().unwrap().to_string().contains("timed out"), "{error:?}");
    assert_eq!(store.claim(key(2), owner(), LEASE).await.unwrap(), ClaimReply::Acquired);
    assert_eq!(proxy.accepted.load(Ordering::SeqCst), before);
}

/// The attempt fails after the only operation that waits for it was dropped.
#[tokio::test]
async fn failed_attempt_to_connect_fails_no_later_operation() {
    let Some(server) = Server::start("later") else { return };
    server.wait().await;
    let store = RedisStore::new(RedisConnection::to_server(redis::Client::open(server.url()).unwrap()), "test:");
    server.signal("STOP");
    timeout(Duration::from_millis(100), store.claim(key(1), owner(), LEASE)).await.unwrap_err();
    sleep(Duration::from_millis(1500)).await;
    server.signal("CONT");
    server.wait().await;
    assert_eq!(store.claim(key(1), owner(), LEASE).await.unwrap(), ClaimReply::Acquired);
}

#[tokio::test]
async fn failed_attempt_to_connect_is_repeated_after_a_pause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/", listener.local_addr().unwrap());
    let store = RedisStore::new(RedisConnection::to_server(redis::Client::open(url).unwrap()), "test:");
    let attempts = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&attempts);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let (began, mut operations) = (Instant::now(), 0);
    while attempts.load(Ordering::SeqCst) < 4 {
        store.claim(key(1), owner(), LEASE).await.unwrap_err();
        operations += 1;
        sleep(Duration::from_millis(5)).await;
        assert!(began.elapsed() < Duration::from_secs(30), "the store connects no more");
    }
    assert!(began.elapsed() >= Duration::from_millis(300), "four attempts after {operations} operations in {:?}", began.elapsed());
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

/// Makes a server a replica of an unreachable master. Returns a store that has connected before, through a proxy.
async fn replica(server: &Server) -> (RedisStore, Proxy) {
    server.wait().await;
    let proxy = Proxy::start(server.port()).await;
    let store = RedisStore::connect(&format!("redis://127.0.0.1:{}/", proxy.port), "test:").await.unwrap();
    store.claim(key(1), owner(), LEASE).await.unwrap();
    server.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
    (store, proxy)
}

#[tokio::test]
async fn each_answer_of_a_replica_ends_its_connection() {
    let Some(server) = Server::start("replica") else { return };
    let (store, proxy) = replica(&server).await;
    let (before, one) = (proxy.accepted.load(Ordering::SeqCst), owner());
    for (place, operation) in ["claim", "mark", "renew"].into_iter().enumerate() {
        let answer = match operation {
            "claim" => store.claim(key(2), one, LEASE).await.map(drop),
            "mark" => store.mark(key(2), one, 200, KEEP).await.map(drop),
            _ => store.renew(key(2), one, LEASE).await.map(drop),
        };
        let cause = answer.unwrap_err().source().unwrap().to_string();
        assert!(cause.contains("read only replica"), "{operation}: {cause}");
        assert_eq!(proxy.accepted.load(Ordering::SeqCst), before + place, "{operation}");
    }
}

#[tokio::test]
async fn late_answer_of_a_replica_leaves_the_next_connection_alone() {
    let Some(server) = Server::start("late") else { return };
    let (store, proxy) = replica(&server).await;
    let (before, one) = (proxy.accepted.load(Ordering::SeqCst), owner());
    let first = async {
        store.mark(key(2), one, 200, KEEP).await.unwrap_err();
        // The store connects again, before the other answer is read.
        store.problems().await.unwrap();
    };
    let late = async {
        store.mark(key(3), one, 200, KEEP).await.unwrap_err();
    };
    tokio::join!(biased; first, late);
    store.problems().await.unwrap();
    assert_eq!(proxy.accepted.load(Ordering::SeqCst), before + 1);
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
    let readme = include_str!("../../../crates/countersign-once-redis/README.md");
    let listed = readme.split_once("**Rights** (ACL):").unwrap().1.split_once("A cluster also needs").unwrap().0;
    let rights: Vec<String> = listed.split('`').skip(1).step_by(2).map(|name| format!("+{}", name.to_lowercase())).collect();
    assert!(rights.len() > 8, "{rights:?}");
    let rights: Vec<&str> = rights.iter().map(String::as_str).collect();
    server.command(&[&["ACL", "SETUSER", "app", "on", ">password", "~test:*"], &rights[..]].concat()).await;
    let client = redis::Client::open(server.url().replace("redis://", "redis://app:password@")).unwrap();
    let (store, one) = (RedisStore::new(RedisConnection::to_server(client), "test:"), owner());
    assert_eq!(store.problems().await.unwrap(), []);
    store.claim(key(1), one, LEASE).await.unwrap();
    store.renew(key(1), one, LEASE).await.unwrap();
    store.release(key(1), one).await.unwrap();
    store.claim(key(1), one, LEASE).await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    store.mark(key(1), one, 200, KEEP).await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    store.mark(key(1), one, 200, KEEP).await.unwrap();
}

/// Starts a server that answers `INFO` with `info`, and every other command with `OK`. Returns the URL.
async fn scripted(info: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let info = info.clone();
            tokio::spawn(async move {
                let (reader, mut writer) = stream.into_split();
                let mut lines = BufReader::new(reader).lines();
                // The lines of a command are the number of words, and the length and the text of each word.
                while let Ok(Some(head)) = lines.next_line().await {
                    let mut words = Vec::new();
                    for _ in 0..head.strip_prefix('*').unwrap().parse::<usize>().unwrap() {
                        lines.next_line().await.unwrap();
                        words.push(lines.next_line().await.unwrap().unwrap());
                    }
                    let answer = if words[0] == "INFO" { &*info } else { "+OK\r\n" };
                    writer.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn server_before_redis_7_is_refused() {
    let info = |version: &str| {
        let text = format!("redis_version:{version}\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n");
        format!("${}\r\n{text}\r\n", text.len())
    };
    let old = scripted(info("6.2.14")).await;
    for connected in [RedisStore::connect(&old, "test:").await, RedisStore::connect_strict(&old, "test:").await] {
        let error = connected.unwrap_err();
        let RedisStoreError::Problems(problems) = &error else { panic!("{error}") };
        assert_eq!(*problems, [Problem::TooOld { version: "6.2.14".into() }]);
    }
    let new = scripted(info("7.0.0")).await;
    RedisStore::connect(&new, "test:").await.unwrap();
    RedisStore::connect_strict(&new, "test:").await.unwrap();
}

#[tokio::test]
async fn server_that_fails_info_is_refused() {
    let loading = scripted("-LOADING Redis is loading the dataset in memory\r\n".to_owned()).await;
    for connected in [RedisStore::connect(&loading, "test:").await, RedisStore::connect_strict(&loading, "test:").await] {
        let error = connected.unwrap_err();
        let source = error.source().unwrap().to_string();
        assert_eq!(error.to_string(), "no connection to Redis");
        assert!(source.starts_with("INFO: ") && source.contains("loading the dataset"), "{source}");
    }
}

#[tokio::test]
async fn connection_error_names_the_server_and_shows_no_password() {
    for (url, named) in
        [("redis://app:needle@127.0.0.1:1/", "127.0.0.1:1: "), ("app:needle@127.0.0.1", "redis://user:password@host:port/db is expected: ")]
    {
        let error = RedisStore::connect(url, "test:").await.unwrap_err();
        let source = error.source().unwrap().to_string();
        assert_eq!(error.to_string(), "no connection to Redis");
        assert!(source.starts_with(named), "{source}");
        assert!(!format!("{error:?} {source}").contains("needle"), "{error:?}");
    }
}

#[test]
fn debug_output_shows_the_prefix_and_no_password() {
    let connection = RedisConnection::to_server(redis::Client::open("redis://app:needle@127.0.0.1:1/").unwrap());
    assert_eq!(format!("{connection:?}"), "RedisConnection { .. }");
    assert_eq!(connection.get_db(), 0);
    assert_eq!(format!("{:?}", RedisStore::new(connection, "test:")), "RedisStore { prefix: \"test:\", .. }");
}
