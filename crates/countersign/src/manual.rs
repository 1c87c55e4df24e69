//! Pages that belong to no single item: how the project is built, how a framework is added, who is kept out, how that is shown, and what it costs.

#[doc = include_str!("manual/adding_a_framework.md")]
pub mod adding_a_framework {}

#[doc = include_str!("manual/architecture.md")]
pub mod architecture {}

#[doc = include_str!("manual/evidence.md")]
pub mod evidence {}

#[doc = include_str!("manual/performance.md")]
pub mod performance {}

#[doc = include_str!("manual/threat_model.md")]
pub mod threat_model {}
