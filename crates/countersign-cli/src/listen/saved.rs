use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::delivery::Delivery;
use crate::failure::Failure;
use crate::output;

/// Limit of saved rejected deliveries in a run. Anybody can send such deliveries.
const MAX_REJECTED: u32 = 100;

/// Limit of saved rejected deliveries in a run, in bytes, heads included.
const MAX_REJECTED_BYTES: u64 = 16 * 1024 * 1024;

/// A folder of saved deliveries. `verify --request` reads the files.
pub(crate) struct Folder {
    path: PathBuf,
    next: AtomicU64,
    /// Whether to save rejected deliveries.
    keeps_rejected: bool,
    rejected: Mutex<RejectedCount>,
}

#[derive(Default)]
struct RejectedCount {
    number: u32,
    bytes: u64,
    /// Whether the note about the limit was printed.
    is_full: bool,
}

impl Folder {
    pub(crate) fn open(path: PathBuf, keeps_rejected: bool) -> Result<Self, Failure> {
        let mut builder = fs::DirBuilder::new();
        // Only the owner may read a delivery: a header may hold a token.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .recursive(true)
            .create(&path)
            .map_err(|error| Failure::because(format!("cannot create the folder {}", path.display()), error))?;
        Ok(Self { path, next: AtomicU64::new(1), keeps_rejected, rejected: Mutex::default() })
    }

    /// Saves a delivery. Returns the file, or `None` for a rejected delivery not to be saved.
    pub(crate) fn keep(&self, head: &Delivery, body: &[u8], received: SystemTime, is_genuine: bool) -> Result<Option<PathBuf>, Failure> {
        let head = head_of(head, body.len());
        if !is_genuine && !self.take_room(head.len().saturating_add(body.len())) {
            return Ok(None);
        }
        let time = humantime::format_rfc3339_millis(received).to_string().replace(':', "-");
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let file = self.path.join(format!("{time}-{number}.http"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&file).and_then(|mut file| file.write_all(&head).and_then(|()| file.write_all(body)));
        written.map_err(|error| Failure::because(format!("cannot write {}", file.display()), error))?;
        Ok(Some(file))
    }

    /// Reserves room for a rejected delivery of `bytes` bytes. Returns `false` if rejected
    /// deliveries are not saved, or the limit of the run is reached.
    fn take_room(&self, bytes: usize) -> bool {
        let mut rejected = self.rejected.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, bytes) = (rejected.number.saturating_add(1), rejected.bytes.saturating_add(bytes.try_into().unwrap_or(u64::MAX)));
        if !self.keeps_rejected {
            return false;
        }
        let has_room = number <= MAX_REJECTED && bytes <= MAX_REJECTED_BYTES;
        if has_room {
            *rejected = RejectedCount { number, bytes, ..*rejected };
        } else if !std::mem::replace(&mut rejected.is_full, true) {
            output::warn(format!(
                "no more rejected deliveries are saved: the limit is {MAX_REJECTED} deliveries or {} MiB",
                MAX_REJECTED_BYTES >> 20
            ));
        }
        has_room
    }
}

/// Returns the head in wire form, for a body in one piece.
fn head_of(delivery: &Delivery, body_len: usize) -> Vec<u8> {
    let Delivery { method, target, headers, .. } = delivery;
    let mut head = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
    for (name, value) in headers.iter().filter(|(name, _)| !is_framing(name)) {
        head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    head.extend(format!("content-length: {body_len}\r\n\r\n").into_bytes());
    head
}

fn is_framing(name: &str) -> bool {
    ["content-length", "transfer-encoding"].iter().any(|framing| name.eq_ignore_ascii_case(framing))
}
