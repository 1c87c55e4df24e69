use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use countersign::{KeyId, Keys, Secret, Verifier, VerifierBuilder};

use crate::load_error::LoadError;
use crate::watch::Watch;

/// Pause between the reads of the first load. A writer needs far less time: most programs write a
/// secret in one piece, or in two pieces with almost no pause.
const PAUSE_BETWEEN_READS: Duration = Duration::from_millis(100);

/// Maximum number of reads after the first read.
const MAX_FURTHER_READS: u32 = 10;

/// Key ids with file paths. Verification tries the keys in this order.
#[doc(alias("kubernetes", "rotation"))]
#[derive(Clone, Debug, Default)]
#[must_use = "key files do nothing before `verifier` or `watch`"]
pub struct KeyFiles(Vec<KeyFile>);

#[derive(Clone, Debug)]
struct KeyFile {
    id: KeyId,
    path: PathBuf,
    optional: bool,
}

impl KeyFiles {
    /// Creates an empty list of key files.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds the key `id`. The file must exist.
    pub fn file(self, id: impl Into<KeyId>, path: impl Into<PathBuf>) -> Self {
        self.with(id.into(), path.into(), false)
    }

    /// Adds the key `id`. The key exists while the file exists.
    ///
    /// An empty file is an error, as for [`file`](Self::file). A file in the process of being
    /// written is empty at first, and must not count as a removed file.
    pub fn optional_file(self, id: impl Into<KeyId>, path: impl Into<PathBuf>) -> Self {
        self.with(id.into(), path.into(), true)
    }

    fn with(mut self, id: KeyId, path: PathBuf, optional: bool) -> Self {
        self.0.push(KeyFile { id, path, optional });
        self
    }

    /// Builds a verifier with the current keys in the files.
    ///
    /// Blocks for a tenth of a second between two reads of the files. While the reads differ,
    /// blocks for up to one second.
    ///
    /// # Errors
    /// - [`LoadError::Unreadable`] if two reads in a row fail.
    /// - [`LoadError::Unfit`] for any error of [`build`](VerifierBuilder::build).
    /// - [`LoadError::Unsettled`] if no two reads in a row agree within one second.
    pub fn verifier(&self, builder: VerifierBuilder) -> Result<Verifier, LoadError> {
        let keys = self.load_settled()?;
        keys.into_iter().fold(builder, |builder, (id, secret)| builder.key(id, secret)).build().map_err(LoadError::Unfit)
    }

    /// Replaces `keys` with the keys in the files, now and after each change.
    ///
    /// A thread reads the files at the interval `every`, at least one millisecond, until the returned
    /// [`Watch`] is dropped. A change counts after two reads in a row with the same result. New keys are
    /// thus in force after one interval at the earliest, and after two intervals at the latest.
    ///
    /// The first load blocks for as long as [`verifier`](Self::verifier).
    ///
    /// # Errors
    /// - [`LoadError::Unreadable`], [`LoadError::Unfit`] and [`LoadError::Unsettled`], as in
    ///   [`verifier`](Self::verifier). The keys are unchanged, and no thread runs.
    /// - [`LoadError::Thread`] if the thread cannot be started. The keys are already replaced.
    pub fn watch(&self, keys: Keys, every: Duration) -> Result<Watch, LoadError> {
        let loaded = self.load_settled()?;
        keys.replace(loaded.clone()).map_err(LoadError::Unfit)?;
        let files = self.clone();
        Watch::start(move || files.load(), keys, loaded, every)
    }

    /// Returns the keys after two equal reads in a row. A single read may find a half-written file.
    fn load_settled(&self) -> Result<Vec<(KeyId, Secret)>, LoadError> {
        let mut last = self.load();
        for _ in 0..MAX_FURTHER_READS {
            thread::sleep(PAUSE_BETWEEN_READS);
            let found = self.load();
            match (&last, found) {
                (Ok(last), Ok(found)) if *last == found => return Ok(found),
                (Err(_), Err(error)) => return Err(error),
                (_, found) => last = found,
            }
        }
        Err(LoadError::Unsettled)
    }

    /// Reads all files once.
    pub(crate) fn load(&self) -> Result<Vec<(KeyId, Secret)>, LoadError> {
        let mut keys = Vec::with_capacity(self.0.len());
        for KeyFile { id, path, optional } in &self.0 {
            match Secret::from_file(path) {
                Ok(secret) => keys.push((id.clone(), secret)),
                Err(error) if *optional && error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(LoadError::Unreadable { key: id.clone(), path: path.clone(), source }),
            }
        }
        Ok(keys)
    }
}
