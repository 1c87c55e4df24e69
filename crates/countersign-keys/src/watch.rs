use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use countersign::{KeyId, Keys, Secret, one_line};

use crate::{KeyFiles, LoadError};

/// A handle to the thread that re-reads key files, made by [`KeyFiles::watch`]. Dropping the handle stops the thread. The keys in force stay.
///
/// Dropping the handle never waits for a file: a read that hangs, on a network file system for example, changes no key when it ends. Dropping
/// waits for a change of keys that is being made, and for the [`Observer`](countersign::Observer) that is told of the change, so an observer must
/// not drop the handle.
#[must_use = "the files are watched for as long as this is kept"]
pub struct Watch {
    /// Set by `Drop`. A read may end after that, and its result must not be applied.
    stopped: Arc<Mutex<bool>>,
    /// Dropping the sender ends the thread's sleep at once.
    _wake: Sender<()>,
}

impl Watch {
    pub(crate) fn start(files: KeyFiles, keys: Keys, loaded: Vec<(KeyId, Secret)>, every: Duration) -> Result<Self, LoadError> {
        let (wake, sleep) = mpsc::channel();
        let stopped = Arc::new(Mutex::new(false));
        let mut watched = Watched { files, keys, stopped: Arc::clone(&stopped), loaded, pending: None, logged: None };
        thread::Builder::new()
            .name("countersign-keys".to_owned())
            .spawn(move || {
                while sleep.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    // An observer is the application's code. The keys are re-read after it has panicked, too.
                    if catch_unwind(AssertUnwindSafe(|| watched.look())).is_err() {
                        tracing::error!(target: "countersign", "an observer panicked when it was told of keys");
                    }
                }
            })
            .map_err(LoadError::Thread)?;
        Ok(Self { stopped, _wake: wake })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *lock(&self.stopped) = true;
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// A flag is valid after a panic, too.
fn lock(stopped: &Mutex<bool>) -> MutexGuard<'_, bool> {
    stopped.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Watched {
    files: KeyFiles,
    keys: Keys,
    /// Locked while keys are changed, so that none change after `Drop`. Not locked while a file is read, so that `Drop` does not wait for a read.
    stopped: Arc<Mutex<bool>>,
    /// The keys that this watch last put in force.
    loaded: Vec<(KeyId, Secret)>,
    /// The result of the last look, if it differs from `loaded`: other keys, or the text of an error.
    pending: Option<Result<Vec<(KeyId, Secret)>, String>>,
    /// The text of the last error that was logged. An error that persists is logged once.
    logged: Option<String>,
}

impl Watched {
    /// Reads the files. A change counts after two equal looks, for a single look may read a file that is half written.
    fn look(&mut self) {
        let found = self.files.load();
        let seen = match &found {
            Ok(loaded) if *loaded == self.loaded => {
                (self.pending, self.logged) = (None, None);
                return;
            }
            Ok(loaded) => Ok(loaded.clone()),
            Err(error) => Err(text_of(error)),
        };
        if self.pending.as_ref() != Some(&seen) {
            self.pending = Some(seen);
            return;
        }
        let stopped = Arc::clone(&self.stopped);
        let stopped = lock(&stopped);
        if *stopped {
            return;
        }
        match found.and_then(|loaded| self.keys.replace(loaded.clone()).map(|()| loaded).map_err(LoadError::Unfit)) {
            Ok(loaded) => {
                let ids: Vec<&str> = loaded.iter().map(|(id, _)| id.as_str()).collect();
                tracing::info!(target: "countersign", keys = ids.join(","), "the keys have changed");
                (self.loaded, self.pending, self.logged) = (loaded, None, None);
            }
            Err(error) => self.report(&error),
        }
    }

    /// Tells the observer at each look, and the log once for each error.
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
