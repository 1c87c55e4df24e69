//! Captures the log of a delivery.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

thread_local! {
    /// The log of this thread, during a capture.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
    /// The fields of countersign's events and spans in this log, as received by a subscriber.
    static VALUES: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
}

/// Awaits `work`. Also returns the events logged by this thread meanwhile, down to `TRACE`.
pub async fn log_of<T>(work: impl Future<Output = T>) -> (T, String) {
    let (result, lines) = lines_of(work).await;
    let events = lines.lines().filter(|line| !is_close(line)).fold(String::new(), |events, line| events + line + "\n");
    (result, events)
}

/// Awaits `work`. Also returns the spans closed by this thread meanwhile, with all fields.
pub async fn spans_of<T>(work: impl Future<Output = T>) -> (T, Vec<String>) {
    let (result, lines) = lines_of(work).await;
    (result, lines.lines().filter(|line| is_close(line)).map(str::to_owned).collect())
}

/// Awaits `work`. Also returns the fields of countersign's events and spans recorded by this thread meanwhile: the names and the raw
/// values, before quoting and escaping by a formatter.
pub async fn values_of<T>(work: impl Future<Output = T>) -> (T, Vec<(String, String)>) {
    VALUES.take();
    let (result, _) = lines_of(work).await;
    (result, VALUES.take())
}

/// Installs the subscriber of the process. Each capture calls this function.
///
/// An event that is logged for the first time during the installation can stay off. If one test of a file captures an event, and another
/// test logs the same event, both tests must therefore begin with this function.
pub fn subscribe() {
    static SUBSCRIBED: Once = Once::new();
    SUBSCRIBED.call_once(|| {
        let log = tracing_subscriber::fmt().with_writer(|| ThreadLog).with_ansi(false).with_max_level(LevelFilter::TRACE);
        log.with_span_events(FmtSpan::CLOSE).finish().with(Values).init();
    });
}

fn is_close(line: &str) -> bool {
    line.contains("countersign: close time.busy=")
}

/// The whole process has one subscriber. With a subscriber per thread, the recording of an event would depend on the subscriptions of
/// other tests at the same moment.
async fn lines_of<T>(work: impl Future<Output = T>) -> (T, String) {
    subscribe();
    LOG.set(Some(Vec::new()));
    let result = work.await;
    (result, String::from_utf8(LOG.take().unwrap_or_default()).unwrap())
}

struct ThreadLog;

impl io::Write for ThreadLog {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.iter_mut().for_each(|log| log.extend_from_slice(text)));
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Records the fields of countersign's events and spans.
struct Values;

impl<S: Subscriber> Layer<S> for Values {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        if attributes.metadata().target().starts_with("countersign") {
            attributes.record(&mut Recorder);
        }
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        values.record(&mut Recorder);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target().starts_with("countersign") {
            event.record(&mut Recorder);
        }
    }
}

struct Recorder;

impl Visit for Recorder {
    fn record_str(&mut self, field: &Field, value: &str) {
        VALUES.with_borrow_mut(|values| values.push((field.name().to_owned(), value.to_owned())));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
