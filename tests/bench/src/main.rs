//! What a verified delivery costs: `cargo run --release -- core`, and likewise for the other tables.
//!
//! | table | what is measured |
//! |---|---|
//! | `core` | the verdict alone, beside the hash, what users write by hand and what is published |
//! | `axum`, `actix`, `warp` | each adapter in process, beside the bare handler, what users write by hand and what is published |
//! | `end-to-end` | requests a second over loopback, beside the bare handler; needs `wrk` |
//! | `memory` | peak heap of a delivery, and the time from its last byte to the answer |
//! | `once` | the guard `Once` with its memory store, beside the layer without a guard |
//! | `redis` | the guard `Once` with Redis, beside bare commands by the same client; needs `redis-server` |
//! | `scale` | how cost grows with the body, keys, tenants, headers and deliveries at once; a million tenants take some 3 GB |
//!
//! All rows of a table get the same body under the same limit, and are measured in rounds that take turns. The figures are medians. Ratios and
//! differences of one run can be compared with those of another; times cannot.
//!
//! actix-web and warp turn the feature `log` of `tracing` on, here for all tables: an application of axum alone may do without it, and so pay
//! a little less for the spans and events of the adapter.
//!
//! `instructions` beside this counts instructions, and needs no quiet machine.

#![forbid(unsafe_code)]

mod actix;
mod application;
mod axum;
mod core;
mod delivery;
mod end_to_end;
mod memory;
mod once;
mod redis;
mod runtime;
mod scale;
mod table;
mod upload;
mod warp;

fn main() {
    let what = std::env::args().nth(1);
    match what.as_deref() {
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
