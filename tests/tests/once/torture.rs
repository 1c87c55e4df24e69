//! Every poll of the store and of the handler gets a fault once, under every adapter with a guard. A fault is an error before the operation,
//! an answer lost after the operation, a delay, silence, the drop of the whole delivery, or a repeat at the same time. The delivery has two
//! keys. With any fault:
//!
//! - No two handlers run at the same time.
//! - Only a successful handler leads to a 2xx.
//! - The sender's repeats lead to exactly one successful handler, and then to the stored status.
//! - No claim is left.

use std::collections::HashMap;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use conformance::Delivery;
use countersign::identity::DeliveryKey;
use countersign_once::{ClaimInfo, ClaimReply, GuardEvent, MarkReply, Once, Owner, RenewReply, Store, StoreError, StoreFuture};
use tokio::time::Instant;

use crate::apps::{ActixWeb, App, Axum, Framework, Handler, Parts, Warp};
use crate::{caught, jira, signed};

/// The fault of one attempt. A script numbers the polls of the store and of the handler.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Nothing,
    /// The poll with this number fails. A handler then answers 500.
    Error(usize),
    /// Starting with this number, three polls are pending.
    Pending(usize),
    /// The poll with this number never ends.
    Silence(usize),
    /// The delivery is dropped while the poll with this number is pending.
    Drop(usize),
    /// The delivery is dropped after this number of its own polls.
    DropAfter(usize),
    /// The handler panics at the poll with this number. The store fails instead.
    Panic(usize),
    /// A repeat arrives at the poll with this number, while the delivery is handled.
    Repeat(usize),
}

#[derive(Clone)]
struct Script(Arc<Shared>);

struct Shared {
    fault: Mutex<Fault>,
    polls: AtomicUsize,
    /// Whether the fault has happened.
    is_hit: AtomicBool,
    /// Whether the sender is to drop the delivery.
    is_dropped: AtomicBool,
    /// Whether the sender is to repeat the delivery.
    is_repeated: AtomicBool,
    sender: Mutex<Option<Waker>>,
    /// Whether the first run answers 500, with or without a fault.
    fails_first: bool,
    handlers: AtomicUsize,
    runs: AtomicUsize,
    successes: AtomicUsize,
    entries: Mutex<HashMap<DeliveryKey, Entry>>,
}

struct Entry {
    owner: Owner,
    status: Option<u16>,
    until: Instant,
}

enum Turn {
    Go,
    Fail,
    Panic,
}

impl Script {
    fn new(fault: Fault, fails_first: bool) -> Self {
        Self(Arc::new(Shared {
            fault: Mutex::new(fault),
            polls: AtomicUsize::new(0),
            is_hit: AtomicBool::new(false),
            is_dropped: AtomicBool::new(false),
            is_repeated: AtomicBool::new(false),
            sender: Mutex::default(),
            fails_first,
            handlers: AtomicUsize::new(0),
            runs: AtomicUsize::new(0),
            successes: AtomicUsize::new(0),
            entries: Mutex::default(),
        }))
    }

    /// One step of an operation: at least one poll.
    async fn turn(&self) -> Turn {
        if matches!(*self.0.fault.lock().unwrap(), Fault::DropAfter(_)) {
            // More polls, for more places to drop the delivery.
            tokio::task::yield_now().await;
        }
        let turn = poll_fn(|cx| {
            let poll = self.0.polls.fetch_add(1, Ordering::SeqCst);
            let fault = *self.0.fault.lock().unwrap();
            let wait = |is_woken: bool| {
                self.0.is_hit.store(true, Ordering::SeqCst);
                if is_woken {
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            };
            let fail = |turn| {
                self.0.is_hit.store(true, Ordering::SeqCst);
                Poll::Ready(Some(turn))
            };
            match fault {
                Fault::Error(at) if poll == at => fail(Turn::Fail),
                Fault::Panic(at) if poll == at => fail(Turn::Panic),
                Fault::Pending(at) if (at..at + 3).contains(&poll) => wait(true),
                Fault::Silence(at) if poll == at => {
                    self.0.is_hit.store(true, Ordering::SeqCst);
                    Poll::Ready(None)
                }
                Fault::Repeat(at) if poll == at => {
                    self.0.is_repeated.store(true, Ordering::SeqCst);
                    self.0.sender.lock().unwrap().as_ref().unwrap().wake_by_ref();
                    wait(true)
                }
                Fault::Drop(at) if poll == at => {
                    self.0.is_dropped.store(true, Ordering::SeqCst);
                    self.0.sender.lock().unwrap().as_ref().unwrap().wake_by_ref();
                    wait(true)
                }
                _ => Poll::Ready(Some(Turn::Go)),
            }
        });
        match turn.await {
            Some(turn) => turn,
            None => pending().await,
        }
    }

    /// An operation of the store. A fault before the operation prevents the operation. A fault after the operation loses the answer.
    fn operation<T: Send + 'static>(&self, run: impl FnOnce(&mut HashMap<DeliveryKey, Entry>) -> T + Send + 'static) -> StoreFuture<T> {
        let script = self.clone();
        StoreFuture::new(async move {
            let step = async || match script.turn().await {
                Turn::Go => Ok(()),
                Turn::Fail | Turn::Panic => Err(StoreError::new("a deliberate error of this test")),
            };
            step().await?;
            let answer = run(&mut script.0.entries.lock().unwrap());
            step().await?;
            Ok(answer)
        })
    }
}

/// Counts a run of the handler until the end of the run.
struct Run(Script);

impl Run {
    fn start(script: &Script) -> Self {
        assert_eq!(script.0.handlers.fetch_add(1, Ordering::SeqCst), 0, "no two handlers run at the same time");
        script.0.runs.fetch_add(1, Ordering::SeqCst);
        Self(script.clone())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.0.0.handlers.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Handler for Script {
    async fn handle(&self, _claim: ClaimInfo) -> u16 {
        let _run = Run::start(self);
        for _ in 0..3 {
            match self.turn().await {
                Turn::Go => {}
                Turn::Fail => return 500,
                Turn::Panic => panic!("a deliberate panic of this test"),
            }
        }
        if self.0.fails_first && self.0.runs.load(Ordering::SeqCst) == 1 {
            return 500;
        }
        self.0.successes.fetch_add(1, Ordering::SeqCst);
        201
    }
}

/// A store with leases, by the runtime's clock.
impl Store for Script {
    fn claim(&self, key: DeliveryKey, owner: Owner, lease: Duration) -> StoreFuture<ClaimReply> {
        self.operation(move |entries| {
            match entries.get(&key) {
                Some(entry) if entry.until > Instant::now() && entry.owner != owner => {
                    return entry.status.map_or(ClaimReply::Running, ClaimReply::Marked);
                }
                _ => {}
            }
            entries.insert(key, Entry { owner, status: None, until: Instant::now() + lease });
            ClaimReply::Acquired
        })
    }

    fn renew(&self, key: DeliveryKey, owner: Owner, lease: Duration) -> StoreFuture<RenewReply> {
        self.operation(move |entries| match entries.get_mut(&key) {
            Some(entry) if entry.owner == owner && entry.status.is_none() => {
                entry.until = Instant::now() + lease;
                RenewReply::Held
            }
            _ => RenewReply::Lost,
        })
    }

    fn mark(&self, key: DeliveryKey, owner: Owner, status: u16, keep: Duration) -> StoreFuture<MarkReply> {
        self.operation(move |entries| {
            let reply = match entries.get(&key) {
                Some(entry) if entry.owner == owner => MarkReply::Own,
                Some(entry) if entry.status.is_some() => return MarkReply::Other,
                Some(_) => MarkReply::Other,
                None => MarkReply::Unclaimed,
            };
            entries.insert(key, Entry { owner, status: Some(status), until: Instant::now() + keep });
            reply
        })
    }

    fn release(&self, key: DeliveryKey, owner: Owner) -> StoreFuture<()> {
        self.operation(move |entries| {
            if entries.get(&key).is_some_and(|entry| entry.owner == owner && entry.status.is_none()) {
                entries.remove(&key);
            }
        })
    }
}

/// Sends the delivery. A fault can drop the delivery. Returns the status, if there is a response.
async fn send(app: &App, script: &Script, fault: Fault) -> Option<u16> {
    let mut answering = Box::pin(caught(app(delivery())));
    let (mut repeat, mut polls) = (None, 0);
    let answered = poll_fn(|cx| {
        if matches!(fault, Fault::DropAfter(after) if polls == after) {
            script.0.is_hit.store(true, Ordering::SeqCst);
            return Poll::Ready(None);
        }
        polls += 1;
        *script.0.sender.lock().unwrap() = Some(cx.waker().clone());
        if script.0.is_repeated.swap(false, Ordering::SeqCst) {
            repeat = Some(Box::pin(caught(app(delivery()))));
        }
        if let Some(repeating) = &mut repeat
            && let Poll::Ready(answer) = repeating.as_mut().poll(cx)
        {
            // The repeat is put off, or answered with the stored status.
            assert!(matches!(answer, Ok((201 | 503, _))), "{answer:?}");
            repeat = None;
        }
        let polled = answering.as_mut().poll(cx);
        if polled.is_ready() && repeat.is_some() {
            // The first delivery failed, and the handler runs for the repeat.
            return Poll::Ready(None);
        }
        if script.0.is_dropped.swap(false, Ordering::SeqCst) { Poll::Ready(None) } else { polled.map(Some) }
    });
    // A sender does not wait for a silent handler.
    let answered = tokio::time::timeout(Duration::from_secs(20), answered).await;
    answered.ok().flatten().and_then(Result::ok).map(|(status, _)| status)
}

/// A delivery with two keys: the body and the identifier.
fn delivery() -> Delivery {
    signed().header("X-Atlassian-Webhook-Identifier", "1")
}

/// Tries one fault. Returns whether the fault happened.
async fn survives<F: Framework>(fault: Fault, fails_first: bool) -> bool {
    let script = Script::new(fault, fails_first);
    let once = Once::builder("jira", script.clone()).build(&jira()).unwrap();
    let parts = Parts { verifiers: jira().into(), once: once.clone(), handler: script.clone(), names_tenant: false, report_only: false };
    let app = F::app(parts).await;
    let first = send(&app, &script, fault).await;
    let successes = || script.0.successes.load(Ordering::SeqCst);
    if first.is_some_and(|status| status < 300) {
        assert_eq!((first, successes()), (Some(201), 1), "{fault:?}: only a successful handler leads to a 2xx");
    }
    let is_hit = script.0.is_hit.load(Ordering::SeqCst);
    if matches!(fault, Fault::Silence(_)) && script.0.handlers.load(Ordering::SeqCst) == 1 {
        // A handler that never ends keeps its claim for as long as the process lives.
        tokio::time::sleep(Duration::from_secs(300)).await;
        assert_eq!(send(&app, &script, Fault::Nothing).await, Some(503), "{fault:?}");
        return is_hit;
    }
    *script.0.fault.lock().unwrap() = Fault::Nothing;
    once.idle().await;
    // The sender repeats the delivery.
    if script.0.runs.load(Ordering::SeqCst) == 0 && fails_first {
        assert_eq!(send(&app, &script, Fault::Nothing).await, Some(500), "{fault:?}");
    }
    assert_eq!(send(&app, &script, Fault::Nothing).await, Some(201), "{fault:?}: the repeat does not wait for the end of a lease");
    once.idle().await;
    assert_eq!(successes(), 1, "{fault:?}");
    assert_eq!(send(&app, &script, Fault::Nothing).await, Some(201), "{fault:?}");
    assert_eq!(successes(), 1, "{fault:?}");
    assert!(script.0.entries.lock().unwrap().values().all(|entry| entry.status == Some(201)), "{fault:?}: no claim is left");
    assert_eq!((once.count(GuardEvent::DoubleRun), once.count(GuardEvent::Expired)), (0, 0), "{fault:?}");
    is_hit
}

async fn every_fault_at_every_poll_leads_to_one_success<F: Framework>() {
    tokio::time::pause();
    for fault in [Fault::Error, Fault::Pending, Fault::Silence, Fault::Drop, Fault::DropAfter, Fault::Panic, Fault::Repeat] {
        for fails_first in [false, true] {
            let mut at = 0;
            while survives::<F>(fault(at), fails_first).await {
                at += 1;
            }
            // The two claims and their two ends have two polls each, and the handler has three. The delivery itself is polled during the
            // claims.
            assert!(at >= if matches!(fault(at), Fault::DropAfter(_)) { 4 } else { 11 }, "{:?}", fault(at));
        }
    }
}

fn run(fact: Pin<Box<dyn Future<Output = ()>>>) {
    conformance::run(async { tokio::task::LocalSet::new().run_until(fact).await });
}

#[test]
fn every_fault_at_every_poll_leads_to_one_success_under_axum() {
    run(Box::pin(every_fault_at_every_poll_leads_to_one_success::<Axum>()));
}

#[test]
fn every_fault_at_every_poll_leads_to_one_success_under_actix_web() {
    run(Box::pin(every_fault_at_every_poll_leads_to_one_success::<ActixWeb>()));
}

#[test]
fn every_fault_at_every_poll_leads_to_one_success_under_warp() {
    run(Box::pin(every_fault_at_every_poll_leads_to_one_success::<Warp>()));
}
