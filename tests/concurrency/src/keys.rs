//! Keys change while deliveries are verified.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{LazyLock, RwLock};
use std::thread;
use std::time::{Duration, SystemTime};

use countersign::{KeyStatus, Keys, RejectionKind, Secret, Signer, Verifier, providers};
use fastrand::Rng;

use crate::received::Received;
use crate::round::{Round, Tally, pause};

const CHANGERS: usize = 3;
const VERIFIERS: u64 = 5;

/// The keys of one round: a permanent key, the keys of each changer, and the keys that take turns under one id.
const KEYS_EACH: usize = 4096;
const KEY_COUNT: usize = 1 + KEYS_EACH * (CHANGERS + 1);
const PERMANENT: usize = 0;
const TURNING: usize = CHANGERS;

const BODY: &[u8] = b"{}";

/// The margin for the clock behind `last_matched`. This clock advances in ticks of at most ten milliseconds, except on a busy machine.
const LATE: Duration = Duration::from_millis(100);

// The states of a key. A key only advances through these states.
const NEW: u8 = 0;
const COMING: u8 = 1;
const PRESENT: u8 = 2;
const GOING: u8 = 3;
const GONE: u8 = 4;

/// The signature header of each key.
static SIGNED: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let signer = |key| Signer::new(providers::JIRA, secret(key)).unwrap();
    (0..KEY_COUNT).map(|key| signer(key).sign(BODY).remove(0)).collect()
});

fn secret(key: usize) -> Secret {
    Secret::new(format!("secret {key}"))
}

fn id(key: usize) -> String {
    match key {
        PERMANENT => "permanent".to_owned(),
        _ if key >= first_of(TURNING) => "turning".to_owned(),
        _ => key.to_string(),
    }
}

const fn first_of(changer: usize) -> usize {
    1 + changer * KEYS_EACH
}

struct World {
    verifier: Verifier,
    states: Vec<AtomicU8>,
    /// The next key of each changer, and the current key of those that take turns.
    next: [AtomicUsize; CHANGERS + 1],
    /// A changer shares this lock to add or retire a key. Replacing all keys takes the lock alone, and so knows the replaced keys.
    replacing: RwLock<()>,
    tally: Tally,
}

pub fn round(round: &Round) -> Tally {
    let turning = first_of(TURNING);
    let builder = Verifier::builder(providers::JIRA).key(id(PERMANENT), secret(PERMANENT)).key(id(turning), secret(turning));
    let world = World {
        verifier: builder.build().unwrap(),
        states: SIGNED.iter().map(|_| AtomicU8::new(NEW)).collect(),
        next: std::array::from_fn(|changer| AtomicUsize::new(first_of(changer))),
        replacing: RwLock::new(()),
        tally: Tally::default(),
    };
    world.set(PERMANENT, PRESENT);
    world.set(turning, PRESENT);
    thread::scope(|scope| {
        for (changer, thread) in (0..CHANGERS).zip(0..) {
            let (world, random) = (&world, round.random(thread));
            scope.spawn(move || world.change(round, changer, random));
        }
        for thread in 0..VERIFIERS {
            let (world, random) = (&world, round.random(100 + thread));
            scope.spawn(move || world.deliver(round, random));
        }
        scope.spawn(|| world.replace(round, round.random(200)));
        scope.spawn(|| world.watch(round));
    });
    world.tally
}

impl World {
    fn state(&self, key: usize) -> u8 {
        self.states[key].load(Ordering::SeqCst)
    }

    fn set(&self, key: usize, state: u8) {
        self.states[key].store(state, Ordering::SeqCst);
    }

    /// Adds and retires keys, one at a time.
    fn change(&self, round: &Round, changer: usize, mut random: Rng) {
        let keys = self.verifier.keys();
        let mut own = Vec::new();
        while round.is_running() {
            pause(&mut random);
            let _shared = self.replacing.read().unwrap();
            own.retain(|key| self.state(*key) == PRESENT);
            if own.is_empty() || own.len() < 3 && random.bool() {
                let key = self.next[changer].load(Ordering::SeqCst);
                if key + 1 == first_of(changer + 1) {
                    return;
                }
                self.set(key, COMING);
                keys.add(id(key), secret(key)).unwrap();
                self.set(key, PRESENT);
                self.next[changer].store(key + 1, Ordering::SeqCst);
                own.push(key);
            } else {
                let key = own.swap_remove(random.usize(..own.len()));
                self.set(key, GOING);
                self.retire(&keys, key, &mut random);
            }
        }
    }

    fn retire(&self, keys: &Keys, key: usize, random: &mut Rng) {
        let now = SystemTime::now();
        match random.u8(..3) {
            0 => {}
            1 => keys.expire(&id(key), now).unwrap(),
            _ => {
                let at = now + Duration::from_micros(random.u64(..300));
                keys.expire(&id(key), at).unwrap();
                while SystemTime::now() < at {
                    thread::yield_now();
                }
            }
        }
        if random.bool() && keys.list().iter().any(|status| status.id() == id(key).as_str() && status.expires().is_some()) {
            // The key has expired, and is still listed.
            self.set(key, GONE);
            pause(random);
        }
        keys.retire(&id(key)).unwrap();
        self.set(key, GONE);
    }

    /// Replaces all keys at once. Some keys stay, and one id gets another secret.
    fn replace(&self, round: &Round, mut random: Rng) {
        let keys = self.verifier.keys();
        while round.is_running() {
            thread::sleep(Duration::from_micros(random.u64(..2000)));
            let _alone = self.replacing.write().unwrap();
            let new = self.next[TURNING].load(Ordering::SeqCst) + 1;
            if new == KEY_COUNT {
                return;
            }
            let listed = keys.list().into_iter().filter_map(|status| status.id().as_str().parse::<usize>().ok());
            let (mut stay, go): (Vec<usize>, Vec<usize>) = listed.partition(|_| random.u8(..4) > 0);
            stay.extend([PERMANENT, new]);
            random.shuffle(&mut stay);
            let go: Vec<usize> = go.into_iter().chain([new - 1]).collect();
            go.iter().for_each(|key| self.set(*key, GOING));
            self.set(new, COMING);
            keys.replace(stay.iter().map(|key| (id(*key), secret(*key)))).unwrap();
            self.set(new, PRESENT);
            go.iter().for_each(|key| self.set(*key, GONE));
            self.next[TURNING].store(new, Ordering::SeqCst);
        }
    }

    fn deliver(&self, round: &Round, mut random: Rng) {
        while round.is_running() {
            let key = self.choose(&mut random);
            let head = std::slice::from_ref(&SIGNED[key]);
            let seconds_before = seconds(SystemTime::now() - LATE);
            let before = self.state(key);
            let (verdict, after) = match random.u8(..3) {
                0 => {
                    let verdict = self.verifier.verify(head, BODY);
                    (verdict, self.state(key))
                }
                1 => {
                    let mut check = self.verifier.begin(head).unwrap();
                    let after = self.state(key);
                    pause(&mut random);
                    check.update(BODY);
                    pause(&mut random);
                    (check.finish(), after)
                }
                _ => {
                    let mut received = Received::begin(&self.verifier, head).unwrap();
                    let after = self.state(key);
                    pause(&mut random);
                    received.push(BODY).unwrap();
                    pause(&mut random);
                    (received.finish().map(|(verified, _)| verified), after)
                }
            };
            let now = self.state(key);
            let story = format!("key {key}: state {before} before the delivery, {after} after the head, {now} at the end");
            match &verdict {
                Ok(verified) => {
                    assert!(before != GONE && after != NEW, "accepted with an absent key: {story}");
                    assert_eq!(verified.key_id(), id(key).as_str(), "the wrong key is named: {story}");
                }
                Err(rejection) => {
                    assert_eq!(rejection.kind(), RejectionKind::SignatureMismatch, "{story}");
                    assert!(before != PRESENT || after != PRESENT, "rejected despite a present key: {story}");
                }
            }
            if key == PERMANENT && random.u8(..8) == 0 {
                let listed = self.verifier.keys().list();
                let matched = listed.iter().find(|status| status.id() == id(PERMANENT).as_str()).unwrap().last_matched();
                assert!(matched.is_some_and(|matched| seconds(matched) >= seconds_before), "`last_matched` misses a match");
            }
            self.tally.count(verdict.is_ok());
        }
    }

    /// Chooses a key that was just added or retired, or soon will be.
    fn choose(&self, random: &mut Rng) -> usize {
        let whose = random.usize(..CHANGERS + 2);
        if whose > CHANGERS {
            return PERMANENT;
        }
        let next = self.next[whose].load(Ordering::SeqCst);
        (next + 1).saturating_sub(random.usize(..8)).clamp(first_of(whose), first_of(whose + 1) - 1)
    }

    /// Asserts that each list is complete, and that `last_matched` never goes back.
    fn watch(&self, round: &Round) {
        let keys = self.verifier.keys();
        let mut last: HashMap<String, SystemTime> = HashMap::new();
        let mut look = |key: String, matched: Option<SystemTime>| {
            let before = last.get(&key).copied();
            assert!(matched >= before, "`last_matched` of {key} goes from {before:?} to {matched:?}");
            last.extend(matched.map(|matched| (key, matched)));
        };
        while round.is_running() {
            let listed = keys.list();
            for always in [id(PERMANENT), id(first_of(TURNING))] {
                assert_eq!(listed.iter().filter(|status| status.id() == always.as_str()).count(), 1, "{always} is listed once: {listed:?}");
            }
            let turns = |status: &&KeyStatus| status.id() == id(first_of(TURNING)).as_str();
            listed.iter().filter(|status| !turns(status)).for_each(|status| look(status.id().to_string(), status.last_matched()));
            // `last_matched` belongs to the secret, not to the id. The secret of the id is known only while the lock prevents a
            // replacement.
            let shared = self.replacing.read().unwrap();
            let (turning, listed) = (self.next[TURNING].load(Ordering::SeqCst), keys.list());
            drop(shared);
            look(turning.to_string(), listed.iter().find(turns).unwrap().last_matched());
            thread::yield_now();
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}
