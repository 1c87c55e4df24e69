use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::delivery::Delivery;
use crate::failure::Failure;

/// Where deliveries are kept, each as a request that `verify --request` reads.
pub(crate) struct Folder {
    path: PathBuf,
    next: AtomicU64,
}

impl Folder {
    pub(crate) fn open(path: PathBuf) -> Result<Self, Failure> {
        let mut builder = fs::DirBuilder::new();
        // What is kept is nobody else's, and may hold a token.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .recursive(true)
            .create(&path)
            .map_err(|error| Failure::because(format!("cannot make the folder {}", path.display()), error))?;
        Ok(Self { path, next: AtomicU64::new(1) })
    }

    /// The file that it is kept in now.
    pub(crate) fn keep(&self, delivery: &Delivery, received: SystemTime) -> Result<PathBuf, Failure> {
        let time = humantime::format_rfc3339_millis(received).to_string().replace(':', "-");
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let file = self.path.join(format!("{time}-{number}.http"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&file).and_then(|mut file| file.write_all(&as_request(delivery)));
        written.map_err(|error| Failure::because(format!("cannot write {}", file.display()), error))?;
        Ok(file)
    }
}

/// As it would stand on the wire with its body in one piece.
fn as_request(delivery: &Delivery) -> Vec<u8> {
    let Delivery { method, target, headers, body } = delivery;
    let mut request = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
    for (name, value) in headers.iter().filter(|(name, _)| !is_framing(name)) {
        request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    request.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
    request.extend_from_slice(body);
    request
}

fn is_framing(name: &str) -> bool {
    ["content-length", "transfer-encoding"].iter().any(|framing| name.eq_ignore_ascii_case(framing))
}
