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
/// | `keyed/<key>` | the effect under a key: can be created once |
/// | `held/<process>` | handlers of this process wait after their effect |
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
            && note.state < State::Ended
            && Path::new("/proc").join(&note.process).exists()
        {
            self.append("overlaps", delivery);
        }
        Note::write(&path, State::Began);
        Handler(path)
    }

    /// Applies the effect of a delivery: always, and once under its keys.
    pub fn apply(&self, handler: &Handler, delivery: &str, keys: impl Iterator<Item = String>) {
        Note::write(&handler.0, State::Applying);
        self.append("effects", delivery);
        // The file is the effect and the unique row in one. Every delivery here has the same keys each time, so the first decides.
        if let Some(key) = keys.into_iter().next() {
            let _ = File::create_new(self.0.join("keyed").join(key));
        }
        Note::write(&handler.0, State::Applied);
    }

    /// Notes that a delivery was answered with success.
    pub fn answered(&self, delivery: &str) {
        Note::write(&self.handler(delivery), State::Answered);
    }

    fn handler(&self, delivery: &str) -> PathBuf {
        self.0.join("handlers").join(delivery)
    }

    /// Lets handlers of a process wait after their effect, so that a kill finds them before their mark.
    pub fn hold(&self, process: &str) {
        File::create(self.0.join("held").join(process)).unwrap();
    }

    pub fn is_held(&self) -> bool {
        self.0.join("held").join(std::process::id().to_string()).exists()
    }

    /// Returns the handlers that a killed process has left without a mark. Redis may have written no mark since `no_mark_since`.
    pub fn unmarked(&self, process: &str, no_mark_since: u128) -> Unmarked {
        let mut unmarked = Unmarked::default();
        for file in fs::read_dir(self.0.join("handlers")).unwrap() {
            let path = file.unwrap().path();
            // A killed process leaves notes that are not renamed yet.
            let note = if path.extension().is_none() { Note::read(&path) } else { None };
            let Some(note) = note.filter(|note| note.process == process) else { continue };
            unmarked.certain += usize::from(note.state == State::Applied);
            unmarked.possible += usize::from(match note.state {
                State::Began => false,
                State::Applying | State::Applied | State::Ended => true,
                State::Answered => note.millis >= no_mark_since,
            });
        }
        unmarked
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

/// Handlers of killed processes between their effect and their mark.
#[derive(Clone, Copy, Default)]
pub struct Unmarked {
    /// Each of them leads to a second run.
    pub certain: usize,
    /// At most so many lead to a second run. Includes the certain ones.
    pub possible: usize,
}

impl Unmarked {
    pub const fn add(&mut self, other: Self) {
        self.certain += other.certain;
        self.possible += other.possible;
    }
}

/// A handler that runs.
pub struct Handler(PathBuf);

impl Drop for Handler {
    fn drop(&mut self) {
        Note::write(&self.0, State::Ended);
    }
}

/// The states of a delivery's last handler, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Began,
    /// The effect may have happened.
    Applying,
    Applied,
    Ended,
    /// The mark is written, or is retried while Redis is away.
    Answered,
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
        let state = match words.next()?.as_str() {
            "began" => State::Began,
            "applying" => State::Applying,
            "applied" => State::Applied,
            "ended" => State::Ended,
            "answered" => State::Answered,
            other => panic!("{other} is no state"),
        };
        Some(Self { process, state, millis: words.next()?.parse().ok()? })
    }

    fn write(path: &Path, state: State) {
        let state = match state {
            State::Began => "began",
            State::Applying => "applying",
            State::Applied => "applied",
            State::Ended => "ended",
            State::Answered => "answered",
        };
        // A reader never sees half a note.
        let next = path.with_extension(format!("{}-{:x}", std::process::id(), fastrand::u32(..)));
        fs::write(&next, format!("{} {state} {}", std::process::id(), now())).unwrap();
        fs::rename(next, path).unwrap();
    }
}

pub fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}
