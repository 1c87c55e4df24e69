use sha2::{Digest as _, Sha256};

/// The SHA-256 digest of a body in chunks.
pub(crate) struct BodyDigest(Sha256);

impl BodyDigest {
    pub(crate) fn new() -> Self {
        Self(Sha256::new())
    }

    pub(crate) fn of(body: &[u8]) -> Self {
        Self(Sha256::new_with_prefix(body))
    }

    pub(crate) fn update(&mut self, chunk: &[u8]) {
        self.0.update(chunk);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
