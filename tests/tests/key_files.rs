//! Files that change while they are watched.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use countersign::{ConfigError, Keys, Secret, Signer, Verifier, providers};
use countersign_keys::{KeyFiles, LoadError};

const EVERY: Duration = Duration::from_millis(5);

/// A folder of its own, which goes away with it.
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
        // Moved into place, so that nobody reads half of it.
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

/// Waits until it is so, for as long as it may take on a busy machine.
fn soon(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(EVERY);
    }
}

/// The key by which a delivery that is signed with this secret is verified.
fn verified_by(verifier: &Verifier, secret: &str) -> Option<String> {
    let headers = Signer::new(providers::JIRA, Secret::new(secret)).unwrap().sign(b"body");
    verifier.verify(&headers, b"body").ok().map(|verified| verified.key_id().to_string())
}

fn files(folder: &Folder) -> KeyFiles {
    KeyFiles::new().file("current", folder.path("current")).optional_file("previous", folder.path("previous"))
}

#[test]
fn a_secret_is_rotated_by_its_files() {
    let folder = Folder::new("rotated");
    folder.write("current", "one\n");
    let verifier = files(&folder).verifier(Verifier::builder(providers::JIRA)).unwrap();
    let _watch = files(&folder).watch(verifier.keys(), EVERY).unwrap();
    assert_eq!((verified_by(&verifier, "one"), verified_by(&verifier, "two")), (Some("current".into()), None));

    folder.write("previous", "one\n");
    folder.write("current", "two\n");
    soon("both are accepted", || verified_by(&verifier, "two").as_deref() == Some("current"));
    soon("the old one is the previous one", || verified_by(&verifier, "one").as_deref() == Some("previous"));

    fs::remove_file(folder.path("previous")).unwrap();
    soon("the old one is gone", || verified_by(&verifier, "one").is_none());
    assert_eq!(verified_by(&verifier, "two"), Some("current".into()));
}

#[test]
fn what_cannot_be_keys_leaves_the_last_good_ones_in_force() {
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
    fs::remove_file(folder.path("current")).unwrap();
    stays();
    fs::create_dir(folder.path("current")).unwrap();
    stays();
    fs::remove_dir(folder.path("current")).unwrap();
    // An optional one that is there has to be good as well.
    folder.write("previous", "");
    folder.write("current", "better");
    stays();
    folder.write("previous", "older");
    soon("it goes on once all is well", || verified_by(&verifier, "better").is_some());
    assert_eq!((verified_by(&verifier, "good"), verified_by(&verifier, "older")), (None, Some("previous".into())));
}

/// Kubernetes has `key -> ..data/key` and `..data -> ..2026_11_24`, and renames a new link over `..data`.
#[cfg(unix)]
#[test]
fn links_that_are_swapped_are_followed() {
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
    soon("the new version is read", || verified_by(&verifier, "two").is_some());
    assert_eq!(verified_by(&verifier, "one"), None);
}

#[test]
fn a_watch_ends_when_it_is_dropped() {
    let folder = Folder::new("dropped");
    folder.write("current", "one");
    let verifier = files(&folder).verifier(Verifier::builder(providers::JIRA)).unwrap();
    // It does not have to wait for the next look either.
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
fn what_is_wrong_at_the_start_is_said_and_shows_no_secret() {
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
