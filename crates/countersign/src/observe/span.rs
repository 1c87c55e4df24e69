use std::time::{Duration, Instant};

use tracing::Span;
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;

use crate::machine_clock;
use crate::observe::one_line::one_line;
use crate::verdict::rejection::{Progress, Rejection};
use crate::verdict::verified::Verified;

/// The span of a delivery being received, at `DEBUG`. The span is entered during work on the
/// delivery. The span is closed at the verdict, or when the delivery is given up. A disabled span
/// costs nothing.
#[derive(Debug)]
pub(crate) struct DeliverySpan {
    /// `None` if the span is disabled.
    span: Option<Span>,
    /// The start time, if the duration is measured.
    began: Option<Instant>,
}

impl DeliverySpan {
    pub(crate) fn new() -> Self {
        // This check costs one load. Without the check, `tracing` with the feature `log` makes a
        // span to be logged, even if nothing logs the span. Some frameworks turn that feature on.
        if LevelFilter::current() < LevelFilter::DEBUG {
            return Self::disabled();
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

    /// Creates a disabled span.
    pub(crate) const fn disabled() -> Self {
        Self { span: None, began: None }
    }

    /// Measures the time even if the span is disabled.
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

    /// Records the rejection, and returns it with the elapsed time.
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
