//! What is logged while a delivery is judged.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use tracing_subscriber::filter::LevelFilter;

thread_local! {
    /// What this thread has logged, while somebody wants to know.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Awaits `what`, and returns with it all that this thread logged meanwhile, down to `TRACE`.
///
/// There is one subscriber for the whole process: with one a thread, whether an event is recorded would depend on what other tests
/// have subscribed to just then.
pub async fn log_of<T>(what: impl Future<Output = T>) -> (T, String) {
    static SUBSCRIBED: Once = Once::new();
    SUBSCRIBED.call_once(|| {
        tracing_subscriber::fmt().with_writer(|| ThreadLog).with_ansi(false).with_max_level(LevelFilter::TRACE).init();
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
