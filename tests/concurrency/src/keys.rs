//! Keys that change while deliveries are judged.

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

/// Keys of one round: the one that stays, those of each changer, and those that take turns under one name.
const OF_EACH: usize = 4096;
const NUMBER: usize = 1 + OF_EACH * (CHANGERS + 1);
const STAYS: usize = 0;
const TURNING: usize = CHANGERS;

const BODY: &[u8] = b"{}";

/// When a key last matched is told by a clock that goes on by ticks, of ten milliseconds at most, if the machine is not too busy for them.
const LATE: Duration = Duration::from_millis(100);

// What is known of a key. It only ever goes on to the next.
const NEW: u8 = 0;
const COMING: u8 = 1;
const PRESENT: u8 = 2;
const GOING: u8 = 3;
const GONE: u8 = 4;

/// The header that is signed by each key.
static SIGNED: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let signer = |key| Signer::new(providers::JIRA, secret(key)).unwrap();
    (0..NUMBER).map(|key| signer(key).sign(BODY).remove(0)).collect()
});

fn secret(key: usize) -> Secret {
    Secret::new(format!("secret {key}"))
}

fn id(key: usize) -> String {
    match key {
        STAYS => "stays".to_owned(),
        _ if key >= first_of(TURNING) => "turning".to_owned(),
        _ => key.to_string(),
    }
}

const fn first_of(changer: usize) -> usize {
    1 + changer * OF_EACH
}

struct World {
    verifier: Verifier,
    states: Vec<AtomicU8>,
    /// The key that each changer adds next.
    next: [AtomicUsize; CHANGERS + 1],
    /// Who adds and takes away shares it, and who replaces all has it alone, so as to know what it replaces.
    replacing: RwLock<()>,
    tally: Tally,
}

pub fn round(round: &Round) -> Tally {
    let turning = first_of(TURNING);
    let builder = Verifier::builder(providers::JIRA).key(id(STAYS), secret(STAYS)).key(id(turning), secret(turning));
    let world = World {
        verifier: builder.build().unwrap(),
        states: SIGNED.iter().map(|_| AtomicU8::new(NEW)).collect(),
        next: std::array::from_fn(|changer| AtomicUsize::new(first_of(changer))),
        replacing: RwLock::new(()),
        tally: Tally::default(),
    };
    world.set(STAYS, PRESENT);
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

    /// Adds keys and takes them away, one at a time.
    fn change(&self, round: &Round, changer: usize, mut random: Rng) {
        let keys = self.verifier.keys();
        let mut own = Vec::new();
        while round.goes_on() {
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
                self.take_away(&keys, key, &mut random);
            }
        }
    }

    fn take_away(&self, keys: &Keys, key: usize, random: &mut Rng) {
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
            // It has expired, and is still listed.
            self.set(key, GONE);
            pause(random);
        }
        keys.retire(&id(key)).unwrap();
        self.set(key, GONE);
    }

    /// Replaces all keys at once: some stay, and one has another secret under the same name.
    fn replace(&self, round: &Round, mut random: Rng) {
        let keys = self.verifier.keys();
        while round.goes_on() {
            thread::sleep(Duration::from_micros(random.u64(..2000)));
            let _alone = self.replacing.write().unwrap();
            let new = self.next[TURNING].load(Ordering::SeqCst) + 1;
            if new == NUMBER {
                return;
            }
            let listed = keys.list().into_iter().filter_map(|status| status.id().as_str().parse::<usize>().ok());
            let (mut stay, go): (Vec<usize>, Vec<usize>) = listed.partition(|_| random.u8(..4) > 0);
            stay.extend([STAYS, new]);
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
        while round.goes_on() {
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
            let story = format!("key {key}, {before} before, {after} once begun, {now} at the end");
            match &verdict {
                Ok(verified) => {
                    assert!(before != GONE && after != NEW, "accepted by a key that was not there: {story}");
                    assert_eq!(verified.key_id(), id(key).as_str(), "the wrong key is named: {story}");
                }
                Err(rejection) => {
                    assert_eq!(rejection.kind(), RejectionKind::SignatureMismatch, "{story}");
                    assert!(before != PRESENT || after != PRESENT, "rejected in spite of a key that was there: {story}");
                }
            }
            if key == STAYS && random.u8(..8) == 0 {
                let listed = self.verifier.keys().list();
                let matched = listed.iter().find(|status| status.id() == id(STAYS).as_str()).unwrap().last_matched();
                assert!(matched.is_some_and(|matched| seconds(matched) >= seconds_before), "a match was forgotten");
            }
            self.tally.count(verdict.is_ok());
        }
    }

    /// One that has just been added or taken away, or is about to be.
    fn choose(&self, random: &mut Rng) -> usize {
        let whose = random.usize(..CHANGERS + 2);
        if whose > CHANGERS {
            return STAYS;
        }
        let next = self.next[whose].load(Ordering::SeqCst);
        (next + 1).saturating_sub(random.usize(..8)).clamp(first_of(whose), first_of(whose + 1) - 1)
    }

    /// What is listed is whole, and no key is matched less lately than before.
    fn watch(&self, round: &Round) {
        let keys = self.verifier.keys();
        let mut last: HashMap<String, SystemTime> = HashMap::new();
        let mut look = |key: String, matched: Option<SystemTime>| {
            let before = last.get(&key).copied();
            assert!(matched >= before, "{key} matched at {before:?} and then at {matched:?}");
            last.extend(matched.map(|matched| (key, matched)));
        };
        while round.goes_on() {
            let listed = keys.list();
            for always in [id(STAYS), id(first_of(TURNING))] {
                assert_eq!(listed.iter().filter(|status| status.id() == always.as_str()).count(), 1, "{always} in {listed:?}");
            }
            let turns = |status: &&KeyStatus| status.id() == id(first_of(TURNING)).as_str();
            listed.iter().filter(|status| !turns(status)).for_each(|status| look(status.id().to_string(), status.last_matched()));
            // A match goes with the secret, and not with the name. Which secret it is that has the name is known as long as none is replaced.
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
