use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

const ROUND: Duration = Duration::from_millis(200);

/// The data shared by the threads of a round: the end of the round, and the seed.
pub struct Round {
    ends: Instant,
    seed: u64,
}

impl Round {
    pub fn is_running(&self) -> bool {
        Instant::now() < self.ends
    }

    /// Returns a random number generator for one thread.
    pub fn random(&self, thread: u64) -> Rng {
        Rng::with_seed(self.seed ^ (thread + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// The number of accepted and rejected deliveries. A test without accepted deliveries, or without rejected deliveries, tests little.
#[derive(Default)]
pub struct Tally {
    accepted: AtomicU64,
    rejected: AtomicU64,
}

impl Tally {
    pub fn count(&self, accepted: bool) {
        let counter = if accepted { &self.accepted } else { &self.rejected };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn add(&mut self, other: &Self) {
        *self.accepted.get_mut() += other.accepted.load(Ordering::Relaxed);
        *self.rejected.get_mut() += other.rejected.load(Ordering::Relaxed);
    }
}

/// Runs rounds for this time or until a failure, and prints the result. Returns whether all rounds passed.
pub fn rounds(name: &str, time: Duration, seed: u64, round: impl Fn(&Round) -> Tally) -> bool {
    let began = Instant::now();
    let (mut done, mut all) = (0_u64, Tally::default());
    println!("{name}: seed {seed}");
    while began.elapsed() < time {
        let seed = seed.wrapping_add(done);
        let this = Round { ends: Instant::now() + ROUND, seed };
        match panic::catch_unwind(AssertUnwindSafe(|| round(&this))) {
            Ok(tally) => all.add(&tally),
            Err(_) => {
                println!("{name}: FAILED after {:.1} s, in the round with seed {seed}", began.elapsed().as_secs_f64());
                return false;
            }
        }
        done += 1;
    }
    let Tally { accepted, rejected } = all;
    let (accepted, rejected) = (accepted.into_inner(), rejected.into_inner());
    println!("{name}: {done} rounds passed, {accepted} deliveries accepted, {rejected} rejected");
    if accepted == 0 || rejected == 0 {
        println!("{name}: FAILED: no delivery was accepted, or none was rejected");
    }
    accepted > 0 && rejected > 0
}

/// Sometimes lets other threads run first.
pub fn pause(random: &mut Rng) {
    match random.u8(..) {
        0..=127 => {}
        128..=191 => thread::yield_now(),
        192..=250 => (0..random.u32(..2000)).for_each(|_| std::hint::spin_loop()),
        251..=255 => thread::sleep(Duration::from_micros(random.u64(..200))),
    }
}
