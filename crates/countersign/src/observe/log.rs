use std::borrow::Cow;
use std::collections::HashSet;
use std::error::Error;
use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::observe::one_line::{OneLine, one_line};
use crate::verdict::hint::Hint;
use crate::verdict::rejection::{Progress, Rejection};
use crate::verdict::rejection_kind::RejectionKind;

/// Rejections logged separately at `WARN` in each [`WINDOW`]. A person can read ten lines a second,
/// and a log can store ten lines a second.
const MAX_EVENTS: u32 = 10;

const WINDOW: Duration = Duration::from_secs(1);

/// Limit of warnings about tenants' secrets, for the lifetime of a template. All verifiers of the
/// template share this limit.
const MAX_WARNINGS: usize = 1000;

const KINDS: usize = RejectionKind::ALL.len();

/// Logs rejections for the operator, and counts every rejection.
#[derive(Default)]
pub(crate) struct Reporter {
    /// Hashes of the warnings already given about tenants' secrets.
    warned: Mutex<HashSet<u64>>,
    counts: [AtomicU64; KINDS],
    rejected: Mutex<Window>,
    let_through: Mutex<Window>,
}

/// The log events of the current second.
#[derive(Default)]
struct Window {
    since: Option<Instant>,
    /// Rejections logged at `WARN` in this second.
    logged: u32,
    /// Causes seen in this second. The first rejection of each cause is always logged, so a flood
    /// of other causes cannot hide a rare cause.
    seen: [bool; KINDS],
    /// Rejections not logged at `WARN`, by cause.
    held: [u64; KINDS],
}

impl Reporter {
    /// Returns whether this warning is new. Returns `false` after [`MAX_WARNINGS`] warnings.
    /// Without this limit, requests for many tenants with doubtful secrets could fill the log.
    pub(crate) fn is_first_warning(&self, warning: &impl Hash) -> bool {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(warning);
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.len() < MAX_WARNINGS && warned.insert(hash)
    }

    /// Logs an event for a rejection, with the cause for the operator. The event holds no secret,
    /// signature or body, and foreign text is escaped. The first rejections of a second are
    /// events at `WARN`. Later rejections are events at `DEBUG`. The first rejection after that
    /// second also sums up the later rejections at `WARN`.
    pub(crate) fn rejection(&self, rejection: &Rejection, now: Option<Instant>) {
        if let Some(count) = self.counts.get(rejection.kind().index()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let (few, held) = add(&self.rejected, rejection, now);
        for (cause, count, text) in held {
            tracing::warn!(target: "countersign", cause, count, "more deliveries rejected: {text}");
        }
        let EventFields { scheme, tenant, cause, status, hint, source, body_bytes, seconds } = EventFields::of(rejection);
        let (tenant, source) = (tenant.as_deref(), source.as_deref());
        // `tracing` fixes the level of an event in the macro call, so each level needs its own
        // call.
        macro_rules! tell {
            ($level:ident) => {
                tracing::$level!(
                    target: "countersign",
                    verdict = "rejected", scheme, tenant, cause, status, hint, source, body_bytes, seconds, "delivery rejected: {rejection}"
                )
            };
        }
        if few { tell!(warn) } else { tell!(debug) }
    }

    /// Logs a delivery that report-only mode let through, as [`rejection`](Self::rejection) does.
    /// Such a delivery is not counted as a rejection.
    pub(crate) fn let_through(&self, rejection: &Rejection, now: Option<Instant>) {
        let report_only = true;
        let (few, held) = add(&self.let_through, rejection, now);
        for (cause, count, text) in held {
            tracing::warn!(target: "countersign", cause, count, report_only, "more UNVERIFIED DELIVERIES LET THROUGH, report only: {text}");
        }
        let EventFields { scheme, tenant, cause, hint, body_bytes, seconds, .. } = EventFields::of(rejection);
        let tenant = tenant.as_deref();
        macro_rules! tell {
            ($level:ident) => {
                tracing::$level!(
                    target: "countersign",
                    verdict = "let_through", scheme, tenant, cause, report_only, hint, body_bytes, seconds,
                    "UNVERIFIED DELIVERY LET THROUGH, report only: {rejection}"
                )
            };
        }
        if few { tell!(warn) } else { tell!(debug) }
    }

    pub(crate) fn count(&self, kind: RejectionKind) -> u64 {
        self.counts.get(kind.index()).map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

/// Adds a rejection to the window. Returns whether to log the rejection at `WARN`, and the cause,
/// count and text of every summary to log first.
fn add(
    window: &Mutex<Window>,
    rejection: &Rejection,
    now: Option<Instant>,
) -> (bool, impl Iterator<Item = (&'static str, u64, &'static str)>) {
    let (few, held) = window.lock().unwrap_or_else(PoisonError::into_inner).add(rejection.kind(), now);
    let held = RejectionKind::ALL.into_iter().zip(held).filter(|(_, count)| *count > 0);
    (few, held.map(|(kind, count)| (kind.as_str(), count, kind.text())))
}

/// The fields of an event.
struct EventFields<'a> {
    scheme: &'a str,
    tenant: Option<Cow<'a, str>>,
    cause: &'static str,
    status: u16,
    hint: Option<tracing::field::DisplayValue<Hint>>,
    source: Option<String>,
    body_bytes: usize,
    seconds: Option<f64>,
}

impl<'a> EventFields<'a> {
    fn of(rejection: &'a Rejection) -> Self {
        // The source is a string, because subscribers quote strings. A `Display` value could pass
        // for other fields of the event.
        let source = rejection.source().map(|source| OneLine(ErrorChain(source)).to_string());
        let Progress { body_bytes, time, .. } = rejection.progress();
        Self {
            scheme: rejection.scheme(),
            tenant: rejection.tenant().map(one_line),
            cause: rejection.kind().as_str(),
            status: rejection.status_code(),
            hint: rejection.hint().map(tracing::field::display),
            source,
            body_bytes,
            seconds: time.as_ref().map(Duration::as_secs_f64),
        }
    }
}

impl Window {
    /// Adds a rejection. Returns whether to log the rejection at `WARN`, and the counts to sum up
    /// first.
    fn add(&mut self, kind: RejectionKind, now: Option<Instant>) -> (bool, [u64; KINDS]) {
        let over = now.zip(self.since).is_none_or(|(now, since)| now.saturating_duration_since(since) >= WINDOW);
        let held = if over { std::mem::replace(self, Self { since: now, ..Self::default() }).held } else { [0; KINDS] };
        let first = !std::mem::replace(self.seen.get_mut(kind.index()).unwrap_or(&mut false), true);
        let few = first || self.logged < MAX_EVENTS;
        if few {
            self.logged = self.logged.saturating_add(1);
        } else if let Some(held) = self.held.get_mut(kind.index()) {
            *held = held.saturating_add(1);
        }
        (few, held)
    }
}

/// Displays an error and its sources on one line. A framework's outermost error often says only
/// that there was an error.
struct ErrorChain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Wrappers without a text of their own repeat the text of the source.
            if text != said {
                write!(f, ": {text}")?;
            }
            said = text;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_logs_ten_rejections_a_second_and_sums_up_the_rest() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut window = Window::default();
        let mut held = [0; KINDS];
        for place in 0..1000 {
            let kind = if place % 4 == 0 { RejectionKind::SignatureMismatch } else { RejectionKind::MissingSignature };
            assert_eq!(window.add(kind, Some(start + second / 2)), (place < 10, held), "{place}");
        }
        assert!(window.add(RejectionKind::KeysExpired, Some(start + second / 2)).0, "the first rejection of this kind");
        assert!(!window.add(RejectionKind::SignatureMismatch, Some(start + second / 2)).0);
        held[RejectionKind::SignatureMismatch.index()] = 248;
        held[RejectionKind::MissingSignature.index()] = 743;
        assert_eq!(window.add(RejectionKind::SignatureMismatch, Some(start + second / 2 * 3)), (true, held));
        assert_eq!(window.add(RejectionKind::SignatureMismatch, Some(start + second / 2 * 3)), (true, [0; KINDS]));
        // A clock step backward starts no new window. Without a clock, every rejection is logged.
        assert_eq!(window.add(RejectionKind::SignatureMismatch, Some(start)), (true, [0; KINDS]));
        assert!((0..100).all(|_| window.add(RejectionKind::SignatureMismatch, None) == (true, [0; KINDS])));
    }

    #[test]
    fn kind_index_equals_position_in_all() {
        for (place, kind) in RejectionKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), place, "{kind}");
        }
    }

    #[test]
    fn let_through_deliveries_are_neither_counted_nor_logged_as_rejected() {
        let reporter = Reporter::default();
        let (now, rejection) = (Instant::now(), Rejection::new(RejectionKind::SignatureMismatch, "jira"));
        for _ in 0..100 {
            reporter.let_through(&rejection, Some(now));
        }
        assert_eq!(reporter.count(RejectionKind::SignatureMismatch), 0);
        let next = now + WINDOW;
        assert_eq!(add(&reporter.rejected, &rejection, Some(next)).1.count(), 0);
        let held: Vec<_> = add(&reporter.let_through, &rejection, Some(next)).1.collect();
        assert_eq!(held, [("signature_mismatch", 90, RejectionKind::SignatureMismatch.text())]);
        assert!(add(&reporter.let_through, &rejection, Some(next)).1.next().is_none(), "the sum is logged once");
    }

    #[test]
    fn every_rejection_is_counted_beyond_the_log_limit() {
        let reporter = Reporter::default();
        let now = Instant::now();
        for _ in 0..100 {
            reporter.rejection(&Rejection::new(RejectionKind::SignatureLength, "jira"), Some(now));
        }
        assert_eq!(reporter.count(RejectionKind::SignatureLength), 100);
        assert_eq!(reporter.count(RejectionKind::SignatureEncoding), 0);
    }
}
