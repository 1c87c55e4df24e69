use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// A limit in bytes for all request bodies in memory. All deliveries of all verifiers with a clone
/// of the budget share the limit.
///
/// Without a budget, each delivery is limited, but not the number of deliveries. With a budget, a
/// delivery without room is answered 503 with `Retry-After`, and the process survives. Senders such
/// as Jira repeat the delivery.
///
/// A body is charged during arrival, by the allocated bytes. The charge ends with the last handle
/// on the [`Bytes`]. A handler that keeps the body also keeps the charge. Copies made by a handler
/// are not charged. `Json` and `String` make such copies, and under actix-web `Bytes` too.
///
/// A process uses more memory than the budget charges:
/// - A growing body moves to a larger allocation. Both allocations exist during the move, and only
///   the larger is charged.
/// - A body in one chunk of at least 64 KiB stays in the server's own read buffer. This buffer can
///   be larger than the body.
/// - Servers read ahead. Under hyper, each uploading connection takes up to half a MiB.
///
/// An unknown client can use up the budget. A wrong signature in the right form is rejected only at
/// the end of the body, and the body is charged until then. The [`Deadline`](crate::Deadline)
/// limits this time.
///
/// ```
/// use countersign::{MemoryBudget, Secret, Verifier, providers};
///
/// let budget = MemoryBudget::new(256 * 1024 * 1024);
/// let verifier = Verifier::builder(providers::JIRA)
///     .key("2026-11", Secret::new("It's a Secret to Everybody"))
///     .memory_budget(budget.clone())
///     .build()?;
/// assert_eq!(budget.used(), 0);
/// # Ok::<(), countersign::ConfigError>(())
/// ```
#[doc(alias("backpressure", "memory limit"))]
#[derive(Clone)]
pub struct MemoryBudget(Arc<Inner>);

struct Inner {
    bytes: usize,
    in_flight: AtomicUsize,
}

impl MemoryBudget {
    /// Creates a budget of `bytes`. Choose several times the limit for one body. A body larger than
    /// the whole budget is answered 413, announced or not.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Inner { bytes, in_flight: AtomicUsize::new(0) }))
    }

    /// Returns the size of the budget in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// Returns the number of bytes charged now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.in_flight.load(Ordering::Relaxed)
    }

    /// Returns the number of bytes left now.
    pub(crate) fn room(&self) -> usize {
        self.bytes().saturating_sub(self.used())
    }
}

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBudget").field("bytes", &self.bytes()).field("in_flight", &self.used()).finish()
    }
}

/// The bytes charged to a budget for one body. Dropping the charge returns the bytes.
pub(crate) struct Charge {
    budget: MemoryBudget,
    bytes: usize,
}

/// The error of a budget without room.
#[derive(Debug)]
pub(crate) struct Exhausted;

impl Charge {
    pub(crate) const fn new(budget: MemoryBudget) -> Self {
        Self { budget, bytes: 0 }
    }

    /// Raises the charge to `bytes` in total, if the budget has room for the difference. A smaller
    /// number changes nothing.
    pub(crate) fn raise_to(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let more = bytes.saturating_sub(self.bytes);
        let total = self.budget.bytes();
        let raised = |in_flight: usize| in_flight.checked_add(more).filter(|sum| *sum <= total);
        if more > 0 {
            self.budget.0.in_flight.fetch_update(Ordering::Relaxed, Ordering::Relaxed, raised).map_err(|_| Exhausted)?;
            self.bytes = bytes;
        }
        Ok(())
    }

    /// Keeps the charge until the last handle on `body` is dropped.
    pub(crate) fn hold(self, body: Bytes) -> Bytes {
        Bytes::from_owner(ChargedBody { body, _charge: self })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.0.in_flight.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct ChargedBody {
    body: Bytes,
    _charge: Charge,
}

impl AsRef<[u8]> for ChargedBody {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charge_ends_with_the_last_handle() {
        let budget = MemoryBudget::new(10);
        let mut charge = Charge::new(budget.clone());
        charge.raise_to(4).unwrap();
        charge.raise_to(4).unwrap();
        charge.raise_to(3).unwrap();
        assert_eq!((budget.used(), budget.room()), (4, 6));
        let body = charge.hold(Bytes::from_static(b"body"));
        let slice = body.slice(1..2);
        assert_eq!(slice, "o");
        drop(body);
        assert_eq!(budget.used(), 4);
        drop(slice);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn charge_beyond_the_budget_changes_nothing() {
        let budget = MemoryBudget::new(10);
        let (mut one, mut other) = (Charge::new(budget.clone()), Charge::new(budget.clone()));
        one.raise_to(7).unwrap();
        assert!(other.raise_to(4).is_err());
        assert!(other.raise_to(usize::MAX).is_err());
        other.raise_to(3).unwrap();
        assert!(one.raise_to(8).is_err());
        assert_eq!(budget.used(), 10);
        drop(one);
        assert_eq!(budget.used(), 3);
        drop(other);
        assert_eq!(budget.used(), 0);
    }
}
