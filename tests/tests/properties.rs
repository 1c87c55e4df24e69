//! Properties of all inputs. Each property runs ten thousand random inputs, different in every run. `PROPTEST_RNG_SEED` repeats a run.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use conformance::Received;
use conformance::vectors::{builder, signer, verifier};
use countersign::adapter::{NoTimer, Outcome, Receive, ReceiveOptions, VerifierSource};
use countersign::scheme::{Encoding, Scheme};
use countersign::{MemoryBudget, Rejection, RejectionKind, Secret, Signer, Verified, Verifier, providers};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

type Fields = Vec<(String, Vec<u8>)>;

fn cases() -> ProptestConfig {
    ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() }
}

fn any_scheme() -> impl Strategy<Value = Scheme> {
    select(providers::ALL)
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    // Lengths around a block of the hash, and around the first allocation.
    prop_oneof![vec(any::<u8>(), 0..200), vec(any::<u8>(), 0..2000)]
}

/// Cuts the body at these places. The places may repeat, in any order.
fn cut(body: &[u8], places: &[Index]) -> Vec<Bytes> {
    let mut cuts: Vec<usize> = places.iter().map(|place| place.index(body.len() + 1)).chain([0, body.len()]).collect();
    cuts.sort_unstable();
    cuts.windows(2).map(|ends| Bytes::copy_from_slice(&body[ends[0]..ends[1]])).collect()
}

fn head_of(signed: Vec<(String, String)>) -> Fields {
    signed.into_iter().map(|(name, value)| (name, value.into_bytes())).collect()
}

fn by_hand(verifier: &Verifier, head: &Fields, chunks: &[Bytes]) -> Result<(Verified, Bytes), Rejection> {
    let mut received = Received::begin(verifier, head)?;
    for chunk in chunks {
        received.push(chunk.clone())?;
    }
    received.finish()
}

fn by_check(verifier: &Verifier, head: &Fields, chunks: &[Bytes]) -> Result<Verified, Rejection> {
    let mut check = verifier.begin(head)?;
    for chunk in chunks {
        check.update(chunk);
    }
    check.finish()
}

/// Polls the delivery like an adapter. The body is `Pending` once before each chunk marked in `waits`.
fn by_polling(verifier: &Verifier, head: &Fields, chunks: &[Bytes], waits: &[bool]) -> Result<(Verified, Bytes), Rejection> {
    let verifiers = VerifierSource::from(verifier.clone());
    let options = ReceiveOptions { deadline: None, drain: None, ..ReceiveOptions::new(verifiers.clone()) };
    let mut steps: VecDeque<Option<Bytes>> = VecDeque::new();
    for (place, chunk) in chunks.iter().enumerate() {
        if waits.get(place) == Some(&true) {
            steps.push_back(None);
        }
        steps.push_back(Some(chunk.clone()));
    }
    let (mut receive, mut cx) = (Receive::new(), Context::from_waker(Waker::noop()));
    for _ in 0..=2 * chunks.len() {
        let mut next = |_: &mut Context<'_>| match steps.pop_front() {
            Some(Some(chunk)) => Poll::Ready(Some(Ok::<_, io::Error>(chunk))),
            Some(None) => Poll::Pending,
            None => Poll::Ready(None),
        };
        match receive.poll(&mut cx, &options, head, &mut next, &mut NoTimer) {
            Poll::Ready(Ok(Outcome::Verified(verified, body))) => return Ok((verified, body)),
            Poll::Ready(Ok(Outcome::Unverified(..))) => panic!("the options are without report-only mode"),
            Poll::Ready(Err(rejection)) => return Err(rejection),
            Poll::Pending => {}
        }
    }
    panic!("the delivery is pending after the end of the body");
}

/// Returns whether `name` is the signature header of the scheme, or a numbered signature header.
fn holds_signature(scheme: &Scheme, name: &str) -> bool {
    name.strip_prefix(scheme.header()).is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn kind<T>(judged: Result<T, Rejection>) -> Result<(), RejectionKind> {
    judged.map(drop).map_err(|rejection| rejection.kind())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn signed_body_verifies_at_every_split_through_every_api(
        scheme in any_scheme(), body in any_body(), places in vec(any::<Index>(), 0..6), waits in vec(any::<bool>(), 0..7),
    ) {
        let (verifier, head) = (verifier(scheme), head_of(signer(scheme).sign(&body)));
        let chunks = cut(&body, &places);
        let expected = format!("{:?}", verifier.verify(&head, &body).unwrap());
        prop_assert_eq!(format!("{:?}", by_check(&verifier, &head, &chunks).unwrap()), &expected[..]);
        for (verified, received) in [by_hand(&verifier, &head, &chunks).unwrap(), by_polling(&verifier, &head, &chunks, &waits).unwrap()] {
            prop_assert_eq!(format!("{verified:?}"), &expected[..]);
            prop_assert_eq!(received, &body[..]);
        }
    }

    #[test]
    fn body_with_a_changed_bit_is_rejected_through_every_api(
        scheme in any_scheme(), mut body in vec(any::<u8>(), 1..600), at in any::<Index>(), bit in 0..8_u8, places in vec(any::<Index>(), 0..4),
    ) {
        prop_assume!(scheme.covers_body());
        let (verifier, head) = (verifier(scheme), head_of(signer(scheme).sign(&body)));
        let at = at.index(body.len());
        body[at] ^= 1 << bit;
        let chunks = cut(&body, &places);
        for judged in [
            kind(verifier.verify(&head, &body)),
            kind(by_check(&verifier, &head, &chunks)),
            kind(by_hand(&verifier, &head, &chunks)),
            kind(by_polling(&verifier, &head, &chunks, &[])),
        ] {
            prop_assert_eq!(judged, Err(RejectionKind::SignatureMismatch));
        }
    }

    #[test]
    fn signature_with_a_changed_character_is_rejected(
        scheme in any_scheme(), body in vec(any::<u8>(), 0..100), at in any::<Index>(), to in b'!'..=b'~',
    ) {
        let (verifier, mut head) = (verifier(scheme), head_of(signer(scheme).sign(&body)));
        let (_, value) = head.iter_mut().find(|(name, _)| holds_signature(&scheme, name)).unwrap();
        let at = at.index(value.len());
        // Hexadecimal digits verify in either case.
        let is_digit = scheme.signature_encoding() == Encoding::Hex && value[at..].iter().all(u8::is_ascii_hexdigit);
        prop_assume!(value[at] != to && !(is_digit && value[at].eq_ignore_ascii_case(&to)));
        value[at] = to;
        let judged = kind(verifier.verify(&head, &body));
        prop_assert!(judged.is_err(), "{head:?}");
        prop_assert_eq!(kind(by_hand(&verifier, &head, &[Bytes::from(body.clone())])), judged);
        prop_assert_eq!(kind(by_polling(&verifier, &head, &[Bytes::from(body)], &[])), judged);
    }

    #[test]
    fn bytes_in_place_of_a_signature_are_rejected_and_never_panic(
        scheme in any_scheme(), body in vec(any::<u8>(), 0..100), values in vec((any::<Index>(), vec(any::<u8>(), 0..80)), 1..4), whole in any::<bool>(),
    ) {
        let verifier = verifier(scheme);
        let signed = signer(scheme).sign(&body);
        // A changed id or timestamp may still be well-formed, so the rejection is only asserted for a changed signature.
        // A kept half of the old value holds no whole tag.
        let mut head = head_of(signed.clone());
        for (place, value) in &values {
            let place = place.index(head.len());
            let old = &mut head[place].1;
            let keep = if whole { 0 } else { old.len() / 2 };
            old.truncate(keep);
            old.extend_from_slice(value);
        }
        let changed = head.iter().zip(&signed).any(|((name, value), (_, was))| holds_signature(&scheme, name) && *value != was.as_bytes());
        let judged = kind(verifier.verify(&head, &body));
        prop_assert!(judged.is_err() || !changed, "{head:?}");
        prop_assert_eq!(judged, kind(by_polling(&verifier, &head, &[Bytes::from(body)], &[])));
    }

    #[test]
    fn limit_holds_for_received_and_announced_lengths(
        limit in 1..1500_usize, body in any_body(), places in vec(any::<Index>(), 0..6), waits in vec(any::<bool>(), 0..7),
        announced in prop_oneof![Just(None), (0..3000_u64).prop_map(Some), any::<u64>().prop_map(Some)],
    ) {
        let verifier = builder(providers::GITHUB).body_limit(limit).build().unwrap();
        let mut head = head_of(signer(providers::GITHUB).sign(&body));
        head.extend(announced.map(|length| ("Content-Length".to_owned(), length.to_string().into_bytes())));
        let fits = body.len() <= limit && announced.is_none_or(|length| length <= limit as u64);
        let expected = if fits { Ok(()) } else { Err(RejectionKind::BodyTooLarge) };
        let chunks = cut(&body, &places);
        prop_assert_eq!(kind(by_hand(&verifier, &head, &chunks)), expected);
        prop_assert_eq!(kind(by_polling(&verifier, &head, &chunks, &waits)), expected);
    }

    #[test]
    fn memory_budget_is_always_released(
        bytes in 1..5000_usize, deliveries in vec((any_body(), vec(any::<Index>(), 0..5), any::<bool>(), any::<bool>()), 1..5),
    ) {
        let budget = MemoryBudget::new(bytes);
        let verifier = builder(providers::GITHUB).memory_budget(budget.clone()).build().unwrap();
        let mut held = Vec::new();
        for (body, places, forged, given_up) in &deliveries {
            let head = head_of(signer(providers::GITHUB).sign(if *forged { b"forged" } else { body }));
            let Ok(mut received) = Received::begin(&verifier, &head) else { continue };
            let fits = cut(body, places).into_iter().all(|chunk| received.push(chunk).is_ok());
            prop_assert!(budget.used() <= budget.bytes());
            if !given_up && fits {
                held.extend(received.finish().ok());
            }
        }
        prop_assert!(held.iter().map(|(_, body)| body.len()).sum::<usize>() <= budget.used());
        held.clear();
        prop_assert_eq!(budget.used(), 0);
    }

    #[test]
    fn first_matching_key_is_named(
        secrets in vec(0..4_u8, 1..6), by in 0..4_u8, body in vec(any::<u8>(), 0..300), places in vec(any::<Index>(), 0..4),
    ) {
        let secret = |number: &u8| Secret::new(format!("the secret of number {number}"));
        let keys = secrets.iter().enumerate().fold(Verifier::builder(providers::JIRA), |builder, (place, number)| {
            builder.key(place.to_string(), secret(number))
        });
        let (verifier, head) = (keys.build().unwrap(), head_of(Signer::new(providers::JIRA, secret(&by)).unwrap().sign(&body)));
        let expected = secrets.iter().position(|number| *number == by).map(|place| place.to_string()).ok_or(RejectionKind::SignatureMismatch);
        let chunks = cut(&body, &places);
        let named = |judged: Result<Verified, Rejection>| judged.map(|verified| verified.key_id().to_string()).map_err(|rejection| rejection.kind());
        prop_assert_eq!(&named(verifier.verify(&head, &body)), &expected);
        prop_assert_eq!(&named(by_check(&verifier, &head, &chunks)), &expected);
        prop_assert_eq!(&named(by_hand(&verifier, &head, &chunks).map(|(verified, _)| verified)), &expected);
    }

    #[test]
    fn timestamp_is_accepted_only_within_the_tolerance(
        seconds in 1_100_000_000..4_000_000_000_u64, off in -800..800_i64, tolerance in 1..600_u64,
    ) {
        let signed_at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.checked_add_signed(off).unwrap());
        let verifier = builder(providers::SLACK).tolerance(Duration::from_secs(tolerance)).build().unwrap();
        let head = head_of(signer(providers::SLACK).sign_at(b"body", signed_at));
        let expected = match off {
            off if off > 0 && off.unsigned_abs() > tolerance => Err(RejectionKind::TimestampTooOld),
            off if off < 0 && off.unsigned_abs() > tolerance => Err(RejectionKind::TimestampTooNew),
            _ => Ok(()),
        };
        prop_assert_eq!(kind(verifier.verify_at(&head, b"body", now)), expected);
        let reported = verifier.verify_at(&head, b"body", signed_at).unwrap().signed_at();
        prop_assert_eq!(reported, Some(signed_at));
    }
}
