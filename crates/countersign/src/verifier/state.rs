use std::sync::Arc;

use subtle::ConstantTimeEq as _;

use crate::crypto::candidates::Candidates;
use crate::crypto::mac::Mac;
use crate::keys::key_set::{KeySet, PreparedKey, Trial};
use crate::machine_clock;
use crate::request::clock::Clock;
use crate::request::head::RequestHead;
use crate::request::header_index::HeaderIndex;
use crate::scheme::layout::Grammar;
use crate::verdict::metadata::Metadata;
use crate::verdict::rejection::Rejection;
use crate::verdict::rejection_kind::RejectionKind;
use crate::verdict::verified::Verified;
use crate::verifier::companion::Companion;
use crate::verifier::config::Snapshot;
use crate::verifier::parse::SignedParts;

/// The bytes hashed with one key before the next key's turn: one or two blocks of a hash.
const STRIDE: usize = 128;

/// The state of a verification: [`start`](Self::start) for the head, [`update`](Self::update) for
/// each piece of the body, and [`finish`](Self::finish).
///
/// The state is on the stack if the body is at hand, and in a box if the body is awaited. The size
/// is several hundred bytes. Signatures and MACs are stored in place, and move at most once, into
/// the box. The state does not hold the scheme and the keys, because these may be borrowed or
/// shared.
pub(crate) struct VerificationState {
    check: Check,
    candidates: Candidates,
    /// Whether a MAC is in progress: `first`, and perhaps `others`.
    is_begun: bool,
    first: KeyMac,
    others: Vec<KeyMac>,
    /// Work beside the MACs: hints, and the digest of the body.
    companion: Option<Box<Companion>>,
}

/// The check of a delivery.
enum Check {
    /// A candidate equals the MAC of the signed text by a key.
    Mac,
    /// A static token, already found equal to this key. The body changes nothing.
    Token { key: usize },
    /// A proof in the body, with a possible wait for a key. No scheme has such a proof yet.
    #[cfg(test)]
    InBody(tests::BodyProof),
}

/// A MAC in progress, with its key and trial.
struct KeyMac {
    key: usize,
    trial: usize,
    mac: Mac,
}

impl KeyMac {
    #[inline]
    const fn new() -> Self {
        Self { key: 0, trial: 0, mac: Mac::NONE }
    }

    #[inline]
    fn begin(&mut self, key: usize, trial: usize, tried: &Trial) {
        (self.key, self.trial) = (key, trial);
        self.mac.begin(&tried.mac);
    }

    /// Returns the key and the trial, if the MAC equals a candidate.
    #[inline(always)]
    fn judge<'k>(&mut self, keys: &'k KeySet, candidates: &Candidates) -> Option<(&'k PreparedKey, &'k Trial)> {
        let key = keys.get(self.key)?;
        let trial = key.trials.get(self.trial)?;
        let matches = self.mac.finish(|computed| candidates.has_equal(trial.algorithm, computed))?;
        bool::from(matches).then_some((key, trial))
    }
}

impl VerificationState {
    /// Creates the state before the check of the head. This state verifies nothing.
    #[inline]
    pub(crate) const fn new() -> Self {
        Self {
            check: Check::Mac,
            candidates: Candidates::new(),
            is_begun: false,
            first: KeyMac::new(),
            others: Vec::new(),
            companion: None,
        }
    }

    /// Checks the head, and starts a MAC for each valid key. Fills in the signed parts of the head.
    #[inline(always)]
    pub(crate) fn start<'h>(
        &mut self,
        snapshot: Snapshot<'_>,
        head: &'h dyn RequestHead,
        index: &HeaderIndex<'_, 'h>,
        parts: &mut SignedParts<'h>,
        clock: &mut Clock,
    ) -> Result<(), RejectionKind> {
        let Snapshot { config, keys } = snapshot;
        let policy = &*config.policy;
        #[cfg(test)]
        if let Some(proof) = tests::BodyProof::of(&policy.scheme) {
            self.check = Check::InBody(proof);
            return Ok(());
        }
        parts.read(policy, head, index, &mut self.candidates, clock)?;
        if policy.scheme.grammar == Grammar::StaticToken {
            self.check = Check::Token { key: token_of(keys, parts.token, clock, config.is_decoy)? };
            return Ok(());
        }
        for (key, prepared) in keys.valid(clock) {
            for (trial, tried) in prepared.trials.iter().enumerate() {
                if !self.candidates.has(tried.algorithm) {
                    continue;
                }
                if std::mem::replace(&mut self.is_begun, true) {
                    self.begin_another(key, trial, tried);
                } else {
                    self.first.begin(key, trial, tried);
                }
            }
        }
        if !self.is_begun {
            // Candidates have accepted algorithms only, and each key has a trial for each accepted
            // algorithm. No MAC therefore means no valid key.
            return Err(RejectionKind::KeysExpired);
        }
        if policy.hints.is_some() {
            self.companion.get_or_insert_default().explain(keys, head, clock);
        }
        if !policy.scheme.prefix.is_empty() {
            parts.feed(policy.url.as_ref(), policy.scheme.prefix, |text| self.hash(text));
        }
        Ok(())
    }

    #[cold]
    fn begin_another(&mut self, key: usize, trial: usize, tried: &Trial) {
        let mut mac = KeyMac::new();
        mac.begin(key, trial, tried);
        self.others.push(mac);
    }

    /// Starts a digest of the body, beside the MACs. Call before [`update`](Self::update).
    #[cfg(feature = "identity")]
    #[cold]
    pub(crate) fn start_digest(&mut self) {
        self.companion.get_or_insert_default().start_digest();
    }

    /// Adds the digest of the body, if started, to `verified`.
    #[cfg(feature = "identity")]
    #[cold]
    pub(crate) fn add_digest(&mut self, verified: Verified) -> Verified {
        match self.companion.as_mut().and_then(|companion| companion.take_digest()) {
            Some(digest) => verified.with_body_digest(digest),
            None => verified,
        }
    }

    /// Hashes the next bytes of the body. The size of the pieces does not matter.
    #[inline]
    pub(crate) fn update(&mut self, data: &[u8]) {
        self.hash(data);
        if let Some(companion) = &mut self.companion {
            companion.update(data);
        }
    }

    /// Hashes the next bytes of the signed text.
    #[inline(always)]
    pub(crate) fn hash(&mut self, text: &[u8]) {
        if self.others.is_empty() && self.companion.is_none() {
            self.first.mac.update(text);
        } else {
            self.hash_all(text);
        }
    }

    #[cold]
    fn hash_all(&mut self, text: &[u8]) {
        if let Some(companion) = &mut self.companion {
            companion.hash(text);
        }
        if self.others.is_empty() {
            return self.first.mac.update(text);
        }
        // Alternate between the keys. Each step of a hash waits for the previous step of the same
        // hash. Meanwhile, the processor can work on another hash. Measured with 16 KiB and two
        // keys: a tenth less time than one key after the other.
        for text in text.chunks(STRIDE) {
            self.first.mac.update(text);
            self.others.iter_mut().for_each(|other| other.mac.update(text));
        }
    }

    /// Compares the MACs with the candidates. Called once, after the suffix was hashed.
    ///
    /// All keys are tried to the end and compared in constant time. If several keys match, the
    /// first listed key counts. `metadata` is called only for a verified delivery.
    #[inline]
    pub(crate) fn finish(
        &mut self,
        snapshot: Snapshot<'_>,
        clock: &Clock,
        metadata: impl FnOnce() -> Metadata,
    ) -> Result<Verified, Rejection> {
        let Snapshot { config, keys } = snapshot;
        let matched = match self.check {
            Check::Mac => self.matched(keys),
            Check::Token { key } => keys.get(key).and_then(|key| Some((key, key.trials.first()?))),
            #[cfg(test)]
            Check::InBody(ref proof) => keys.get(0).filter(|_| proof.is_genuine()).and_then(|key| Some((key, key.trials.first()?))),
        };
        match matched {
            Some((key, trial)) if !config.is_decoy => {
                key.record_match(clock.seconds_of_machine());
                Ok(Verified::new(Arc::clone(&trial.by), metadata()))
            }
            // No key matched, or this is the decoy.
            matched => Err(self.mismatch(snapshot, matched.is_none())),
        }
    }

    /// Hashes the suffix, then calls [`finish`](Self::finish), while the head is still at hand.
    #[inline]
    pub(crate) fn finish_with(
        &mut self,
        snapshot: Snapshot<'_>,
        parts: &SignedParts<'_>,
        index: &HeaderIndex<'_, '_>,
        clock: &Clock,
    ) -> Result<Verified, Rejection> {
        let policy = &*snapshot.config.policy;
        parts.feed(policy.url.as_ref(), policy.scheme.suffix, |text| self.hash(text));
        self.finish(snapshot, clock, || parts.metadata(&policy.plan, index))
    }

    /// Polls for the key of a proof in the body.
    #[cfg(test)]
    pub(crate) fn poll_key(&mut self, cx: &mut std::task::Context<'_>, body: &[u8]) -> std::task::Poll<()> {
        match &mut self.check {
            Check::InBody(proof) => proof.poll(cx, body),
            Check::Mac | Check::Token { .. } => std::task::Poll::Ready(()),
        }
    }

    /// Returns the number of MACs in progress.
    #[cfg(test)]
    pub(crate) fn hashes(&self) -> usize {
        self.others.len().saturating_add(self.is_begun.into())
    }

    #[inline(always)]
    fn matched<'k>(&mut self, keys: &'k KeySet) -> Option<(&'k PreparedKey, &'k Trial)> {
        if !std::mem::take(&mut self.is_begun) {
            return None;
        }
        let matched = self.first.judge(keys, &self.candidates);
        // Not `or_else`: after a match, the remaining keys would be skipped.
        self.others.iter_mut().fold(matched, |matched, other| matched.or(other.judge(keys, &self.candidates)))
    }

    #[cold]
    fn mismatch(&mut self, Snapshot { config, .. }: Snapshot<'_>, unmatched: bool) -> Rejection {
        // The rate is asked last, so that a rejection without a hint uses none of it.
        let wanted = || config.policy.hints.as_ref().is_some_and(|rate| rate.allows(machine_clock::instant()));
        let companion = self.companion.take().filter(|_| unmatched && wanted());
        let hint = companion.and_then(|companion| companion.into_hint(&self.candidates));
        config.reject(RejectionKind::SignatureMismatch).with_hint(hint)
    }
}

/// Returns the first listed key equal to the token. For each key, compares the MAC of the token
/// with the stored MAC of the key itself, to the end. This takes constant time for any length of
/// key, and the plain key is not kept.
#[cold]
fn token_of(keys: &KeySet, token: &[u8], clock: &mut Clock, is_decoy: bool) -> Result<usize, RejectionKind> {
    let mut matched = Err(RejectionKind::KeysExpired);
    for (place, key) in keys.valid(clock) {
        matched = matched.or(Err(RejectionKind::TokenMismatch));
        if let (Some(trial), Some(expected)) = (key.trials.first(), &key.token) {
            let mut mac = trial.mac.clone();
            mac.update(token);
            if bool::from(mac.tag().ct_eq(expected)) && matched.is_err() {
                matched = Ok(place);
            }
        }
    }
    matched.and_then(|place| if is_decoy { Err(RejectionKind::TokenMismatch) } else { Ok(place) })
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Waker};

    use bytes::Bytes;

    use super::*;
    use crate::algorithm::Algorithm;
    use crate::keys::secret::Secret;
    use crate::providers;
    use crate::receive::outcome::Outcome;
    use crate::receive::{Receive, ReceiveOptions};
    use crate::request::timer::NoTimer;
    use crate::scheme::Scheme;
    use crate::verifier::Verifier;

    #[test]
    fn decoy_hashes_as_much_as_one_key() {
        let builder = || Verifier::builder(providers::JIRA);
        let head = [("X-Hub-Signature", format!("sha256={}", "0".repeat(64)))];
        let hashes = |verifier: &Verifier| verifier.begin(&head).unwrap().0.state.hashes();
        let one = builder().key("k", Secret::new("secret")).build().unwrap();
        assert_eq!((hashes(&one), hashes(&builder().build_template().unwrap().decoy().clone())), (1, 1));
    }

    #[test]
    fn second_signature_of_another_algorithm_verifies() {
        const SCHEME: Scheme =
            Scheme::new("x", "X-S-").numbered_headers("X-S-").tagged(b'=', &[("sha256", Algorithm::Sha256), ("sha512", Algorithm::Sha512)]);
        let verifier =
            Verifier::builder(SCHEME).algorithms([Algorithm::Sha256, Algorithm::Sha512]).key("k", Secret::new("secret")).build().unwrap();
        // `printf body | openssl dgst -sha512 -hmac secret`
        let sha512 = concat!(
            "sha512=de4a671e8233987c46a9048b8041bda6296901960022836c15c28023d3f66c37",
            "20449af241bdfe2e592c5b2273730cd1df763073e018e60d7313077c5342fde9",
        );
        for wrong in ["sha256=", "sha512="] {
            let wrong = format!("{wrong}{}", "0".repeat(if wrong == "sha256=" { 64 } else { 128 }));
            let head = [("X-S-1", wrong.as_str()), ("X-S-2", sha512)];
            assert_eq!(verifier.verify(&head, b"body").unwrap().algorithm(), Some(Algorithm::Sha512), "after {wrong}");
        }
    }

    #[test]
    fn error_of_the_resolver_is_the_source_of_no_other_rejection() {
        let template = Verifier::builder(providers::JIRA).build_template().unwrap();
        let unavailable = template.decoy().unavailable("the database is down".into());
        let source = |head: &[(&str, &str)]| {
            let rejection = unavailable.verify(head, b"body").unwrap_err();
            (rejection.kind(), rejection.source().map(ToString::to_string))
        };
        let signature = format!("sha256={}", "0".repeat(64));
        assert_eq!(source(&[]), (RejectionKind::MissingSignature, None));
        assert_eq!(source(&[("X-Hub-Signature", &signature)]), (RejectionKind::KeysUnavailable, Some("the database is down".to_owned())));
    }

    #[test]
    fn unavailable_keys_of_one_scheme_concern_no_other_scheme_of_a_combination() {
        let template = Verifier::builder(providers::JIRA).build_template().unwrap();
        let github = Verifier::builder(providers::GITHUB).key("k", Secret::new("secret")).build().unwrap();
        let verifier = Verifier::any_of([github, template.decoy().unavailable("the database is down".into())]).unwrap();
        let signed = crate::signer::Signer::new(providers::GITHUB, Secret::new("secret")).unwrap().sign(b"body");
        assert_eq!(verifier.verify(&signed, b"body").unwrap().key_id(), "k");
        let signature = format!("sha256={}", "0".repeat(64));
        let rejection = verifier.verify(&[("X-Hub-Signature", &signature)], b"body").unwrap_err();
        assert_eq!(rejection.kind(), RejectionKind::KeysUnavailable);
        assert_eq!(rejection.source().map(ToString::to_string).as_deref(), Some("the database is down"));
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri takes longer than two seconds")]
    fn hints_are_rate_limited_during_a_flood() {
        let verifier = Verifier::builder(providers::JIRA).key("k", Secret::new("a secret of some length\n")).hints().build().unwrap();
        let head = crate::signer::Signer::new(providers::JIRA, Secret::new("a secret of some length")).unwrap().sign(b"body");
        let hints = (0..60).filter(|_| verifier.verify(&head, b"body").unwrap_err().hint().is_some()).count();
        // The limit is ten hints a second, and the test may span two seconds.
        assert!((10..=20).contains(&hints), "{hints}");
    }

    const SCHEME: Scheme = Scheme::new("proof-in-the-body", "X-Unused");

    /// The number of pending polls before the key arrives.
    const WAITS: usize = 2;

    /// The number of polls for the key, over all deliveries.
    static KEY_POLLS: AtomicUsize = AtomicUsize::new(0);

    /// The proof of a fake scheme. The body names the key, as in `key=7;genuine`, and the key must
    /// be fetched. Shows that [`Receive`] can check such a proof on the same path as MACs.
    pub(super) struct BodyProof {
        waits: usize,
        is_genuine: bool,
    }

    impl BodyProof {
        pub(super) fn of(scheme: &Scheme) -> Option<Self> {
            (scheme.name() == SCHEME.name()).then_some(Self { waits: WAITS, is_genuine: false })
        }

        pub(super) fn poll(&mut self, cx: &mut Context<'_>, body: &[u8]) -> Poll<()> {
            KEY_POLLS.fetch_add(1, Ordering::Relaxed);
            if body.starts_with(b"key=")
                && let Some(waits) = self.waits.checked_sub(1)
            {
                self.waits = waits;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.is_genuine = body == b"key=7;genuine";
            Poll::Ready(())
        }

        pub(super) const fn is_genuine(&self) -> bool {
            self.is_genuine
        }
    }

    /// Polls to the outcome. Returns the number of pending polls and the outcome.
    fn receive_chunks(report_only: bool, chunks: &[Poll<&'static str>]) -> (usize, Result<Outcome, RejectionKind>) {
        let verifier = Verifier::builder(SCHEME).key("7", Secret::new("not used by the fake")).body_limit(20).build().unwrap();
        let options = ReceiveOptions { deadline: None, insecure_report_only: report_only, ..ReceiveOptions::new(verifier) };
        let (mut receive, mut chunks, mut pending) = (Receive::new(), chunks.iter(), 0_usize);
        let head: [(&str, &str); 0] = [];
        let mut body = |_: &mut Context<'_>| match chunks.next() {
            Some(chunk) => chunk.map(|chunk| Some(Ok::<_, io::Error>(Bytes::from(chunk)))),
            None => Poll::Ready(None),
        };
        loop {
            match receive.poll(&mut Context::from_waker(Waker::noop()), &options, &head, &mut body, &mut NoTimer) {
                Poll::Pending => pending = pending.saturating_add(1),
                Poll::Ready(received) => return (pending, received.map_err(|rejection| rejection.kind())),
            }
        }
    }

    #[test]
    fn body_proof_waits_for_the_key_and_decides_the_outcome() {
        for chunks in [&[Poll::Ready("key=7;genuine")][..], &[Poll::Ready("key=7;"), Poll::Pending, Poll::Ready("genuine")]] {
            let before = KEY_POLLS.load(Ordering::Relaxed);
            let (pending, outcome) = receive_chunks(false, chunks);
            // A wait for the body adds one poll.
            assert_eq!(pending, WAITS + chunks.iter().filter(|chunk| chunk.is_pending()).count());
            assert!(KEY_POLLS.load(Ordering::Relaxed) > before);
            match outcome {
                Ok(Outcome::Verified(verified, body)) => assert_eq!((verified.key_id().as_str(), &body[..]), ("7", &b"key=7;genuine"[..])),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(receive_chunks(false, &[Poll::Ready("key=7;forged")]).1.err(), Some(RejectionKind::SignatureMismatch));
        // A body without a key is rejected at once. A body over the limit is rejected before the
        // key arrives.
        let (pending, outcome) = receive_chunks(false, &[Poll::Ready("nothing")]);
        assert_eq!((pending, outcome.err()), (0, Some(RejectionKind::SignatureMismatch)));
        let (pending, outcome) = receive_chunks(false, &[Poll::Ready("key=7;"), Poll::Ready("much more than is wanted")]);
        assert_eq!((pending, outcome.err()), (0, Some(RejectionKind::BodyTooLarge)));
        assert!(matches!(receive_chunks(true, &[Poll::Ready("key=7;forged")]), (WAITS, Ok(Outcome::Unverified(..)))));
    }
}
