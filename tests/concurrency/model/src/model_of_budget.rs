use loom::thread;

use crate::memory_budget::{Charge, MemoryBudget};

const BYTES: usize = 3;

/// Two growing bodies, too large for the budget together.
pub fn run() -> usize {
    crate::explore(|| {
        let budget = MemoryBudget::new(BYTES);
        let grow = |to: [usize; 2]| {
            let budget = budget.clone();
            thread::spawn(move || {
                let mut charge = Charge::new(budget.clone());
                let mut charged = 0;
                for bytes in to {
                    if charge.raise_to(bytes).is_ok() {
                        charged = bytes;
                    }
                    assert!(budget.used() <= BYTES);
                }
                (charge, charged)
            })
        };
        let (one, other) = (grow([1, 2]), grow([2, 3]));
        assert!(budget.used() <= BYTES);
        let ((one, of_one), (other, of_other)) = (one.join().unwrap(), other.join().unwrap());
        assert_eq!(budget.used(), of_one + of_other);
        // One body releases its charge while the other body grows and then releases its charge.
        let giving = thread::spawn(move || drop(one));
        let mut other = other;
        let _ = other.raise_to(BYTES);
        assert!(budget.used() <= BYTES);
        drop(other);
        giving.join().unwrap();
        assert_eq!(budget.used(), 0);
    })
}
