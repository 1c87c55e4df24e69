use std::error::Error;
use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use countersign::{KeyId, Keys, Secret};

use crate::{KeyFiles, LoadError};

/// The thread that looks after files, made by [`KeyFiles::watch`]. It ends when this is dropped; the keys stay as they are then.
#[must_use = "the files are watched for as long as this is kept"]
pub struct Watch {
    /// Dropped first, which wakes the thread up.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(crate) fn start(files: KeyFiles, keys: Keys, loaded: Vec<(KeyId, Secret)>, every: Duration) -> Result<Self, LoadError> {
        let (stop, stopped) = mpsc::channel();
        let mut watched = Watched { files, keys, loaded, fault: None };
        let thread = thread::Builder::new()
            .name("countersign-keys".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    watched.look();
                }
            })
            .map_err(|source| LoadError::Unreadable { key: "".into(), path: "".into(), source })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop = None;
        // A thread that panicked has nothing left to do either.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

struct Watched {
    files: KeyFiles,
    keys: Keys,
    /// What is in force.
    loaded: Vec<(KeyId, Secret)>,
    /// What was said last, so that it is not said again.
    fault: Option<String>,
}

impl Watched {
    fn look(&mut self) {
        match self.files.load() {
            Ok(loaded) if loaded == self.loaded => self.fault = None,
            Ok(loaded) => match self.keys.replace(loaded.clone()) {
                Ok(()) => {
                    let ids: Vec<&str> = loaded.iter().map(|(id, _)| id.as_str()).collect();
                    tracing::info!(target: "countersign", keys = ids.join(","), "the keys have changed");
                    self.loaded = loaded;
                    self.fault = None;
                }
                Err(error) => self.keep(&LoadError::Unfit(error)),
            },
            Err(error) => self.keep(&error),
        }
    }

    fn keep(&mut self, error: &LoadError) {
        let text = match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        if self.fault.as_ref() != Some(&text) {
            tracing::warn!(target: "countersign", error = text, "the last good keys stay in force");
            self.fault = Some(text);
        }
    }
}
