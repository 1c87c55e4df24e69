use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Buf;

use crate::request::body_source::BodySource;
use crate::request::head::{RequestHead, announced};
use crate::request::header_index::HeaderValues;
use crate::request::timer::Timer;
use crate::verdict::rejection::{Phase, Rejection};
use crate::verdict::rejection_kind::RejectionKind;

/// How much of a rejected body an adapter reads and throws away before it answers.
///
/// A client that is still writing when a server answers and closes may see the connection reset instead of the answer: Python's and Node's
/// HTTP clients do. So after an early rejection, an adapter reads the rest of the body and drops it. The bytes are not hashed and not charged to a
/// [`MemoryBudget`](crate::MemoryBudget). The client then sees its 401, and the connection stays open. If more is left than this allows, the answer is sent
/// at once, with `connection: close`. A client that announces a body and sends none is answered after one second of
/// [silence](Self::silence).
///
/// Nothing is drained
/// - where the head announces more than the limit in bytes: such a client may see a reset;
/// - after an `Expect`, while its client waits for the answer before it writes;
/// - over HTTP/2, where a rejection ends the stream alone, if the adapter can see that it is HTTP/2 (warp's filter cannot);
/// - of a body that failed, came too slowly, or is at its end.
///
/// Draining costs bandwidth only. A forged signature in the right form costs as much, for the verifier reads the whole body before it can reject
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainPolicy {
    bytes: Option<usize>,
    within: Duration,
    silence: Duration,
}

/// The default of [`DrainPolicy::silence`].
///
/// The longest silence within uploads of 1 KiB to 256 KiB by curl, Python and Node, measured on Linux 6.18: 5 ms on loopback; 413 ms in 90 uploads
/// over a link with a round trip of 100 ms that loses one packet in a hundred; 986 ms in 72 uploads over such a link with 250 ms, two of them over
/// 500 ms. TCP sends a lost packet again after three round trips at first (RFC 6298 §2.2). So one second leaves room for one lost packet on a link
/// across the world, and half a second does not.
const SILENCE: Duration = Duration::from_secs(1);

impl DrainPolicy {
    /// At most so many bytes, in at most this time, and until the client has been silent for one second.
    #[must_use]
    pub const fn new(bytes: usize, within: Duration) -> Self {
        Self { bytes: Some(bytes), within, silence: SILENCE }
    }

    /// At most as many bytes as the verifier's limit for bodies, in at most this time, and until the client has been silent for one second.
    #[must_use]
    pub const fn up_to_body_limit(within: Duration) -> Self {
        Self { bytes: None, within, silence: SILENCE }
    }

    /// Sets how long the client may be silent before it is answered, instead of one second. Each chunk begins the silence anew.
    ///
    /// A client that announces a body and never sends it waits this long for its rejection, and holds its connection meanwhile. A client whose
    /// packets are late for longer than this may see its connection reset instead of the rejection.
    #[must_use]
    pub const fn silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// What to do with the rest of a body that was rejected for `rejection`: `None` to answer at once. `limit` is
    /// [`Verifier::body_limit`](crate::Verifier::body_limit).
    pub(crate) fn start(&self, rejection: &Rejection, head: &dyn RequestHead, limit: usize) -> Option<Drain> {
        let (Self { bytes, within, silence }, phase) = (*self, rejection.progress().phase);
        let room = bytes.unwrap_or(limit);
        // Once the body is asked for, a client has been told to go on, and waits no more.
        let waits = phase == Phase::BeforeBody && HeaderValues::is_there(head, "expect");
        let over = matches!(phase, Phase::Failed | Phase::End) || rejection.kind() == RejectionKind::BodyTimeout;
        (!waits && !over && announced(head) <= room).then_some(Drain { room, within, silence, until: None, silent_until: None })
    }
}

/// Five seconds, one second of silence, and as many bytes as the verifier's limit.
impl Default for DrainPolicy {
    fn default() -> Self {
        Self::up_to_body_limit(Duration::from_secs(5))
    }
}

/// The rest of a rejected body while it is thrown away.
pub(crate) struct Drain {
    room: usize,
    within: Duration,
    silence: Duration,
    /// The end of the whole time. The clock starts at the first wait.
    until: Option<Instant>,
    /// The end of the current silence, while there is one.
    silent_until: Option<Instant>,
}

impl Drain {
    /// Returns the moment to wait for, now that there is no chunk. Returns `None` if the time or the silence is over: answer now and close the
    /// connection.
    fn wait(&mut self, now: Instant) -> Option<Instant> {
        let until = match self.until {
            Some(until) => until,
            // Past what the clock can say, nothing is worth waiting for.
            None => *self.until.insert(now.checked_add(self.within)?),
        };
        let silent_until = *self.silent_until.get_or_insert(now.checked_add(self.silence).unwrap_or(until));
        let until = until.min(silent_until);
        (now < until).then_some(until)
    }

    /// Throws the body away to its end, as far as it is allowed. Ready with whether that was all of it.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, body: &mut impl BodySource, timer: &mut impl Timer) -> Poll<bool> {
        loop {
            match body.poll_data(cx) {
                Poll::Ready(Some(Ok(chunk))) if chunk.remaining() <= self.room => {
                    self.room = self.room.saturating_sub(chunk.remaining());
                    self.silent_until = None;
                }
                Poll::Ready(Some(_)) => return Poll::Ready(false),
                Poll::Ready(None) => return Poll::Ready(true),
                Poll::Pending => {
                    while let Some(until) = self.wait(timer.now()) {
                        ready!(timer.poll_until(until, cx));
                    }
                    return Poll::Ready(false);
                }
            }
        }
    }
}
