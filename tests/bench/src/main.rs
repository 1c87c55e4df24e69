//! Measures the cost of a verified delivery: `cargo run --release -- core`, and likewise for the other tables.
//!
//! | table | measurement |
//! |---|---|
//! | `core` | the verdict alone, beside the hash, code written by hand and published crates |
//! | `axum`, `actix`, `warp` | each adapter in process, beside the bare handler, code written by hand and (not `warp`) published crates |
//! | `end-to-end` | requests a second over loopback, beside the bare handler and code written by hand; needs `wrk` |
//! | `memory` | peak heap of a delivery, and the time from its last byte to the response |
//! | `once` | the guard `Once` with its memory store, beside the layer without a guard |
//! | `redis` | the guard `Once` with Redis, beside bare commands by the same client; needs `redis-server` |
//! | `scale` | growth of the cost with the body size, keys, tenants, headers, threads and concurrent deliveries; a million tenants take about 3 GB |
//!
//! Except in `scale`, all rows of a table get the same body under the same limit. The rows take turns in rounds, and the figures are
//! medians. Ratios and differences are comparable between runs. Times are not.
//!
//! actix-web and warp turn on the feature `log` of `tracing` for all tables. An application with axum alone may leave the feature off, and
//! then pays a little less for the spans and events of the adapter.
//!
//! The package `instructions` counts instructions, and needs no quiet machine.

#![forbid(unsafe_code)]

mod actix;
mod application;
mod axum;
mod core;
mod delivery;
mod end_to_end;
#[path = "../instructions/src/delivery.rs"]
#[expect(dead_code, reason = "the instructions are counted for more deliveries")]
mod heads;
mod memory;
mod once;
mod redis;
mod runtime;
mod scale;
mod table;
mod upload;
mod warp;

fn main() {
    let table = std::env::args().nth(1);
    match table.as_deref() {
        Some("core") => core::run(),
        Some("axum") => axum::run(),
        Some("actix") => actix::run(),
        Some("warp") => warp::run(),
        Some("end-to-end") => end_to_end::run(),
        Some("memory") => memory::run(),
        Some("once") => once::run(),
        Some("redis") => redis::run(),
        Some("scale") => scale::run(),
        _ => {
            eprintln!("usage: bench core|axum|actix|warp|end-to-end|memory|once|redis|scale");
            std::process::exit(2);
        }
    }
}
