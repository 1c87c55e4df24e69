//! A request as a test describes it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use countersign::adapter::HeaderIndex;
use countersign::{Deadline, DrainPolicy, RequestHead, Signer};
use http::HeaderMap;

use crate::ScriptedBody;

/// One request.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// `POST`, unless a fact is about the method.
    pub method: &'static str,
    /// `/hook`, unless a fact is about the query.
    pub target: &'static str,
    /// Names and values, in order, duplicates included.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What polling the body gives.
    pub steps: Vec<Step>,
    /// The receiver's clock, for a harness that can be told.
    pub now: Option<SystemTime>,
    /// How long the receiver gives the body.
    pub deadline: Option<Deadline>,
    /// What the receiver throws away after an early rejection.
    pub drain: Option<DrainPolicy>,
    /// Whether the receiver only reports.
    pub report_only: bool,
}

/// What one poll of a body gives.
#[derive(Clone, Debug)]
pub enum Step {
    /// Bytes.
    Chunk(Bytes),
    /// Trailers.
    Trailers(HeaderMap),
    /// Nothing yet, but soon.
    Pause,
    /// Nothing for so long, by the runtime's clock.
    Wait(Duration),
    /// Nothing ever again.
    Stall,
    /// The connection is reset.
    Error,
    /// The body fails with an error that says this.
    Fault(&'static str),
}

impl Delivery {
    /// A delivery that nobody signed, its body in one chunk.
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

    /// A delivery as this sender would make it.
    #[must_use]
    pub fn signed(signer: &Signer, body: impl AsRef<[u8]>) -> Self {
        Self::unsigned(&body).headers(signer.sign(body.as_ref()))
    }

    /// Replaces the body by one in a single chunk, and leaves the headers alone.
    #[must_use]
    pub fn body(self, body: impl AsRef<[u8]>) -> Self {
        self.chunks([body.as_ref()])
    }

    /// Replaces the body by one in these chunks.
    #[must_use]
    pub fn chunks<'a>(mut self, chunks: impl IntoIterator<Item = &'a [u8]>) -> Self {
        self.steps = chunks.into_iter().map(|chunk| Step::Chunk(Bytes::copy_from_slice(chunk))).collect();
        self
    }

    /// Replaces the body by one that does this.
    #[must_use]
    pub fn steps(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.steps = steps.into_iter().collect();
        self
    }

    /// Adds a header to those that are there.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Adds headers to those that are there.
    #[must_use]
    pub fn headers<N: AsRef<str>, V: AsRef<[u8]>>(self, headers: impl IntoIterator<Item = (N, V)>) -> Self {
        headers.into_iter().fold(self, |delivery, (name, value)| delivery.header(name.as_ref(), value))
    }

    /// Takes all headers of this name away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Sets the receiver's clock, where it can be set.
    #[must_use]
    pub const fn at(mut self, now: SystemTime) -> Self {
        self.now = Some(now);
        self
    }

    /// Gives the body this long, by a clock of the runtime's that a test has stopped.
    #[must_use]
    pub const fn within(mut self, deadline: Deadline) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Has the receiver only report.
    #[must_use]
    pub const fn report_only(mut self) -> Self {
        self.report_only = true;
        self
    }

    /// Has the receiver throw this much away.
    #[must_use]
    pub const fn drain(mut self, drain: DrainPolicy) -> Self {
        self.drain = Some(drain);
        self
    }

    /// The whole body, as far as it goes.
    #[must_use]
    pub fn whole_body(&self) -> Vec<u8> {
        self.steps.iter().flat_map(|step| if let Step::Chunk(chunk) = step { &chunk[..] } else { &[] }).copied().collect()
    }

    /// As a request of crate `http`, for the frameworks that use it.
    #[must_use]
    pub fn into_request(self) -> http::Request<ScriptedBody> {
        let mut request = http::Request::builder().method(self.method).uri(self.target);
        for (name, value) in &self.headers {
            request = request.header(name, &value[..]);
        }
        request.body(ScriptedBody::new(self.steps)).unwrap()
    }
}

/// What the core sees of it.
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
