use std::fmt;
use std::sync::Arc;

use crate::keys::key_set::KeySet;
use crate::verdict::rejection::Rejection;
use crate::verdict::verified::Verified;
use crate::verifier::config::{Config, Snapshot};
use crate::verifier::state::VerificationState;

/// A delivery whose head is in order and whose body is being hashed as it arrives. The body is not kept.
///
/// Made by [`Verifier::begin`](crate::Verifier::begin). Nothing of the body may be believed before [`finish`](Self::finish) says so; use
/// [`Intake`](crate::adapter::Intake) where the body has to be kept until then.
///
/// ```
/// # use countersign::{Secret, Verifier, providers};
/// # let head = [("X-Hub-Signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9")];
/// let verifier = Verifier::builder(providers::JIRA)
///     .key("2026-11", Secret::new("It's a Secret to Everybody"))
///     .build()?;
/// let mut check = verifier.begin(&head)?;
/// check.update(b"Hello ");
/// check.update(b"World!");
/// assert_eq!(check.finish()?.key_id(), "2026-11");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a delivery is only verified by `finish`"]
pub struct Verification {
    config: Arc<Config>,
    /// Those that there were when it began.
    keys: Arc<KeySet>,
    pub(crate) state: VerificationState,
}

impl Verification {
    /// One whose head has been judged, by the same.
    pub(crate) const fn new(config: Arc<Config>, keys: Arc<KeySet>, state: VerificationState) -> Self {
        Self { config, keys, state }
    }

    /// Hashes the next bytes of the body, however it was divided on the way.
    pub fn update(&mut self, data: &[u8]) {
        self.state.update(data);
    }

    /// Judges the body as it was given to [`update`](Self::update).
    ///
    /// All keys are tried to the end and compared in constant time; of several that match, the one listed first is named.
    ///
    /// # Errors
    /// [`RejectionKind::SignatureMismatch`](crate::RejectionKind::SignatureMismatch).
    pub fn finish(mut self) -> Result<Verified, Rejection> {
        self.state.conclude(Snapshot { config: &self.config, keys: &self.keys })
    }
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification").field("scheme", &self.config.scheme_name()).finish_non_exhaustive()
    }
}
