use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;
use http_body::{Body, Frame, SizeHint};

/// A body in chunks. Each chunk has its own memory, as in a server.
#[derive(Clone)]
pub struct Upload {
    content: Bytes,
    sent: usize,
    chunk: usize,
    halt: usize,
    pauses: bool,
    paused: bool,
    ended: Arc<OnceLock<Instant>>,
}

impl Upload {
    pub fn in_chunks(content: Bytes, chunk: usize) -> Self {
        Self { halt: content.len(), content, sent: 0, chunk, pauses: false, paused: false, ended: Arc::default() }
    }

    /// Stops the upload after this number of bytes. Further polls are pending.
    pub fn halting_at(mut self, sent: usize) -> Self {
        self.halt = sent;
        self
    }

    /// Yields to other tasks before each chunk.
    pub fn pausing(mut self) -> Self {
        self.pauses = true;
        self
    }

    pub fn announced(&self) -> usize {
        self.content.len()
    }

    /// Returns the time of the last chunk, set once the chunk is sent.
    pub fn ended(&self) -> Arc<OnceLock<Instant>> {
        Arc::clone(&self.ended)
    }

    fn poll_chunk(&mut self, context: &Context<'_>) -> Poll<Option<Bytes>> {
        if self.sent == self.content.len() {
            return Poll::Ready(None);
        }
        if self.sent >= self.halt {
            return Poll::Pending;
        }
        if self.pauses && !self.paused {
            self.paused = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.paused = false;
        let end = self.halt.min(self.sent + self.chunk);
        let chunk = Bytes::copy_from_slice(&self.content[self.sent..end]);
        self.sent = end;
        if end == self.content.len() {
            self.ended.get_or_init(Instant::now);
        }
        Poll::Ready(Some(chunk))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.poll_chunk(context).map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.sent == self.content.len()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact((self.content.len() - self.sent) as u64)
    }
}

impl Stream for Upload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_chunk(context).map(|chunk| chunk.map(Ok))
    }
}
