//! Splits a body into chunks in many ways. The verdict, the returned body, and the decisions of limit and budget must be the same as for
//! the body in one chunk.
#![no_main]

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Buf, Bytes};
use countersign::adapter::{Connection, Outcome, Receive, ReceiveOptions, Timer};
use countersign::scheme::Scheme;
use countersign::{Deadline, MemoryBudget, Rejection, RejectionKind, RequestHead as _, Secret, Signer, Verifier, providers};
use countersign_fuzz::choices::Choices;
use libfuzzer_sys::fuzz_target;

/// Schemes with only the body signed, with a signed text before the body, with a signed text after the body, and without a signature.
const SCHEMES: [Scheme; 4] = [providers::JIRA, providers::STRIPE, providers::BOX, providers::GITLAB_TOKEN];

const MAX_CHUNKS: usize = 64;
const MAX_BODY: usize = 68 * 1024;

/// A sequence of different 4-byte words, so a lost or moved word changes the body.
static BYTES: LazyLock<Bytes> =
    LazyLock::new(|| (0..MAX_BODY as u32 / 4).flat_map(|place| place.wrapping_mul(0x9e37_79b1).to_be_bytes()).collect());

static SIGNERS: LazyLock<Vec<Signer>> = LazyLock::new(|| SCHEMES.map(|scheme| Signer::new(scheme, secret()).unwrap()).to_vec());

fn secret() -> Secret {
    Secret::new("It's a Secret to Everybody")
}

fuzz_target!(|input: &[u8]| {
    let mut choices = Choices::new(input);
    let place = choices.below(SCHEMES.len());
    let now = this_second();
    let budget = choices.flag().then(|| MemoryBudget::new(choices.size()));
    let limit = choices.size().max(1);
    let mut builder = Verifier::builder(SCHEMES[place]).key("main", secret()).body_limit(limit);
    if choices.rarely(|_| ()).is_some() {
        builder = builder.key("other", Secret::new("other"));
    }
    if let Some(budget) = &budget {
        builder = builder.memory_budget(budget.clone());
    }
    let verifier = builder.build().unwrap();

    // The signed body may be shorter or longer than the received body by one byte.
    let off = choices.of(&[0isize, 0, 0, 0, 0, 0, 1, -1]);
    let announcement = choices.of(&[0u8, 0, 1, 2, 3, 4]);
    let announced = choices.size();
    let others = choices.size();
    let within = choices.rarely(|choices| Duration::from_secs(choices.byte().into()));
    let mut chunks = Vec::new();
    let mut len = 0;
    while !choices.is_empty() && chunks.len() < MAX_CHUNKS {
        let chunk = Chunk { how: choices.below(4), start: len, end: (len + choices.size()).min(MAX_BODY), pause: choices.byte() };
        len = chunk.end;
        chunks.push(chunk);
    }
    let body = BYTES.slice(..len);
    let signed = len.saturating_add_signed(off).min(MAX_BODY);
    let mut head = SIGNERS[place].sign_as("id", &BYTES[..signed], now);
    let announced = match announcement {
        0 => None,
        1 => Some(len),
        2 => Some(announced),
        3 => Some(len.saturating_sub(1)),
        _ => Some(len + 1),
    };
    let unannounced = head.clone();
    head.extend(announced.map(|len| ("Content-Length".into(), len.to_string())));
    let announced = announced.unwrap_or(0);

    let expected = verifier.verify_at(&head, &body, now);
    assert_eq!(expected.is_ok(), signed == len || !SCHEMES[place].covers_body());
    let expected = expected.map(|verified| format!("{verified:?}")).map_err(|rejection| rejection.kind());

    // A `Verification` keeps no bytes and has no limit.
    let mut check = verifier.begin_at(&head, now).unwrap();
    chunks.iter().for_each(|chunk| check.update(&BYTES[chunk.start..chunk.end]));
    assert_eq!(check.finish().map(|verified| format!("{verified:?}")).map_err(|rejection| rejection.kind()), expected);

    // `Receive` shares the budget with another delivery.
    let in_flight = || budget.as_ref().map_or(0, MemoryBudget::used);
    let mut room = Room { most: budget.as_ref().map_or(limit, |budget| budget.bytes().min(limit)), left: usize::MAX };
    let mut other = Delivery::new(&verifier, &unannounced, None);
    let mut chunk = Some(BYTES.slice(..others));
    let begun = other.poll(|| chunk.take().map_or(Poll::Pending, |chunk| Poll::Ready(Some(Box::new(chunk) as Box<dyn Buf>))));
    let beside = match (&begun, room.fault(others)) {
        (Poll::Pending, None) => budget.as_ref().map_or(0, |_| others),
        (Poll::Ready(Err(rejection)), Some(kind)) if rejection.kind() == kind => 0,
        (_, fault) => panic!("the other delivery returned {begun:?}, not {fault:?}, for {others} bytes and {room:?}"),
    };
    assert_eq!(in_flight(), beside);

    room.left = budget.as_ref().map_or(usize::MAX, |budget| budget.bytes() - beside);
    // The budget is charged for every allocation: at least the received bytes, and at most twice as many.
    let is_charged = |len: usize| budget.is_none() || (len..=2 * len).contains(&(in_flight() - beside));
    for head_first in [false, true] {
        let mut delivery = Delivery::new(&verifier, &head, within);
        let (received, fault) = delivery.receive(&chunks, head_first, announced, &room, &is_charged);
        match (received, fault) {
            (Err(rejection), Some(kind)) => {
                let left = if head.announces_body() { Connection::Close } else { Connection::Keep };
                assert_eq!((rejection.kind(), delivery.receive.connection()), (kind, left), "{chunks:?} and {room:?}");
                assert_eq!(in_flight(), beside, "bytes of the rejected delivery are still charged");
            }
            (Err(rejection), None) => {
                assert_eq!((Err(rejection.kind()), delivery.receive.connection()), (expected.clone(), Connection::Keep));
            }
            (Ok(Outcome::Verified(verified, received)), None) => {
                assert_eq!(Ok(format!("{verified:?}")), expected);
                assert!(received == body);
                if budget.is_some() {
                    assert!(in_flight() - beside >= len);
                    let piece = received.slice(len / 2..);
                    drop(received);
                    assert!(in_flight() - beside >= len, "a slice of the body keeps the whole body charged");
                    drop(piece);
                }
            }
            (received, fault) => panic!("the delivery returned {received:?}, not {fault:?}, for {chunks:?} and {room:?}"),
        }
        assert_eq!(in_flight(), beside);
    }
    drop(other);
    assert_eq!(in_flight(), 0);
});

/// Returns the time of the machine's clock, without the fraction of the second. `Receive` uses the same clock. Without the fraction,
/// repeated executions of an input differ little.
fn this_second() -> SystemTime {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("the clock is after 1970");
    SystemTime::UNIX_EPOCH + Duration::from_secs(now.as_secs())
}

/// The room for a body within limit and budget.
#[derive(Debug)]
struct Room {
    /// A longer body never fits, even into an unused budget.
    most: usize,
    /// The unused bytes of the budget.
    left: usize,
}

impl Room {
    fn fault(&self, len: usize) -> Option<RejectionKind> {
        if len > self.most { Some(RejectionKind::BodyTooLarge) } else { (len > self.left).then_some(RejectionKind::BudgetExhausted) }
    }
}

#[derive(Debug)]
struct Chunk {
    /// The kind of buffer.
    how: usize,
    start: usize,
    end: usize,
    /// The delay after the chunk before: see [`LATER`], [`BY_TIME`] and [`TOO_LATE`].
    pause: u8,
}

/// From this value on, the chunk is ready one poll later.
const LATER: u8 = 0xd0;
/// From this value on, the chunk is ready after a multiple of ten seconds. The low four bits are the factor.
const BY_TIME: u8 = 0xe0;
/// From this value on, the body is also polled at that time without the chunk. The chunk is ready at the next poll.
const TOO_LATE: u8 = 0xf0;

impl Chunk {
    fn bytes(&self) -> Box<dyn Buf> {
        let Self { start, end, .. } = *self;
        let middle = start + (end - start) / 3;
        match self.how {
            0 => Box::new(BYTES.slice(start..end)),
            1 => Box::new(&BYTES[start..end]),
            2 => Box::new(BYTES.slice(start..middle).chain(&BYTES[middle..end])),
            _ => Box::new(Bytes::copy_from_slice(&BYTES[start..end])),
        }
    }
}

/// One poll of the body: the seconds since the poll before, and the chunks that are ready.
type Turn<'a> = (u64, &'a [Chunk]);

fn turns(chunks: &[Chunk]) -> Vec<Turn<'_>> {
    const NOTHING: &[Chunk] = &[];
    let mut turns = Vec::new();
    for together in chunks.chunk_by(|_, next| next.pause < LATER) {
        let pause = together[0].pause;
        let seconds = u64::from(pause & 15) * 10;
        if pause >= LATER && turns.is_empty() {
            turns.push((0, NOTHING));
        }
        match pause {
            TOO_LATE.. => turns.extend([(0, NOTHING), (seconds, NOTHING), (0, together)]),
            BY_TIME.. => turns.extend([(0, NOTHING), (seconds, together)]),
            _ => turns.push((0, together)),
        }
    }
    if turns.is_empty() {
        turns.push((0, NOTHING));
    }
    turns
}

/// A delivery polled by the fuzz target.
struct Delivery<'a> {
    options: ReceiveOptions,
    head: &'a Vec<(String, String)>,
    receive: Receive,
    clock: Clock,
    woken: Arc<Woken>,
    deadline: DeadlineModel,
}

impl<'a> Delivery<'a> {
    fn new(verifier: &Verifier, head: &'a Vec<(String, String)>, within: Option<Duration>) -> Self {
        Self {
            options: ReceiveOptions { deadline: within.map(Deadline::new), drain: None, ..ReceiveOptions::new(verifier.clone()) },
            head,
            receive: Receive::new(),
            clock: Clock { now: Instant::now(), is_read: Cell::new(false), alarm: None },
            woken: Arc::default(),
            deadline: DeadlineModel { within, has_asked: false, since: None },
        }
    }

    fn poll(&mut self, mut next: impl FnMut() -> Poll<Option<Box<dyn Buf>>>) -> Poll<Result<Outcome, Rejection>> {
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut body = |_: &mut Context<'_>| next().map(|chunk| chunk.map(Ok::<_, Infallible>));
        let Self { options, head, receive, clock, .. } = self;
        receive.poll(&mut Context::from_waker(&waker), options, *head, &mut body, clock)
    }

    fn poll_head(&mut self) -> Poll<Result<(), Rejection>> {
        let waker = Waker::from(Arc::clone(&self.woken));
        let Self { options, head, receive, clock, .. } = self;
        receive.poll_head(&mut Context::from_waker(&waker), options, *head, clock)
    }

    /// Receives the whole body, and checks the state after each poll. Returns the result, and the expected rejection by limit, budget or
    /// deadline.
    fn receive(
        &mut self,
        chunks: &[Chunk],
        head_first: bool,
        announced: usize,
        room: &Room,
        is_charged: &dyn Fn(usize) -> bool,
    ) -> (Result<Outcome, Rejection>, Option<RejectionKind>) {
        let head_fault = room.fault(announced);
        if head_first {
            match self.poll_head() {
                Poll::Ready(Ok(())) => assert!(head_fault.is_none(), "no {head_fault:?} for {announced} bytes and {room:?}"),
                Poll::Ready(Err(rejection)) => {
                    self.assert_is_finished();
                    return (Err(rejection), head_fault);
                }
                Poll::Pending => panic!("the check of the head is pending"),
            }
            // The deadline starts with the body, not with the head.
            assert_eq!(self.waits(), Wait::ForEver);
        }
        let turns = turns(chunks);
        let (last, mut len) = (turns.len() - 1, 0);
        for (place, (seconds, chunks)) in turns.into_iter().enumerate() {
            self.clock.now += Duration::from_secs(seconds);
            let (mut coming, mut has_ended) = (chunks.iter(), false);
            let polled = self.poll(|| {
                assert!(
                    head_fault.is_none() && room.fault(len).is_none() && !has_ended,
                    "the body is polled after a rejection or after the end"
                );
                assert!(is_charged(len), "wrong charge after {len} bytes of {chunks:?}");
                match coming.next() {
                    Some(chunk) => {
                        len = chunk.end;
                        Poll::Ready(Some(chunk.bytes()))
                    }
                    None if place < last => Poll::Pending,
                    None => {
                        has_ended = true;
                        Poll::Ready(None)
                    }
                }
            });
            let mut fault = head_fault.or_else(|| chunks.iter().find_map(|chunk| room.fault(chunk.end)));
            let mut wait = None;
            if fault.is_none() && place < last {
                wait = self.deadline.missing_chunk(self.clock.now);
                fault = wait.is_none().then_some(RejectionKind::BodyTimeout);
            }
            match (polled, wait) {
                (Poll::Pending, Some(wait)) => {
                    assert_eq!((self.waits(), coming.len()), (wait, 0));
                    assert!(is_charged(len), "wrong charge after {len} bytes of {chunks:?}");
                }
                (Poll::Ready(received), None) => {
                    // Only a missing chunk needs the clock.
                    assert_eq!(self.clock.is_read.get(), fault == Some(RejectionKind::BodyTimeout));
                    self.assert_is_finished();
                    return (received, fault);
                }
                (polled, wait) => panic!("the poll returned {polled:?}, not {wait:?} or {fault:?}, for {chunks:?} and {room:?}"),
            }
        }
        unreachable!("the last poll ends the delivery");
    }

    /// Returns the wait of a pending delivery, and clears the record.
    fn waits(&mut self) -> Wait {
        match (self.woken.0.swap(false, Ordering::Relaxed), self.clock.is_read.take(), self.clock.alarm.take()) {
            (true, false, None) => Wait::NotAtAll,
            (false, false, None) => Wait::ForEver,
            (false, true, Some(until)) => Wait::Until(until),
            other => panic!("unexpected wake, clock and alarm: {other:?}"),
        }
    }

    /// Asserts that a finished delivery stays pending, and polls neither body nor clock.
    fn assert_is_finished(&mut self) {
        self.clock.is_read.set(false);
        assert!(self.poll(|| panic!("the body is polled after the outcome")).is_pending());
        assert!(self.poll_head().is_pending());
        assert_eq!(self.waits(), Wait::ForEver);
    }
}

/// The wait of a task.
#[derive(Debug, PartialEq)]
enum Wait {
    /// The task was woken, to poll again.
    NotAtAll,
    Until(Instant),
    ForEver,
}

/// Predicts the waits for a body, and the timeout.
struct DeadlineModel {
    within: Option<Duration>,
    has_asked: bool,
    since: Option<Instant>,
}

impl DeadlineModel {
    /// Records a poll without a chunk. Returns the expected wait, or `None` for an expected timeout.
    fn missing_chunk(&mut self, now: Instant) -> Option<Wait> {
        let Some(within) = self.within else { return Some(Wait::ForEver) };
        if !std::mem::replace(&mut self.has_asked, true) {
            return Some(Wait::NotAtAll);
        }
        let due = *self.since.get_or_insert(now) + within;
        (now < due).then_some(Wait::Until(due))
    }
}

/// A clock set by the fuzz target.
struct Clock {
    now: Instant,
    is_read: Cell<bool>,
    alarm: Option<Instant>,
}

impl Timer for Clock {
    fn now(&self) -> Instant {
        self.is_read.set(true);
        self.now
    }

    fn poll_until(&mut self, until: Instant, _: &mut Context<'_>) -> Poll<()> {
        if until <= self.now {
            return Poll::Ready(());
        }
        self.alarm = Some(until);
        Poll::Pending
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
