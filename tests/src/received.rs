//! A delivery received by hand, chunk by chunk.

use std::fmt;
use std::io;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use countersign::adapter::{NoTimer, Outcome, Receive, ReceiveOptions};
use countersign::{Rejection, RequestHead, Verified, Verifier};

/// A delivery in progress. The body consists of the pushed chunks.
pub struct Received<H> {
    options: ReceiveOptions,
    head: H,
    receive: Receive,
}

impl<H: RequestHead> Received<H> {
    /// Begins a delivery with its head.
    ///
    /// # Errors
    /// Returns the rejection of the head.
    pub fn begin(verifier: &Verifier, head: H) -> Result<Self, Rejection> {
        let options = ReceiveOptions { deadline: None, drain: None, ..ReceiveOptions::new(verifier.clone()) };
        let mut begun = Self { options, head, receive: Receive::new() };
        // A delivery with an accepted head waits for the body.
        begun.poll(|| Poll::<Option<io::Result<Bytes>>>::Pending).map(|outcome| assert!(outcome.is_none())).map(|()| begun)
    }

    /// Receives the next chunk.
    ///
    /// # Errors
    /// Returns the rejection at this chunk.
    pub fn push(&mut self, chunk: impl Buf) -> Result<(), Rejection> {
        let mut chunk = Some(chunk);
        self.poll(|| chunk.take().map_or(Poll::Pending, |chunk| Poll::Ready(Some(Ok::<_, io::Error>(chunk)))))
            .map(|outcome| assert!(outcome.is_none()))
    }

    /// Ends the body, and returns the proof and the body.
    ///
    /// # Errors
    /// Returns the rejection of the whole delivery.
    pub fn finish(mut self) -> Result<(Verified, Bytes), Rejection> {
        match self.poll(|| Poll::Ready(None::<io::Result<Bytes>>))? {
            Some(Outcome::Verified(verified, body)) => Ok((verified, body)),
            other => panic!("without report-only mode, a delivery is verified or rejected: {other:?}"),
        }
    }

    /// Polls the delivery once. Returns the outcome of a finished delivery.
    fn poll<D: Buf>(&mut self, mut next: impl FnMut() -> Poll<Option<io::Result<D>>>) -> Result<Option<Outcome>, Rejection> {
        let mut cx = Context::from_waker(Waker::noop());
        match self.receive.poll(&mut cx, &self.options, &self.head, &mut |_: &mut Context<'_>| next(), &mut NoTimer) {
            Poll::Ready(received) => received.map(Some),
            Poll::Pending => Ok(None),
        }
    }
}

/// Shows the `Debug` text of the core.
impl<H> fmt::Debug for Received<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.receive.fmt(f)
    }
}
