//! The arrival of a body, and the clock during the arrival.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::buf::Chain;
use bytes::{Buf as _, Bytes};

/// A body, and the events of its arrival.
#[derive(Clone)]
pub struct Script {
    pub body: Bytes,
    pub events: Vec<Event>,
    /// Whether the body is pending forever after the last event.
    pub stalls: bool,
    pub alarm: Alarm,
}

#[derive(Clone, Debug)]
pub enum Event {
    /// These bytes of the body, in one piece of memory or in two pieces. `split` is the length of the first piece.
    Chunk {
        range: Range<usize>,
        split: Option<usize>,
    },
    /// `Pending`. This time passes before the next poll.
    Pending {
        wakes: bool,
        passes: Duration,
    },
    Failed(Failure),
}

/// The error of a body.
#[derive(Clone, Copy, Debug)]
pub enum Failure {
    BrokeOff,
    Limit,
    /// An error whose source is a limit.
    AroundLimit,
}

/// The behaviour of a timer.
#[derive(Clone, Copy, Debug)]
pub enum Alarm {
    Never,
    /// Fires at the set time.
    InTime,
    /// Fires at once, and advances the clock to the set time.
    AtOnce,
    /// Fires this number of times too early, and then at the set time.
    TooEarly(u32),
}

/// A script in progress, for one side.
pub struct Playing<'s> {
    script: &'s Script,
    clock: &'s Clock,
    /// The number of finished events.
    pub taken: usize,
    /// The number of polls after the end.
    pub polled_after_end: usize,
    ended: bool,
}

pub struct Clock {
    passed: Cell<Duration>,
    early: Cell<u32>,
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock {
    pub fn new() -> Self {
        Self { passed: Cell::default(), early: Cell::default() }
    }

    pub fn now(&self) -> Instant {
        *START + self.passed.get()
    }

    fn pass(&self, time: Duration) {
        self.passed.set(self.passed.get() + time);
    }

    /// Polls a timer of this kind.
    pub fn poll_until(&self, alarm: Alarm, until: Instant) -> Poll<()> {
        let is_time = self.now() >= until;
        let rings = match alarm {
            Alarm::Never => false,
            Alarm::InTime => is_time,
            Alarm::AtOnce => {
                self.pass(until.saturating_duration_since(self.now()));
                true
            }
            Alarm::TooEarly(times) => {
                self.early.set(self.early.get() + 1);
                is_time || self.early.get() <= times
            }
        };
        if rings { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<'s> Playing<'s> {
    pub const fn new(script: &'s Script, clock: &'s Clock) -> Self {
        Self { script, clock, taken: 0, polled_after_end: 0, ended: false }
    }

    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Chain<Bytes, Bytes>, BodyError>>> {
        self.polled_after_end += usize::from(self.ended);
        let Some(event) = self.script.events.get(self.taken) else {
            self.ended = !self.script.stalls;
            return if self.script.stalls { Poll::Pending } else { Poll::Ready(None) };
        };
        self.taken += 1;
        match event {
            Event::Chunk { range, split } => {
                let mut second = self.script.body.slice(range.clone());
                let first = second.split_to(split.unwrap_or(second.len()));
                Poll::Ready(Some(Ok(first.chain(second))))
            }
            Event::Pending { wakes, passes } => {
                self.clock.pass(*passes);
                if *wakes {
                    context.waker().wake_by_ref();
                }
                Poll::Pending
            }
            Event::Failed(failure) => {
                self.ended = true;
                Poll::Ready(Some(Err(BodyError(*failure))))
            }
        }
    }
}

#[derive(Debug)]
pub struct BodyError(Failure);

impl BodyError {
    pub fn is_limit(error: &(dyn Error + 'static)) -> bool {
        error.downcast_ref::<Self>().is_some_and(|error| matches!(error.0, Failure::Limit))
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the body failed: {:?}", self.0)
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        matches!(self.0, Failure::AroundLimit).then_some(&Self(Failure::Limit) as _)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { body, events, stalls, alarm } = self;
        writeln!(f, "{} bytes, the timer fires {alarm:?}{}", body.len(), if *stalls { ", never ends" } else { "" })?;
        for event in events {
            writeln!(f, "    {event:?}")?;
        }
        Ok(())
    }
}
