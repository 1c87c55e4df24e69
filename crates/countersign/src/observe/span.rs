use std::time::{Duration, Instant};

use tracing::Span;
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;

use crate::machine_clock;
use crate::observe::one_line::one_line;
use crate::verdict::rejection::{Progress, Rejection};
use crate::verdict::verified::Verified;

/// The span of one delivery that is taken in, at `DEBUG`: it is entered while the delivery is worked on, and closed when there is a
/// verdict or it was given up. Where nobody looks, nothing is paid for it.
#[derive(Debug)]
pub(crate) struct DeliverySpan {
    // None if nobody looks.
    span: Option<Span>,
    /// If somebody is to be told how long it takes.
    began: Option<Instant>,
}

impl DeliverySpan {
    pub(crate) fn new() -> Self {
        // One load. Otherwise `tracing`, with its feature `log`, which frameworks turn on, makes a span to be logged whether or not it is.
        if LevelFilter::current() < LevelFilter::DEBUG {
            return Self::unseen();
        }
        let span = tracing::debug_span!(
            target: "countersign",
            "delivery",
            scheme = Empty,
            tenant = Empty,
            verdict = Empty,
            cause = Empty,
            key = Empty,
            body_bytes = Empty,
            seconds = Empty,
        );
        let span = (!span.is_disabled()).then_some(span);
        let began = span.as_ref().and_then(|_| machine_clock::instant());
        Self { span, began }
    }

    /// One that nobody is shown.
    pub(crate) const fn unseen() -> Self {
        Self { span: None, began: None }
    }

    /// Measures the time whether or not somebody looks.
    pub(crate) fn timed(mut self) -> Self {
        self.begin();
        self
    }

    pub(crate) fn begin(&mut self) {
        self.began = self.began.or_else(machine_clock::instant);
    }

    pub(crate) fn time(&self) -> Option<Duration> {
        self.began.map(|began| began.elapsed())
    }

    pub(crate) fn enter(&self) -> Option<tracing::span::Entered<'_>> {
        self.span.as_ref().map(Span::enter)
    }

    pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        work()
    }

    pub(crate) fn verified(&self, verified: &Verified, progress: Progress) {
        if let Some(span) = &self.span {
            record(span, "verified", verified.scheme(), verified.tenant(), progress);
            span.record("key", &*one_line(verified.key_id().as_str()));
        }
    }

    /// The rejection, with the time that it took.
    pub(crate) fn rejected(&self, rejection: Rejection) -> Rejection {
        let progress = rejection.progress();
        let rejection = rejection.at(Progress { time: progress.time.or_else(|| self.time()), ..progress });
        self.record_rejection("rejected", &rejection);
        rejection
    }

    pub(crate) fn let_through(&self, rejection: &Rejection) {
        self.record_rejection("let_through", rejection);
    }

    fn record_rejection(&self, verdict: &str, rejection: &Rejection) {
        if let Some(span) = &self.span {
            record(span, verdict, rejection.scheme(), rejection.tenant(), rejection.progress());
            span.record("cause", rejection.kind().as_str());
        }
    }
}

fn record(span: &Span, verdict: &str, scheme: &str, tenant: Option<&str>, Progress { body_bytes, time, .. }: Progress) {
    span.record("verdict", verdict).record("scheme", scheme);
    if let Some(tenant) = tenant {
        span.record("tenant", &*one_line(tenant));
    }
    span.record("body_bytes", body_bytes);
    if let Some(time) = time {
        span.record("seconds", time.as_secs_f64());
    }
}
