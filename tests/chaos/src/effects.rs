use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Files that survive the receivers.
///
/// | file | content |
/// |---|---|
/// | `effects` | a line for each run to success |
/// | `overlaps` | a line for each handler that began while another ran for the same delivery |
/// | `handlers/<delivery>` | the process of the last handler, its state, and the time of the state |
/// | `keyed/<key>` | the delivery of the first effect under a key. Each file can be created once |
/// | `double-runs` | a line with the key for each double run that a guard has counted |
/// | `held/<process>` | the place where handlers of this process wait: `before` or `after` their effect |
pub struct Effects(PathBuf);

impl Effects {
    pub fn new(folder: &Path) -> Self {
        for name in ["handlers", "keyed", "held"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        Self(folder.to_owned())
    }

    /// Notes that a handler runs, until the drop of the returned value.
    pub fn begin(&self, delivery: &str) -> Handler {
        let path = self.handler(delivery);
        if let Some(note) = Note::read(&path)
            && matches!(note.state, State::Began | State::Applying | State::Applied)
            && Path::new("/proc").join(&note.process).exists()
        {
            self.append("overlaps", delivery);
        }
        Note::write(&path, State::Began);
        Handler { path, has_applied: false }
    }

    /// Applies the effect of a delivery: adds a line to `effects` each time, and creates the file of the key once.
    pub fn apply(&self, handler: &mut Handler, delivery: &str, keys: impl Iterator<Item = String>) {
        handler.has_applied = true;
        Note::write(&handler.path, State::Applying);
        self.append("effects", delivery);
        // The file is both the effect and the unique row. A delivery has the same keys each time, so the first key is enough.
        if let Some(key) = keys.into_iter().next() {
            let created = File::create_new(self.0.join("keyed").join(key));
            let _ = created.map(|mut file| file.write_all(delivery.as_bytes()));
        }
        Note::write(&handler.path, State::Applied);
    }

    /// Notes that a delivery was answered with success.
    pub fn answered(&self, delivery: &str) {
        Note::write(&self.handler(delivery), State::Answered);
    }

    fn handler(&self, delivery: &str) -> PathBuf {
        self.0.join("handlers").join(delivery)
    }

    /// Lets handlers of a process wait at a place.
    pub fn hold(&self, process: &str, place: Place) {
        fs::write(self.0.join("held").join(process), place.name()).unwrap();
    }

    pub fn let_go(&self, process: &str) {
        fs::remove_file(self.0.join("held").join(process)).unwrap();
    }

    pub fn is_held(&self, place: Place) -> bool {
        fs::read_to_string(self.0.join("held").join(std::process::id().to_string())).is_ok_and(|held| held == place.name())
    }

    /// Notes a double run that a guard has counted.
    pub fn note_double_run(&self, key: &str) {
        self.append("double-runs", key);
    }

    /// Returns the number of double runs counted by guards, for each delivery.
    pub fn double_runs(&self) -> HashMap<String, usize> {
        let delivery = |key: &str| fs::read_to_string(self.0.join("keyed").join(key)).unwrap_or_else(|_| format!("unknown {key}"));
        self.count("double-runs").into_iter().map(|(key, count)| (delivery(&key), count)).collect()
    }

    /// Adds the handlers that a killed process has left without a mark. Redis may have written no mark since `no_mark_since`.
    pub fn add_unmarked(&self, unmarked: &mut HashMap<String, Unmarked>, process: &str, no_mark_since: u128) {
        for file in fs::read_dir(self.0.join("handlers")).unwrap() {
            let path = file.unwrap().path();
            // A killed process may leave a new note without the final name.
            let note = if path.extension().is_none() { Note::read(&path) } else { None };
            let Some(note) = note.filter(|note| note.process == process) else { continue };
            let may_be_unmarked = match note.state {
                State::Began | State::Failed => false,
                State::Applying | State::Applied | State::Ended => true,
                State::Answered => note.millis >= no_mark_since,
            };
            let delivery = path.file_name().unwrap().to_str().unwrap().to_owned();
            let entry = unmarked.entry(delivery).or_default();
            entry.certain += usize::from(note.state == State::Applied);
            entry.possible += usize::from(may_be_unmarked);
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

    /// Returns the number of lines for each delivery.
    pub fn count(&self, file: &str) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for line in fs::read_to_string(self.0.join(file)).unwrap_or_default().lines() {
            *counts.entry(line.to_owned()).or_default() += 1;
        }
        counts
    }
}

/// A place where a handler can wait.
#[derive(Clone, Copy)]
pub enum Place {
    BeforeEffect,
    AfterEffect,
}

impl Place {
    const fn name(self) -> &'static str {
        match self {
            Self::BeforeEffect => "before",
            Self::AfterEffect => "after",
        }
    }
}

/// The number of kills of a delivery's handlers between effect and mark.
#[derive(Clone, Copy, Default)]
pub struct Unmarked {
    /// Kills that lead to a double run.
    pub certain: usize,
    /// Kills that may lead to a double run, including the certain kills.
    pub possible: usize,
}

/// A running handler.
pub struct Handler {
    path: PathBuf,
    has_applied: bool,
}

impl Drop for Handler {
    fn drop(&mut self) {
        Note::write(&self.path, if self.has_applied { State::Ended } else { State::Failed });
    }
}

/// The states of a delivery's last handler.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Began,
    /// Ended without an effect.
    Failed,
    /// The effect may have happened.
    Applying,
    Applied,
    Ended,
    /// The mark is written, or is retried while Redis is away.
    Answered,
}

impl State {
    const ALL: [(Self, &str); 6] = [
        (Self::Began, "began"),
        (Self::Failed, "failed"),
        (Self::Applying, "applying"),
        (Self::Applied, "applied"),
        (Self::Ended, "ended"),
        (Self::Answered, "answered"),
    ];
}

struct Note {
    process: String,
    state: State,
    millis: u128,
}

impl Note {
    fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let mut words = text.split(' ').map(str::to_owned);
        let process = words.next()?;
        let word = words.next()?;
        let (state, _) = State::ALL.into_iter().find(|(_, name)| *name == word)?;
        Some(Self { process, state, millis: words.next()?.parse().ok()? })
    }

    fn write(path: &Path, state: State) {
        let (_, name) = State::ALL.into_iter().find(|(other, _)| *other == state).unwrap();
        // A reader never sees half a note.
        let next = path.with_extension(format!("{}-{:x}", std::process::id(), fastrand::u32(..)));
        fs::write(&next, format!("{} {name} {}", std::process::id(), now())).unwrap();
        fs::rename(next, path).unwrap();
    }
}

pub fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}
