use std::sync::Arc;
use std::time::{Instant, SystemTime};

use subtle::ConstantTimeEq as _;

use crate::algorithm::Algorithm;
use crate::crypto::mac::Mac;
use crate::crypto::one_or_more::OneOrMore;
use crate::crypto::tag::Tag;
use crate::keys::key_set::KeySet;
use crate::request::head::RequestHead;
use crate::request::header_index::HeaderIndex;
use crate::scheme::Scheme;
use crate::verdict::rejection::Rejection;
use crate::verdict::rejection_kind::RejectionKind;
use crate::verdict::verified::{Metadata, Verified};
use crate::verifier::config::{Config, Snapshot};
use crate::verifier::diagnose::Diagnostics;
use crate::verifier::parse::{self, Credential, ParsedHead, SignedParts};
use crate::verifier::policy::Policy;

// A delivery's state is some hundred bytes, and moving it about costs as much as reading its head: what can be is done where it stands.

/// In bytes: a few blocks of a hash.
const STRIDE: usize = 128;

/// What is hashed of a delivery until it can be judged. It does not hold what it is judged by, as that may be borrowed or shared.
pub(crate) struct VerificationState {
    proof: ProofState,
    metadata: Metadata,
    diagnostics: Option<Box<Diagnostics>>,
}

#[expect(clippy::large_enum_variant, reason = "nearly every delivery has the large one")]
enum ProofState {
    /// The head has not been found in order, and whatever comes is rejected.
    Unread,
    Macs {
        /// In the order of the keys.
        running: Option<OneOrMore<KeyMac>>,
        tags: OneOrMore<Tag>,
        /// What is signed behind the body.
        suffix: Vec<u8>,
    },
    /// A static token has been judged already, and the body changes nothing.
    Token { key: usize },
}

struct KeyMac {
    /// Which of the scheme's keys.
    key: usize,
    mac: Mac,
}

impl VerificationState {
    /// What [`read`](Self::read), [`update`](Self::update) and [`conclude`](Self::conclude) come to where head and body are at hand, with nothing
    /// kept on the way: at a few hundred bytes, a third less time. Without hints.
    pub(crate) fn whole(
        snapshot: Snapshot<'_>,
        head: &HeaderIndex<'_>,
        signed: &ParsedHead<'_>,
        now: Option<SystemTime>,
        body: &[u8],
    ) -> Result<Verified, RejectionKind> {
        let Snapshot { config, keys } = snapshot;
        let (scheme, ParsedHead { credential, parts }) = (&config.policy.scheme, signed);
        let mut found = Match::default();
        match credential {
            Credential::Tags(tags) => prepared(keys, tags, now, |key, mac| {
                let mut mac = mac.clone();
                parts.feed(scheme.prefix, |text| mac.update(text));
                mac.update(body);
                parts.feed(scheme.suffix, |text| mac.update(text));
                found.compare(key, mac, tags);
            }),
            Credential::Token(token) => {
                let key = token_of(keys, token, now)?;
                if config.is_decoy {
                    return Err(RejectionKind::TokenMismatch);
                }
                found.token(key);
            }
        }
        found.conclude(config, keys, || Metadata::of(scheme, head, parts))
    }

    /// Of which nothing has been looked at yet, and whatever comes is rejected.
    #[inline]
    pub(crate) fn new() -> Self {
        Self { proof: ProofState::Unread, metadata: Metadata::default(), diagnostics: None }
    }

    /// Judges the head.
    pub(crate) fn read(&mut self, snapshot: Snapshot<'_>, head: &dyn RequestHead, now: Option<SystemTime>) -> Result<(), RejectionKind> {
        let signed = ParsedHead::read(&snapshot.config.policy, head, now)?;
        self.start(snapshot, head, signed, now)
    }

    /// Goes on with a head that has been read.
    pub(crate) fn start(
        &mut self,
        snapshot: Snapshot<'_>,
        head: &dyn RequestHead,
        signed: ParsedHead<'_>,
        now: Option<SystemTime>,
    ) -> Result<(), RejectionKind> {
        let Snapshot { config, keys } = snapshot;
        let Policy { scheme, hints, .. } = &*config.policy;
        let ParsedHead { credential, parts } = signed;
        match credential {
            Credential::Tags(tags) => {
                let mut suffix = Vec::new();
                parts.feed(scheme.suffix, |text| suffix.extend_from_slice(text));
                self.proof = ProofState::Macs { running: None, tags, suffix };
                if let ProofState::Macs { running, tags, .. } = &mut self.proof {
                    prepared(keys, tags, now, |key, mac| OneOrMore::push_onto(running, KeyMac { key, mac: mac.clone() }));
                    // Tags are only of accepted algorithms, and each of those is prepared for each key: it can only be the keys.
                    let running = running.as_mut().ok_or(RejectionKind::KeysExpired)?;
                    parts.feed(scheme.prefix, |text| running.iter_mut().for_each(|running| running.mac.update(text)));
                }
            }
            Credential::Token(token) => {
                let key = token_of(keys, token, now)?;
                if config.is_decoy {
                    return Err(RejectionKind::TokenMismatch);
                }
                self.proof = ProofState::Token { key };
            }
        }
        self.metadata = Metadata::of(scheme, head, &parts);
        if hints.is_some() {
            self.diagnostics = Some(Box::new(Diagnostics::new(keys, head, &parts, scheme, now)));
        }
        Ok(())
    }

    /// Hashes the next bytes of the body, however it was divided on the way.
    pub(crate) fn update(&mut self, data: &[u8]) {
        if let ProofState::Macs { running: Some(running), .. } = &mut self.proof {
            // Of several keys, each a little at a time: their hashes wait for themselves and not for each other, so that the processor does a
            // part of one while another waits. Measured at 16 KiB and two keys, a tenth less than one after the other.
            let stride = if running.len() > 1 { STRIDE } else { usize::MAX };
            for data in data.chunks(stride) {
                running.iter_mut().for_each(|running| running.mac.update(data));
            }
        }
        if let Some(diagnostics) = &mut self.diagnostics {
            diagnostics.update(data);
        }
    }

    /// Judges the body as it was given to [`update`](Self::update). Once.
    pub(crate) fn conclude(&mut self, snapshot: Snapshot<'_>) -> Result<Verified, Rejection> {
        let Snapshot { config, keys } = snapshot;
        let mut found = Match::default();
        let mut hint = None;
        match &mut self.proof {
            ProofState::Macs { running, tags, suffix } => {
                for KeyMac { key, mac } in running.iter_mut().flat_map(OneOrMore::iter_mut) {
                    mac.update(suffix);
                    found.compare(*key, mac.clone(), tags);
                }
                // Only what is rejected counts against the rate.
                let wanted = || config.policy.hints.as_ref().is_some_and(|rate| rate.allows(Instant::now()));
                let diagnostics = self.diagnostics.take().filter(|_| found.matched.is_none() && wanted());
                hint = diagnostics.and_then(|diagnostics| diagnostics.resolve(tags, suffix));
            }
            ProofState::Token { key } => found.token(*key),
            ProofState::Unread => return Err(config.reject(RejectionKind::SignatureMismatch)),
        }
        let verified = found.conclude(config, keys, || std::mem::take(&mut self.metadata));
        verified.map_err(|kind| config.reject(kind).with_hint(hint))
    }
}

/// The key that matched, so far.
#[derive(Default)]
struct Match {
    /// Whether there was one to be tried.
    tried: bool,
    matched: Option<(usize, Option<Algorithm>)>,
}

impl Match {
    /// Of several that match, the first.
    fn compare(&mut self, key: usize, mac: Mac, tags: &OneOrMore<Tag>) {
        self.tried = true;
        let algorithm = mac.algorithm();
        if bool::from(mac.matches_any(tags)) && self.matched.is_none() {
            self.matched = Some((key, Some(algorithm)));
        }
    }

    const fn token(&mut self, key: usize) {
        self.matched = Some((key, None));
    }

    fn conclude(self, config: &Config, keys: &KeySet, metadata: impl FnOnce() -> Metadata) -> Result<Verified, RejectionKind> {
        let matched = self.matched.filter(|_| !config.is_decoy);
        let unmatched = || match self {
            // Tags are only of accepted algorithms, and each of those is prepared for each key: it can only be the keys.
            Self { tried: false, matched: None } => RejectionKind::KeysExpired,
            Self { .. } => RejectionKind::SignatureMismatch,
        };
        let (key, algorithm) = matched.ok_or_else(unmatched)?;
        let key = keys.get(key).ok_or(RejectionKind::SignatureMismatch)?;
        key.record_match(SystemTime::now());
        Ok(Verified::new(config.scheme_name(), config.tenant.clone(), key.id.clone(), algorithm, metadata()))
    }
}

impl Metadata {
    fn of(scheme: &Scheme, head: &dyn RequestHead, parts: &SignedParts<'_>) -> Self {
        let label = |name: Option<&str>| name.and_then(|name| parse::label(head, name)).map(Arc::from);
        Self {
            signed_at: parts.signed_at,
            signed_id: parts.id.map(Arc::from),
            unauthenticated_delivery_id: label(scheme.unsigned.delivery_id),
            unauthenticated_event: label(scheme.unsigned.event),
        }
    }
}

/// Hands out the MAC of each key that is accepted now, of each algorithm that one of the tags is of.
fn prepared(keys: &KeySet, tags: &OneOrMore<Tag>, now: Option<SystemTime>, mut each: impl FnMut(usize, &Mac)) {
    for (key, prepared) in keys.valid(now) {
        for mac in &prepared.macs {
            if tags.iter().any(|tag| tag.algorithm() == mac.algorithm()) {
                each(key, mac);
            }
        }
    }
}

/// The first listed key that is this token. All are compared to the end, by what the MAC of each makes of the token and of the key: in
/// constant time whatever the length, and without keeping the key at hand.
fn token_of(keys: &KeySet, token: &[u8], now: Option<SystemTime>) -> Result<usize, RejectionKind> {
    let mut matched = Err(RejectionKind::KeysExpired);
    for (place, key) in keys.valid(now) {
        matched = matched.or(Err(RejectionKind::TokenMismatch));
        if let (Some(mac), Some(expected)) = (key.macs.first(), &key.token) {
            let mut mac = mac.clone();
            mac.update(token);
            if bool::from(mac.finish().ct_eq(expected)) && matched.is_err() {
                matched = Ok(place);
            }
        }
    }
    matched
}

#[cfg(test)]
mod tests {
    use crate::keys::secret::Secret;
    use crate::providers;
    use crate::verifier::Verifier;

    use super::*;

    #[test]
    fn a_decoy_hashes_as_much_as_one_key() {
        let builder = || Verifier::builder(providers::JIRA);
        let head = [("X-Hub-Signature", format!("sha256={}", "0".repeat(64)))];
        let hashes = |verifier: &Verifier| match verifier.begin(&head).unwrap().state.proof {
            ProofState::Macs { running: Some(mut running), .. } => running.iter_mut().count(),
            _ => 0,
        };
        let one = builder().key("k", Secret::new("secret")).build().unwrap();
        assert_eq!((hashes(&one), hashes(&builder().build_template().unwrap().decoy().clone())), (1, 1));
    }
}
