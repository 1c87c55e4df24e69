use std::time::Duration;

use countersign_once::{ClaimReply, MarkReply, RenewReply, Store as _};
use countersign_once_redis::redis::ProtocolVersion;
use countersign_once_redis::redis::cluster::ClusterClient;
use countersign_once_redis::{Problem, RedisStore};

use crate::server::{Server, free_port};
use crate::{KEEP, LEASE, key, owner};

const SECOND: Duration = Duration::from_secs(1);

/// Starts three nodes, with a third of the slots each.
async fn start() -> Option<Vec<Server>> {
    let mut nodes = Vec::new();
    for (place, slots) in [(0_u16, "0 5460"), (1, "5461 10922"), (2, "10923 16383")] {
        let bus = free_port();
        let settings = |_| ["--cluster-enabled", "yes", "--cluster-port", &bus.to_string()].map(str::to_owned).to_vec();
        let node = Server::start_with(&format!("cluster-{place}"), settings)?;
        node.wait().await;
        let (first, last) = slots.split_once(' ').unwrap();
        node.command(&["CLUSTER", "ADDSLOTSRANGE", first, last]).await;
        nodes.push((node, bus));
    }
    let (first, others) = nodes.split_first().unwrap();
    for (other, bus) in others {
        first.0.command(&["CLUSTER", "MEET", "127.0.0.1", &other.port().to_string(), &bus.to_string()]).await;
    }
    for (node, _) in &nodes {
        let mut is_ready = false;
        for _ in 0..400 {
            let info = format!("{:?}", node.command(&["CLUSTER", "INFO"]).await);
            is_ready = info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3");
            if is_ready {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(is_ready, "the cluster does not start");
    }
    Some(nodes.into_iter().map(|(node, _)| node).collect())
}

#[tokio::test]
async fn cluster_keeps_claims_and_marks_of_all_slots() {
    let Some(nodes) = start().await else { return };
    let client = ClusterClient::builder(nodes.iter().map(Server::url).collect::<Vec<_>>()).use_protocol(ProtocolVersion::RESP3);
    let client = client.connection_timeout(SECOND).response_timeout(SECOND).retries(1);
    let connection = client.build().unwrap().get_async_connection().await.unwrap();
    let store = RedisStore::new(connection, "test:");
    assert_eq!(store.problems().await.unwrap(), []);
    let (one, two) = (owner(), owner());
    for number in 0..60 {
        assert_eq!(store.claim(key(number), one, LEASE).await.unwrap(), ClaimReply::Acquired);
        assert_eq!(store.claim(key(number), two, LEASE).await.unwrap(), ClaimReply::Running);
        store.release(key(number), two).await.unwrap();
        assert_eq!(store.renew(key(number), one, LEASE).await.unwrap(), RenewReply::Held);
        assert_eq!(store.mark(key(number), one, 204, KEEP).await.unwrap(), MarkReply::Own);
        assert_eq!(store.claim(key(number), two, LEASE).await.unwrap(), ClaimReply::Marked(204));
    }
    for node in &nodes {
        let keys = node.command(&["DBSIZE"]).await;
        assert!(matches!(keys, countersign_once_redis::redis::Value::Int(1..)), "a node without keys: {keys:?}");
    }
    nodes[1].command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    assert_eq!(store.problems().await.unwrap(), [Problem::Evicts { policy: "allkeys-lru".into() }], "every node is asked");
}
