use std::sync::Arc;
use std::time::{Instant, SystemTime};

use subtle::ConstantTimeEq as _;

use crate::algorithm::Algorithm;
use crate::crypto::mac::Mac;
use crate::crypto::one_or_more::OneOrMore;
use crate::crypto::tag::Tag;
use crate::keys::key_set::KeySet;
use crate::request::head::Head;
use crate::request::header_index::Gathered;
use crate::scheme::Scheme;
use crate::verdict::rejection::Rejection;
use crate::verdict::rejection_kind::RejectionKind;
use crate::verdict::verified::{Claims, Verified};
use crate::verifier::config::{Config, Judge};
use crate::verifier::diagnose::Doubts;
use crate::verifier::parse::{self, Credential, Envelope, SignedHead};
use crate::verifier::policy::Settings;

// A delivery's state is some hundred bytes, and moving it about costs as much as reading its head: what can be is done where it stands.

/// In bytes: a few blocks of a hash.
const STRIDE: usize = 128;

/// What is hashed of a delivery until it can be judged. It does not hold what it is judged by, as that may be borrowed or shared.
pub(crate) struct Hashing {
    judging: Judging,
    claims: Claims,
    doubts: Option<Box<Doubts>>,
}

#[expect(clippy::large_enum_variant, reason = "nearly every delivery has the large one")]
enum Judging {
    /// The head has not been found in order, and whatever comes is refused.
    Unread,
    Macs {
        /// In the order of the keys.
        running: Option<OneOrMore<Running>>,
        tags: OneOrMore<Tag>,
        /// What is signed behind the body.
        suffix: Vec<u8>,
    },
    /// A static token has been judged already, and the body changes nothing.
    Token { key: usize },
}

struct Running {
    /// Which of the scheme's keys.
    key: usize,
    mac: Mac,
}

impl Hashing {
    /// What [`read`](Self::read), [`update`](Self::update) and [`conclude`](Self::conclude) come to where head and body are at hand, with nothing
    /// kept on the way: at a few hundred bytes, a third less time. Without hints.
    pub(crate) fn whole(
        judge: Judge<'_>,
        head: &Gathered<'_>,
        signed: &SignedHead<'_>,
        now: Option<SystemTime>,
        body: &[u8],
    ) -> Result<Verified, RejectionKind> {
        let Judge { config, keys } = judge;
        let (scheme, SignedHead { credential, envelope }) = (&config.settings.scheme, signed);
        let mut found = Found::default();
        match credential {
            Credential::Tags(tags) => prepared(keys, tags, now, |key, mac| {
                let mut mac = mac.clone();
                envelope.feed(scheme.before, |text| mac.update(text));
                mac.update(body);
                envelope.feed(scheme.after, |text| mac.update(text));
                found.look(key, mac, tags);
            }),
            Credential::Token(token) => {
                let key = token_of(keys, token, now)?;
                if config.is_decoy {
                    return Err(RejectionKind::WrongToken);
                }
                found.token(key);
            }
        }
        found.conclude(config, keys, || Claims::of(scheme, head, envelope))
    }

    /// Of which nothing has been looked at yet, and whatever comes is refused.
    #[inline]
    pub(crate) fn new() -> Self {
        Self { judging: Judging::Unread, claims: Claims::default(), doubts: None }
    }

    /// Judges the head.
    pub(crate) fn read(&mut self, judge: Judge<'_>, head: &dyn Head, now: Option<SystemTime>) -> Result<(), RejectionKind> {
        let signed = SignedHead::read(&judge.config.settings, head, now)?;
        self.start(judge, head, signed, now)
    }

    /// Goes on with a head that has been read.
    pub(crate) fn start(
        &mut self,
        judge: Judge<'_>,
        head: &dyn Head,
        signed: SignedHead<'_>,
        now: Option<SystemTime>,
    ) -> Result<(), RejectionKind> {
        let Judge { config, keys } = judge;
        let Settings { scheme, hints, .. } = &*config.settings;
        let SignedHead { credential, envelope } = signed;
        match credential {
            Credential::Tags(tags) => {
                let mut suffix = Vec::new();
                envelope.feed(scheme.after, |text| suffix.extend_from_slice(text));
                self.judging = Judging::Macs { running: None, tags, suffix };
                if let Judging::Macs { running, tags, .. } = &mut self.judging {
                    prepared(keys, tags, now, |key, mac| OneOrMore::push_onto(running, Running { key, mac: mac.clone() }));
                    // Tags are only of accepted algorithms, and each of those is prepared for each key: it can only be the keys.
                    let running = running.as_mut().ok_or(RejectionKind::NoValidKey)?;
                    envelope.feed(scheme.before, |text| running.iter_mut().for_each(|running| running.mac.update(text)));
                }
            }
            Credential::Token(token) => {
                let key = token_of(keys, token, now)?;
                if config.is_decoy {
                    return Err(RejectionKind::WrongToken);
                }
                self.judging = Judging::Token { key };
            }
        }
        self.claims = Claims::of(scheme, head, &envelope);
        if hints.is_some() {
            self.doubts = Some(Box::new(Doubts::new(keys, head, &envelope, scheme, now)));
        }
        Ok(())
    }

    /// Hashes the next bytes of the body, however it was divided on the way.
    pub(crate) fn update(&mut self, data: &[u8]) {
        if let Judging::Macs { running: Some(running), .. } = &mut self.judging {
            // Of several keys, each a little at a time: their hashes wait for themselves and not for each other, so that the processor does a
            // part of one while another waits. Measured at 16 KiB and two keys, a tenth less than one after the other.
            let stride = if running.len() > 1 { STRIDE } else { usize::MAX };
            for data in data.chunks(stride) {
                running.iter_mut().for_each(|running| running.mac.update(data));
            }
        }
        if let Some(doubts) = &mut self.doubts {
            doubts.update(data);
        }
    }

    /// Judges the body as it was given to [`update`](Self::update). Once.
    pub(crate) fn conclude(&mut self, judge: Judge<'_>) -> Result<Verified, Rejection> {
        let Judge { config, keys } = judge;
        let mut found = Found::default();
        let mut hint = None;
        match &mut self.judging {
            Judging::Macs { running, tags, suffix } => {
                for Running { key, mac } in running.iter_mut().flat_map(OneOrMore::iter_mut) {
                    mac.update(suffix);
                    found.look(*key, mac.clone(), tags);
                }
                // Only what is refused counts against the rate.
                let wanted = || config.settings.hints.as_ref().is_some_and(|rate| rate.allows(Instant::now()));
                let doubts = self.doubts.take().filter(|_| found.matched.is_none() && wanted());
                hint = doubts.and_then(|doubts| doubts.resolve(tags, suffix));
            }
            Judging::Token { key } => found.token(*key),
            Judging::Unread => return Err(config.reject(RejectionKind::Mismatch)),
        }
        let verified = found.conclude(config, keys, || std::mem::take(&mut self.claims));
        verified.map_err(|kind| config.reject(kind).with_hint(hint))
    }
}

/// The key that matched, so far.
#[derive(Default)]
struct Found {
    /// Whether there was one to be tried.
    tried: bool,
    matched: Option<(usize, Option<Algorithm>)>,
}

impl Found {
    /// Of several that match, the first.
    fn look(&mut self, key: usize, mac: Mac, tags: &OneOrMore<Tag>) {
        self.tried = true;
        let algorithm = mac.algorithm();
        if bool::from(mac.matches_any(tags)) && self.matched.is_none() {
            self.matched = Some((key, Some(algorithm)));
        }
    }

    const fn token(&mut self, key: usize) {
        self.matched = Some((key, None));
    }

    fn conclude(self, config: &Config, keys: &KeySet, claims: impl FnOnce() -> Claims) -> Result<Verified, RejectionKind> {
        let matched = self.matched.filter(|_| !config.is_decoy);
        let unmatched = || match self {
            // Tags are only of accepted algorithms, and each of those is prepared for each key: it can only be the keys.
            Self { tried: false, matched: None } => RejectionKind::NoValidKey,
            Self { .. } => RejectionKind::Mismatch,
        };
        let (key, algorithm) = matched.ok_or_else(unmatched)?;
        let key = keys.get(key).ok_or(RejectionKind::Mismatch)?;
        key.matched(SystemTime::now());
        Ok(Verified::new(config.scheme_name(), config.tenant.clone(), key.id.clone(), algorithm, claims()))
    }
}

impl Claims {
    fn of(scheme: &Scheme, head: &dyn Head, envelope: &Envelope<'_>) -> Self {
        let label = |name: Option<&str>| name.and_then(|name| parse::label(head, name)).map(Arc::from);
        Self {
            signed_at: envelope.signed_at,
            signed_id: envelope.id.map(Arc::from),
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
    let mut matched = Err(RejectionKind::NoValidKey);
    for (place, key) in keys.valid(now) {
        matched = matched.or(Err(RejectionKind::WrongToken));
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
        let hashes = |verifier: &Verifier| match verifier.begin(&head).unwrap().hashing.judging {
            Judging::Macs { running: Some(mut running), .. } => running.iter_mut().count(),
            _ => 0,
        };
        let one = builder().key("k", Secret::new("secret")).build().unwrap();
        assert_eq!((hashes(&one), hashes(&builder().build_decoy().unwrap())), (1, 1));
    }
}
