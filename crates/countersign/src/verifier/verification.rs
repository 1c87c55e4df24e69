use std::fmt;
use std::sync::Arc;

use crate::keys::key_set::KeySet;
use crate::machine_clock::HAS_CLOCK;
use crate::request::clock::Clock;
use crate::request::header_index::HeaderIndex;
use crate::verdict::metadata::Metadata;
use crate::verdict::rejection::Rejection;
use crate::verdict::verified::Verified;
use crate::verifier::config::{Config, Snapshot};
use crate::verifier::parse::SignedParts;
use crate::verifier::state::VerificationState;

/// A delivery with a valid head, and a body to be hashed as it arrives. The body is not kept.
///
/// [`Verifier::begin`](crate::Verifier::begin) returns a `Verification`. Do not trust any part of
/// the body before [`finish`](Self::finish) succeeds. To keep the body until then, use
/// [`Receive`](crate::adapter::Receive).
///
/// ```
/// # use countersign::{Secret, Verifier, providers};
/// # let head = [(
/// #     "X-Hub-Signature",
/// #     "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9",
/// # )];
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

/// A verification without borrowed parts of the head.
pub(crate) struct OwnedVerification {
    pub(crate) config: Arc<Config>,
    /// The keys from the beginning of the delivery.
    pub(crate) keys: Arc<KeySet>,
    pub(crate) state: VerificationState,
    /// The text signed after the body.
    suffix: Vec<u8>,
    metadata: Metadata,
    /// The clock of the head.
    clock: Clock,
}

impl OwnedVerification {
    pub(crate) const fn new(config: Arc<Config>, keys: Arc<KeySet>, state: VerificationState) -> Self {
        Self { config, keys, state, suffix: Vec::new(), metadata: Metadata::NONE, clock: Clock::Unread }
    }

    /// Keeps the parts of the head needed at the end.
    pub(crate) fn keep(&mut self, parts: &SignedParts<'_>, index: &HeaderIndex<'_, '_>, clock: Clock) {
        let policy = &self.config.policy;
        parts.feed(policy.url.as_ref(), policy.scheme.suffix, |text| self.suffix.extend_from_slice(text));
        self.metadata = parts.metadata(&policy.plan, index);
        self.clock = clock;
    }

    /// Verifies the hashed body. Called once.
    pub(crate) fn finish(&mut self) -> Result<Verified, Rejection> {
        let Self { config, keys, state, suffix, metadata, clock } = self;
        state.hash(suffix);
        // For the time of the match: long after the head, if the body is slow. Without a clock of the
        // machine, the time of the head is the only time.
        let clock = if HAS_CLOCK { &Clock::Unread } else { clock };
        state.finish(Snapshot { config, keys }, clock, || metadata.take())
    }
}

impl Verification {
    /// Hashes the next bytes of the body. The size of the pieces does not matter.
    pub fn update(&mut self, data: &[u8]) {
        self.0.state.update(data);
    }

    /// Verifies the body given to [`update`](Self::update).
    ///
    /// All keys are tried to the end and compared in constant time. If several keys match,
    /// [`Verified::key_id`] returns the first listed key.
    ///
    /// # Errors
    /// - [`RejectionKind::SignatureMismatch`](crate::RejectionKind::SignatureMismatch): no key
    ///   matches.
    /// - [`RejectionKind::UnknownTenant`](crate::RejectionKind::UnknownTenant): the verifier is a
    ///   [decoy](crate::tenant::VerifierTemplate::decoy).
    pub fn finish(mut self) -> Result<Verified, Rejection> {
        self.0.finish()
    }
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification").field("scheme", &self.0.config.scheme_name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::keys::secret::Secret;
    use crate::providers;
    use crate::signer::Signer;
    use crate::verifier::Verifier;

    #[test]
    fn match_has_the_time_of_the_end_and_not_of_the_head() {
        let verifier = Verifier::builder(providers::JIRA).key("k", Secret::new("a secret for tests")).build().unwrap();
        let head = Signer::new(providers::JIRA, Secret::new("a secret for tests")).unwrap().sign(b"body");
        let began = SystemTime::now();
        let mut verification = verifier.begin(&head).unwrap();
        // The head was read in 1970.
        verification.0.clock = Clock::Read(Duration::from_secs(1));
        verification.update(b"body");
        verification.finish().unwrap();
        let matched = verifier.keys().list()[0].last_matched().unwrap();
        assert!(matched >= began - Duration::from_secs(2), "{matched:?}");
    }
}
