//! The core by itself: the facts through its three ways in, which have to agree, and what only the core has.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use conformance::vectors::{SECRET, STANDARD_WEBHOOKS, at, builder, signer, verifier};
use conformance::{Delivery, Handled, Harness, Outcome, Step};
use countersign::{
    Algorithm, ConfigError, Head, KeyId, Part, Rejection, RejectionKind, Scheme, Secret, Signer, Verified, Verifier, providers,
};

struct Core;

impl Harness for Core {
    const TELLS_THE_TIME: bool = true;

    async fn deliver(verifier: Verifier, delivery: Delivery) -> Outcome {
        let mut outcome = Outcome::default();
        let taken_in = take_in(&verifier, &delivery, &mut outcome.polls);
        agree(&verifier, &delivery, &taken_in);
        match taken_in {
            Ok((verified, body)) => {
                outcome.status = 200;
                outcome.handled.push(Handled { body, verified });
            }
            Err(rejection) => {
                verifier.report(&rejection);
                outcome.status = rejection.status_code();
                outcome.headers.extend(Rejection::www_authenticate(outcome.status).map(|value| ("www-authenticate".into(), value.into())));
                outcome.rejection = Some(rejection);
            }
        }
        outcome
    }
}

/// What an adapter does, without a framework.
fn take_in(verifier: &Verifier, delivery: &Delivery, polls: &mut usize) -> Result<(Verified, bytes::Bytes), Rejection> {
    let mut intake = match delivery.now {
        Some(now) => verifier.intake_at(&delivery.headers, now)?,
        None => verifier.intake(&delivery.headers)?,
    };
    for step in &delivery.steps {
        *polls += 1;
        match step {
            Step::Chunk(chunk) => intake.push(chunk.clone())?,
            Step::Error => return Err(Rejection::body_failed(io::Error::from(io::ErrorKind::ConnectionReset), |_| false)),
            Step::Pause | Step::Trailers(_) => {}
            Step::Stall => panic!("the body should have been given up"),
        }
    }
    intake.finish()
}

/// One shot and incremental say what the intake says, wherever neither the limit nor the connection decided.
fn agree(verifier: &Verifier, delivery: &Delivery, taken_in: &Result<(Verified, bytes::Bytes), Rejection>) {
    let facts = |result: Result<Verified, Rejection>| result.map(|verified| format!("{verified:?}")).map_err(|rejection| rejection.kind());
    let expected = facts(taken_in.clone().map(|(verified, _)| verified));
    if matches!(expected, Err(RejectionKind::BodyTooLarge | RejectionKind::BodyUnreadable)) {
        return;
    }
    let (head, body) = (&delivery.headers, delivery.whole_body());
    let whole = match delivery.now {
        Some(now) => verifier.verify_at(head, &body, now),
        None => verifier.verify(head, &body),
    };
    assert_eq!(facts(whole), expected);
    let check = match delivery.now {
        Some(now) => verifier.begin_at(head, now),
        None => verifier.begin(head),
    };
    let incremental = check.and_then(|mut check| {
        body.chunks(7).for_each(|chunk| check.update(chunk));
        check.finish()
    });
    assert_eq!(facts(incremental), expected);
}

conformance::suite!(Core);

#[test]
fn a_configuration_that_cannot_be_right_is_refused() {
    let jira = || Verifier::builder(providers::JIRA);
    let fault = |builder: countersign::VerifierBuilder| builder.build().unwrap_err();
    let some = || Secret::new("secret");
    let key = |id: &str| Some(KeyId::from(id));

    assert_eq!(fault(jira()), ConfigError::NoKey);
    for blank in [&b""[..], b"\0", &[0; 64], &[0; 200]] {
        assert_eq!(fault(jira().key("a", some()).key("b", Secret::new(blank))), ConfigError::EmptySecret { key: key("b") });
    }
    assert_eq!(fault(jira().key("a", some()).key("a", Secret::new("other"))), ConfigError::DuplicateKeyId { key: "a".into() });
    assert_eq!(fault(jira().key("a", some()).body_limit(0)), ConfigError::ZeroBodyLimit);
    assert_eq!(fault(builder(Scheme::new("none", "X-S").body_limit(0))), ConfigError::ZeroBodyLimit);
    assert_eq!(fault(jira().key("a", some()).algorithms([])), ConfigError::NothingAllowed);
    assert_eq!(fault(jira().key("a", some()).algorithms([]).allow_legacy_sha1()), ConfigError::NothingAllowed);
    let none_by_default = Scheme::method_signature("x", "X-S").default_algorithms(&[]);
    assert_eq!(fault(builder(none_by_default)), ConfigError::NothingAllowed);
    assert_eq!(fault(jira().key("a", some()).algorithms([Algorithm::Sha1])), ConfigError::LegacySha1);
    let md = |algorithm| ConfigError::UnsupportedAlgorithm { algorithm };
    assert_eq!(fault(builder(providers::GITHUB).algorithms([Algorithm::Sha512])), md(Algorithm::Sha512));
    assert_eq!(fault(builder(providers::GITHUB).allow_legacy_sha1()), md(Algorithm::Sha1));
    let sha1_alone = Scheme::new("old", "X-Old").bare(Algorithm::Sha1);
    assert_eq!(fault(builder(sha1_alone)), ConfigError::NothingAllowed);
    assert!(builder(sha1_alone).allow_legacy_sha1().build().is_ok());
    let unsigned_time = Scheme::new("x", "X-S").timestamp_header("X-T", Duration::from_secs(1));
    assert!(matches!(fault(builder(unsigned_time)), ConfigError::InvalidScheme { .. }));

    for secret in ["whsec_", ""] {
        let builder = Verifier::builder(STANDARD_WEBHOOKS).key("a", Secret::new(secret));
        assert_eq!(fault(builder), ConfigError::EmptySecret { key: key("a") }, "{secret:?}");
    }
    for secret in ["whsec_!", "whsec_AQI", "AQI=\n"] {
        let builder = Verifier::builder(STANDARD_WEBHOOKS).key("a", Secret::new(secret));
        assert_eq!(fault(builder), ConfigError::InvalidSecret { key: key("a") }, "{secret:?}");
    }
    // One NUL among others is a byte like any other.
    assert!(jira().key("a", Secret::new("\0a")).build().is_ok());
}

#[test]
fn a_signer_refuses_what_a_verifier_would() {
    assert_eq!(Signer::new(providers::JIRA, Secret::new("")).unwrap_err(), ConfigError::EmptySecret { key: None });
    assert_eq!(Signer::new(STANDARD_WEBHOOKS, Secret::new("!")).unwrap_err(), ConfigError::InvalidSecret { key: None });
    let unsupported = Signer::with_algorithm(providers::GITHUB, Algorithm::Sha1, Secret::new("s")).unwrap_err();
    assert_eq!(unsupported, ConfigError::UnsupportedAlgorithm { algorithm: Algorithm::Sha1 });
    for faulty in [Scheme::new("x", "X-S").before(&[Part::Id]), Scheme::new("x", "X-S").tagged(b'=', &[])] {
        assert!(matches!(Signer::new(faulty, Secret::new("s")), Err(ConfigError::InvalidScheme { .. })));
    }
    let none_by_default = Scheme::method_signature("x", "X-S").default_algorithms(&[]);
    assert_eq!(Signer::new(none_by_default, Secret::new("s")).unwrap_err(), ConfigError::NothingAllowed);
    let sha1_alone = Signer::new(Scheme::new("old", "X-Old").bare(Algorithm::Sha1), Secret::new("s")).unwrap();
    assert_eq!(sha1_alone.sign(b"")[0].1.len(), 40);
}

#[test]
fn errors_name_the_key_and_never_the_secret() {
    let error = Verifier::builder(STANDARD_WEBHOOKS).key("2026-11", Secret::new("swordfish!")).build().unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("2026-11") && !text.contains("swordfish"), "{text}");
}

#[test]
fn what_extensions_hold_can_be_cloned_and_shared() {
    fn shareable<T: Clone + Send + Sync + 'static>() {}
    fn sendable<T: Send + Sync + 'static>() {}
    shareable::<Verifier>();
    shareable::<Verified>();
    shareable::<Rejection>();
    shareable::<Signer>();
    sendable::<countersign::Check>();
    sendable::<countersign::Intake>();
}

#[test]
fn a_head_can_be_a_trait_object_a_slice_an_array_or_a_vector() {
    let verifier = verifier(providers::JIRA);
    let headers = signer(providers::JIRA).sign(b"body");
    let array: [(&str, String); 1] = [headers[0].clone()];
    let object: &dyn Head = &headers;
    assert!(verifier.verify(object, b"body").is_ok());
    assert!(verifier.verify(&headers, b"body").is_ok());
    assert!(verifier.verify(&array, b"body").is_ok());
    assert!(verifier.verify(&headers[..], b"body").is_ok());
    assert!(verifier.verify(&&headers, b"body").is_ok());
    assert_eq!((object.method(), object.target()), ("POST", "/"));
}

#[test]
fn tolerance_ends_after_its_last_instant() {
    let verifier = verifier(providers::SLACK);
    let (signed, tolerance, instant) = (at(1_700_000_000), Duration::from_secs(300), Duration::from_nanos(1));
    let headers = signer(providers::SLACK).sign_at(b"body", signed);
    let verdict = |now| verifier.verify_at(&headers, b"body", now).map(|_| ()).map_err(|rejection| rejection.kind());
    assert_eq!(verdict(signed + tolerance), Ok(()));
    assert_eq!(verdict(signed - tolerance), Ok(()));
    assert_eq!(verdict(signed + tolerance + instant), Err(RejectionKind::TimestampTooOld));
    assert_eq!(verdict(signed - tolerance - instant), Err(RejectionKind::TimestampTooNew));
    // Clocks that are far off refuse and do not crash.
    assert_eq!(verdict(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), Err(RejectionKind::TimestampTooNew));
    assert_eq!(verdict(at(1 << 40)), Err(RejectionKind::TimestampTooOld));
}

#[test]
fn digits_cannot_move_between_a_timestamp_and_the_body() {
    let time = 1_700_000_000;
    let before = Scheme::new("b", "X-S").before(&[Part::Timestamp]).timestamp_header("X-T", Duration::from_secs(300));
    let after = Scheme::new("a", "X-S").after(&[Part::Timestamp]).timestamp_header("X-T", Duration::from_secs(300));
    for (scheme, forgeries) in [
        (before, [("17000000001", "23", RejectionKind::TimestampTooNew), ("170000000", "0123", RejectionKind::TimestampTooOld)]),
        (after, [("31700000000", "12", RejectionKind::TimestampTooNew), ("700000000", "1231", RejectionKind::TimestampTooOld)]),
    ] {
        let headers = signer(scheme).sign_at(b"123", at(time));
        let value = headers.iter().find(|(name, _)| *name == "X-S").unwrap().1.as_str();
        let verdict = |stamp: &str, body: &str, now| verifier(scheme).verify_at(&[("X-T", stamp), ("X-S", value)], body.as_bytes(), now);
        assert!(verdict("1700000000", "123", at(time)).is_ok());
        for (stamp, body, kind) in forgeries {
            assert_eq!(verdict(stamp, body, at(time)).unwrap_err().kind(), kind);
            // The signed text is the same: nothing but the clock stands against it.
            assert!(verdict(stamp, body, at(stamp.parse().unwrap())).is_ok());
        }
    }
}

#[test]
fn text_can_be_signed_behind_the_body() {
    const SUFFIXED: Scheme = Scheme::new("suffixed", "X-Signature")
        .after(&[Part::Literal("."), Part::Timestamp])
        .timestamp_header("X-Timestamp", Duration::from_secs(300));
    let verifier = verifier(SUFFIXED);
    let headers = signer(SUFFIXED).sign_at(b"body", at(1_700_000_000));
    assert!(verifier.verify_at(&headers, b"body", at(1_700_000_000)).is_ok());
    // The same text as Jira's senders would sign.
    let plain = signer(providers::JIRA).sign(b"body.1700000000").remove(0).1;
    assert_eq!(format!("sha256={}", headers.iter().find(|(name, _)| *name == "X-Signature").unwrap().1), plain);
    let moved = [(headers[0].0, "1700000001"), (headers[1].0, headers[1].1.as_str())];
    let refused = verifier.verify_at(&moved, b"body", at(1_700_000_000)).unwrap_err();
    assert_eq!(refused.kind(), RejectionKind::Mismatch);
}

#[test]
fn an_intake_that_overflowed_cannot_succeed_any_more() {
    let verifier = builder(providers::JIRA).body_limit(4).build().unwrap();
    let mut intake = verifier.intake(&signer(providers::JIRA).sign(b"body")).unwrap();
    intake.push(&b"body"[..]).unwrap();
    let too_large = |result: Result<(), Rejection>| assert_eq!(result.unwrap_err().kind(), RejectionKind::BodyTooLarge);
    too_large(intake.push(&b"!"[..]));
    too_large(intake.push(&b""[..]));
    too_large(intake.finish().map(drop));
}

#[test]
fn an_intake_that_overflowed_lets_go_of_what_it_kept() {
    let verifier = builder(providers::JIRA).body_limit(4).build().unwrap();
    let mut intake = verifier.intake(&signer(providers::JIRA).sign(b"body")).unwrap();
    let chunk = bytes::Bytes::from(vec![b'x'; 4]);
    intake.push(chunk.clone()).unwrap();
    assert!(!chunk.is_unique());
    intake.push(&b"!"[..]).unwrap_err();
    assert!(chunk.is_unique());
}

#[test]
fn an_algorithm_that_is_listed_twice_is_hashed_once() {
    let verifier = builder(providers::JIRA).algorithms([Algorithm::Sha256, Algorithm::Sha512, Algorithm::Sha256]).build().unwrap();
    assert!(format!("{verifier:?}").contains("[Sha256, Sha512]"), "{verifier:?}");
}

#[test]
fn bytes_cannot_move_between_what_is_signed_and_the_body() {
    const DOTTED: Scheme = Scheme::new("dotted", "X-S").before(&[Part::Id, Part::Literal(".")]).id_header("X-Id");
    let headers = signer(DOTTED).sign_as("msg_1", b"abc.d", at(1));
    let value = headers.iter().find(|(name, _)| *name == "X-S").unwrap().1.as_str();
    let verdict = |id: &str, body: &[u8]| verifier(DOTTED).verify(&[("X-Id", id), ("X-S", value)], body).map(|_| ());
    assert!(verdict("msg_1", b"abc.d").is_ok());
    assert_eq!(verdict("msg_1.abc", b"d").unwrap_err().kind(), RejectionKind::MalformedId);
    assert_eq!(verdict("msg_1abc", b"d").unwrap_err().kind(), RejectionKind::Mismatch);
    assert_eq!(verdict("msg", b"_1.abc.d").unwrap_err().kind(), RejectionKind::Mismatch);
    // Where no dot parts them, they could; so that is not built.
    let touching = Scheme::new("x", "X-S").before(&[Part::Id]).id_header("X-Id");
    assert!(matches!(builder(touching).build(), Err(ConfigError::InvalidScheme { .. })));
}

#[test]
fn a_single_chunk_is_handed_on_without_a_copy() {
    let body = bytes::Bytes::from(vec![b'x'; 1000]);
    let mut intake = verifier(providers::JIRA).intake(&signer(providers::JIRA).sign(&body)).unwrap();
    intake.push(body.clone()).unwrap();
    assert_eq!(intake.finish().unwrap().1.as_ptr(), body.as_ptr());
}

#[test]
fn a_verifier_tells_what_it_was_built_of() {
    let verifier = builder(providers::JIRA).key("old", Secret::new("old")).body_limit(7).build().unwrap();
    assert_eq!(verifier.scheme(), &providers::JIRA);
    assert_eq!(verifier.scheme().header(), "X-Hub-Signature");
    assert_eq!(verifier.key_ids().map(KeyId::as_str).collect::<Vec<_>>(), ["main", "old"]);
    assert_eq!(verifier.body_limit(), 7);
    let shown = format!("{verifier:?}");
    assert!(shown.contains("jira") && shown.contains("old") && !shown.contains(SECRET), "{shown}");
}

#[test]
fn rejections_keep_the_cause_underneath() {
    let inner = Arc::new(io::Error::from(io::ErrorKind::ConnectionReset));
    let rejection = Rejection::body_failed(inner, |_| false);
    assert_eq!(rejection.to_string(), "the body broke off or could not be read");
    assert_eq!(std::error::Error::source(&rejection).unwrap().to_string(), "connection reset");
}

#[test]
fn a_signer_sends_what_its_scheme_asks_for() {
    let names = |scheme| signer(scheme).sign(b"").into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(providers::GITHUB), ["X-Hub-Signature-256"]);
    assert_eq!(names(providers::SLACK), ["X-Slack-Request-Timestamp", "X-Slack-Signature"]);
    assert_eq!(names(STANDARD_WEBHOOKS), ["webhook-id", "webhook-timestamp", "webhook-signature"]);
    // Before 1970 there is no timestamp to send.
    let early = signer(providers::SLACK).sign_at(b"", SystemTime::UNIX_EPOCH - Duration::from_secs(5));
    assert_eq!(early[0].1, "0");
}
