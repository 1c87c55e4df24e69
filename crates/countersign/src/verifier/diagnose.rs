use crate::crypto::candidates::Candidates;
use crate::crypto::mac::Mac;
use crate::keys::key_set::KeySet;
use crate::machine_clock;
use crate::providers;
use crate::request::clock::Clock;
use crate::request::head::RequestHead;
use crate::request::header_index::HeaderValues;
use crate::scheme::Scheme;
use crate::verdict::hint::Hint;
use crate::verdict::rejection_kind::RejectionKind;
use crate::verifier::config::Config;
use crate::verifier::parse;
use crate::verifier::policy::Policy;

pub(crate) fn hint(config: &Config, kind: RejectionKind, head: &dyn RequestHead) -> Option<Hint> {
    let Policy { scheme, hints, .. } = &*config.policy;
    let wanted = hints.as_ref().is_some_and(|rate| rate.allows(machine_clock::instant()));
    if wanted { of_head(scheme, kind, head) } else { None }
}

/// Returns a hint about a delivery rejected by its head.
fn of_head(scheme: &Scheme, kind: RejectionKind, head: &dyn RequestHead) -> Option<Hint> {
    use RejectionKind as Kind;
    let about_the_header = matches!(
        kind,
        Kind::MissingSignature
            | Kind::MalformedSignature
            | Kind::UnknownAlgorithm
            | Kind::AlgorithmNotAllowed
            | Kind::SignatureLength
            | Kind::SignatureEncoding
    );
    if !about_the_header {
        return None;
    }
    let mut jwt = false;
    head.header("authorization", &mut |value| jwt |= value.starts_with(b"JWT ") || value.starts_with(b"Bearer eyJ"));
    // Skip static tokens: a header such as `Authorization` does not identify the sender.
    let others = providers::ALL.iter().filter(|other| other.covers_body() && other.shared_header(scheme).is_none());
    let mut others = others.filter(|other| parse::is_present(other, head));
    if jwt { Some(Hint::Jwt) } else { others.next().map(|other| Hint::OtherProvider(other.name())) }
}

/// Collects data during a verification to explain a mismatch. Exists only if hints are on.
pub(crate) struct Diagnostics {
    /// For each secret with white space at an end: the MAC by the trimmed secret.
    trimmed: Vec<Mac>,
    encoded: bool,
    bytes: usize,
}

impl Diagnostics {
    pub(crate) fn new(keys: &KeySet, head: &dyn RequestHead, clock: &mut Clock) -> Self {
        let trimmed = keys.valid(clock).filter_map(|(_, key)| key.trimmed.clone()).collect();
        Self { trimmed, encoded: HeaderValues::is_there(head, "content-encoding"), bytes: 0 }
    }

    /// Hashes the next bytes of the signed text.
    pub(crate) fn hash(&mut self, text: &[u8]) {
        self.trimmed.iter_mut().for_each(|mac| mac.update(text));
    }

    /// Counts the next bytes of the body.
    pub(crate) const fn count(&mut self, data: &[u8]) {
        self.bytes = self.bytes.saturating_add(data.len());
    }

    pub(crate) fn resolve(self, candidates: &Candidates) -> Option<Hint> {
        let mut trimmed = self.trimmed.into_iter().filter_map(|mut mac| {
            let algorithm = mac.algorithm();
            mac.finish(|computed| candidates.has_computed(algorithm, computed))
        });
        if trimmed.any(bool::from) {
            Some(Hint::SecretHasWhiteSpace)
        } else if self.bytes == 0 {
            Some(Hint::EmptyBody)
        } else if self.encoded {
            Some(Hint::ContentEncoding)
        } else {
            None
        }
    }
}
