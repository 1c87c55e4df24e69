use std::hint::black_box;

use countersign::RequestHead;
use countersign::adapter::HeaderIndex;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::Sha256;

use crate::case::{Case, verifier};
use crate::delivery::{Delivery, GITHUB, JIRA, Provider, SHOPIFY, SLACK, STANDARD_WEBHOOKS, STRIPE};
use crate::floor;

pub fn cases() -> Vec<Case> {
    let over_0 = &["core/hmac/0"];
    let over_1024 = &["core/hmac/1024"];
    vec![
        Case { name: "core/hmac/0", over: &[], deliver: || hmac(0) },
        Case { name: "core/hmac/1024", over: &[], deliver: || hmac(1024) },
        Case { name: "core/by-hand/jira/0", over: over_0, deliver: || floor::case(JIRA.signed(0)) },
        Case { name: "core/verify/one-field/0", over: over_0, deliver: one_field },
        Case { name: "core/verify/jira/0", over: over_0, deliver: || verify(&JIRA) },
        Case { name: "core/verify/github/0", over: over_0, deliver: || verify(&GITHUB) },
        Case { name: "core/verify/slack/0", over: over_0, deliver: || verify(&SLACK) },
        Case { name: "core/verify/stripe/0", over: over_0, deliver: || verify(&STRIPE) },
        Case { name: "core/verify/standard-webhooks/0", over: over_0, deliver: || verify(&STANDARD_WEBHOOKS) },
        Case { name: "core/verify/shopify/0", over: over_0, deliver: || verify(&SHOPIFY) },
        Case { name: "core/verify/jira/1024", over: over_1024, deliver: || verify_delivery(verifier(), Delivery::signed(1024)) },
        Case { name: "core/verify/jira/1024/rejected", over: over_1024, deliver: || verify_delivery(verifier(), Delivery::forged()) },
        Case {
            name: "core/verify/jira/1024/rejected/hints/on",
            over: over_1024,
            deliver: || verify_delivery(JIRA.builder().hints().build().unwrap(), Delivery::forged()),
        },
        Case { name: "core/begin/jira/0", over: over_0, deliver: || begin(0) },
        Case { name: "core/begin/jira/1024", over: over_1024, deliver: || begin(1024) },
    ]
}

/// The head of an `http` request, as an adapter passes it to the core.
struct Head<'a>(&'a HeaderMap);

impl RequestHead for Head<'_> {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &'static str {
        "/"
    }

    #[inline]
    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        index.extend(self.0.iter().map(|(name, value)| (name.as_str(), value)));
    }
}

/// Returns a closure that computes the HMAC alone, with a prepared key. Every verifier needs this hash.
fn hmac(size: usize) -> Box<dyn FnMut()> {
    let keyed: Hmac<Sha256> = Hmac::new_from_slice(b"It's a Secret to Everybody").unwrap();
    let body = Delivery::signed(size).body;
    Box::new(move || {
        let mut mac = keyed.clone();
        mac.update(black_box(&body));
        black_box(mac.finalize().into_bytes());
    })
}

fn one_field() -> Box<dyn FnMut()> {
    let mut delivery = GITHUB.signed(0);
    let value = delivery.head.remove("x-hub-signature-256").unwrap();
    delivery.head = HeaderMap::from_iter([("x-hub-signature-256".parse().unwrap(), value)]);
    verify_delivery(GITHUB.verifier(), delivery)
}

fn verify(provider: &Provider) -> Box<dyn FnMut()> {
    verify_delivery(provider.verifier(), provider.signed(0))
}

fn verify_delivery(verifier: countersign::Verifier, delivery: Delivery) -> Box<dyn FnMut()> {
    let Delivery { head, body, status } = delivery;
    Box::new(move || assert_eq!(black_box(verifier.verify(&Head(black_box(&head)), black_box(&body))).is_ok(), status == 200))
}

/// Returns a closure that verifies the head first, as an adapter does before the body arrives.
fn begin(size: usize) -> Box<dyn FnMut()> {
    let (verifier, Delivery { head, body, .. }) = (verifier(), Delivery::signed(size));
    Box::new(move || {
        let mut verification = verifier.begin(&Head(black_box(&head))).unwrap();
        verification.update(black_box(&body));
        black_box(verification.finish().unwrap());
    })
}
