use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use subtle::{Choice, ConstantTimeEq as _};

use crate::config::{Config, Settings};
use crate::head::Values;
use crate::key_set::KeySet;
use crate::mac::Mac;
use crate::one_or_more::OneOrMore;
use crate::signed_head::{self, Credential, SignedHead};
use crate::tag::Tag;
use crate::{Head, Hint, Rejection, RejectionKind, Verified};

/// A delivery whose head is in order and whose body is being hashed as it arrives. The body is not kept.
///
/// Made by [`Verifier::begin`](crate::Verifier::begin). Nothing of the body may be believed before [`finish`](Self::finish) says so; use
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
    config: Arc<Config>,
    /// Those that there were when it began.
    keys: Arc<KeySet>,
    judging: Judging,
    claims: Claims,
    doubts: Option<Box<Doubts>>,
}

/// What is looked at on the way, if hints are wanted, to tell why a delivery did not match.
struct Doubts {
    /// Of the keys with white space at an end, without it.
    trimmed: Vec<Mac>,
    encoded: bool,
    bytes: usize,
}

#[expect(clippy::large_enum_variant, reason = "nearly every delivery has the large one")]
enum Judging {
    Macs {
        /// In the order of the keys.
        running: OneOrMore<Running>,
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

/// What a head says beside its signature: true once the delivery is verified, so far as it is signed.
pub(crate) struct Claims {
    pub(crate) signed_at: Option<SystemTime>,
    pub(crate) signed_id: Option<Arc<str>>,
    pub(crate) unauthenticated_delivery_id: Option<Arc<str>>,
    pub(crate) unauthenticated_event: Option<Arc<str>>,
}

impl Check {
    pub(crate) fn new(config: &Arc<Config>, head: &dyn Head, now: Option<SystemTime>) -> Result<Self, RejectionKind> {
        let signed = SignedHead::read(&config.settings, head, now)?;
        let Settings { scheme, hints, .. } = &*config.settings;
        let keys = config.keys.load_full();
        let mut suffix = Vec::new();
        signed.feed(scheme.after, |text| suffix.extend_from_slice(text));
        let running = match &signed.credential {
            Credential::Tags(tags) => Some(start(&keys, tags, now, |feed| signed.feed(scheme.before, feed))?),
            Credential::Token(_) => None,
        };
        let doubts = hints.as_ref().map(|_| {
            let mut trimmed: Vec<Mac> = keys.valid(now).filter_map(|(_, key)| key.trimmed.clone()).collect();
            signed.feed(scheme.before, |text| trimmed.iter_mut().for_each(|mac| mac.update(text)));
            Box::new(Doubts { trimmed, encoded: Values::is_there(head, "content-encoding"), bytes: 0 })
        });
        let label = |name: Option<&str>| name.and_then(|name| signed_head::label(head, name)).map(Arc::from);
        let claims = Claims {
            signed_at: signed.signed_at,
            signed_id: signed.id.map(Arc::from),
            unauthenticated_delivery_id: label(scheme.unsigned.delivery_id),
            unauthenticated_event: label(scheme.unsigned.event),
        };
        let judging = match (signed.credential, running) {
            (Credential::Tags(tags), Some(running)) => Judging::Macs { running, tags, suffix },
            (Credential::Token(token), _) => {
                let key = token_of(&keys, token, now)?;
                if config.is_decoy {
                    return Err(RejectionKind::WrongToken);
                }
                Judging::Token { key }
            }
            (Credential::Tags(_), None) => return Err(RejectionKind::NoValidKey),
        };
        Ok(Self { config: Arc::clone(config), keys, judging, claims, doubts })
    }

    /// Hashes the next bytes of the body, however it was divided on the way.
    pub fn update(&mut self, data: &[u8]) {
        if let Judging::Macs { running, .. } = &mut self.judging {
            for running in running.iter_mut() {
                running.mac.update(data);
            }
        }
        if let Some(doubts) = &mut self.doubts {
            doubts.bytes = doubts.bytes.saturating_add(data.len());
            doubts.trimmed.iter_mut().for_each(|mac| mac.update(data));
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
        let mut hint = None;
        match self.judging {
            Judging::Macs { running, tags, suffix } => {
                running.consume(|Running { key, mut mac }| {
                    mac.update(&suffix);
                    let expected = mac.finish();
                    if bool::from(is_among(&tags, &expected)) && matched.is_none() {
                        matched = Some((key, Some(expected.algorithm())));
                    }
                });
                // Only what is refused counts against the rate.
                let wanted = || self.config.settings.hints.as_ref().is_some_and(|rate| rate.allows(Instant::now()));
                hint = self.doubts.filter(|_| matched.is_none() && wanted()).and_then(|doubts| doubts.resolve(&tags, &suffix));
            }
            Judging::Token { key } => matched = Some((key, None)),
        }
        let matched = matched.filter(|_| !self.config.is_decoy);
        let (key, algorithm) = matched.ok_or_else(|| self.config.reject(RejectionKind::Mismatch).with_hint(hint))?;
        let key = self.keys.get(key).ok_or_else(|| self.config.reject(RejectionKind::Mismatch))?;
        key.matched(SystemTime::now());
        Ok(Verified::new(&self.config, key.id.clone(), algorithm, self.claims))
    }

    pub(crate) const fn config(&self) -> &Arc<Config> {
        &self.config
    }
}

impl Doubts {
    fn resolve(self, tags: &OneOrMore<Tag>, suffix: &[u8]) -> Option<Hint> {
        let mut trimmed = self.trimmed.into_iter().map(|mut mac| {
            mac.update(suffix);
            mac.finish()
        });
        if trimmed.any(|expected| bool::from(is_among(tags, &expected))) {
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

/// Whether one of the tags is the expected one, in constant time.
fn is_among(tags: &OneOrMore<Tag>, expected: &Tag) -> Choice {
    tags.iter().fold(Choice::from(0), |hit, tag| hit | tag.ct_eq(expected))
}

/// A MAC for each key and each algorithm that one of the tags is of, with what is signed in front of the body fed to it.
fn start(
    keys: &KeySet,
    tags: &OneOrMore<Tag>,
    now: Option<SystemTime>,
    before: impl FnOnce(&mut dyn FnMut(&[u8])),
) -> Result<OneOrMore<Running>, RejectionKind> {
    let mut running = None;
    for (key, prepared) in keys.valid(now) {
        for mac in &prepared.macs {
            if tags.iter().any(|tag| tag.algorithm() == mac.algorithm()) {
                OneOrMore::push_onto(&mut running, Running { key, mac: mac.clone() });
            }
        }
    }
    // Tags are only of accepted algorithms, and each of those is prepared for each key: it can only be the keys.
    let mut running = running.ok_or(RejectionKind::NoValidKey)?;
    before(&mut |text| running.iter_mut().for_each(|running| running.mac.update(text)));
    Ok(running)
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

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("scheme", &self.config.scheme_name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Secret, Verifier, providers};

    use super::*;

    #[test]
    fn a_decoy_hashes_as_much_as_one_key() {
        let builder = || Verifier::builder(providers::JIRA);
        let head = [("X-Hub-Signature", format!("sha256={}", "0".repeat(64)))];
        let hashes = |verifier: &Verifier| match verifier.begin(&head).unwrap().judging {
            Judging::Macs { mut running, .. } => running.iter_mut().count(),
            Judging::Token { .. } => 0,
        };
        let one = builder().key("k", Secret::new("secret")).build().unwrap();
        assert_eq!((hashes(&one), hashes(&builder().build_decoy().unwrap())), (1, 1));
    }
}
