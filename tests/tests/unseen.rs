//! Where nobody looks at spans, as in production: what is judged at once tells the same of a refusal as what is taken in piece by piece.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use conformance::vectors::{signer, verifier};
use countersign::{Discard, Receiving, Refusal, Terms, Timer, Verifiers, providers};
use tracing_subscriber::filter::LevelFilter;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct NoClock;

impl Timer for NoClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn poll_until(&mut self, _: Instant, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// What comes of chunks that are all there, which is a refusal; and what the log says of it.
fn refused(chunks: &[&'static str], head: &Vec<(String, String)>) -> (Refusal, String) {
    let verifiers = Verifiers::from(verifier(providers::GITHUB));
    let terms = Terms { verifiers: &verifiers, deadline: None, insecure_report_only: false };
    let mut chunks = chunks.iter();
    let next = |_: &mut Context<'_>| Poll::Ready(chunks.next().map(|chunk| Ok::<_, io::Error>(Bytes::from_static(chunk.as_bytes()))));
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Err(refusal)) = Receiving::new().poll(&mut cx, &mut NoClock, &terms, head, || None, next, |_| false) else {
        panic!("it is refused")
    };
    let log = String::from_utf8(std::mem::take(&mut *LOG.lock().unwrap())).unwrap();
    (refusal, log.split_once("verdict=").unwrap_or_default().1.to_owned())
}

#[test]
fn a_refusal_says_as_much_of_a_body_in_one_piece_as_of_one_in_several() {
    tracing_subscriber::fmt().with_writer(|| Log).with_ansi(false).with_max_level(LevelFilter::WARN).init();
    let head = signer(providers::GITHUB).sign(b"body");
    let (whole, told_of_whole) = refused(&["forged"], &head);
    let (pieces, told_of_pieces) = refused(&["for", "ged"], &head);
    assert!(told_of_whole.contains("body_bytes=6"), "{told_of_whole}");
    assert_eq!(told_of_whole, told_of_pieces);
    for refusal in [whole, pieces] {
        assert!(refusal.is_at_end() && refusal.discarding(Discard::default(), &head).is_none());
    }
    let (unsigned, told) = refused(&["forged"], &Vec::new());
    assert!(told.contains("body_bytes=0"), "{told}");
    assert!(!unsigned.is_at_end() && unsigned.discarding(Discard::default(), &Vec::<(&str, &str)>::new()).is_some());
}
