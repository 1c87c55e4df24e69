use std::env;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::scheme::secret_form::SecretForm;

/// A shared secret: bytes that are wiped from memory when dropped and never shown.
///
/// The bytes are kept exactly as given. A stray space or line break at either end is part of the
/// secret, as for the sender. Only [`Secret::from_file`] drops anything, namely one line break at
/// the end.
///
/// An empty secret, or a secret of white space alone, can be created but not used:
/// [`build`](crate::VerifierBuilder::build) rejects the secret.
///
/// # In memory
/// A secret is wiped when it is dropped. Building a verifier or a signer leaves no copy on the
/// stack or on the heap. A test searches the memory of a process for such copies. Three things
/// stay:
/// - The keyed state of HMAC. The state lives as long as the verifier and is not wiped. Signatures
///   can be made from the state, but the secret cannot be read from the state.
/// - Other holders of the bytes: the environment of the process for [`from_env`](Self::from_env),
///   the text behind a borrowed `&str`, and a `Watch` of `countersign-keys`. A `Watch` compares the
///   files with their earlier secrets.
/// - A static token, in the requests of its sender.
///
/// ```
/// use countersign::Secret;
///
/// let secret = Secret::new("It's a Secret to Everybody");
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// ```
#[doc(alias("token", "shared secret"))]
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Creates a secret from bytes. Takes over a `String` or a `Vec<u8>`, so no copy stays behind.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// Reads a secret from an environment variable, exactly as set.
    ///
    /// # Errors
    /// - [`NotFound`](io::ErrorKind::NotFound) if the variable is not set.
    /// - [`InvalidData`](io::ErrorKind::InvalidData) if the value is not Unicode.
    ///
    /// Unlike [`std::env::VarError`], the error never shows the value.
    pub fn from_env(name: &str) -> io::Result<Self> {
        let value = env::var_os(name).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{name} is not set")))?;
        let hidden = |_| io::Error::new(io::ErrorKind::InvalidData, format!("{name} is not Unicode"));
        value.into_string().map(Self::new).map_err(hidden)
    }

    /// Reads a secret from a regular file of at most 64 KiB. Docker, Kubernetes and systemd pass
    /// secrets to a service in such files. Links are followed.
    ///
    /// **One line break at the end (`\n` or `\r\n`) is dropped**, because editors and `echo` add a
    /// line break. Everything else is the secret, including a second line break and white space.
    ///
    /// # Errors
    /// - Every error of opening and reading the file.
    /// - [`InvalidInput`](io::ErrorKind::InvalidInput) if the path is not a regular file, such as a
    ///   folder, a FIFO or a device.
    /// - [`FileTooLarge`](io::ErrorKind::FileTooLarge) if the file is larger than 64 KiB.
    ///
    /// The text of the error names the file.
    pub fn from_file(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        read(path).map_err(|error| io::Error::new(error.kind(), format!("cannot read the secret from {}: {error}", path.display())))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns whether the secret is empty, or holds only white space and NULs. HMAC pads a key
    /// with NULs (RFC 2104 §2), so a key of NULs equals the empty key, known to everyone. White
    /// space alone is the remainder of a secret that was not filled in, and as easy to guess.
    ///
    /// Two test keys of RFC 4231 (§4.2 and §4.6) are not blank: twenty vertical tabs, and twenty
    /// form feeds.
    pub(crate) fn is_blank(&self) -> bool {
        let is_test_key = self.0.len() == 20 && [0x0b, 0x0c].iter().any(|control| self.0.iter().all(|byte| byte == control));
        let is_blank = |text: &str| text.chars().all(|character| character == '\0' || is_space(character));
        std::str::from_utf8(&self.0).is_ok_and(is_blank) && !is_test_key
    }

    /// Returns the secret without the white space at the ends. `None` if there is no such white
    /// space, or if nothing is left.
    pub(crate) fn trimmed(&self) -> Option<Self> {
        let trimmed = match std::str::from_utf8(&self.0) {
            Ok(text) => text.trim_matches(is_space).as_bytes(),
            Err(_) => self.0.trim_ascii(),
        };
        (trimmed.len() < self.0.len() && !trimmed.is_empty()).then(|| Self::new(trimmed))
    }

    /// Decodes the text shown by the provider into the provider's key. Returns `None` if the text
    /// does not have this form.
    pub(crate) fn decode(&self, form: SecretForm) -> Option<Self> {
        form.decode(&self.0).map(Self)
    }
}

/// Returns whether `character` is Unicode white space or the byte order mark. Some editors put a
/// byte order mark in front of a text.
fn is_space(character: char) -> bool {
    character.is_whitespace() || character == '\u{feff}'
}

/// Size limit in bytes, larger than any provider's secret. A larger file is not a secret.
const LARGEST_FILE: usize = 64 * 1024;

fn read(path: &Path) -> io::Result<Secret> {
    let regular = |metadata: Metadata| {
        let error = || io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
        metadata.is_file().then_some(()).ok_or_else(error)
    };
    // The check before opening is needed because opening a FIFO waits for a writer. The check after
    // opening is needed because another file may have replaced the first. A FIFO that replaces the
    // file in between still blocks: the flags for opening without waiting have no name in the
    // standard library.
    regular(fs::metadata(path)?)?;
    let mut file = File::open(path)?;
    regular(file.metadata()?)?;
    // The buffer has its full size from the start. A growing buffer leaves copies behind.
    let mut buffer = Zeroizing::new(vec![0; LARGEST_FILE.saturating_add(1)]);
    let mut len = 0;
    while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => len = len.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if len > LARGEST_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 64 KiB"));
    }
    let bytes = buffer.get(..len).unwrap_or_default();
    Ok(Secret::new(bytes.strip_suffix(b"\n").map_or(bytes, |line| line.strip_suffix(b"\r").unwrap_or(line))))
}

/// Compares in constant time, except for the length.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trim_removes_outer_white_space_unless_the_secret_becomes_empty() {
        let trim = |secret: &str| Secret::new(secret).trimmed().map(|trimmed| trimmed.as_bytes().to_vec());
        for (secret, expected) in [
            ("s s", None),
            (" s", Some("s")),
            ("s\n", Some("s")),
            ("\ts s ", Some("s s")),
            ("\u{feff}s\u{a0}", Some("s")),
            ("\u{feff}\n", None),
            (" \n", None),
            ("", None),
        ] {
            assert_eq!(trim(secret), expected.map(|expected| expected.as_bytes().to_vec()), "{secret:?}");
        }
    }

    #[test]
    fn white_space_and_nuls_are_blank_unless_they_are_a_test_key() {
        for (blank, expected) in [
            (String::new(), true),
            (" ".repeat(20), true),
            ("\0".repeat(32), true),
            ("\u{b}".repeat(19), true),
            ("\u{b}\u{c}".repeat(10), true),
            ("\u{b}".repeat(20), false),
            ("\u{c}".repeat(20), false),
            (" s ".to_owned(), false),
        ] {
            assert_eq!(Secret::new(&*blank).is_blank(), expected, "{blank:?}");
        }
    }

    #[test]
    fn from_file_strips_at_most_one_line_break() {
        let path = env::temp_dir().join(format!("countersign-secret-{}", std::process::id()));
        let cases: [(&[u8], &[u8]); 9] = [
            (b"s", b"s"),
            (b"s\n", b"s"),
            (b"s\r\n", b"s"),
            (b"s\n\n", b"s\n"),
            (b"s\r", b"s\r"),
            (b" s \n", b" s "),
            (b"\n", b""),
            (b"", b""),
            (b"\xef\xbb\xbfs", b"\xef\xbb\xbfs"),
        ];
        for (content, expected) in cases {
            fs::write(&path, content).unwrap();
            assert_eq!(Secret::from_file(&path).unwrap().as_bytes(), expected, "{content:?}");
        }
        fs::remove_file(&path).unwrap();
        let error = Secret::from_file(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
    }

    #[test]
    fn from_file_reads_only_regular_files_up_to_64_kib() {
        let path = env::temp_dir().join(format!("countersign-secret-size-{}", std::process::id()));
        fs::write(&path, vec![b'x'; 65_536]).unwrap();
        assert_eq!(Secret::from_file(&path).unwrap().as_bytes().len(), 65_536);
        fs::write(&path, vec![b'x'; 65_537]).unwrap();
        assert_eq!(Secret::from_file(&path).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        fs::remove_file(&path).unwrap();
        assert_eq!(Secret::from_file(env::temp_dir()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    /// The file of the process's memory is regular, and has nothing to read at its start.
    #[cfg(target_os = "linux")]
    #[test]
    #[cfg_attr(miri, ignore = "Miri knows only few errors of a read")]
    fn from_file_returns_the_error_of_a_read() {
        let error = Secret::from_file("/proc/self/mem").unwrap_err();
        assert!(!matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput | io::ErrorKind::FileTooLarge), "{error}");
    }

    #[test]
    fn unset_variable_error_names_the_variable() {
        let error = Secret::from_env("COUNTERSIGN_TEST_NOT_SET").unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::NotFound, "COUNTERSIGN_TEST_NOT_SET is not set"));
        // Cargo sets this variable for every test.
        assert_eq!(Secret::from_env("CARGO_PKG_NAME").unwrap().as_bytes(), b"countersign");
    }

    #[test]
    fn secrets_compare_by_bytes() {
        assert_eq!(Secret::new("a secret"), Secret::new("a secret".as_bytes()));
        for other in ["a secreT", "a secre", "a secret ", ""] {
            assert_ne!(Secret::new("a secret"), Secret::new(other));
        }
    }
}
