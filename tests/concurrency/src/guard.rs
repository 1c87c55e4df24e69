//! A guard is closed while deliveries arrive.

use std::pin::pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use countersign::{Secret, Signer, Verified, Verifier, providers};
use countersign_once::{Admission, MemoryStore, Once};
use fastrand::Rng;

use crate::round::{Round, Tally, pause};

/// The last delivery has no identity, so it runs unguarded.
const BODIES: [&[u8]; 3] = [b"{\"id\":\"evt_1\"}", b"{\"id\":\"evt_2\"}", b"{}"];

pub fn round(round: &Round) -> Tally {
    let secret = || Secret::new("whsec_it_is_a_secret");
    let verifier = Verifier::builder(providers::STRIPE).key("k", secret()).build().unwrap();
    let signer = Signer::new(providers::STRIPE, secret()).unwrap();
    let deliveries = BODIES.map(|body| (verifier.verify(&signer.sign(body), body).unwrap(), body));
    let (tally, mut random) = (Tally::default(), round.random(0));
    while round.is_running() {
        let once = Once::builder("stripe", MemoryStore::new(32)).build(&verifier).unwrap();
        shut_down(&once, &deliveries, &tally, &mut random);
    }
    tally
}

/// Closes a guard and waits for `idle`, while each delivery arrives.
fn shut_down(once: &Once, deliveries: &[(Verified, &[u8])], tally: &Tally, random: &mut Rng) {
    let (is_idle, start) = (AtomicBool::new(false), Barrier::new(deliveries.len() + 1));
    thread::scope(|scope| {
        for (verified, body) in deliveries {
            let (mut random, is_idle, start) = (random.fork(), &is_idle, &start);
            scope.spawn(move || {
                start.wait();
                pause(&mut random);
                let Admission::Run(claim) = wait_for(once.begin(verified, body)) else { return tally.count(false) };
                pause(&mut random);
                assert!(!is_idle.load(Ordering::SeqCst), "`idle` returned before the end of a claim");
                wait_for(claim.complete(200));
                tally.count(true);
            });
        }
        start.wait();
        pause(random);
        once.close();
        wait_for(once.idle());
        is_idle.store(true, Ordering::SeqCst);
    });
}

/// Polls a future until it is ready. The memory store answers at once, so no runtime is needed.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::yield_now(),
        }
    }
}
