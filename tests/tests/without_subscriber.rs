//! Tests without a subscriber for spans, as in production:
//!
//! - A body in one chunk logs the same rejection as a body in several chunks.
//! - Waiting for a body causes no unnecessary work.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use conformance::vectors::{SECRET, builder, signer, verifier};
use countersign::adapter::{Connection, HeaderIndex, NoTimer, Outcome, Receive, ReceiveOptions, Timer, VerifierSource};
use countersign::observe::{Observer, Verdict};
use countersign::tenant::{ResolveFuture, Resolver};
use countersign::{Deadline, DrainPolicy, MemoryBudget, RequestHead, Secret, Verifier, providers};
use tracing_subscriber::filter::LevelFilter;

thread_local! {
    /// The log of the test on this thread.
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Log;

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(text));
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Receives a rejected delivery, with all chunks ready. Returns the state of the connection, the number of unread chunks, and the fields of
/// the log event.
fn rejected(drain: Option<DrainPolicy>, chunks: &[&'static str], head: &[(String, String)]) -> (Connection, usize, String) {
    rejected_by(&verifier(providers::GITHUB).into(), drain, chunks, head)
}

fn rejected_by(
    verifiers: &VerifierSource,
    drain: Option<DrainPolicy>,
    chunks: &[&'static str],
    head: &[(String, String)],
) -> (Connection, usize, String) {
    let options = ReceiveOptions { deadline: None, drain, ..ReceiveOptions::new(verifiers.clone()) };
    let head = [head, &[("content-length".to_owned(), "6".to_owned())]].concat();
    let mut chunks = chunks.iter();
    let mut next = |_: &mut Context<'_>| Poll::Ready(chunks.next().map(|chunk| Ok::<_, io::Error>(Bytes::from_static(chunk.as_bytes()))));
    let (mut receive, mut cx) = (Receive::new(), Context::from_waker(Waker::noop()));
    let polled = receive.poll(&mut cx, &options, &head, &mut next, &mut NoTimer);
    assert!(matches!(polled, Poll::Ready(Err(_))), "the delivery is rejected");
    let log = String::from_utf8(LOG.take()).unwrap();
    (receive.connection(), chunks.len(), log.split_once("verdict=").unwrap_or_default().1.to_owned())
}

#[test]
fn rejection_logs_the_same_for_whole_and_split_bodies() {
    tracing_subscriber::fmt().with_writer(|| Log).with_ansi(false).with_max_level(LevelFilter::WARN).init();
    let head = signer(providers::GITHUB).sign(b"body");
    let (connection, left, whole) = rejected(None, &["forged"], &head);
    assert_eq!((connection, left), (Connection::Keep, 0));
    let (connection, left, split) = rejected(None, &["for", "ged"], &head);
    assert_eq!((connection, left), (Connection::Keep, 0));
    assert!(whole.contains("body_bytes=6"), "{whole}");
    assert_eq!(whole, split);
    let (connection, left, unsigned) = rejected(None, &["forged"], &[]);
    assert_eq!((connection, left), (Connection::Close, 1));
    assert!(!whole.contains("seconds=") && !unsigned.contains("seconds="), "the duration is only measured for a span or an observer");
    let (.., of_tenant) = rejected_by(&Known(verifier(providers::GITHUB)).into(), None, &["forged"], &head);
    assert!(of_tenant.contains("seconds="), "the duration is measured for a tenant lookup: {of_tenant}");
    assert!(unsigned.contains("body_bytes=0"), "{unsigned}");
    let (connection, left, drained) = rejected(Some(DrainPolicy::default()), &["for", "ged"], &[]);
    assert_eq!((connection, left, drained), (Connection::Keep, 0, unsigned));
}

/// A resolver with an immediate answer.
struct Known(Verifier);

impl Resolver for Known {
    fn resolve(&self, _: &dyn RequestHead) -> ResolveFuture {
        ResolveFuture::ready(Some(self.0.clone()))
    }

    fn decoy(&self) -> &Verifier {
        &self.0
    }
}

/// Records the duration of each delivery.
#[derive(Clone, Default)]
struct Times(Arc<Mutex<Vec<Duration>>>);

impl Observer for Times {
    fn observe(&self, verdict: &Verdict<'_>) {
        self.0.lock().unwrap().push(verdict.time());
    }
}

#[test]
fn observer_receives_the_duration() {
    let times = Times::default();
    let verifiers = VerifierSource::from(builder(providers::GITHUB).observer(times.clone()).build().unwrap());
    let options = ReceiveOptions { deadline: None, drain: None, ..ReceiveOptions::new(verifiers.clone()) };
    let signed = signer(providers::GITHUB).sign(b"body");
    let mut body = VecDeque::from([Ok::<_, io::Error>(Bytes::from("body"))]);
    let mut next = |_: &mut Context<'_>| Poll::Ready(body.pop_front());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Receive::new().poll(&mut cx, &options, &signed, &mut next, &mut NoTimer).is_ready());
    assert!(matches!(times.0.lock().unwrap()[..], [time] if time > Duration::ZERO));
}

/// A timer that counts its calls.
#[derive(Default)]
struct CountingTimer(Cell<usize>);

impl Timer for CountingTimer {
    fn now(&self) -> Instant {
        self.0.set(self.0.get() + 1);
        Instant::now()
    }

    fn poll_until(&mut self, _: Instant, _: &mut Context<'_>) -> Poll<()> {
        self.0.set(self.0.get() + 1);
        Poll::Pending
    }
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A head that counts the reads of its fields.
struct CountingHead {
    fields: Vec<(String, String)>,
    reads: Cell<usize>,
}

impl RequestHead for CountingHead {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &'static str {
        "/"
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        self.reads.set(self.reads.get() + 1);
        self.fields.headers(index);
    }
}

/// Polls a delivery until the body script ends. Returns for each poll whether the delivery was ready, the wake-ups, and the calls of the
/// timer.
fn polled(
    verifiers: &VerifierSource,
    deadline: Option<Deadline>,
    head: &CountingHead,
    body: &[Poll<Option<&'static str>>],
) -> Vec<(bool, usize, usize)> {
    let options = ReceiveOptions { deadline, drain: None, ..ReceiveOptions::new(verifiers.clone()) };
    let (mut receive, mut timer, woken) = (Receive::new(), CountingTimer::default(), Arc::<Woken>::default());
    let (waker, mut body) = (Waker::from(Arc::clone(&woken)), VecDeque::from(body.to_vec()));
    let mut polls = Vec::new();
    while !body.is_empty() {
        let mut next =
            |_: &mut Context<'_>| body.pop_front().unwrap().map(|chunk| chunk.map(|chunk| Ok::<_, io::Error>(Bytes::from(chunk))));
        let poll = receive.poll(&mut Context::from_waker(&waker), &options, head, &mut next, &mut timer);
        assert!(matches!(poll, Poll::Pending | Poll::Ready(Ok(Outcome::Verified(..)))));
        polls.push((poll.is_ready(), woken.0.swap(0, Ordering::Relaxed), timer.0.take()));
    }
    polls
}

#[test]
fn body_ready_at_the_next_poll_sets_no_timer_and_reads_the_head_once() {
    let plain = || VerifierSource::from(verifier(providers::GITHUB));
    let with_budget = || VerifierSource::from(builder(providers::GITHUB).memory_budget(MemoryBudget::new(1000)).build().unwrap());
    let head = || CountingHead { fields: signer(providers::GITHUB).sign(b"body"), reads: Cell::default() };
    let (pending, end) = (Poll::Pending, Poll::Ready(None));
    let (first, second, whole) = (Poll::Ready(Some("bo")), Poll::Ready(Some("dy")), Poll::Ready(Some("body")));
    for verifiers in [plain, with_budget] {
        let polls = |deadline, body: &[_]| {
            let head = head();
            let polls = polled(&verifiers(), deadline, &head, body);
            assert_eq!(head.reads.get(), 1);
            polls
        };
        let (deadline, polled_again) = (Some(Deadline::default()), (false, 1, 0));
        for body in [&[pending, whole, end][..], &[pending, first, second, end], &[first, pending, second, end], &[whole, pending, end]] {
            assert_eq!(polls(deadline, body), [polled_again, (true, 0, 0)]);
            assert_eq!(polls(None, body), [(false, 0, 0), (true, 0, 0)], "without a deadline, the delivery does not wake itself");
        }
        assert_eq!(polls(deadline, &[whole, end]), [(true, 0, 0)]);
        let waited = |deadline| polls(deadline, &[pending, pending, first, pending, second, end]);
        // Each wait reads the clock once and sets the timer once.
        assert_eq!(waited(deadline), [polled_again, (false, 0, 2), (false, 0, 2), (true, 0, 0)]);
        assert_eq!(waited(None), [(false, 0, 0), (false, 0, 0), (false, 0, 0), (true, 0, 0)]);
    }
}

#[test]
fn unverified_body_passes_only_in_report_only_mode() {
    let verifiers = VerifierSource::from(verifier(providers::GITHUB));
    let signed = signer(providers::GITHUB).sign(b"body");
    for (head, verifies) in [(&signed, true), (&signer(providers::GITHUB).sign(b"another"), false), (&Vec::new(), false)] {
        for insecure_report_only in [true, false] {
            let options = ReceiveOptions { deadline: None, drain: None, insecure_report_only, ..ReceiveOptions::new(verifiers.clone()) };
            let mut body = VecDeque::from([Ok::<_, io::Error>(Bytes::from("body"))]);
            let mut next = |_: &mut Context<'_>| Poll::Ready(body.pop_front());
            let mut cx = Context::from_waker(Waker::noop());
            let polled = Receive::new().poll(&mut cx, &options, head, &mut next, &mut NoTimer);
            match polled {
                Poll::Ready(Ok(Outcome::Verified(_, body))) => assert!(verifies && body == "body"),
                Poll::Ready(Ok(Outcome::Unverified(_, body))) => assert!(!verifies && insecure_report_only && body == "body"),
                Poll::Ready(Err(_)) => assert!(!verifies && !insecure_report_only),
                Poll::Pending => panic!("the whole body is ready"),
            }
        }
    }
}

#[test]
fn key_expiring_during_a_delivery_stays_valid_to_the_end() {
    let signed = signer(providers::GITHUB).sign(b"body");
    for chunks in [&["body"][..], &["bo", "dy"]] {
        let until = SystemTime::now() + Duration::from_millis(200);
        let verifier = Verifier::builder(providers::GITHUB).key_until("main", Secret::new(SECRET), until).build().unwrap();
        let verifiers = VerifierSource::from(verifier);
        let options = ReceiveOptions { deadline: None, drain: None, ..ReceiveOptions::new(verifiers.clone()) };
        let mut chunks = chunks.iter();
        let mut next = |_: &mut Context<'_>| {
            thread::sleep(until.duration_since(SystemTime::now()).map_or(Duration::ZERO, |left| left + Duration::from_millis(10)));
            Poll::Ready(chunks.next().map(|chunk| Ok::<_, io::Error>(Bytes::from(*chunk))))
        };
        let mut cx = Context::from_waker(Waker::noop());
        let polled = Receive::new().poll(&mut cx, &options, &signed, &mut next, &mut NoTimer);
        assert!(matches!(polled, Poll::Ready(Ok(Outcome::Verified(..)))), "{chunks:?}");
        assert!(until < SystemTime::now());
    }
}
