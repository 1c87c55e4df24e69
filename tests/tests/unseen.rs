//! Where nobody looks at spans, as in production: what is judged at once tells the same of a rejection as what is taken in piece by piece, and
//! what has to be waited for costs no more than it must.

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
    /// What is logged by the test that runs on this thread.
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

/// What comes of chunks that are all there, which is a rejection: what becomes of the connection, how many chunks nobody asked for, and what the log says
/// of it.
fn rejected(drain: Option<DrainPolicy>, chunks: &[&'static str], head: &[(String, String)]) -> (Connection, usize, String) {
    rejected_by(&verifier(providers::GITHUB).into(), drain, chunks, head)
}

fn rejected_by(
    verifiers: &VerifierSource,
    drain: Option<DrainPolicy>,
    chunks: &[&'static str],
    head: &[(String, String)],
) -> (Connection, usize, String) {
    let terms = ReceiveOptions { deadline: None, drain, ..ReceiveOptions::new(verifiers.clone()) };
    let head = [head, &[("content-length".to_owned(), "6".to_owned())]].concat();
    let mut chunks = chunks.iter();
    let mut next = |_: &mut Context<'_>| Poll::Ready(chunks.next().map(|chunk| Ok::<_, io::Error>(Bytes::from_static(chunk.as_bytes()))));
    let (mut receive, mut cx) = (Receive::new(), Context::from_waker(Waker::noop()));
    let polled = receive.poll(&mut cx, &terms, &head, &mut next, &mut NoTimer);
    assert!(matches!(polled, Poll::Ready(Err(_))), "it is rejected");
    let log = String::from_utf8(LOG.take()).unwrap();
    (receive.connection(), chunks.len(), log.split_once("verdict=").unwrap_or_default().1.to_owned())
}

#[test]
fn a_rejection_says_as_much_of_a_body_in_one_piece_as_of_one_in_several() {
    tracing_subscriber::fmt().with_writer(|| Log).with_ansi(false).with_max_level(LevelFilter::WARN).init();
    let head = signer(providers::GITHUB).sign(b"body");
    let (kept, left, told_of_whole) = rejected(None, &["forged"], &head);
    assert_eq!((kept, left), (Connection::Keep, 0));
    let (kept, left, told_of_pieces) = rejected(None, &["for", "ged"], &head);
    assert_eq!((kept, left), (Connection::Keep, 0));
    assert!(told_of_whole.contains("body_bytes=6"), "{told_of_whole}");
    assert_eq!(told_of_whole, told_of_pieces);
    let (kept, left, told) = rejected(None, &["forged"], &[]);
    assert_eq!((kept, left), (Connection::Close, 1));
    assert!(!told_of_whole.contains("seconds=") && !told.contains("seconds="), "nobody has asked how long it takes");
    let (.., told_of_tenant) = rejected_by(&Known(verifier(providers::GITHUB)).into(), None, &["forged"], &head);
    assert!(told_of_tenant.contains("seconds="), "the search for a tenant is told: {told_of_tenant}");
    assert!(told.contains("body_bytes=0"), "{told}");
    let (kept, left, told_of_drained) = rejected(Some(DrainPolicy::default()), &["for", "ged"], &[]);
    assert_eq!((kept, left, told_of_drained), (Connection::Keep, 0, told));
}

/// A resolver that has its answer at hand.
struct Known(Verifier);

impl Resolver for Known {
    fn resolve(&self, _: &dyn RequestHead) -> ResolveFuture {
        ResolveFuture::ready(Some(self.0.clone()))
    }

    fn decoy(&self) -> &Verifier {
        &self.0
    }
}

/// Keeps how long each delivery took.
#[derive(Clone, Default)]
struct Times(Arc<Mutex<Vec<Duration>>>);

impl Observer for Times {
    fn observe(&self, verdict: &Verdict<'_>) {
        self.0.lock().unwrap().push(verdict.time());
    }
}

#[test]
fn an_observer_is_told_how_long_it_takes() {
    let times = Times::default();
    let verifiers = VerifierSource::from(builder(providers::GITHUB).observer(times.clone()).build().unwrap());
    let terms = ReceiveOptions { deadline: None, drain: None, ..ReceiveOptions::new(verifiers.clone()) };
    let signed = signer(providers::GITHUB).sign(b"body");
    let mut body = VecDeque::from([Ok::<_, io::Error>(Bytes::from("body"))]);
    let mut next = |_: &mut Context<'_>| Poll::Ready(body.pop_front());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Receive::new().poll(&mut cx, &terms, &signed, &mut next, &mut NoTimer).is_ready());
    assert!(matches!(times.0.lock().unwrap()[..], [time] if time > Duration::ZERO));
}

/// How often somebody asked for the time or set an alarm.
#[derive(Default)]
struct Asked(Cell<usize>);

impl Timer for Asked {
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

/// A head that counts how often its fields are looked through.
struct Counted {
    fields: Vec<(String, String)>,
    looked: Cell<usize>,
}

impl RequestHead for Counted {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &'static str {
        "/"
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        self.looked.set(self.looked.get() + 1);
        self.fields.headers(index);
    }
}

/// Polls a delivery as often as the body says something: for each poll what it answered, how often the task was woken and the timer asked.
fn polled(
    verifiers: &VerifierSource,
    deadline: Option<Deadline>,
    head: &Counted,
    body: &[Poll<Option<&'static str>>],
) -> Vec<(bool, usize, usize)> {
    let terms = ReceiveOptions { deadline, drain: None, ..ReceiveOptions::new(verifiers.clone()) };
    let (mut receiving, mut timer, woken) = (Receive::new(), Asked::default(), Arc::<Woken>::default());
    let (waker, mut body) = (Waker::from(Arc::clone(&woken)), VecDeque::from(body.to_vec()));
    let mut polls = Vec::new();
    while !body.is_empty() {
        let mut next =
            |_: &mut Context<'_>| body.pop_front().unwrap().map(|chunk| chunk.map(|chunk| Ok::<_, io::Error>(Bytes::from(chunk))));
        let poll = receiving.poll(&mut Context::from_waker(&waker), &terms, head, &mut next, &mut timer);
        assert!(matches!(poll, Poll::Pending | Poll::Ready(Ok(Outcome::Verified(..)))));
        polls.push((poll.is_ready(), woken.0.swap(0, Ordering::Relaxed), timer.0.take()));
    }
    polls
}

#[test]
fn a_body_that_is_there_the_next_time_sets_no_clock_and_its_head_is_looked_through_once() {
    let plain = || VerifierSource::from(verifier(providers::GITHUB));
    let with_budget = || VerifierSource::from(builder(providers::GITHUB).memory_budget(MemoryBudget::new(1000)).build().unwrap());
    let head = || Counted { fields: signer(providers::GITHUB).sign(b"body"), looked: Cell::default() };
    let (pending, end) = (Poll::Pending, Poll::Ready(None));
    let (first, second, whole) = (Poll::Ready(Some("bo")), Poll::Ready(Some("dy")), Poll::Ready(Some("body")));
    for verifiers in [plain, with_budget] {
        let polls = |deadline, body: &[_]| {
            let head = head();
            let polls = polled(&verifiers(), deadline, &head, body);
            assert_eq!(head.looked.get(), 1);
            polls
        };
        let (deadline, asked_again) = (Some(Deadline::default()), (false, 1, 0));
        for body in [&[pending, whole, end][..], &[pending, first, second, end], &[first, pending, second, end], &[whole, pending, end]] {
            assert_eq!(polls(deadline, body), [asked_again, (true, 0, 0)]);
            assert_eq!(polls(None, body), [(false, 0, 0), (true, 0, 0)], "without a deadline there is no clock to be spared");
        }
        assert_eq!(polls(deadline, &[whole, end]), [(true, 0, 0)]);
        let waited = |deadline| polls(deadline, &[pending, pending, first, pending, second, end]);
        // The time once and the alarm once, for each wait.
        assert_eq!(waited(deadline), [asked_again, (false, 0, 2), (false, 0, 2), (true, 0, 0)]);
        assert_eq!(waited(None), [(false, 0, 0), (false, 0, 0), (false, 0, 0), (true, 0, 0)]);
    }
}

#[test]
fn what_is_only_reported_on_is_let_through_and_nothing_else_is() {
    let verifiers = VerifierSource::from(verifier(providers::GITHUB));
    let signed = signer(providers::GITHUB).sign(b"body");
    for (head, verifies) in [(&signed, true), (&signer(providers::GITHUB).sign(b"another"), false), (&Vec::new(), false)] {
        for insecure_report_only in [true, false] {
            let terms = ReceiveOptions { deadline: None, drain: None, insecure_report_only, ..ReceiveOptions::new(verifiers.clone()) };
            let mut body = VecDeque::from([Ok::<_, io::Error>(Bytes::from("body"))]);
            let mut next = |_: &mut Context<'_>| Poll::Ready(body.pop_front());
            let mut cx = Context::from_waker(Waker::noop());
            let polled = Receive::new().poll(&mut cx, &terms, head, &mut next, &mut NoTimer);
            match polled {
                Poll::Ready(Ok(Outcome::Verified(_, body))) => assert!(verifies && body == "body"),
                Poll::Ready(Ok(Outcome::Unverified(_, body))) => assert!(!verifies && insecure_report_only && body == "body"),
                Poll::Ready(Err(_)) => assert!(!verifies && !insecure_report_only),
                Poll::Pending => panic!("it is all there"),
            }
        }
    }
}

#[test]
fn a_key_that_expires_while_its_delivery_arrives_is_good_to_the_end() {
    let signed = signer(providers::GITHUB).sign(b"body");
    for chunks in [&["body"][..], &["bo", "dy"]] {
        let until = SystemTime::now() + Duration::from_millis(200);
        let verifier = Verifier::builder(providers::GITHUB).key_until("main", Secret::new(SECRET), until).build().unwrap();
        let verifiers = VerifierSource::from(verifier);
        let terms = ReceiveOptions { deadline: None, drain: None, ..ReceiveOptions::new(verifiers.clone()) };
        let mut chunks = chunks.iter();
        let mut next = |_: &mut Context<'_>| {
            thread::sleep(until.duration_since(SystemTime::now()).map_or(Duration::ZERO, |left| left + Duration::from_millis(10)));
            Poll::Ready(chunks.next().map(|chunk| Ok::<_, io::Error>(Bytes::from(*chunk))))
        };
        let mut cx = Context::from_waker(Waker::noop());
        let polled = Receive::new().poll(&mut cx, &terms, &signed, &mut next, &mut NoTimer);
        assert!(matches!(polled, Poll::Ready(Ok(Outcome::Verified(..)))), "{chunks:?}");
        assert!(until < SystemTime::now());
    }
}
