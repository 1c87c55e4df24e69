use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::buffer::Buffer;
use crate::mac::Mac;
use crate::report;
use crate::signed_head::SignedHead;
use crate::{Algorithm, Check, Head, Intake, KeyId, Rejection, RejectionKind, Scheme, Verified, VerifierBuilder};

/// Judges deliveries by one scheme and one or more keys. Cheap to clone, to be shared by all requests.
///
/// There are three ways in, which give the same verdict:
///
/// | | body | for |
/// |---|---|---|
/// | [`verify`](Self::verify) | at hand | whoever has the whole body in memory |
/// | [`begin`](Self::begin) | hashed as it arrives | whoever stores the body elsewhere |
/// | [`intake`](Self::intake) | hashed as it arrives, kept, limited | adapters |
///
/// Each has a form ending in `_at` that is told the time instead of asking the clock, which only the schemes with a timestamp do.
///
/// ```
/// use countersign::{Secret, Verifier, providers};
///
/// let verifier = Verifier::builder(providers::JIRA)
///     .key("2026-11", Secret::new("It's a Secret to Everybody"))
///     .build()?;
/// let head = [("X-Hub-Signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9")];
/// let verified = verifier.verify(&head, b"Hello World!")?;
/// assert_eq!(verified.key_id(), "2026-11");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Verifier(Arc<Config>);

pub(crate) struct Config {
    pub(crate) scheme: Scheme,
    pub(crate) accepted: Vec<Algorithm>,
    pub(crate) keys: Vec<PreparedKey>,
    pub(crate) body_limit: usize,
}

pub(crate) struct PreparedKey {
    pub(crate) id: KeyId,
    /// Ready to take the signed text, one for each accepted algorithm.
    pub(crate) macs: Vec<Mac>,
}

impl Verifier {
    /// Starts the description of a verifier for deliveries of this scheme.
    pub const fn builder(scheme: Scheme) -> VerifierBuilder {
        VerifierBuilder::new(scheme)
    }

    pub(crate) fn new(config: Config) -> Self {
        Self(Arc::new(config))
    }

    /// Judges a whole delivery. The limit for bodies is not applied, as the body is in memory already.
    ///
    /// # Errors
    /// Any kind that answers 401.
    pub fn verify(&self, head: &(impl Head + ?Sized), body: &[u8]) -> Result<Verified, Rejection> {
        self.check(&head, None, body)
    }

    /// [`verify`](Self::verify) at a given time.
    ///
    /// # Errors
    /// Any kind that answers 401.
    pub fn verify_at(&self, head: &(impl Head + ?Sized), body: &[u8], now: SystemTime) -> Result<Verified, Rejection> {
        self.check(&head, Some(now), body)
    }

    /// Judges the head, and starts to judge the body.
    ///
    /// # Errors
    /// Any kind that answers 401, but for [`RejectionKind::Mismatch`].
    pub fn begin(&self, head: &(impl Head + ?Sized)) -> Result<Check, Rejection> {
        self.start(&head, None)
    }

    /// [`begin`](Self::begin) at a given time.
    ///
    /// # Errors
    /// Any kind that answers 401, but for [`RejectionKind::Mismatch`].
    pub fn begin_at(&self, head: &(impl Head + ?Sized), now: SystemTime) -> Result<Check, Rejection> {
        self.start(&head, Some(now))
    }

    /// Judges the head and the length that its `Content-Length` announces, and starts to take in the body.
    ///
    /// # Errors
    /// Any kind that answers 401, but for [`RejectionKind::Mismatch`]; after those, [`RejectionKind::BodyTooLarge`].
    pub fn intake(&self, head: &(impl Head + ?Sized)) -> Result<Intake, Rejection> {
        self.take_in(&head, None)
    }

    /// [`intake`](Self::intake) at a given time.
    ///
    /// # Errors
    /// Any kind that answers 401, but for [`RejectionKind::Mismatch`]; after those, [`RejectionKind::BodyTooLarge`].
    pub fn intake_at(&self, head: &(impl Head + ?Sized), now: SystemTime) -> Result<Intake, Rejection> {
        self.take_in(&head, Some(now))
    }

    /// The scheme by which it judges.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.0.scheme
    }

    /// The largest body in bytes that an [`Intake`], and with it every adapter, accepts.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        self.0.body_limit
    }

    /// The ids of the keys, in the order in which they are tried.
    pub fn key_ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys().iter().map(|key| &key.id)
    }

    /// Tells the operator of a refusal: one `tracing` event at `WARN` with the target `countersign`. Adapters call it once for each; whoever
    /// calls [`verify`](Self::verify) decides.
    ///
    /// Its fields are `scheme`, `cause` ([`RejectionKind::as_str`]), `status`, and for a body that broke off `source`, which is what the
    /// framework's errors say. We write no secret, signature or byte of the body there.
    pub fn report(&self, rejection: &Rejection) {
        report::refusal(self.0.scheme.name(), rejection);
    }

    pub(crate) fn keys(&self) -> &[PreparedKey] {
        &self.0.keys
    }

    fn check(&self, head: &dyn Head, now: Option<SystemTime>, body: &[u8]) -> Result<Verified, Rejection> {
        let mut check = self.start(head, now)?;
        check.update(body);
        check.finish()
    }

    fn start(&self, head: &dyn Head, now: Option<SystemTime>) -> Result<Check, Rejection> {
        SignedHead::read(&self.0.scheme, &self.0.accepted, head, now)
            .and_then(|head| Check::new(self.clone(), head))
            .map_err(Rejection::new)
    }

    fn take_in(&self, head: &dyn Head, now: Option<SystemTime>) -> Result<Intake, Rejection> {
        let check = self.start(head, now)?;
        let announced = announced(head);
        if announced > self.0.body_limit {
            return Err(Rejection::new(RejectionKind::BodyTooLarge));
        }
        Ok(Intake::new(check, Buffer::new(self.0.body_limit, announced)))
    }
}

/// The length that the head announces: decimal digits (RFC 9110 §8.6), of several fields the largest; 0 where it announces none, for
/// what arrives is counted anyway. What a server let through that is not a number is not ours to judge.
fn announced(head: &dyn Head) -> usize {
    let mut announced = 0;
    head.header("content-length", &mut |value| {
        if !value.is_empty() && value.iter().all(u8::is_ascii_digit) {
            // A number too large for the type is too large for the limit as well.
            let length = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()).unwrap_or(usize::MAX);
            announced = length.max(announced);
        }
    });
    announced
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("scheme", &self.0.scheme.name())
            .field("algorithms", &self.0.accepted)
            .field("keys", &self.key_ids().collect::<Vec<_>>())
            .field("body_limit", &self.0.body_limit)
            .finish()
    }
}
