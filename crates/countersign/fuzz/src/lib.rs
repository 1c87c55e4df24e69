//! What the fuzz targets share: a slow [model] of how providers sign, written from their public descriptions, and the forms of inputs.
//!
//! | target | what holds |
//! |---|---|
//! | `header_…` | a head is in order for the crate if it is for the model, and both ways to ask say so |
//! | `model` | the verdict on a whole delivery, and all that is told of it, is the model's |
//! | `chunking` | however a body is divided: one verdict, one body, and limit, budget and deadline to the byte |
//! | `custom_scheme` | a scheme that can be built verifies what its signer signs, nothing else, and not the same text read otherwise |
//! | `identity` | the keys of a delivery are those that the documentation says, however its body comes |
//! | `tenants` | a delivery is judged by the keys of its own tenant, as they were when they were last looked up |
//! | `receiver_…`, `extractor_…` | a handler is only reached by what the model verifies, and every request is answered as it has to be, and in time |
//!
//! `./run` runs them; `cargo run --example seeds` writes the seeds anew.

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
