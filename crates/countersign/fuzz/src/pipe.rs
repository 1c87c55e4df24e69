use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::receiver;

/// A connection in memory. The server reads the pieces written by the client, and then the end of the stream, unless the connection stays
/// open. The pipe keeps all bytes written by the server.
pub struct Pipe {
    pieces: VecDeque<Piece>,
    stays_open: bool,
    answered: Arc<Mutex<Vec<u8>>>,
    pause: Option<Pin<Box<Sleep>>>,
}

/// Bytes that arrive together.
#[derive(Clone)]
pub struct Piece {
    pub bytes: Vec<u8>,
    /// The pause of the client before these bytes.
    pub pause: Pause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    None,
    /// A pause of one poll, so the server first handles the earlier bytes.
    Yield,
    /// A pause of this time.
    For(Duration),
    /// A pause until the server has answered this number of requests.
    Answers(usize),
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} \"{}\"", self.pause, self.bytes.escape_ascii())
    }
}

impl Pipe {
    #[must_use]
    pub fn new(pieces: Vec<Piece>, stays_open: bool) -> Self {
        Self { pieces: pieces.into(), stays_open, answered: Arc::default(), pause: None }
    }

    fn sleep(&mut self, time: Duration, cx: &mut Context<'_>) {
        let mut pause = Box::pin(sleep(time));
        if pause.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        self.pause = Some(pause).filter(|pause| !pause.is_elapsed());
    }

    /// Returns the buffer for the bytes written by the server.
    #[must_use]
    pub fn answered(&self) -> Arc<Mutex<Vec<u8>>> {
        Arc::clone(&self.answered)
    }
}

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        if let Some(Piece { pause: Pause::Answers(count), .. }) = self.pieces.front()
            && !receiver::has_answered(*count, cx)
        {
            return Poll::Pending;
        }
        let stays_open = self.stays_open;
        let Some(piece) = self.pieces.front_mut() else {
            return if stays_open { Poll::Pending } else { Poll::Ready(Ok(())) };
        };
        match std::mem::replace(&mut piece.pause, Pause::None) {
            Pause::None | Pause::Answers(_) => {}
            Pause::Yield => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Pause::For(time) => {
                self.sleep(time, cx);
                return Poll::Pending;
            }
        }
        let piece = self.pieces.front_mut().expect("the first piece is still there");
        let len = piece.bytes.len().min(buffer.remaining());
        buffer.put_slice(&piece.bytes[..len]);
        piece.bytes.drain(..len);
        if piece.bytes.is_empty() {
            self.pieces.pop_front();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.answered.lock().unwrap().extend(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
