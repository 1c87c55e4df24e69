//! What is logged while a delivery is judged.

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
    /// What this thread has logged, while somebody wants to know.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
    /// The fields of ours among it, as a subscriber gets them.
    static VALUES: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
}

/// Awaits `what`, and returns with it the events that this thread logged meanwhile, down to `TRACE`.
pub async fn log_of<T>(what: impl Future<Output = T>) -> (T, String) {
    let (result, lines) = lines_of(what).await;
    let events = lines.lines().filter(|line| !is_close(line)).fold(String::new(), |events, line| events + line + "\n");
    (result, events)
}

/// Awaits `what`, and returns with it the spans that this thread closed meanwhile, with their fields.
pub async fn spans_of<T>(what: impl Future<Output = T>) -> (T, Vec<String>) {
    let (result, lines) = lines_of(what).await;
    (result, lines.lines().filter(|line| is_close(line)).map(str::to_owned).collect())
}

/// Awaits `what`, and returns with it the fields of our events and spans that this thread recorded meanwhile: names and values before any
/// formatter has quoted or escaped them.
pub async fn values_of<T>(what: impl Future<Output = T>) -> (T, Vec<(String, String)>) {
    VALUES.take();
    let (result, _) = lines_of(what).await;
    (result, VALUES.take())
}

fn is_close(line: &str) -> bool {
    line.contains("countersign: close time.busy=")
}

/// There is one subscriber for the whole process: with one a thread, whether an event is recorded would depend on what other tests
/// have subscribed to just then.
async fn lines_of<T>(what: impl Future<Output = T>) -> (T, String) {
    static SUBSCRIBED: Once = Once::new();
    SUBSCRIBED.call_once(|| {
        let log = tracing_subscriber::fmt().with_writer(|| ThreadLog).with_ansi(false).with_max_level(LevelFilter::TRACE);
        log.with_span_events(FmtSpan::CLOSE).finish().with(Values).init();
    });
    LOG.set(Some(Vec::new()));
    let result = what.await;
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

/// Records the fields of our events and spans.
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
