//! What is logged while a delivery is judged.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

thread_local! {
    /// What this thread has logged, while somebody wants to know.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
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

fn is_close(line: &str) -> bool {
    line.contains("countersign: close time.busy=")
}

/// There is one subscriber for the whole process: with one a thread, whether an event is recorded would depend on what other tests
/// have subscribed to just then.
async fn lines_of<T>(what: impl Future<Output = T>) -> (T, String) {
    static SUBSCRIBED: Once = Once::new();
    SUBSCRIBED.call_once(|| {
        let log = tracing_subscriber::fmt().with_writer(|| ThreadLog).with_ansi(false).with_max_level(LevelFilter::TRACE);
        log.with_span_events(FmtSpan::CLOSE).init();
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
