use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Buf;

use crate::request::body_source::BodySource;
use crate::request::head::{RequestHead, announced};
use crate::request::header_index::HeaderValues;
use crate::request::timer::Timer;
use crate::verdict::rejection::{Phase, Rejection};
use crate::verdict::rejection_kind::RejectionKind;

/// Limits for draining a rejected body: reading and dropping the rest before the response.
///
/// A server may answer and close the connection while the client is still writing. Some clients
/// then see a connection reset instead of the response, for example the HTTP clients of Python and
/// Node. After an early rejection, an adapter therefore reads the rest of the body and drops the
/// bytes. Drained bytes are not hashed, and not charged to a [`MemoryBudget`](crate::MemoryBudget).
///
/// After draining, the client receives the 401, and the connection stays open. If more of the body
/// is left than the limits allow, the adapter answers at once with `connection: close`. A client
/// that announces a body and sends none gets the response after one second of
/// [silence](Self::silence).
///
/// Nothing is drained in these cases:
/// - The head announces more bytes than the limit. The client may see a connection reset.
/// - The head has an `Expect` field, and the body was not polled yet. The client waits for the
///   response before writing.
/// - The connection is HTTP/2 or HTTP/3, and the adapter can see the version. The rejection ends
///   only the stream. The filter of warp cannot see the version.
/// - The body failed, arrived too slowly, or is complete.
///
/// Draining costs only bandwidth. A forged signature in the right form costs the same: the verifier
/// reads the whole body before rejecting the delivery.
#[doc(alias("lingering close", "lingering_close"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainPolicy {
    bytes: Option<usize>,
    within: Duration,
    silence: Duration,
}

/// The default of [`DrainPolicy::silence`].
///
/// The longest silences were measured for commit 4056f89, on Linux 6.18, in uploads of 1 KiB to
/// 256 KiB by curl, Python and Node:
/// - On loopback: 5 ms.
/// - On a link with a round trip of 100 ms and 1 % packet loss: 413 ms in 90 uploads.
/// - On a link with a round trip of 250 ms and 1 % packet loss: 986 ms in 72 uploads. Two of the
///   uploads had a silence over 500 ms.
///
/// TCP first sends a lost packet again after three round trips (RFC 6298 §2.2). So one second
/// leaves room for one lost packet on a link across the world. Half a second does not.
const SILENCE: Duration = Duration::from_secs(1);

impl DrainPolicy {
    /// Creates a policy with a limit of `bytes`, a total time of `within`, and one second of
    /// allowed silence.
    #[must_use]
    pub const fn new(bytes: usize, within: Duration) -> Self {
        Self { bytes: Some(bytes), within, silence: SILENCE }
    }

    /// Creates a policy with the verifier's body limit, a total time of `within`, and one second of
    /// allowed silence.
    #[must_use]
    pub const fn up_to_body_limit(within: Duration) -> Self {
        Self { bytes: None, within, silence: SILENCE }
    }

    /// Sets the longest allowed silence of the client. The default is one second. Each chunk
    /// restarts the silence.
    ///
    /// A client that announces a body and never sends it waits this long for the rejection, and
    /// holds the connection meanwhile. If packets are late for longer, the client may see a
    /// connection reset instead of the rejection.
    #[must_use]
    pub const fn silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// Starts to drain the rest of the body after `rejection`. Returns `None` if the adapter must
    /// answer at once. `limit` is [`Verifier::body_limit`](crate::Verifier::body_limit).
    pub(crate) fn start(&self, rejection: &Rejection, head: &dyn RequestHead, limit: usize) -> Option<Drain> {
        let (Self { bytes, within, silence }, phase) = (*self, rejection.progress().phase);
        let room = bytes.unwrap_or(limit);
        // The first poll of the body tells the client to go on. After this poll, the client no
        // longer waits.
        let waits = phase == Phase::BeforeBody && HeaderValues::is_there(head, "expect");
        let over = phase == Phase::Failed || rejection.kind() == RejectionKind::BodyTimeout;
        (!waits && !over && announced(head) <= room).then_some(Drain { room, within, silence, until: None, silent_until: None })
    }
}

/// Drains up to the verifier's body limit, for at most five seconds, with one second of allowed
/// silence.
impl Default for DrainPolicy {
    fn default() -> Self {
        Self::up_to_body_limit(Duration::from_secs(5))
    }
}

/// The state of draining a rejected body.
pub(crate) struct Drain {
    room: usize,
    within: Duration,
    silence: Duration,
    /// The end of the total time. The clock starts at the first wait.
    until: Option<Instant>,
    /// The end of the current silence, if the client is silent.
    silent_until: Option<Instant>,
}

impl Drain {
    /// Returns the moment to wait for, after a missing chunk. Returns `None` if the total time or
    /// the silence is over. The adapter must then answer and close the connection.
    fn wait(&mut self, now: Instant) -> Option<Instant> {
        let until = match self.until {
            Some(until) => until,
            // A moment past the range of the clock ends the drain: a wait could hold the connection
            // forever.
            None => *self.until.insert(now.checked_add(self.within)?),
        };
        let silent_until = *self.silent_until.get_or_insert(now.checked_add(self.silence).unwrap_or(until));
        let until = until.min(silent_until);
        (now < until).then_some(until)
    }

    /// Reads and drops the rest of the body, within the limits. Returns `true` if the whole body
    /// was drained.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drain_ends_at_the_moment_it_waits_for() {
        let (within, silence) = (Duration::from_secs(5), Duration::from_secs(1));
        let mut drain = Drain { room: 10, within, silence, until: None, silent_until: None };
        let now = Instant::now();
        assert_eq!(drain.wait(now), Some(now + silence));
        assert_eq!(drain.wait(now + silence), None);
        // As if the client had sent a chunk.
        drain.silent_until = None;
        assert_eq!(drain.wait(now + Duration::from_millis(4500)), Some(now + within));
        assert_eq!(drain.wait(now + within), None);
    }
}
