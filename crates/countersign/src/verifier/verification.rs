use std::fmt;
use std::sync::Arc;

use crate::keys::key_set::KeySet;
use crate::request::clock::Clock;
use crate::request::header_index::HeaderIndex;
use crate::verdict::metadata::Metadata;
use crate::verdict::rejection::Rejection;
use crate::verdict::verified::Verified;
use crate::verifier::config::{Config, Snapshot};
use crate::verifier::parse::SignedParts;
use crate::verifier::state::VerificationState;

/// A delivery whose head is in order and whose body is being hashed as it arrives. The body is not kept.
///
/// Made by [`Verifier::begin`](crate::Verifier::begin). Nothing of the body may be believed before [`finish`](Self::finish) says so; use
/// [`Receive`](crate::adapter::Receive) where the body has to be kept until then.
///
/// ```
/// # use countersign::{Secret, Verifier, providers};
/// # let head = [("X-Hub-Signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9")];
/// let verifier = Verifier::builder(providers::JIRA)
///     .key("2026-11", Secret::new("It's a Secret to Everybody"))
///     .build()?;
/// let mut verification = verifier.begin(&head)?;
/// verification.update(b"Hello ");
/// verification.update(b"World!");
/// assert_eq!(verification.finish()?.key_id(), "2026-11");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a delivery is only verified by `finish`"]
pub struct Verification(pub(crate) Box<OwnedVerification>);

/// A verification that borrows nothing of the head.
pub(crate) struct OwnedVerification {
    pub(crate) config: Arc<Config>,
    /// Those that there were when it began.
    pub(crate) keys: Arc<KeySet>,
    pub(crate) state: VerificationState,
    /// What is signed behind the body.
    suffix: Vec<u8>,
    metadata: Metadata,
}

impl OwnedVerification {
    pub(crate) const fn new(config: Arc<Config>, keys: Arc<KeySet>, state: VerificationState) -> Self {
        Self { config, keys, state, suffix: Vec::new(), metadata: Metadata::NONE }
    }

    /// Keeps what the end will need of the head.
    pub(crate) fn keep(&mut self, parts: &SignedParts<'_>, index: &HeaderIndex<'_, '_>) {
        let policy = &self.config.policy;
        parts.feed(policy.url.as_ref(), policy.scheme.suffix, |text| self.suffix.extend_from_slice(text));
        self.metadata = parts.metadata(&policy.plan, index);
    }

    /// Judges the body as it was hashed. Once.
    pub(crate) fn finish(&mut self) -> Result<Verified, Rejection> {
        let Self { config, keys, state, suffix, metadata } = self;
        state.hash(suffix);
        state.finish(Snapshot { config, keys }, &Clock::Unread, || metadata.take())
    }
}

impl Verification {
    /// Hashes the next bytes of the body, however it was divided on the way.
    pub fn update(&mut self, data: &[u8]) {
        self.0.state.update(data);
    }

    /// Judges the body as it was given to [`update`](Self::update).
    ///
    /// All keys are tried to the end and compared in constant time; of several that match, the one listed first is named.
    ///
    /// # Errors
    /// [`RejectionKind::SignatureMismatch`](crate::RejectionKind::SignatureMismatch).
    pub fn finish(mut self) -> Result<Verified, Rejection> {
        self.0.finish()
    }
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification").field("scheme", &self.0.config.scheme_name()).finish_non_exhaustive()
    }
}
