use std::error::Error;
use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use countersign::{KeyId, Keys, Secret, one_line};

use crate::{KeyFiles, LoadError};

/// The thread that looks after files, made by [`KeyFiles::watch`]. It ends when this is dropped; the keys stay as they are then.
///
/// Dropping it does not wait: a look that hangs, on a network file system that does not answer, is left to itself and changes nothing any more.
#[must_use = "the files are watched for as long as this is kept"]
pub struct Watch {
    is_over: Arc<Mutex<bool>>,
    /// Dropped with the rest, which wakes the thread up.
    _stop: Sender<()>,
}

impl Watch {
    pub(crate) fn start(files: KeyFiles, keys: Keys, loaded: Vec<(KeyId, Secret)>, every: Duration) -> Result<Self, LoadError> {
        let (stop, stopped) = mpsc::channel();
        let is_over = Arc::new(Mutex::new(false));
        let mut watched = Watched { files, keys, is_over: Arc::clone(&is_over), loaded, last: None, fault: None };
        thread::Builder::new()
            .name("countersign-keys".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    watched.look();
                }
            })
            .map_err(|source| LoadError::Unreadable { key: "".into(), path: "".into(), source })?;
        Ok(Self { is_over, _stop: stop })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *lock(&self.is_over) = true;
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

fn lock(is_over: &Mutex<bool>) -> MutexGuard<'_, bool> {
    is_over.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Watched {
    files: KeyFiles,
    keys: Keys,
    /// Held while the keys are changed, and never while a file is read.
    is_over: Arc<Mutex<bool>>,
    /// What is in force.
    loaded: Vec<(KeyId, Secret)>,
    /// What the last look found, if that was something else: keys, or what was the matter.
    last: Option<Result<Vec<(KeyId, Secret)>, String>>,
    /// What was said last, so that it is not said again.
    fault: Option<String>,
}

impl Watched {
    /// A change counts when two looks in a row find the same: a file that is being written is not what it will be.
    fn look(&mut self) {
        let found = self.files.load();
        let seen = match &found {
            Ok(loaded) if *loaded == self.loaded => {
                (self.last, self.fault) = (None, None);
                return;
            }
            Ok(loaded) => Ok(loaded.clone()),
            Err(error) => Err(text_of(error)),
        };
        if self.last.as_ref() != Some(&seen) {
            self.last = Some(seen);
            return;
        }
        let is_over = Arc::clone(&self.is_over);
        let is_over = lock(&is_over);
        if *is_over {
            return;
        }
        match found {
            Ok(loaded) => match self.keys.replace(loaded.clone()) {
                Ok(()) => {
                    let ids: Vec<&str> = loaded.iter().map(|(id, _)| id.as_str()).collect();
                    tracing::info!(target: "countersign", keys = ids.join(","), "the keys have changed");
                    self.loaded = loaded;
                    (self.last, self.fault) = (None, None);
                }
                Err(error) => self.keep(&LoadError::Unfit(error)),
            },
            Err(error) => self.keep(&error),
        }
    }

    fn keep(&mut self, error: &LoadError) {
        self.keys.reload_failed(error);
        let text = text_of(error);
        if self.fault.as_ref() != Some(&text) {
            tracing::warn!(target: "countersign", error = &*one_line(&text), "the last good keys stay in force");
            self.fault = Some(text);
        }
    }
}

fn text_of(error: &LoadError) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
