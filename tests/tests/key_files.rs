//! Tests of key files, with changes during a watch.

use std::error::Error as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use countersign::observe::{KeysEvent, Observer, Verdict};
use countersign::{ConfigError, Keys, Secret, Signer, Verifier, providers};
use countersign_keys::{KeyFiles, LoadError};

const EVERY: Duration = Duration::from_millis(5);

/// A temporary folder, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("countersign-keys-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        // The rename is atomic, so no reader sees a partial file.
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn ids(keys: &Keys) -> Vec<String> {
    keys.list().iter().map(|key| key.id().to_string()).collect()
}

/// Waits until `condition` holds. The time limit allows for a busy machine.
fn wait_until(description: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "{description}");
        std::thread::sleep(EVERY);
    }
}

/// Returns the id of the key that verifies a delivery signed with this secret.
fn verified_by(verifier: &Verifier, secret: &str) -> Option<String> {
    let headers = Signer::new(providers::JIRA, Secret::new(secret)).unwrap().sign(b"body");
    verifier.verify(&headers, b"body").ok().map(|verified| verified.key_id().to_string())
}

/// The log of this process. The thread of a watch logs each change and each fault.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct ProcessLog;

impl io::Write for ProcessLog {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Installs the subscriber of the process. Each test with a fault during a watch begins with this function: an event that is logged for
/// the first time during the installation can stay off.
fn subscribe() {
    static SUBSCRIBED: Once = Once::new();
    SUBSCRIBED.call_once(|| tracing_subscriber::fmt().with_writer(|| ProcessLog).with_ansi(false).init());
}

/// Returns the number of log lines with all parts.
fn logged(parts: &[&str]) -> usize {
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    log.lines().filter(|line| parts.iter().all(|part| line.contains(part))).count()
}

fn files(folder: &Folder) -> KeyFiles {
    KeyFiles::new().file("current", folder.path("current")).optional_file("previous", folder.path("previous"))
}

#[test]
fn secret_rotates_with_its_files() {
    let folder = Folder::new("rotated");
    folder.write("current", "one\n");
    let verifier = files(&folder).verifier(Verifier::builder(providers::JIRA)).unwrap();
    let _watch = files(&folder).watch(verifier.keys(), EVERY).unwrap();
    assert_eq!((verified_by(&verifier, "one"), verified_by(&verifier, "two")), (Some("current".into()), None));

    folder.write("previous", "one\n");
    folder.write("current", "two\n");
    wait_until("both secrets are accepted", || verified_by(&verifier, "two").as_deref() == Some("current"));
    wait_until("the old secret has the id of the previous key", || verified_by(&verifier, "one").as_deref() == Some("previous"));

    fs::remove_file(folder.path("previous")).unwrap();
    wait_until("the old secret is rejected", || verified_by(&verifier, "one").is_none());
    assert_eq!(verified_by(&verifier, "two"), Some("current".into()));
}

#[test]
fn invalid_files_leave_the_last_good_keys_in_force() {
    subscribe();
    let folder = Folder::new("bad");
    folder.write("current", "good");
    let verifier = files(&folder).verifier(Verifier::builder(providers::JIRA)).unwrap();
    let _watch = files(&folder).watch(verifier.keys(), EVERY).unwrap();
    let stays = || {
        std::thread::sleep(20 * EVERY);
        assert_eq!(verified_by(&verifier, "good"), Some("current".into()));
        assert_eq!(ids(&verifier.keys()), ["current"]);
    };
    folder.write("current", "");
    stays();
    folder.write("current", "\n");
    stays();
    folder.write("current", "\n\n");
    stays();
    folder.write("current", " \t\r\n");
    stays();
    fs::remove_file(folder.path("current")).unwrap();
    stays();
    fs::create_dir(folder.path("current")).unwrap();
    stays();
    fs::remove_dir(folder.path("current")).unwrap();
    // An optional file must be valid if it exists.
    folder.write("previous", "");
    folder.write("current", "better");
    stays();
    folder.write("previous", "older");
    wait_until("valid files are loaded", || verified_by(&verifier, "better").is_some());
    assert_eq!((verified_by(&verifier, "good"), verified_by(&verifier, "older")), (None, Some("previous".into())));
}

/// Kubernetes has the links `key -> ..data/key` and `..data -> ..2026_11_24`, and renames a new link over `..data`.
#[cfg(unix)]
#[test]
fn swapped_links_are_followed() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new("links");
    let version = |name: &str, current: &str| {
        fs::create_dir(folder.path(name)).unwrap();
        fs::write(folder.path(name).join("current"), current).unwrap();
        symlink(name, folder.path("..data_tmp")).unwrap();
        fs::rename(folder.path("..data_tmp"), folder.path("..data")).unwrap();
    };
    version("..2026_11_24", "one");
    symlink(Path::new("..data").join("current"), folder.path("current")).unwrap();
    let verifier = files(&folder).verifier(Verifier::builder(providers::JIRA)).unwrap();
    let _watch = files(&folder).watch(verifier.keys(), EVERY).unwrap();
    assert_eq!(verified_by(&verifier, "one"), Some("current".into()));
    version("..2026_11_25", "two");
    wait_until("the new version is read", || verified_by(&verifier, "two").is_some());
    assert_eq!(verified_by(&verifier, "one"), None);
}

#[test]
fn watch_ends_when_dropped() {
    let folder = Folder::new("dropped");
    folder.write("current", "one");
    let verifier = files(&folder).verifier(Verifier::builder(providers::JIRA)).unwrap();
    // Dropping does not wait for the next check of the files.
    let watch = files(&folder).watch(verifier.keys(), Duration::from_secs(3600)).unwrap();
    let start = Instant::now();
    drop(watch);
    assert!(start.elapsed() < Duration::from_secs(20));
    let watch = files(&folder).watch(verifier.keys(), EVERY).unwrap();
    drop(watch);
    folder.write("current", "two");
    std::thread::sleep(20 * EVERY);
    assert_eq!(verified_by(&verifier, "one"), Some("current".into()));
}

#[test]
fn load_errors_name_the_fault_and_show_no_secret() {
    let folder = Folder::new("start");
    let jira = || Verifier::builder(providers::JIRA);
    let missing = files(&folder).verifier(jira()).unwrap_err();
    assert!(matches!(&missing, LoadError::Unreadable { key, .. } if *key == "current"), "{missing}");
    folder.write("current", "");
    assert!(matches!(files(&folder).verifier(jira()).unwrap_err(), LoadError::Unfit(ConfigError::EmptySecret { .. })));
    folder.write("current", "needle");
    let twitch = files(&folder).verifier(Verifier::builder(providers::TWITCH)).unwrap_err();
    assert!(matches!(twitch, LoadError::Unfit(ConfigError::SecretLength { .. })));
    let none = KeyFiles::new().optional_file("previous", folder.path("previous"));
    assert!(matches!(none.verifier(jira()).unwrap_err(), LoadError::Unfit(ConfigError::NoKey)));
    let verifier = files(&folder).verifier(jira()).unwrap();
    folder.write("current", "");
    assert!(files(&folder).watch(verifier.keys(), EVERY).is_err());
    assert_eq!(verified_by(&verifier, "needle"), Some("current".into()));
    let shown = format!("{twitch:?} {twitch} {:?} {:?}", files(&folder), verifier.keys());
    assert!(!shown.contains("needle"), "{shown}");
}

#[test]
fn each_load_error_names_its_cause_and_keeps_its_source() {
    let refused = || io::Error::other("refused");
    let unreadable = LoadError::Unreadable { key: "current".into(), path: PathBuf::from("/run/secrets/jira"), source: refused() };
    for (error, named, source) in [
        (unreadable, "the key \"current\"", Some("refused")),
        (LoadError::Unfit(ConfigError::NoKey), "no valid keys", Some("no key: call `.key(id, secret)`")),
        (LoadError::Unsettled, "change at each read", None),
        (LoadError::Thread(refused()), "the thread", Some("refused")),
    ] {
        let text = error.to_string();
        assert!(text.contains(named) && text.starts_with(char::is_lowercase) && !text.ends_with('.'), "{text}");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), source, "{text}");
    }
}

/// The kernel writes another UUID for each read.
#[cfg(target_os = "linux")]
#[test]
fn file_that_changes_at_each_read_fails_the_first_load() {
    let changing = KeyFiles::new().file("current", "/proc/sys/kernel/random/uuid");
    let start = Instant::now();
    let error = changing.verifier(Verifier::builder(providers::JIRA)).unwrap_err();
    assert!(matches!(error, LoadError::Unsettled), "{error}");
    assert!(start.elapsed() >= Duration::from_secs(1), "the load waits for a slow writer: {:?}", start.elapsed());
    let verifier = Verifier::builder(providers::JIRA).key("old", Secret::new("the secret in force")).build().unwrap();
    assert!(matches!(changing.watch(verifier.keys(), EVERY), Err(LoadError::Unsettled)));
    assert_eq!(ids(&verifier.keys()), ["old"]);
}

#[test]
fn fault_during_a_watch_is_logged_once_and_so_is_its_end() {
    subscribe();
    let folder = Folder::new("logged");
    folder.write("current", "needle in force");
    let notes = Notes::default();
    let verifier = files(&folder).verifier(Verifier::builder(providers::JIRA).observer(notes.clone())).unwrap();
    let watch = files(&folder).watch(verifier.keys(), EVERY).unwrap();
    assert_eq!(format!("{watch:?}"), "Watch { .. }");
    let failed_reads = || notes.all().iter().filter(|(_, error)| error.is_some()).count();
    let ends = || logged(&["INFO", "the key files are valid again"]);
    for round in 1..=2 {
        let before = failed_reads();
        fs::remove_file(folder.path("current")).unwrap();
        wait_until("several reads fail", || failed_reads() > before + 3);
        assert_eq!(ends(), round - 1, "the file is still missing");
        folder.write("current", "needle in force");
        wait_until("the end of the fault is logged", || ends() == round);
        // The text of the fault names the folder of this test.
        let name = folder.0.file_name().unwrap().to_string_lossy();
        assert_eq!(logged(&["WARN", "the last good keys stay in force", "no secret for the key", &name]), round);
    }
    assert_eq!(logged(&["needle"]), 0, "the log shows no secret");
}

/// Writes the file in two steps with a pause, like a slow copy.
fn write_slowly(path: &Path, text: &str, pause: Duration) {
    use std::io::Write as _;
    let mut file = fs::File::create(path).unwrap();
    file.write_all(&text.as_bytes()[..1]).unwrap();
    file.flush().unwrap();
    std::thread::sleep(pause);
    file.write_all(&text.as_bytes()[1..]).unwrap();
}

#[test]
fn half_written_file_is_not_taken_for_a_key() {
    const ROUNDS: u32 = 6;
    let folder = Folder::new("half");
    folder.write("current", "secret 0, to begin with");
    let every = Duration::from_millis(300);
    let verifier = files(&folder).verifier(Verifier::builder(providers::JIRA)).unwrap();
    let _watch = files(&folder).watch(verifier.keys(), every).unwrap();
    for round in 1..=ROUNDS {
        let text = format!("{round} is the number of this secret");
        let path = folder.path("current");
        // The last check of the files is just over. Only the next check falls between the two steps.
        std::thread::sleep(Duration::from_millis(200));
        let writer = std::thread::spawn({
            let (path, text) = (path.clone(), text.clone());
            move || write_slowly(&path, &text, Duration::from_millis(200))
        });
        wait_until("the whole secret is loaded", || {
            assert_eq!(verified_by(&verifier, &text[..1]), None, "the first byte of a secret is a key");
            assert_eq!(ids(&verifier.keys()), ["current"]);
            verified_by(&verifier, &text).is_some()
        });
        writer.join().unwrap();
    }
}

#[test]
fn first_load_waits_for_a_file_being_written() {
    const SECRET: &str = "the whole secret of this file, which takes a while";
    let folder = Folder::new("first");
    let path = folder.path("current");
    // One byte is written every 10 ms. The second of two reads, 100 ms apart, finds more bytes.
    let writer = std::thread::spawn({
        let path = path.clone();
        move || {
            use std::io::Write as _;
            let mut file = fs::File::create(path).unwrap();
            for byte in SECRET.as_bytes() {
                file.write_all(&[*byte]).unwrap();
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    });
    wait_until("the file exists", || path.exists() && fs::metadata(&path).unwrap().len() > 0);
    let verifier = files(&folder).verifier(Verifier::builder(providers::JIRA)).unwrap();
    writer.join().unwrap();
    assert_eq!(verified_by(&verifier, SECRET), Some("current".into()));
}

#[cfg(unix)]
fn make_fifo(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Returns the result of `work`. Panics if `work` blocks.
fn without_blocking<T: Send + 'static>(description: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = std::sync::mpsc::channel();
    std::thread::spawn(move || drop(done.send(work())));
    result.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("{description} blocks"))
}

#[cfg(unix)]
#[test]
fn only_regular_files_of_at_most_64_kib_are_keys() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new("regular");
    let load =
        |path: PathBuf| without_blocking("the load", move || KeyFiles::new().file("k", path).verifier(Verifier::builder(providers::JIRA)));
    make_fifo(&folder.path("fifo"));
    fs::create_dir(folder.path("folder")).unwrap();
    symlink("fifo", folder.path("link to a fifo")).unwrap();
    symlink("/dev/null", folder.path("link to a device")).unwrap();
    fs::write(folder.path("large"), vec![b'x'; 64 * 1024 + 1]).unwrap();
    for name in ["fifo", "folder", "link to a fifo", "link to a device", "large"] {
        let error = load(folder.path(name)).unwrap_err();
        assert!(matches!(&error, LoadError::Unreadable { path, .. } if *path == folder.path(name)), "{name}: {error:?}");
    }
    fs::write(folder.path("largest"), vec![b'x'; 64 * 1024]).unwrap();
    symlink("largest", folder.path("link to a file")).unwrap();
    for name in ["largest", "link to a file"] {
        assert!(load(folder.path(name)).is_ok(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn dropping_a_watch_does_not_wait_for_a_blocking_file() {
    subscribe();
    let folder = Folder::new("blocked");
    folder.write("current", "a secret before the fifo");
    let verifier = files(&folder).verifier(Verifier::builder(providers::JIRA)).unwrap();
    let watch = files(&folder).watch(verifier.keys(), EVERY).unwrap();
    make_fifo(&folder.path("new"));
    fs::rename(folder.path("new"), folder.path("current")).unwrap();
    std::thread::sleep(20 * EVERY);
    without_blocking("dropping the watch", move || drop(watch));
    assert_eq!(verified_by(&verifier, "a secret before the fifo"), Some("current".into()));
}

/// The ids of keys, each with `true` after a match, and the error of a reload.
type Note = (String, Option<String>);

/// Records the events of keys.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<Note>>>);

impl Notes {
    fn all(&self) -> Vec<Note> {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Notes {
    fn observe(&self, _: &Verdict<'_>) {}

    fn observe_keys(&self, event: &KeysEvent<'_>) {
        assert_eq!((event.scheme(), event.tenant()), ("jira", None));
        let ids: Vec<_> = event.keys().iter().map(|key| format!("{} {}", key.id(), key.last_matched().is_some())).collect();
        assert!(!format!("{event:?}").contains("secret of"), "{event:?}");
        self.0.lock().unwrap().push((ids.join(","), event.error().map(ToString::to_string)));
    }
}

#[test]
fn observer_receives_each_key_change_and_each_failed_reload() {
    subscribe();
    let folder = Folder::new("observed");
    folder.write("current", "the secret of today");
    let notes = Notes::default();
    let verifier = files(&folder).verifier(Verifier::builder(providers::JIRA).observer(notes.clone())).unwrap();
    assert_eq!(notes.all(), [("current false".to_owned(), None)], "an event at `build`");
    assert!(verified_by(&verifier, "the secret of today").is_some());
    let _watch = files(&folder).watch(verifier.keys(), EVERY).unwrap();
    assert_eq!(notes.all().last().unwrap(), &("current true".to_owned(), None), "an event at `watch`");

    fs::remove_file(folder.path("current")).unwrap();
    let failed = |(keys, error): &Note| keys == "current true" && error.as_deref() == Some("no secret for the key \"current\"");
    wait_until("each failed check causes an event", || notes.all().iter().filter(|note| failed(note)).count() > 2);
    folder.write("previous", "the secret of today");
    folder.write("current", "the secret of tomorrow");
    wait_until("the change causes an event", || notes.all().last().unwrap() == &("current false,previous true".to_owned(), None));
    verifier.keys().retire("previous").unwrap();
    assert_eq!(notes.all().last().unwrap(), &("current false".to_owned(), None), "a change through `Keys` also causes an event");
}
