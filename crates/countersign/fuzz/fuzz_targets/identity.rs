//! Computes the keys of deliveries. The keys must match the documentation and the headers, for every split of the body into chunks. A member
//! of the body must be found if, and only if, `serde_json` finds the member exactly once.
#![no_main]

use std::convert::Infallible;
use std::fmt;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use countersign::adapter::{NoTimer, Outcome, Receive, ReceiveOptions};
use countersign::identity::{DeliveryKey, Identity};
use countersign::scheme::Scheme;
use countersign::{Secret, Signer, Verified, Verifier, providers};
use countersign_fuzz::choices::Choices;
use libfuzzer_sys::fuzz_target;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

/// Schemes with an unsigned id, with an unsigned id and event, with a signed id, and without a signed body.
const SCHEMES: [Scheme; 4] = [providers::JIRA, providers::GITHUB, providers::STANDARD_WEBHOOKS, providers::GITLAB_TOKEN];

fuzz_target!(|input: &[u8]| {
    let mut choices = Choices::new(input);
    let scheme = choices.of(&SCHEMES);
    let guard = choices.of(&["", "a", "guard"]);
    let id = choices.of(&["", "a", "id-1", "id 2"]);
    let sent_event = choices.of(&["", "push", "a"]);
    let place = choices.byte();
    let cuts: Vec<usize> = (0..choices.below(4)).map(|_| choices.byte().into()).collect();
    let body = choices.bytes(250);

    let secret = Secret::new(if scheme.name() == providers::STANDARD_WEBHOOKS.name() {
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    } else {
        "a secret of some length"
    });
    let verifier = Verifier::builder(scheme).key("k", secret.clone()).build().unwrap();
    let mut head = Signer::new(scheme, secret).unwrap().sign(body);
    for (name, value) in [("X-GitHub-Event", sent_event), ("X-GitHub-Delivery", id), ("X-Atlassian-Webhook-Identifier", id)] {
        if !value.is_empty() {
            head.push((name.into(), value.into()));
        }
    }
    let verified = verifier.verify(&head, body).unwrap();
    let received = receive(&verifier, &head, body, &cuts);

    let named = |wanted: &str| head.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str());
    let is = |other: Scheme| scheme.name() == other.name();
    let signed_id = named("webhook-id").filter(|_| is(providers::STANDARD_WEBHOOKS));
    let unsigned = named("X-GitHub-Delivery")
        .filter(|_| is(providers::GITHUB))
        .or(named("X-Atlassian-Webhook-Identifier").filter(|_| is(providers::JIRA)))
        .filter(|id| !id.contains(' '));
    let event = named("X-GitHub-Event").filter(|_| is(providers::GITHUB)).unwrap_or_default();

    let digest = Sha256::digest(body);
    let covered = (scheme.covers_body() && !body.is_empty()).then_some(());
    let by_body = covered.map(|()| key(guard, &verified, "body", &[&digest]));
    let by_id = unsigned.map(|id| key(guard, &verified, "unauthenticated id", &[id.as_bytes()]));
    let (identity, expected) = match place % 6 {
        0 => (Identity::NONE, None),
        1 => (Identity::SIGNED_ID, signed_id.map(|id| (key(guard, &verified, "signed id", &[id.as_bytes()]), None))),
        2 => (Identity::BODY, by_body.map(|key| (key, None))),
        3 => (Identity::BODY_AND_EVENT, covered.map(|()| (key(guard, &verified, "body and event", &[&digest, event.as_bytes()]), None))),
        4 => (Identity::BODY_OR_UNAUTHENTICATED_ID, by_body.map(|key| (key, by_id))),
        _ => {
            let found = if scheme.covers_body() { member(body) } else { None };
            (Identity::member("id"), found.map(|value| (key(guard, &verified, "member", &[b"id", value.as_bytes()]), None)))
        }
    };
    for verified in [&verified, &received] {
        assert_eq!(identity.keys(guard, verified, body), expected, "wrong keys of {identity:?}");
    }
    assert_eq!(Identity::UNAUTHENTICATED_ID.keys(guard, &verified, body), by_id.map(|key| (key, None)));
});

/// Receives the body in chunks, and digests the body meanwhile.
fn receive(verifier: &Verifier, head: &Vec<(String, String)>, body: &[u8], cuts: &[usize]) -> Verified {
    let mut options = ReceiveOptions::new(verifier.clone());
    options.digest_body = true;
    let (mut rest, mut cuts) = (Bytes::copy_from_slice(body), cuts.iter());
    let mut next = |_: &mut Context<'_>| {
        let chunk = match cuts.next() {
            Some(cut) => rest.split_to((*cut).min(rest.len())),
            None if rest.is_empty() => return Poll::Ready(None),
            None => std::mem::take(&mut rest),
        };
        Poll::Ready(Some(Ok::<_, Infallible>(chunk)))
    };
    let mut receive = Receive::new();
    match receive.poll(&mut Context::from_waker(Waker::noop()), &options, head, &mut next, &mut NoTimer) {
        Poll::Ready(Ok(Outcome::Verified(verified, _))) => verified,
        other => panic!("the delivery is not verified: {other:?}"),
    }
}

/// Computes a key as documented at [`DeliveryKey`]: a digest of all parts, each after its length.
fn key(guard: &str, verified: &Verified, kind: &str, identity: &[&[u8]]) -> DeliveryKey {
    let parts = [b"countersign delivery key 1", guard.as_bytes(), verified.scheme().as_bytes(), b"", b"", kind.as_bytes()];
    let mut hash = Sha256::new();
    for part in parts.iter().chain(identity) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    DeliveryKey::from_bytes(hash.finalize().into())
}

/// Returns the member `id` of a JSON object: a string that is not empty, or an integer. Returns `None` if the member occurs twice.
fn member(body: &[u8]) -> Option<String> {
    let Pairs(pairs) = serde_json::from_slice(body).ok()?;
    let mut values = pairs.into_iter().filter(|(name, _)| name == "id").map(|(_, value)| value);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    match serde_json::from_str(value.get()).ok()? {
        Value::String(text) => Some(text).filter(|text| !text.is_empty()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// The members of an object, in order, with repeated members.
struct Pairs(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Read)
    }
}
