//! Identities of deliveries, and the keys made from identities.

use conformance::Delivery;
use countersign::identity::{DeliveryKey, Identity};
use countersign::scheme::Scheme;
use countersign::{Secret, Signer, Verified, Verifier, providers};

fn secret(text: &str) -> Secret {
    Secret::new(format!("{text}, a secret of some length"))
}

/// Signs and verifies a Jira delivery with an unsigned id.
fn jira(key: &str, body: &[u8], id: &str) -> Verified {
    let verifier = Verifier::builder(providers::JIRA).key("k", secret(key)).build().unwrap();
    let signer = Signer::new(providers::JIRA, secret(key)).unwrap();
    let delivery = Delivery::signed(&signer, body).header("X-Atlassian-Webhook-Identifier", id);
    verifier.verify(&delivery.headers, body).unwrap()
}

fn first(identity: Identity, guard: &str, verified: &Verified, body: &[u8]) -> Option<DeliveryKey> {
    identity.keys(guard, verified, body).map(|(key, _)| key)
}

/// An adapter takes the digest of a body only for these identities.
#[test]
fn identities_by_the_body_take_its_digest() {
    for identity in [Identity::BODY, Identity::BODY_AND_EVENT, Identity::BODY_OR_UNAUTHENTICATED_ID] {
        assert!(identity.is_by_digest(), "{identity:?}");
    }
    for identity in [Identity::NONE, Identity::SIGNED_ID, Identity::UNAUTHENTICATED_ID, Identity::member("id")] {
        assert!(!identity.is_by_digest(), "{identity:?}");
    }
}

#[test]
fn every_row_with_repeats_supports_its_identity() {
    let mut rows = 0;
    for scheme in providers::ALL {
        let Some(repeats) = scheme.repeats() else { continue };
        rows += 1;
        assert!(repeats.identity().is_none_or(|identity| scheme.supports(identity)), "{}", scheme.name());
        assert!(!repeats.lease().is_zero() && repeats.keep() > repeats.lease(), "{}", scheme.name());
    }
    assert!(rows >= 15, "{rows}");
}

#[test]
fn scheme_supports_the_identities_of_its_headers_and_of_a_covered_body() {
    let member = Identity::member("id");
    let supported = |scheme: Scheme| {
        let by_headers = [Identity::SIGNED_ID, Identity::UNAUTHENTICATED_ID].map(|identity| scheme.supports(identity));
        let by_body = [Identity::BODY, member].map(|identity| scheme.supports(identity));
        let by_both = [Identity::BODY_AND_EVENT, Identity::BODY_OR_UNAUTHENTICATED_ID].map(|identity| scheme.supports(identity));
        assert!(scheme.supports(Identity::NONE));
        (by_headers, by_body, by_both)
    };
    assert_eq!(supported(providers::GITHUB), ([false, true], [true, true], [true, true]));
    assert_eq!(supported(providers::STANDARD_WEBHOOKS), ([true, false], [true, true], [false, false]));
    // A header for the id, and none for the kind of event.
    assert_eq!(supported(providers::JIRA), ([false, true], [true, true], [false, true]));
    // A static token covers no body.
    assert_eq!(supported(providers::GITLAB_TOKEN), ([false, true], [false, false], [false, false]));
}

/// Returns the name and the documentation of each row.
fn documented_rows() -> Vec<(&'static str, &'static str)> {
    let source = include_str!("../../crates/countersign/src/providers.rs");
    let (_, rows) = source.split_once("\nproviders! {\n").unwrap();
    rows.split("\n\n")
        .map(|row| row.split_once("\n    ///").map_or(("", row), |_| (row.lines().find(|line| !line.contains("///")).unwrap(), row)))
        .collect()
}

#[test]
fn every_row_documents_its_repeats() {
    let rows = documented_rows();
    assert_eq!(rows.len(), providers::ALL.len());
    for ((name, row), scheme) in rows.into_iter().zip(providers::ALL) {
        let says = |word: &str| row.contains(&format!("/// - {word}: "));
        let refers = row.contains("/// - Safe and useful as for [`") || row.contains("/// - Safe and useful for the same reasons");
        assert!(row.contains("/// - Repeats"), "{name}");
        assert!(refers || says("Safe") && says("Useful"), "{name}");
        let has_identity = scheme.repeats().is_some_and(|repeats| repeats.identity().is_some());
        assert_eq!(!has_identity, row.contains("/// - Identity: none."), "{name}");
        let has_source = row.lines().any(|line| line.contains("///") && line.contains("](https://"));
        assert!(has_source || refers || row.contains("by third-party accounts"), "{name} has no source");
    }
}

#[test]
fn repeat_has_the_same_key_after_a_rotation() {
    let (before, after) = (jira("old", b"body", "1"), jira("new", b"body", "1"));
    for identity in [Identity::BODY, Identity::UNAUTHENTICATED_ID, Identity::BODY_OR_UNAUTHENTICATED_ID] {
        assert_eq!(identity.keys("guard", &before, b"body"), identity.keys("guard", &after, b"body"));
    }
}

#[test]
fn keys_differ_by_guard_body_id_kind_tenant_and_scheme() {
    let body = b"{\"id\":\"1\"}";
    let verified = jira("k", body, "1");
    let template = Verifier::builder(providers::JIRA).build_template().unwrap();
    let of_tenant = |tenant: &str| {
        let verifier = template.for_tenant(tenant, [("k", secret("k"))]).unwrap();
        let head = Signer::new(providers::JIRA, secret("k")).unwrap().sign(body);
        verifier.verify(&head, body).unwrap()
    };
    let github = Verifier::builder(providers::GITHUB).key("k", secret("k")).build().unwrap();
    let head = Signer::new(providers::GITHUB, secret("k")).unwrap().sign(body);
    let by_github = github.verify(&head, body).unwrap();
    let mut keys = vec![
        first(Identity::BODY, "guard", &verified, body),
        first(Identity::BODY, "guard", &verified, b"another body"),
        first(Identity::BODY, "guar", &verified, body),
        first(Identity::BODY_AND_EVENT, "guard", &verified, body),
        first(Identity::UNAUTHENTICATED_ID, "guard", &verified, body),
        first(Identity::UNAUTHENTICATED_ID, "guard", &jira("k", body, "2"), body),
        first(Identity::member("id"), "guard", &verified, body),
        first(Identity::BODY, "guard", &of_tenant("a"), body),
        first(Identity::BODY, "guard", &of_tenant("b"), body),
        first(Identity::BODY, "guard", &by_github, body),
    ];
    assert!(keys.iter().all(Option::is_some));
    keys.sort_unstable();
    let count = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), count, "no two deliveries share a key");
    // No bytes move from one part to the next.
    assert_ne!(first(Identity::BODY, "ab", &verified, body), first(Identity::BODY, "a", &verified, body));
}

#[test]
fn body_and_id_have_separate_keys_and_each_identifies_a_repeat() {
    let identity = Identity::BODY_OR_UNAUTHENTICATED_ID;
    let (first, second) = identity.keys("guard", &jira("k", b"body", "1"), b"body").unwrap();
    let (same_body, other_id) = identity.keys("guard", &jira("k", b"body", "2"), b"body").unwrap();
    let (other_body, same_id) = identity.keys("guard", &jira("k", b"other", "1"), b"other").unwrap();
    assert_eq!((first, second), (same_body, same_id));
    assert!(second != other_id && first != other_body);
}

#[test]
fn empty_bodies_static_tokens_and_absent_ids_have_no_identity() {
    let verified = jira("k", b"", "");
    for identity in [Identity::BODY, Identity::BODY_AND_EVENT, Identity::BODY_OR_UNAUTHENTICATED_ID, Identity::member("id")] {
        assert_eq!(identity.keys("guard", &verified, b""), None, "an empty body");
    }
    assert_eq!(Identity::UNAUTHENTICATED_ID.keys("guard", &verified, b""), None);
    assert_eq!(Identity::SIGNED_ID.keys("guard", &verified, b""), None);
    let by_token = Verifier::builder(providers::GITLAB_TOKEN).key("k", secret("k")).build().unwrap();
    let head = Signer::new(providers::GITLAB_TOKEN, secret("k")).unwrap().sign(b"");
    let body = b"{\"id\":\"1\"}";
    let verified = by_token.verify(&head, body).unwrap();
    for identity in [Identity::BODY, Identity::BODY_AND_EVENT, Identity::BODY_OR_UNAUTHENTICATED_ID, Identity::member("id")] {
        assert_eq!(identity.keys("guard", &verified, body), None, "a static token");
    }
}

#[test]
fn key_is_64_hex_digits() {
    let key = first(Identity::BODY, "guard", &jira("k", b"body", "1"), b"body").unwrap().to_string();
    assert!(key.len() == 64 && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{key}");
}
