//! Code shared by the fuzz targets: a slow [model] of the providers' signatures, from public documentation, and the parsers of inputs.
//!
//! | target | property |
//! |---|---|
//! | `header_…` | the crate and the model accept the same heads, and `head_fault` agrees with `begin_at` |
//! | `model` | the crate and the model agree on the verdict on a whole delivery, and on every reported fact |
//! | `chunking` | every split of a body gives the same verdict and the same body; limit, budget and deadline are exact |
//! | `custom_scheme` | a valid scheme verifies its signer's deliveries, no changed body, and no other split of the signed text |
//! | `identity` | the keys of a delivery match the documentation, for every split of the body |
//! | `tenants` | a delivery is verified with the keys of its own tenant, from the last lookup |
//! | `receiver_…`, `extractor_…` | the handler gets only deliveries verified by the model; every request gets its response in time |
//!
//! `./run` runs the targets. `cargo run --example seeds` generates the seeds.

pub mod answers;
pub mod choices;
pub mod deliveries;
pub mod derived;
pub mod description;
pub mod heads;
pub mod hmac;
pub mod lines;
pub mod model;
pub mod pipe;
pub mod receiver;
pub mod request;
pub mod rows;
pub mod seeds;
pub mod streams;
pub mod time;
pub mod written;
