//! A scripted request body.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::Sleep;

use crate::Step;

/// A body that plays the steps of a [`Delivery`](crate::Delivery), and counts the polls. Like axum's body, the type is not `Sync`.
#[derive(Debug)]
pub struct ScriptedBody {
    steps: VecDeque<Step>,
    polls: Arc<AtomicUsize>,
    sleep: Option<Pin<Box<Sleep>>>,
    not_sync: PhantomData<Cell<()>>,
}

impl ScriptedBody {
    /// Creates a body from its steps.
    #[must_use]
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), polls: Arc::default(), sleep: None, not_sync: PhantomData }
    }

    /// Returns the counter of polled steps. The end counts as a step, and a [`Step::Wait`] does not. The counter outlives the body.
    #[must_use]
    pub fn polls(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.polls)
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        self.polls.fetch_add(1, Ordering::SeqCst);
        match self.steps.pop_front() {
            Some(Step::Wait(time)) => {
                self.polls.fetch_sub(1, Ordering::SeqCst);
                self.sleep = Some(Box::pin(tokio::time::sleep(time)));
                self.poll_frame(cx)
            }
            None => Poll::Ready(None),
            Some(Step::Chunk(chunk)) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            Some(Step::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Some(Step::Error) => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
            Some(Step::Fault(text)) => Poll::Ready(Some(Err(io::Error::other(text)))),
            Some(Step::Pause) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            // Sleeps for 136 years. With `Pending` alone, a further poll would return the next step.
            Some(Step::Stall) => {
                self.sleep = Some(Box::pin(tokio::time::sleep(Duration::from_secs(u32::MAX.into()))));
                self.poll_frame(cx)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.sleep.is_none()
    }
}

/// A `Sync` [`ScriptedBody`], for warp.
#[derive(Debug)]
pub struct SyncBody(Mutex<ScriptedBody>);

impl SyncBody {
    /// Wraps the body.
    #[must_use]
    pub fn new(body: ScriptedBody) -> Self {
        Self(Mutex::new(body))
    }

    fn inner(&mut self) -> &mut ScriptedBody {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body for SyncBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(self.inner()).poll_frame(cx)
    }
}
