use std::fmt;
use std::time::SystemTime;

use subtle::{Choice, ConstantTimeEq as _};

use crate::mac::Mac;
use crate::one_or_more::OneOrMore;
use crate::signed_head::SignedHead;
use crate::tag::Tag;
use crate::{Rejection, RejectionKind, Verified, Verifier};

/// A delivery whose head is in order and whose body is being hashed as it arrives. The body is not kept.
///
/// Made by [`Verifier::begin`]. Nothing of the body may be believed before [`finish`](Self::finish) says so; use
/// [`Intake`](crate::Intake) where the body has to be kept until then.
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
pub struct Check {
    verifier: Verifier,
    /// In the order of the keys.
    running: OneOrMore<Running>,
    tags: OneOrMore<Tag>,
    /// What is signed behind the body.
    suffix: Vec<u8>,
    signed_at: Option<SystemTime>,
    signed_id: Option<Box<str>>,
}

struct Running {
    /// Which of the verifier's keys.
    key: usize,
    mac: Mac,
}

impl Check {
    pub(crate) fn new(verifier: Verifier, head: SignedHead<'_>) -> Result<Self, RejectionKind> {
        let scheme = verifier.scheme();
        let mut running = None;
        for (key, prepared) in verifier.keys().iter().enumerate() {
            for mac in &prepared.macs {
                if head.tags.iter().any(|tag| tag.algorithm() == mac.algorithm()) {
                    OneOrMore::push_onto(&mut running, Running { key, mac: mac.clone() });
                }
            }
        }
        // Tags are only of accepted algorithms, and each of those is prepared for each key: there is always one.
        let mut running = running.ok_or(RejectionKind::MethodNotAllowed)?;
        head.feed(scheme.before, |text| running.iter_mut().for_each(|running| running.mac.update(text)));
        let mut suffix = Vec::new();
        head.feed(scheme.after, |text| suffix.extend_from_slice(text));
        let (signed_at, signed_id) = (head.signed_at, head.id.map(Box::from));
        Ok(Self { running, tags: head.tags, suffix, signed_at, signed_id, verifier })
    }

    /// Hashes the next bytes of the body, however it was divided on the way.
    pub fn update(&mut self, data: &[u8]) {
        for running in self.running.iter_mut() {
            running.mac.update(data);
        }
    }

    /// Judges the body as it was given to [`update`](Self::update).
    ///
    /// All keys are tried to the end and compared in constant time; of several that match, the one listed first is named.
    ///
    /// # Errors
    /// [`RejectionKind::Mismatch`].
    pub fn finish(self) -> Result<Verified, Rejection> {
        let mut matched = None;
        self.running.consume(|Running { key, mut mac }| {
            mac.update(&self.suffix);
            let expected = mac.finish();
            let hit = self.tags.iter().fold(Choice::from(0), |hit, tag| hit | tag.ct_eq(&expected));
            if bool::from(hit) && matched.is_none() {
                matched = Some((key, expected.algorithm()));
            }
        });
        let (key, algorithm) = matched.ok_or(Rejection::new(RejectionKind::Mismatch))?;
        let key = self.verifier.keys().get(key).ok_or(Rejection::new(RejectionKind::Mismatch))?;
        Ok(Verified::new(self.verifier.scheme().name(), key.id.clone(), algorithm, self.signed_at, self.signed_id))
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}
