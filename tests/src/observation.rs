//! The observable results of a delivery.

use bytes::Bytes;
use countersign::{Rejection, RejectionKind, Verified};

/// The observations of the sender, the handler and a middleware around the adapter.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// The status of the response.
    pub status: u16,
    /// The header fields of the response, without fields of the transport.
    pub headers: Vec<(String, String)>,
    /// The body of the response.
    pub body: Bytes,
    /// Whether the response announces the end of the connection. Under actix-web, a server sends this announcement, and harnesses have no
    /// server.
    pub closes: bool,
    /// One entry for each call of the handler.
    pub handled: Vec<Handled>,
    /// The unverified deliveries received by the handler in report-only mode: the rejection and the body.
    pub reported: Vec<(Rejection, Bytes)>,
    /// The number of polls of the request body, or of requests for a chunk.
    pub polls: usize,
    /// The rejection in the extensions of the response, for a middleware around the adapter.
    pub rejection: Option<Rejection>,
}

/// One call of the handler.
#[derive(Clone, Debug)]
pub struct Handled {
    /// The body.
    pub body: Bytes,
    /// The proof.
    pub verified: Verified,
}

impl Observation {
    /// Asserts a verified delivery: this body reached the handler once. Returns the proof.
    #[track_caller]
    pub fn assert_verified(&self, body: &[u8], case: &str) -> &Verified {
        let cause = self.rejection.as_ref().map(Rejection::kind);
        assert_eq!((self.status, cause), (200, None), "{case}");
        assert_eq!(self.handled.len(), 1, "{case}: the handler runs once");
        assert!(self.handled[0].body == body, "{case}: the handler gets the sent bytes");
        &self.handled[0].verified
    }

    /// Asserts a rejection for this cause, with the matching status and without a call of the handler.
    #[track_caller]
    pub fn assert_rejected(&self, kind: RejectionKind, case: &str) {
        // This table repeats the core, so a change of a status in the core fails the tests.
        let status = match kind {
            RejectionKind::BodyTooLarge => 413,
            RejectionKind::BodyUnreadable => 400,
            RejectionKind::BodyTimeout => 408,
            RejectionKind::BudgetExhausted | RejectionKind::KeysExpired | RejectionKind::KeysUnavailable => 503,
            _ => 401,
        };
        assert_eq!(self.handled.len(), 0, "{case}: the handler does not run");
        assert_eq!(self.rejection.as_ref().map(Rejection::kind), Some(kind), "{case}");
        assert_eq!(self.status, status, "{case}");
        assert_eq!(self.body, Bytes::new(), "{case}: the response has no body");
        for (header, value, of) in [("www-authenticate", "WebhookSignature", 401), ("retry-after", "30", 503)] {
            let values: Vec<_> = self.headers.iter().filter(|(name, _)| name == header).map(|(_, value)| value.as_str()).collect();
            assert_eq!(values, if status == of { vec![value] } else { vec![] }, "{case}: {header}");
        }
    }

    /// Asserts a rejection as [`assert_rejected`](Self::assert_rejected), without a poll of the body.
    #[track_caller]
    pub fn assert_rejected_unread(&self, kind: RejectionKind, case: &str) {
        self.assert_rejected(kind, case);
        assert_eq!(self.polls, 0, "{case}: the body is not polled");
    }
}
