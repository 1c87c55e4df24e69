//! Bodies share a memory budget too small for all of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bytes::Bytes;
use countersign::{MemoryBudget, RejectionKind, Secret, Signer, Verifier, providers};
use fastrand::Rng;

use crate::received::Received;
use crate::round::{Round, Tally, pause};

const THREADS: u64 = 8;

/// The greatest length of a body. Short bodies change the charge often.
const LONGEST: usize = 300;
static DATA: [u8; LONGEST] = [b'd'; LONGEST];

struct World {
    budget: MemoryBudget,
    verifier: Verifier,
    signer: Signer,
    /// The bytes that are certainly charged. Bytes are added after the charge, and subtracted before the release.
    kept: AtomicUsize,
    tally: Tally,
}

pub fn round(round: &Round) -> Tally {
    // From the length of one body to the length of four bodies.
    let budget = MemoryBudget::new(round.random(0).usize(LONGEST..4 * LONGEST));
    let secret = || Secret::new("It's a Secret to Everybody");
    let world = World {
        verifier: Verifier::builder(providers::JIRA).key("k", secret()).memory_budget(budget.clone()).build().unwrap(),
        budget,
        signer: Signer::new(providers::JIRA, secret()).unwrap(),
        kept: AtomicUsize::new(0),
        tally: Tally::default(),
    };
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (world, random) = (&world, round.random(thread));
            scope.spawn(move || world.deliver(round, random));
        }
    });
    assert_eq!(world.budget.used(), 0, "bytes are charged after the last delivery");
    world.tally
}

impl World {
    fn deliver(&self, round: &Round, mut random: Rng) {
        let mut bodies: Vec<Bytes> = Vec::new();
        while round.is_running() {
            self.assert_within_budget();
            if bodies.len() > random.usize(..3) {
                self.release(bodies.swap_remove(random.usize(..bodies.len())), &mut random);
            }
            let len = random.usize(1..=LONGEST);
            let mut head = self.signer.sign(&DATA[..len]);
            if random.bool() {
                head.push(("Content-Length".to_owned(), len.to_string()));
            }
            if random.u8(..8) == 0 {
                head[0].1 = format!("sha256={}", "0".repeat(64));
            }
            match self.receive(&head, len, &mut random) {
                Ok(Some(body)) => {
                    self.tally.count(true);
                    bodies.push(body);
                }
                Ok(None) => {}
                Err(kind) => {
                    let expected = matches!(kind, RejectionKind::BudgetExhausted | RejectionKind::SignatureMismatch);
                    assert!(expected, "rejected as {kind:?}");
                    self.tally.count(false);
                }
            }
        }
        bodies.into_iter().for_each(|body| self.release(body, &mut random));
    }

    /// Receives a body. Returns `None` for a delivery given up on the way.
    fn receive(&self, head: &[(String, String)], len: usize, random: &mut Rng) -> Result<Option<Bytes>, RejectionKind> {
        let mut received = Received::begin(&self.verifier, head).map_err(|rejection| rejection.kind())?;
        let most = if random.bool() { len } else { random.usize(1..=len) };
        let mut arrived = 0;
        while arrived < len {
            let chunk = random.usize(1..=most.min(len - arrived));
            // A rejection releases the earlier chunks, too.
            self.kept.fetch_sub(arrived, Ordering::SeqCst);
            received.push(Bytes::from_static(&DATA[arrived..arrived + chunk])).map_err(|rejection| rejection.kind())?;
            arrived += chunk;
            self.keep(arrived);
            pause(random);
            if random.u8(..32) == 0 {
                self.kept.fetch_sub(arrived, Ordering::SeqCst);
                return Ok(None);
            }
        }
        self.kept.fetch_sub(arrived, Ordering::SeqCst);
        let (_, body) = received.finish().map_err(|rejection| rejection.kind())?;
        self.keep(arrived);
        assert_eq!(body, DATA[..len]);
        Ok(Some(body))
    }

    /// Releases a body. The charge ends with the last handle.
    fn release(&self, body: Bytes, random: &mut Rng) {
        let len = body.len();
        let slice = body.slice(random.usize(..len)..);
        drop(body);
        pause(random);
        self.kept.fetch_sub(len, Ordering::SeqCst);
        drop(slice);
    }

    fn keep(&self, bytes: usize) {
        let kept = self.kept.fetch_add(bytes, Ordering::SeqCst) + bytes;
        assert!(kept <= self.budget.bytes(), "{kept} bytes are kept within a budget of {}", self.budget.bytes());
        self.assert_within_budget();
    }

    fn assert_within_budget(&self) {
        let (charged, bytes) = (self.budget.used(), self.budget.bytes());
        assert!(charged <= bytes, "{charged} bytes are charged to a budget of {bytes}");
    }
}
