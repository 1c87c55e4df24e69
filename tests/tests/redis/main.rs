//! The store with servers of its own. Each test starts `redis-server` on free ports of loopback, or the program in the variable
//! `COUNTERSIGN_REDIS_SERVER`, such as `valkey-server`. Without this program, the tests say that they were skipped. With the variable
//! `COUNTERSIGN_NEEDS_REDIS`, they fail instead.

mod cluster;
mod connection;
mod sentinel;
mod server;
mod store;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use countersign::identity::DeliveryKey;
use countersign_once::Owner;

const LEASE: Duration = Duration::from_secs(30);
const KEEP: Duration = Duration::from_secs(600);

fn key(number: u8) -> DeliveryKey {
    DeliveryKey::from_bytes([number; 32])
}

/// A new owner for each call.
fn owner() -> Owner {
    static OWNERS: AtomicUsize = AtomicUsize::new(0);
    Owner::from_bytes((OWNERS.fetch_add(1, Ordering::SeqCst) as u128).to_be_bytes())
}
