use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use countersign::{KeyId, Keys, Secret, Verifier, VerifierBuilder};

use crate::load_error::LoadError;
use crate::watch::Watch;

/// The pause between the first looks. A secret is written in one piece, or in two with next to no time between them.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// The most looks after the first one.
const MAX_LOOKS: u32 = 10;

/// Which keys stand in which files, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
#[must_use = "it does nothing before `verifier` or `watch`"]
pub struct KeyFiles(Vec<KeyFile>);

#[derive(Clone, Debug)]
struct KeyFile {
    id: KeyId,
    path: PathBuf,
    optional: bool,
}

impl KeyFiles {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The key `id` stands in this file.
    pub fn file(self, id: impl Into<KeyId>, path: impl Into<PathBuf>) -> Self {
        self.with(id.into(), path.into(), false)
    }

    /// The key `id` stands in this file, if there is one; if not, there is no such key. An empty file is a fault, as for every other: a
    /// secret that is being written is not taken for one that is gone.
    pub fn optional_file(self, id: impl Into<KeyId>, path: impl Into<PathBuf>) -> Self {
        self.with(id.into(), path.into(), true)
    }

    fn with(mut self, id: KeyId, path: PathBuf, optional: bool) -> Self {
        self.0.push(KeyFile { id, path, optional });
        self
    }

    /// Builds a verifier with the keys as they are now. Blocks for a tenth of a second, between two looks at the files; while those differ, for
    /// up to a second.
    ///
    /// # Errors
    /// [`LoadError::Unreadable`]; [`LoadError::Unfit`] for whatever [`build`](VerifierBuilder::build) finds; [`LoadError::Unsettled`] if no two
    /// looks in a row agree within a second.
    pub fn verifier(&self, builder: VerifierBuilder) -> Result<Verifier, LoadError> {
        let keys = self.load_settled()?;
        keys.into_iter().fold(builder, |builder, (id, secret)| builder.key(id, secret)).build().map_err(LoadError::Unfit)
    }

    /// Replaces the keys by what the files hold now, and again whenever that has changed, looking every so often, until what is returned is
    /// dropped. A change counts when two looks in a row agree, so it is in force after one interval at the earliest and two at the latest. The
    /// first look is two, as for [`verifier`](Self::verifier), which block for as long.
    ///
    /// # Errors
    /// As of [`verifier`](Self::verifier), if it is not possible now: then nothing has changed and nothing is watched. [`LoadError::Thread`] if
    /// the thread cannot be started.
    pub fn watch(&self, keys: Keys, every: Duration) -> Result<Watch, LoadError> {
        let loaded = self.load_settled()?;
        keys.replace(loaded.clone()).map_err(LoadError::Unfit)?;
        let files = self.clone();
        Watch::start(move || files.load(), keys, loaded, every)
    }

    /// Returns the keys after two equal looks in a row, for a single look may read a file that is half written.
    fn load_settled(&self) -> Result<Vec<(KeyId, Secret)>, LoadError> {
        let mut last = self.load();
        for _ in 0..MAX_LOOKS {
            thread::sleep(BETWEEN_LOOKS);
            let found = self.load();
            match (&last, found) {
                (Ok(last), Ok(found)) if *last == found => return Ok(found),
                (Err(_), Err(error)) => return Err(error),
                (_, found) => last = found,
            }
        }
        Err(LoadError::Unsettled)
    }

    /// The keys as they are now.
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
