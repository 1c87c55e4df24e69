//! A request described by a test.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use countersign::adapter::HeaderIndex;
use countersign::{Deadline, DrainPolicy, RequestHead, Signer};
use http::HeaderMap;

use crate::ScriptedBody;

/// One request.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// `POST`, except in facts on methods.
    pub method: &'static str,
    /// `/hook`, except in facts on targets.
    pub target: &'static str,
    /// Names and values, in order, duplicates included.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The results of polling the body.
    pub steps: Vec<Step>,
    /// The receiver's clock, for a harness with a settable clock.
    pub now: Option<SystemTime>,
    /// The receiver's time limit for the body.
    pub deadline: Option<Deadline>,
    /// The receiver's limits for draining the body after an early rejection.
    pub drain: Option<DrainPolicy>,
    /// Whether the receiver is in report-only mode.
    pub report_only: bool,
}

/// The result of one poll of a body.
#[derive(Clone, Debug)]
pub enum Step {
    /// Bytes.
    Chunk(Bytes),
    /// Trailers.
    Trailers(HeaderMap),
    /// `Pending` once, with an immediate wake-up.
    Pause,
    /// `Pending` for this duration, by the runtime's clock.
    Wait(Duration),
    /// `Pending` forever.
    Stall,
    /// A connection reset.
    Error,
    /// An error with this text.
    Fault(&'static str),
}

impl Delivery {
    /// Creates a delivery without a signature, with the body in one chunk.
    #[must_use]
    pub fn unsigned(body: impl AsRef<[u8]>) -> Self {
        Self {
            method: "POST",
            target: "/hook",
            headers: Vec::new(),
            steps: Vec::new(),
            now: None,
            deadline: None,
            drain: None,
            report_only: false,
        }
        .body(body)
    }

    /// Creates a delivery with the headers of `signer`.
    #[must_use]
    pub fn signed(signer: &Signer, body: impl AsRef<[u8]>) -> Self {
        Self::unsigned(&body).headers(signer.sign(body.as_ref()))
    }

    /// Replaces the body with a single chunk. The headers stay the same.
    #[must_use]
    pub fn body(self, body: impl AsRef<[u8]>) -> Self {
        self.chunks([body.as_ref()])
    }

    /// Replaces the body with these chunks.
    #[must_use]
    pub fn chunks<'a>(mut self, chunks: impl IntoIterator<Item = &'a [u8]>) -> Self {
        self.steps = chunks.into_iter().map(|chunk| Step::Chunk(Bytes::copy_from_slice(chunk))).collect();
        self
    }

    /// Replaces the body with these steps.
    #[must_use]
    pub fn steps(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.steps = steps.into_iter().collect();
        self
    }

    /// Adds a header field. Existing fields of the same name stay.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Adds header fields. Existing fields of the same names stay.
    #[must_use]
    pub fn headers<N: AsRef<str>, V: AsRef<[u8]>>(self, headers: impl IntoIterator<Item = (N, V)>) -> Self {
        headers.into_iter().fold(self, |delivery, (name, value)| delivery.header(name.as_ref(), value))
    }

    /// Removes all header fields of this name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Sets the receiver's clock, for a harness with a settable clock.
    #[must_use]
    pub const fn at(mut self, now: SystemTime) -> Self {
        self.now = Some(now);
        self
    }

    /// Sets the time limit for the body, by the runtime's clock. Tests pause this clock.
    #[must_use]
    pub const fn within(mut self, deadline: Deadline) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets the report-only mode of the receiver.
    #[must_use]
    pub const fn report_only(mut self) -> Self {
        self.report_only = true;
        self
    }

    /// Sets the limits for draining a rejected body.
    #[must_use]
    pub const fn drain(mut self, drain: DrainPolicy) -> Self {
        self.drain = Some(drain);
        self
    }

    /// Returns the bytes of all chunks of the body.
    #[must_use]
    pub fn whole_body(&self) -> Vec<u8> {
        self.steps.iter().flat_map(|step| if let Step::Chunk(chunk) = step { &chunk[..] } else { &[] }).copied().collect()
    }

    /// Returns the delivery as a request of crate `http`.
    #[must_use]
    pub fn into_request(self) -> http::Request<ScriptedBody> {
        let mut request = http::Request::builder().method(self.method).uri(self.target);
        for (name, value) in &self.headers {
            request = request.header(name, &value[..]);
        }
        request.body(ScriptedBody::new(self.steps)).unwrap()
    }
}

impl RequestHead for Delivery {
    fn method(&self) -> &str {
        self.method
    }

    fn target(&self) -> &str {
        self.target
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        self.headers.headers(index);
    }
}
