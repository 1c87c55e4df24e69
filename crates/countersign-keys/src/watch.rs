use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use countersign::observe::one_line;
use countersign::{KeyId, Keys, Secret};

use crate::load_error::LoadError;

/// A handle to the thread re-reading key files. [`KeyFiles::watch`](crate::KeyFiles::watch) returns
/// the handle.
///
/// Dropping the handle stops the thread. The keys in force stay.
///
/// Dropping the handle never waits for a read. A read may hang, for example on a network file
/// system. A read ending after the drop changes no key. A change in progress at the moment of the
/// drop is completed.
#[must_use = "the watch ends when dropped"]
pub struct Watch {
    /// Set by `Drop`. The result of a read ending later must not be applied.
    stopped: Arc<AtomicBool>,
    /// Dropping the sender ends the thread's sleep at once.
    _wake: Sender<()>,
}

impl Watch {
    /// Starts a thread. The thread calls `load` at the interval `every`. `loaded` holds the keys in
    /// force.
    pub(crate) fn start(
        load: impl FnMut() -> Result<LoadedKeys, LoadError> + Send + 'static,
        keys: Keys,
        loaded: LoadedKeys,
        every: Duration,
    ) -> Result<Self, LoadError> {
        let every = every.max(SHORTEST_INTERVAL);
        let (wake, sleep) = mpsc::channel();
        let stopped = Arc::new(AtomicBool::new(false));
        let mut watched = WatchState { load, keys, stopped: Arc::clone(&stopped), loaded, pending: None, unsettled: 0, logged: None };
        thread::Builder::new()
            .name("countersign-keys".to_owned())
            .spawn(move || {
                while sleep.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    watched.read();
                }
            })
            .map_err(LoadError::Thread)?;
        Ok(Self { stopped, _wake: wake })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// Ids and secrets. Verification tries the keys in this order.
pub(crate) type LoadedKeys = Vec<(KeyId, Secret)>;

/// An interval of zero would read without a pause.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// Number of consecutive reads with different results before a report.
const MAX_UNSETTLED: u32 = 10;

struct WatchState<F> {
    load: F,
    keys: Keys,
    stopped: Arc<AtomicBool>,
    /// The keys last put in force by this watch.
    loaded: LoadedKeys,
    /// The result of the last read, unless equal to `loaded`: other keys, or the text of an error.
    pending: Option<Result<LoadedKeys, String>>,
    /// The number of reads with a new result since two reads in a row agreed.
    unsettled: u32,
    /// The text of the last error in the log. A persistent error is logged once.
    logged: Option<String>,
}

impl<F: FnMut() -> Result<LoadedKeys, LoadError>> WatchState<F> {
    /// Reads the files. A change counts after two equal reads: a single read may find a
    /// half-written file.
    fn read(&mut self) {
        let found = (self.load)();
        if self.stopped.load(Ordering::SeqCst) {
            return;
        }
        let seen = match &found {
            Ok(loaded) if *loaded == self.loaded => return self.settle(),
            Ok(loaded) => Ok(loaded.clone()),
            Err(error) => Err(text_of(error)),
        };
        if self.pending.as_ref() != Some(&seen) {
            self.pending = Some(seen);
            self.unsettled = self.unsettled.saturating_add(1);
            if self.unsettled > MAX_UNSETTLED {
                self.report(&LoadError::Unsettled);
            }
            return;
        }
        match found.and_then(|loaded| self.keys.replace(loaded.clone()).map(|()| loaded).map_err(LoadError::Unfit)) {
            Ok(loaded) => {
                let ids: Vec<&str> = loaded.iter().map(|(id, _)| id.as_str()).collect();
                tracing::info!(target: "countersign", keys = &*one_line(&ids.join(",")), "the keys have changed");
                (self.loaded, self.logged) = (loaded, None);
                self.settle();
            }
            Err(error) => self.report(&error),
        }
    }

    /// Resets the state after a read of the keys in force. Logs the end of a failure.
    fn settle(&mut self) {
        (self.pending, self.unsettled) = (None, 0);
        if self.logged.take().is_some() {
            tracing::info!(target: "countersign", "the key files are valid again");
        }
    }

    /// Logs each new error once, and calls the observer at each failed read.
    fn report(&mut self, error: &LoadError) {
        let text = text_of(error);
        if self.logged.as_ref() != Some(&text) {
            tracing::warn!(target: "countersign", error = &*one_line(&text), "the last good keys stay in force");
            self.logged = Some(text);
        }
        self.keys.reload_failed(error);
    }
}

fn text_of(error: &LoadError) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicU32;
    use std::time::Instant;

    use countersign::observe::{KeysEvent, Observer, Verdict};
    use countersign::{Verifier, providers};

    use super::*;

    const EVERY: Duration = Duration::from_millis(1);

    fn keys(secret: &str) -> LoadedKeys {
        vec![("k".into(), Secret::new(secret))]
    }

    fn verifier(observer: impl Observer) -> Verifier {
        Verifier::builder(providers::JIRA).observer(observer).key("k", Secret::new("the secret in force")).build().unwrap()
    }

    /// Stores the errors of failed reloads, and panics at the `panics`-th call.
    #[derive(Clone, Default)]
    struct RecordingObserver {
        errors: Arc<Mutex<Vec<String>>>,
        calls: Arc<AtomicU32>,
        panics: u32,
    }

    impl Observer for RecordingObserver {
        fn observe(&self, _: &Verdict<'_>) {}

        fn observe_keys(&self, event: &KeysEvent<'_>) {
            self.errors.lock().unwrap().extend(event.error().map(ToString::to_string));
            let before = self.calls.fetch_add(1, Ordering::SeqCst);
            assert!(before != self.panics.wrapping_sub(1), "this call panics");
        }
    }

    fn wait_until(event: &str, has_happened: impl Fn() -> bool) {
        let start = Instant::now();
        while !has_happened() {
            assert!(start.elapsed() < Duration::from_secs(20), "{event}");
            thread::sleep(EVERY);
        }
    }

    #[test]
    fn interval_of_zero_still_has_a_pause() {
        let (reads, start) = (Arc::new(AtomicU32::new(0)), Instant::now());
        let counted = Arc::clone(&reads);
        let load = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(keys("the secret in force"))
        };
        let verifier = verifier(RecordingObserver::default());
        let watch = Watch::start(load, verifier.keys(), keys("the secret in force"), Duration::ZERO).unwrap();
        wait_until("the files are read", || reads.load(Ordering::SeqCst) > 20);
        drop(watch);
        let (reads, milliseconds) = (reads.load(Ordering::SeqCst), start.elapsed().as_millis());
        assert!(u128::from(reads) <= milliseconds + 1, "{reads} reads in {milliseconds} ms");
    }

    #[test]
    fn dropping_the_watch_neither_waits_for_nor_applies_a_pending_read() {
        let verifier = verifier(RecordingObserver::default());
        let (reads, is_reading) = mpsc::channel();
        let (answer, answers) = mpsc::channel::<()>();
        let (ends, ended) = mpsc::channel::<()>();
        let load = move || {
            let _ends = &ends;
            reads.send(()).unwrap();
            let _ = answers.recv();
            Ok(keys("another secret"))
        };
        let watch = Watch::start(load, verifier.keys(), keys("the secret in force"), EVERY).unwrap();
        // The first read returns other keys. The second read would put these keys in force,
        // but blocks.
        is_reading.recv().unwrap();
        answer.send(()).unwrap();
        is_reading.recv().unwrap();
        drop(watch);
        answer.send(()).unwrap();
        assert_eq!(ended.recv_timeout(Duration::from_secs(20)), Err(RecvTimeoutError::Disconnected), "the thread ends");
        let verifies = |secret: &str| {
            let headers = countersign::Signer::new(providers::JIRA, Secret::new(secret)).unwrap().sign(b"body");
            verifier.verify(&headers, b"body").is_ok()
        };
        assert_eq!((verifies("the secret in force"), verifies("another secret")), (true, false));
    }

    #[test]
    fn files_that_change_at_eleven_reads_are_reported() {
        let observer = RecordingObserver::default();
        let verifier = verifier(observer.clone());
        let errors = Arc::clone(&observer.errors);
        // The number of errors before each read.
        let before = Arc::<Mutex<Vec<usize>>>::default();
        let load = {
            let before = Arc::clone(&before);
            move || {
                let mut before = before.lock().unwrap();
                before.push(errors.lock().unwrap().len());
                Ok(keys(&format!("secret number {} of many", before.len())))
            }
        };
        let _watch = Watch::start(load, verifier.keys(), keys("the secret in force"), EVERY).unwrap();
        wait_until("the failed reloads are reported", || before.lock().unwrap().last().is_some_and(|errors| *errors > 1));
        assert_eq!(before.lock().unwrap().iter().filter(|errors| **errors == 0).count(), 11);
        assert_eq!(observer.errors.lock().unwrap()[0], LoadError::Unsettled.to_string());
        assert_eq!(verifier.keys().list().len(), 1);
    }

    #[test]
    fn panicking_observer_does_not_end_the_watch() {
        // The first call comes from building the verifier, the second from the first change.
        let observer = RecordingObserver { panics: 2, ..RecordingObserver::default() };
        let verifier = verifier(observer.clone());
        let files = Arc::new(Mutex::new(keys("the second secret")));
        let load = {
            let files = Arc::clone(&files);
            move || Ok(files.lock().unwrap().clone())
        };
        let _watch = Watch::start(load, verifier.keys(), keys("the secret in force"), EVERY).unwrap();
        wait_until("the change is made, and the observer panics", || observer.calls.load(Ordering::SeqCst) == 2);
        *files.lock().unwrap() = [keys("the third secret"), vec![("l".into(), Secret::new("one more secret"))]].concat();
        wait_until("the next change is made", || verifier.keys().list().len() == 2);
    }
}
