//! What is logged while a delivery is judged.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// Text that a subscriber wrote.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Awaits `what`, with all that this thread logs meanwhile, down to `TRACE`, written to a log.
    pub async fn of<T>(what: impl Future<Output = T>) -> (T, String) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(log.clone())
            .with_ansi(false)
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .finish();
        let guard = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
        let result = what.await;
        drop(guard);
        let text = log.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (result, String::from_utf8(text).unwrap())
    }
}

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
