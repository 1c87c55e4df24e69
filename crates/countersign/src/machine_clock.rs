use std::time::Instant;
#[cfg(any(not(target_os = "linux"), feature = "metrics"))]
use std::time::SystemTime;

/// Whether the machine has clocks. `wasm32-unknown-unknown` has none, and reading a clock panics
/// there.
pub(crate) const HAS_CLOCK: bool = !cfg!(all(target_family = "wasm", target_os = "unknown"));

pub(crate) fn instant() -> Option<Instant> {
    HAS_CLOCK.then(Instant::now)
}

#[cfg(any(not(target_os = "linux"), feature = "metrics"))]
pub(crate) fn system_time() -> Option<SystemTime> {
    HAS_CLOCK.then(SystemTime::now)
}
