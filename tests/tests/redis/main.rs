//! Tests of the Redis store with real servers. Each test starts `redis-server` on free ports of loopback, or the program in the variable
//! `COUNTERSIGN_REDIS_SERVER`, such as `valkey-server`. Without this program, each test writes a note to stderr and passes. With the
//! variable `COUNTERSIGN_NEEDS_REDIS`, each test fails instead.

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

/// Returns a new owner for each call.
fn owner() -> Owner {
    static OWNERS: AtomicUsize = AtomicUsize::new(0);
    Owner::from_bytes((OWNERS.fetch_add(1, Ordering::SeqCst) as u128).to_be_bytes())
}
