use std::error::Error as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use countersign_once::{ClaimReply, Owner, Store as _, StoreError};
use countersign_once_redis::redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use countersign_once_redis::redis::{ConnectionAddr, Value};
use countersign_once_redis::{RedisConnection, RedisStore};
use tokio::time::timeout;

use crate::server::Server;
use crate::{KEEP, LEASE, key, owner};

/// Asks the sentinel for the port of the master.
async fn master(sentinel: &Server) -> Option<u16> {
    let address = sentinel.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main"]).await;
    let [_, port]: [String; 2] = countersign_once_redis::redis::from_redis_value::<Vec<String>>(address).ok()?.try_into().ok()?;
    port.parse().ok()
}

#[tokio::test]
async fn store_follows_sentinel_to_the_new_master() {
    let Some(mut old) = Server::start("sentinel-old") else { return };
    old.wait().await;
    let replica = ["--replicaof", "127.0.0.1", &old.port().to_string()].map(str::to_owned).to_vec();
    let new = Server::start_with("sentinel-new", |_| replica).unwrap();
    new.wait().await;
    let settings = [
        "--sentinel".to_owned(),
        format!("sentinel monitor main 127.0.0.1 {} 1", old.port()),
        "sentinel down-after-milliseconds main 500".to_owned(),
        "sentinel failover-timeout main 2000".to_owned(),
    ];
    let sentinel = Server::start_with("sentinel", |_| settings.to_vec()).unwrap();
    sentinel.wait().await;
    // Waits until the sentinel knows the replica, and the replica is connected to the master.
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let replicas = sentinel.command(&["SENTINEL", "REPLICAS", "main"]).await;
        if matches!(&replicas, Value::Array(replicas) if replicas.len() == 1) && format!("{replicas:?}").contains("master-link-status") {
            let link = format!("{:?}", new.command(&["INFO", "replication"]).await);
            if link.contains("master_link_status:up") {
                break;
            }
        }
        assert!(Instant::now() < until, "the replica does not connect");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // The first of the two sentinels never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let addresses = [silent.local_addr().unwrap().port(), sentinel.port()].map(|port| ConnectionAddr::Tcp("127.0.0.1".to_owned(), port));
    let client = SentinelClientBuilder::new(addresses, "main", SentinelServerType::Master).unwrap().build().unwrap();
    let store = RedisStore::new(RedisConnection::to_master(client), "test:");
    let (one, two) = (owner(), owner());
    claimed(&store, 1, one).await;
    assert_eq!(store.problems().await.unwrap(), []);
    store.mark(key(2), one, 204, KEEP).await.unwrap();
    // Replication is asynchronous.
    let until = Instant::now() + Duration::from_secs(10);
    while new.command(&["DBSIZE"]).await != Value::Int(2) {
        assert!(Instant::now() < until, "the replica lags behind");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    old.kill();
    store.claim(key(3), one, LEASE).await.unwrap_err();
    claimed(&store, 3, one).await;
    assert_eq!(master(&sentinel).await, Some(new.port()));
    assert_eq!(store.claim(key(1), two, LEASE).await.unwrap(), ClaimReply::Running);
    assert_eq!(store.claim(key(2), two, LEASE).await.unwrap(), ClaimReply::Marked(204));
    assert_eq!(store.claim(key(3), two, LEASE).await.unwrap(), ClaimReply::Running);

    // A master that is made a replica by hand keeps its connections.
    new.command(&["REPLICAOF", "127.0.0.1", &old.port().to_string()]).await;
    let first = cause(store.claim(key(5), one, LEASE).await);
    assert!(first.contains("read only replica"), "{first}");
    let second = cause(store.claim(key(5), one, LEASE).await);
    assert!(!second.contains("read only replica"), "the store does not ask the replica again: {second}");
    new.command(&["REPLICAOF", "NO", "ONE"]).await;
    claimed(&store, 5, one).await;
}

/// Claims a key. Each operation is dropped after 200 milliseconds, before the client gives up the silent sentinel.
async fn claimed(store: &RedisStore, number: u8, owner: Owner) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let claim = store.claim(key(number), owner, LEASE);
        if let Ok(Ok(reply)) = timeout(Duration::from_millis(200), claim).await {
            return assert_eq!(reply, ClaimReply::Acquired);
        }
        assert!(Instant::now() < until, "the store does not follow: {number}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn cause(result: Result<ClaimReply, StoreError>) -> String {
    result.unwrap_err().source().unwrap().to_string()
}
