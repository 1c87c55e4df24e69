//! What came of a delivery.

use bytes::Bytes;
use countersign::{Rejection, RejectionKind, Verified};

/// What the sender, the handler and a middleware around the adapter saw.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// The status of the answer.
    pub status: u16,
    /// The headers of the answer, but for those of the transport.
    pub headers: Vec<(String, String)>,
    /// The body of the answer.
    pub body: Bytes,
    /// Whether the answer says that the connection is over. Under actix-web the server says it, which no harness is.
    pub closes: bool,
    /// One for each call of the handler.
    pub handled: Vec<Handled>,
    /// What the handler of a receiver that only reports saw of deliveries without a proof: the verdict, and the body.
    pub reported: Vec<(Rejection, Bytes)>,
    /// How often the request's body was polled, or asked for a chunk.
    pub polls: usize,
    /// What a middleware around the adapter finds in the response.
    pub rejection: Option<Rejection>,
}

/// What the handler saw.
#[derive(Clone, Debug)]
pub struct Handled {
    /// The body.
    pub body: Bytes,
    /// The proof.
    pub verified: Verified,
}

impl Observation {
    /// The delivery was verified, and this body reached the handler, once.
    #[track_caller]
    pub fn assert_verified(&self, body: &[u8], case: &str) -> &Verified {
        let cause = self.rejection.as_ref().map(Rejection::kind);
        assert_eq!((self.status, cause), (200, None), "{case}");
        assert_eq!(self.handled.len(), 1, "{case}: the handler is called once");
        assert!(self.handled[0].body == body, "{case}: the handler gets the bytes that were sent");
        &self.handled[0].verified
    }

    /// The delivery was rejected for this cause, with the status that belongs to it, and the handler was not called.
    #[track_caller]
    pub fn assert_rejected(&self, kind: RejectionKind, case: &str) {
        // Written out once more, so that a change in the core shows.
        let status = match kind {
            RejectionKind::BodyTooLarge => 413,
            RejectionKind::BodyUnreadable => 400,
            RejectionKind::BodyTimeout => 408,
            RejectionKind::BudgetExhausted | RejectionKind::KeysExpired | RejectionKind::KeysUnavailable => 503,
            _ => 401,
        };
        assert_eq!(self.handled.len(), 0, "{case}: the handler is not called");
        assert_eq!(self.rejection.as_ref().map(Rejection::kind), Some(kind), "{case}");
        assert_eq!(self.status, status, "{case}");
        assert_eq!(self.body, Bytes::new(), "{case}: the answer tells nothing");
        for (header, value, of) in [("www-authenticate", "WebhookSignature", 401), ("retry-after", "30", 503)] {
            let values: Vec<_> = self.headers.iter().filter(|(name, _)| name == header).map(|(_, value)| value.as_str()).collect();
            assert_eq!(values, if status == of { vec![value] } else { vec![] }, "{case}: {header}");
        }
    }

    /// As [`assert_rejected`](Self::assert_rejected), and the body was not even polled.
    #[track_caller]
    pub fn assert_rejected_unread(&self, kind: RejectionKind, case: &str) {
        self.assert_rejected(kind, case);
        assert_eq!(self.polls, 0, "{case}: the body is not polled");
    }
}
