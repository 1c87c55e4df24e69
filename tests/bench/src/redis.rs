//! The guard `Once` with Redis, beside the layer without a guard and beside bare commands by the same client. Needs `redis-server`.
//!
//! The server persists its data as a server for the guard should: `appendonly yes`, `appendfsync everysec`.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::axum::body::Body;
use countersign::identity::{DeliveryKey, Identity};
use countersign_once::{ClaimReply, MemoryStore, Once, Owner, Store};
use countersign_once_redis::RedisStore;
use countersign_once_redis::redis::aio::MultiplexedConnection;
use countersign_once_redis::redis::{Client, cmd};
use countersign_tower::VerifyLayer;
use futures_util::future::join_all;
use http::{HeaderMap, Request, Response};
use tower::{Layer as _, service_fn};

use crate::delivery::{SIGNATURE, body, signature_of, verifier};
use crate::runtime::{block_on, served};
use crate::table::{Row, print_rows};

/// The time to live of new marks and claims. A short time keeps the server small.
const KEEP: Duration = Duration::from_secs(5);
const LEASE: Duration = Duration::from_secs(30);
const AT_ONCE: u32 = 64;

pub fn run() {
    let Some(server) = Server::start() else {
        eprintln!("`redis-server` is missing: `apt-get install -y redis-server`");
        std::process::exit(1);
    };
    let store = block_on(server.store());
    print_rows("The tower layer, a delivery of 1 KiB with an unsigned id", "one after another", deliveries(&store));
    for at_once in [1, AT_ONCE] {
        let heading = format!("{at_once} at once, time for each");
        print_rows("A new key, beside a bare SET with NX", &heading, new_keys(&server, &store, at_once));
        print_rows("A marked key, beside a bare GET", &heading, marked_keys(&server, &store, at_once));
    }
}

fn deliveries(store: &RedisStore) -> Vec<Row<'static>> {
    let guard = |store, keep| VerifyLayer::new(verifier()).once(store_guard(store, keep));
    let bare = VerifyLayer::new(verifier());
    let memory = || AnyStore::Memory(MemoryStore::new(1000));
    let redis = || AnyStore::Redis(store.clone());
    let repeated = || Duration::from_secs(600);
    vec![
        Row::new("no guard", served(bare.layer(service_fn(answer)), request(false))),
        Row::new("guard in memory, new", served(guard(memory(), KEEP).layer(service_fn(answer)), request(true))),
        Row::new("guard in memory, repeated", served(guard(memory(), repeated()).layer(service_fn(answer)), request(false))),
        Row::new("guard in Redis, new", served(guard(redis(), KEEP).layer(service_fn(answer)), request(true))),
        Row::new("guard in Redis, repeated", served(guard(redis(), repeated()).layer(service_fn(answer)), request(false))),
    ]
}

enum AnyStore {
    Memory(MemoryStore),
    Redis(RedisStore),
}

fn store_guard(store: AnyStore, keep: Duration) -> Once {
    let verifier = verifier();
    match store {
        AnyStore::Memory(store) => Once::builder("bench", store).identity(Identity::UNAUTHENTICATED_ID).keep(keep).build(&verifier),
        AnyStore::Redis(store) => Once::builder("bench", store).identity(Identity::UNAUTHENTICATED_ID).keep(keep).build(&verifier),
    }
    .unwrap()
}

/// Returns a closure that creates requests, each with a new id, or all with one id.
fn request(is_new: bool) -> impl Fn() -> Request<Body> {
    let body = body(1024);
    let headers = HeaderMap::from_iter([(SIGNATURE.parse().unwrap(), signature_of(&body).parse().unwrap())]);
    let number = Cell::new(0_u64);
    move || {
        let mut request = Request::post("/hook").body(Body::from(body.clone())).unwrap();
        request.headers_mut().clone_from(&headers);
        number.set(number.get() + u64::from(is_new));
        let id = format!("72d3162e-cc78-11e3-81ab-{:012x}", number.get());
        request.headers_mut().insert("x-github-delivery", id.parse().unwrap());
        request
    }
}

async fn answer<B>(request: Request<B>) -> Result<Response<Body>, Infallible> {
    std::hint::black_box(request);
    Ok(Response::new(Body::empty()))
}

/// Returns a key without a claim or a mark.
fn next_key() -> DeliveryKey {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let mut key = [0; 32];
    key[24..].copy_from_slice(&NUMBER.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    DeliveryKey::from_bytes(key)
}

fn owner() -> Owner {
    Owner::from_bytes([7; 16])
}

/// Both rows write the same data as the store: a key of 64 digits and a value of 33 characters, with a time to live.
fn new_keys(server: &Server, store: &RedisStore, at_once: u32) -> Vec<Row<'static>> {
    let connection = block_on(server.connection());
    let (store, millis) = (store.clone(), u64::try_from(KEEP.as_millis()).unwrap());
    let bare = move || {
        let sets = (0..at_once).map(|_| {
            let (mut connection, key) = (connection.clone(), format!("bench:{}", next_key()));
            async move {
                let mut set = cmd("SET");
                set.arg(key).arg("c07070707070707070707070707070707").arg("NX").arg("PX").arg(millis);
                set.query_async::<Option<String>>(&mut connection).await.unwrap().unwrap();
            }
        });
        block_on(join_all(sets));
    };
    let claimed = move || {
        let claims = (0..at_once).map(|_| store.claim(next_key(), owner(), KEEP));
        let replies = block_on(join_all(claims));
        assert!(replies.into_iter().all(|reply| reply.unwrap() == ClaimReply::Acquired));
    };
    vec![Row::of_many("SET with NX and PX", at_once, bare), Row::of_many("claim", at_once, claimed)]
}

fn marked_keys(server: &Server, store: &RedisStore, at_once: u32) -> Vec<Row<'static>> {
    let connection = block_on(server.connection());
    let (store, key) = (store.clone(), DeliveryKey::from_bytes([1; 32]));
    block_on(store.mark(key, owner(), 200, Duration::from_secs(600))).unwrap();
    let bare = move || {
        let gets = (0..at_once).map(|_| {
            let mut connection = connection.clone();
            async move {
                let value: Option<String> = cmd("GET").arg(format!("bench:{key}")).query_async(&mut connection).await.unwrap();
                assert!(value.is_some());
            }
        });
        block_on(join_all(gets));
    };
    let claimed = move || {
        let claims = (0..at_once).map(|_| store.claim(key, owner(), LEASE));
        let replies = block_on(join_all(claims));
        assert!(replies.into_iter().all(|reply| reply.unwrap() == ClaimReply::Marked(200)));
    };
    vec![Row::of_many("GET", at_once, bare), Row::of_many("claim of a marked key", at_once, claimed)]
}

/// A server with its own folder. Dropping this kills the server.
struct Server {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Server {
    fn start() -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("countersign-bench-redis-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Command::new("redis-server");
        server.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "yes"]);
        let child = server.arg("--dir").arg(&folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        Some(Self { child, port, folder })
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/?protocol=resp3", self.port)
    }

    async fn store(&self) -> RedisStore {
        for _ in 0..200 {
            match RedisStore::connect(&self.url(), "bench:").await {
                Ok(store) => return store,
                Err(_) => tokio::time::sleep(Duration::from_millis(25)).await,
            }
        }
        panic!("the server did not start");
    }

    /// Opens a bare connection of the client library that the store uses.
    async fn connection(&self) -> MultiplexedConnection {
        Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
