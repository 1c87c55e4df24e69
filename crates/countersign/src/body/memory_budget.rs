use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// How many bytes of bodies may be in memory at once, over all deliveries of all verifiers that share it.
///
/// Without one, each delivery is bounded and their number is not. With one, a delivery that does not fit is answered 503 with
/// `Retry-After`, which senders such as Jira repeat, and the process lives on.
///
/// A body is charged as it arrives, by what is allocated for it, and until the last handle on its [`Bytes`] is dropped: handlers that keep
/// the body keep its place. What a handler copies out of it, as `Json` and `String` do, and under actix-web `Bytes` too, is the handler's own.
///
/// While a body grows from one allocation into a larger one, both are there, and the larger is charged. A body that comes in one chunk of at
/// least 64 KiB is kept in the server's own read buffer, which can be larger. What servers read ahead, half a MiB for each connection that
/// uploads under hyper, is beside the budget.
///
/// A stranger can take from it: a well-formed signature is found to be wrong at the end of the body only, and until then the body is charged.
/// The [`Deadline`](crate::Deadline) bounds for how long.
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
#[derive(Clone)]
pub struct MemoryBudget(Arc<Inner>);

struct Inner {
    bytes: usize,
    in_flight: AtomicUsize,
}

impl MemoryBudget {
    /// A budget of so many bytes. Make it several times as large as the limit for one body: a body that is larger than the whole budget is
    /// answered 413, announced or not.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Inner { bytes, in_flight: AtomicUsize::new(0) }))
    }

    /// How many bytes it has in all.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// How many bytes are charged to it now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.in_flight.load(Ordering::Relaxed)
    }

    /// How many bytes are left now.
    pub(crate) fn room(&self) -> usize {
        self.bytes().saturating_sub(self.used())
    }
}

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBudget").field("bytes", &self.bytes()).field("in_flight", &self.used()).finish()
    }
}

/// What one body takes of a budget. Given back when it is dropped.
pub(crate) struct Charge {
    budget: MemoryBudget,
    bytes: usize,
}

/// The budget is spent.
#[derive(Debug)]
pub(crate) struct Exhausted;

impl Charge {
    pub(crate) const fn new(budget: MemoryBudget) -> Self {
        Self { budget, bytes: 0 }
    }

    /// Charges for `bytes` in all, if there is room for what is more than before.
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

    /// Keeps the charge for as long as there is a handle on `body`.
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
    fn a_charge_is_given_back_with_the_last_handle() {
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
    fn what_does_not_fit_changes_nothing() {
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
