//! A delivery that is received by hand, chunk by chunk.

use std::fmt;
use std::io;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use countersign::adapter::{NoTimer, Outcome, Receive, ReceiveOptions};
use countersign::{Rejection, RequestHead, Verified, Verifier};

/// A delivery of which nothing comes but what is pushed.
pub struct Received<H> {
    options: ReceiveOptions,
    head: H,
    receive: Receive,
}

impl<H: RequestHead> Received<H> {
    /// Judges the head.
    ///
    /// # Errors
    /// What the delivery is rejected for.
    pub fn begin(verifier: &Verifier, head: H) -> Result<Self, Rejection> {
        let options = ReceiveOptions { deadline: None, drain: None, ..ReceiveOptions::new(verifier.clone()) };
        let mut begun = Self { options, head, receive: Receive::new() };
        // What is only begun waits for its body.
        begun.poll(|| Poll::<Option<io::Result<Bytes>>>::Pending).map(|judged| assert!(judged.is_none())).map(|()| begun)
    }

    /// Takes in the next chunk.
    ///
    /// # Errors
    /// What the delivery is rejected for.
    pub fn push(&mut self, chunk: impl Buf) -> Result<(), Rejection> {
        let mut chunk = Some(chunk);
        self.poll(|| chunk.take().map_or(Poll::Pending, |chunk| Poll::Ready(Some(Ok::<_, io::Error>(chunk)))))
            .map(|judged| assert!(judged.is_none()))
    }

    /// The body has come to its end.
    ///
    /// # Errors
    /// What the delivery is rejected for.
    pub fn finish(mut self) -> Result<(Verified, Bytes), Rejection> {
        match self.poll(|| Poll::Ready(None::<io::Result<Bytes>>))? {
            Some(Outcome::Verified(verified, body)) => Ok((verified, body)),
            other => panic!("judged, and nobody asked for a report: {other:?}"),
        }
    }

    /// What has come of it, if that is known.
    fn poll<D: Buf>(&mut self, mut next: impl FnMut() -> Poll<Option<io::Result<D>>>) -> Result<Option<Outcome>, Rejection> {
        let mut cx = Context::from_waker(Waker::noop());
        match self.receive.poll(&mut cx, &self.options, &self.head, &mut |_: &mut Context<'_>| next(), &mut NoTimer) {
            Poll::Ready(received) => received.map(Some),
            Poll::Pending => Ok(None),
        }
    }
}

/// What the core shows of it.
impl<H> fmt::Debug for Received<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.receive.fmt(f)
    }
}
