use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Files that survive the servers.
///
/// | file | content |
/// |---|---|
/// | `effects` | a line for each run to success |
/// | `overlaps` | a line for each handler that began while another ran for the same delivery |
/// | `running/<delivery>` | the process of the last handler, its state, and the time of the state |
/// | `keyed/<key>` | the effect under a key: can be created once |
pub struct Effects(PathBuf);

impl Effects {
    pub fn new(folder: &Path) -> Self {
        for name in ["running", "keyed"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        Self(folder.to_owned())
    }

    /// Notes that a handler runs, until the drop of the returned value.
    pub fn begin(&self, delivery: &str) -> Running {
        let path = self.0.join("running").join(delivery);
        if let Some(state) = State::read(&path)
            && state.name != "ended"
            && Path::new("/proc").join(&state.process).exists()
        {
            self.append("overlaps", delivery);
        }
        let running = Running(path);
        running.write("began");
        running
    }

    /// Returns the number of handlers that a killed process may have left between their effect and their mark.
    pub fn unmarked(&self, process: &str, killed_at: u128) -> usize {
        let states = fs::read_dir(self.0.join("running")).unwrap().filter_map(|file| State::read(&file.unwrap().path()));
        // The mark follows the end of a handler within milliseconds. With the store down, it follows later.
        let is_unmarked = |state: &State| state.name == "applied" || state.name == "ended" && killed_at.saturating_sub(state.millis) < 250;
        states.filter(|state| state.process == process && is_unmarked(state)).count()
    }

    /// Applies the effect of a delivery: always, and once under its keys.
    pub fn apply(&self, delivery: &str, keys: impl Iterator<Item = String>) {
        self.append("effects", delivery);
        // The file is the effect and the unique row in one. Every delivery here has the same keys each time, so the first decides.
        if let Some(key) = keys.into_iter().next() {
            let _ = File::create_new(self.0.join("keyed").join(key));
        }
    }

    /// Returns the number of effects under a key.
    pub fn keyed(&self) -> usize {
        fs::read_dir(self.0.join("keyed")).unwrap().count()
    }

    /// One write, so that lines of several processes do not mix.
    fn append(&self, file: &str, line: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.0.join(file)).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Returns how often each delivery has a line.
    pub fn count(&self, file: &str) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for line in fs::read_to_string(self.0.join(file)).unwrap_or_default().lines() {
            *counts.entry(line.to_owned()).or_default() += 1;
        }
        counts
    }
}

/// A handler that runs.
pub struct Running(PathBuf);

impl Running {
    /// Notes that the effect follows.
    pub fn apply(&self) {
        self.write("applied");
    }

    fn write(&self, state: &str) {
        // A reader never sees half a state.
        let next = self.0.with_extension(format!("{}", std::process::id()));
        fs::write(&next, format!("{} {state} {}", std::process::id(), now())).unwrap();
        fs::rename(next, &self.0).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.write("ended");
    }
}

struct State {
    process: String,
    name: String,
    millis: u128,
}

impl State {
    fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let mut words = text.split(' ').map(str::to_owned);
        Some(Self { process: words.next()?, name: words.next()?, millis: words.next()?.parse().ok()? })
    }
}

pub fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}
