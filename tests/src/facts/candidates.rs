//! Facts about several signature candidates in one delivery: a list in one header, or several headers.

use std::time::SystemTime;

use countersign::{RejectionKind, providers};

use crate::vectors::{signer, verifier};
use crate::{Delivery, Harness};

/// Sends a delivery with this value of `Stripe-Signature`.
async fn deliver_to_stripe<H: Harness>(value: impl AsRef<[u8]>) -> crate::Observation {
    H::deliver(verifier(providers::STRIPE), Delivery::unsigned("body").header("Stripe-Signature", value)).await
}

/// Returns the timestamp item and the right signature item of a Stripe delivery.
fn stripe_items() -> (String, String) {
    let value = signer(providers::STRIPE).sign_at(b"body", SystemTime::now()).remove(0).1;
    let (timestamp, right) = value.split_once(',').unwrap();
    (timestamp.to_owned(), right.to_owned())
}

const NOT_HEX: &str = "v1=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

pub async fn right_signature_verifies_beside_a_malformed_candidate<H: Harness>() {
    let (timestamp, right) = stripe_items();
    for malformed in ["v1=bad_signature", "v1=", NOT_HEX, "v1", "", "junk", "v1=\u{fc}", "\u{fc}=1", &format!("{right}0")] {
        for value in [
            format!("{timestamp},{malformed},{right}"),
            format!("{timestamp},{right},{malformed}"),
            format!("{malformed},{timestamp},{right}"),
            format!("{timestamp},{malformed},v1={},{right}", "0".repeat(64)),
        ] {
            deliver_to_stripe::<H>(&value).await.assert_verified(b"body", &value);
        }
    }
    // Standard Webhooks separates items by a space. Base64 has more kinds of malformed text than hex.
    let delivery = Delivery::signed(&signer(providers::STANDARD_WEBHOOKS), "body");
    let right = value_of(&delivery, "webhook-signature");
    for malformed in ["v1,", "v1,AAAA", "v1", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA*"] {
        let value = format!("{malformed} {right}");
        let delivery = delivery.clone().without("webhook-signature").header("webhook-signature", &value);
        H::deliver(verifier(providers::STANDARD_WEBHOOKS), delivery).await.assert_verified(b"body", &value);
    }
}

pub async fn right_signature_verifies_beside_a_malformed_header<H: Harness>() {
    let (primary, secondary) = ("BOX-SIGNATURE-PRIMARY", "BOX-SIGNATURE-SECONDARY");
    let delivery = Delivery::signed(&signer(providers::BOX), "body");
    let right = value_of(&delivery, primary);
    let bare = delivery.without(primary);
    let not_base64 = "*".repeat(44);
    for malformed in ["broken", "no base64 at all", &not_base64, "\u{fc}"] {
        for (first, second) in [(malformed, right.as_str()), (&right, malformed)] {
            let delivery = bare.clone().header(primary, first).header(secondary, second);
            H::deliver(verifier(providers::BOX), delivery).await.assert_verified(b"body", malformed);
        }
    }
    let header = |number: usize| format!("X-DocuSign-Signature-{number}");
    let delivery = Delivery::signed(&signer(providers::DOCUSIGN), "body");
    let right = value_of(&delivery, &header(1));
    let delivery = delivery.without(&header(1)).header(&header(1), "broken").header(&header(2), &right);
    H::deliver(verifier(providers::DOCUSIGN), delivery).await.assert_verified(b"body", "DocuSign");
}

pub async fn malformed_candidates_are_rejected_for_the_first_fault<H: Harness>() {
    let (timestamp, right) = stripe_items();
    let wrong = format!("v1={}", "0".repeat(64));
    let rejected = [
        (format!("{timestamp},v1=bad,{NOT_HEX}"), RejectionKind::SignatureLength),
        (format!("{timestamp},{NOT_HEX},v1=bad"), RejectionKind::SignatureEncoding),
        (format!("{timestamp},v0=x,junk,v1=bad"), RejectionKind::MalformedSignature),
        (format!("{timestamp},v1=\u{fc},v1=bad"), RejectionKind::NonAsciiSignature),
        // The item has its name twice.
        (format!("{timestamp},v1={right}"), RejectionKind::SignatureLength),
        // An item with an unknown name is no candidate.
        (format!("{timestamp},v0=x"), RejectionKind::UnknownAlgorithm),
    ];
    for (value, kind) in rejected {
        deliver_to_stripe::<H>(&value).await.assert_rejected_unread(kind, &value);
    }
    // A well-formed candidate is compared with the body.
    for value in [format!("{timestamp},v1=bad,{wrong}"), format!("{timestamp},{wrong},junk")] {
        deliver_to_stripe::<H>(&value).await.assert_rejected(RejectionKind::SignatureMismatch, &value);
    }
    let box_delivery = |first: &str, second: &str| {
        let bare = Delivery::signed(&signer(providers::BOX), "body").without("BOX-SIGNATURE-PRIMARY");
        bare.header("BOX-SIGNATURE-PRIMARY", first).header("BOX-SIGNATURE-SECONDARY", second)
    };
    let not_base64 = "*".repeat(44);
    for (first, second, kind) in [
        ("broken", not_base64.as_str(), RejectionKind::SignatureLength),
        (&not_base64, "broken", RejectionKind::SignatureEncoding),
        ("", "broken", RejectionKind::SignatureLength),
    ] {
        H::deliver(verifier(providers::BOX), box_delivery(first, second))
            .await
            .assert_rejected_unread(kind, &format!("{first:?} and {second:?}"));
    }
}

pub async fn malformed_candidates_count_toward_the_cap<H: Harness>() {
    let (timestamp, right) = stripe_items();
    for (malformed, verifies) in [(15, true), (16, false), (5000, false)] {
        let value = format!("{timestamp},{},{right}", vec!["v1=bad"; malformed].join(","));
        let outcome = deliver_to_stripe::<H>(&value).await;
        if verifies {
            outcome.assert_verified(b"body", "15 malformed candidates");
        } else {
            outcome.assert_rejected_unread(RejectionKind::TooManySignatures, &format!("{malformed} malformed candidates"));
        }
    }
}

fn value_of(delivery: &Delivery, name: &str) -> String {
    let value = delivery.headers.iter().find(|(known, _)| known == name).unwrap().1.clone();
    String::from_utf8(value).unwrap()
}
