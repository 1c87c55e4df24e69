//! What is longer than the docs of one item: who is kept out, how that is shown, and what it costs.

#[doc = include_str!("manual/evidence.md")]
pub mod evidence {}

#[doc = include_str!("manual/performance.md")]
pub mod performance {}

#[doc = include_str!("manual/threat_model.md")]
pub mod threat_model {}
