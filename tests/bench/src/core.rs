//! The core beside the hash alone, code written by hand, and published crates.
//!
//! A library that can keep a key between deliveries keeps the prepared key here.

use std::hint::black_box;

use aws_lc_rs::hmac as aws_hmac;
use bytes::Bytes;
use octocrab::models::webhook_events::verification::WebhookVerifier;
use ring::hmac as ring_hmac;
use sha2::block_api::compress256;
use webhook_verify::{Provider, VerifyOptions};

use crate::delivery::{SECRET, SIGNATURE, body, hash_alone, signature_of, standard, verified_by_hand, verifier, verifier_of_keys};
use crate::heads;
use crate::table::{Row, print};

const SIZES: [usize; 8] = [0, 256, 1024, 4096, 16_384, 65_536, 1_048_576, 10_485_760];
const BLOCK: usize = 64;

pub fn run() {
    print("Verifying the signature `sha256=<hex>` of a body", &SIZES, of_github);
    print("Verifying a delivery of Standard Webhooks", &SIZES, of_standard_webhooks);
    print("Verifying deliveries with the header fields of real providers", &[0, 1024], of_real_heads);
}

fn of_github(size: usize) -> Vec<Row<'static>> {
    let body = body(size);
    let value = signature_of(&body);
    let headers = vec![(SIGNATURE.to_owned(), value.clone())];
    let tag = hex::decode(&value["sha256=".len()..]).unwrap();
    let (ring_key, aws_key) =
        (ring_hmac::Key::new(ring_hmac::HMAC_SHA256, SECRET.as_bytes()), aws_hmac::Key::new(aws_hmac::HMAC_SHA256, SECRET.as_bytes()));
    let verify = |verifier: countersign::Verifier| {
        let (headers, body) = (headers.clone(), body.clone());
        move || {
            black_box(verifier.verify(black_box(&headers), black_box(&body)).unwrap());
        }
    };
    vec![
        Row::new("raw compressions", compressions(body.clone())),
        Row::new("HMAC alone (hmac + sha2, key kept)", hash_alone(body.clone())),
        Row::new("ring, key kept, tag decoded", {
            let (body, tag) = (body.clone(), tag.clone());
            move || ring_hmac::verify(&ring_key, black_box(&body), &tag).unwrap()
        }),
        Row::new("aws-lc-rs, key kept, tag decoded", {
            let body = body.clone();
            move || aws_hmac::verify(&aws_key, black_box(&body), &tag).unwrap()
        }),
        Row::new("countersign, verify", verify(verifier())),
        Row::new("countersign, verify, the last of three keys", verify(verifier_of_keys(3))),
        Row::new("countersign, begin and update by chunks of 16 KiB", {
            let (verifier, headers, body) = (verifier(), headers.clone(), body.clone());
            move || {
                let mut verification = verifier.begin(black_box(&headers)).unwrap();
                body.chunks(16_384).for_each(|chunk| verification.update(black_box(chunk)));
                black_box(verification.finish().unwrap());
            }
        }),
        Row::new("written by hand (key from the secret, hex)", {
            let (value, body) = (value.clone(), body.clone());
            move || assert!(verified_by_hand(Some(black_box(&value)), black_box(&body)))
        }),
        Row::new("octocrab, WebhookVerifier", {
            let (verifier, body) = (WebhookVerifier::new(SECRET), body.clone());
            move || verifier.verify(black_box(&value), black_box(&body)).unwrap()
        }),
        Row::new("webhook-verify, GitHub", {
            let secret = webhook_verify::Secret::new(SECRET);
            move || webhook_verify::verify(Provider::GitHub, &headers, black_box(&body), &secret, VerifyOptions::default()).unwrap()
        }),
    ]
}

fn of_standard_webhooks(size: usize) -> Vec<Row<'static>> {
    let body = body(size);
    // The measurement of one size takes seconds, so each size has its own timestamp.
    let (headers, map) = (standard::headers(&body), standard::header_map(&body));
    let signed = format!("{}.{}.", map["webhook-id"].to_str().unwrap(), map["webhook-timestamp"].to_str().unwrap());
    vec![
        Row::new("HMAC alone (hmac + sha2, key kept)", hash_alone([signed.as_bytes(), &body].concat().into())),
        Row::new("countersign, verify", {
            let (verifier, headers, body) = (standard::verifier(), headers.clone(), body.clone());
            move || {
                black_box(verifier.verify(black_box(&headers), black_box(&body)).unwrap());
            }
        }),
        Row::new("standardwebhooks", {
            let (webhook, map, body) = (standardwebhooks::Webhook::new(standard::SECRET).unwrap(), map.clone(), body.clone());
            move || webhook.verify(black_box(&body), black_box(&map)).unwrap()
        }),
        Row::new("svix", {
            let (webhook, body) = (svix::webhooks::Webhook::new(standard::SECRET).unwrap(), body.clone());
            move || webhook.verify(black_box(&body), black_box(&map)).unwrap()
        }),
        Row::new("webhook-verify, Standard Webhooks", {
            let secret = webhook_verify::Secret::new(standard::SECRET);
            move || {
                let options = VerifyOptions::default();
                webhook_verify::verify(Provider::StandardWebhooks, &headers, black_box(&body), &secret, options).unwrap();
            }
        }),
    ]
}

/// Each size has its own timestamp, because the measurement takes seconds.
fn of_real_heads(size: usize) -> Vec<Row<'static>> {
    let mut rows = vec![Row::new("HMAC of the body alone", hash_alone(heads::JIRA.signed(size).body))];
    for (name, provider, other) in [
        ("Jira", heads::JIRA, None),
        ("GitHub", heads::GITHUB, Some(Provider::GitHub)),
        ("Slack", heads::SLACK, Some(Provider::Slack)),
        ("Stripe", heads::STRIPE, Some(Provider::Stripe)),
        ("Standard Webhooks", heads::STANDARD_WEBHOOKS, Some(Provider::StandardWebhooks)),
        ("Shopify", heads::SHOPIFY, Some(Provider::Shopify)),
    ] {
        let (verifier, delivery) = (provider.verifier(), provider.signed(size));
        let (request, body) = (delivery.request(drop), delivery.body);
        rows.push(Row::new(format!("{name}: countersign"), {
            let (request, body) = (request.clone(), body.clone());
            move || {
                black_box(verifier.verify(black_box(&request), black_box(&body)).unwrap());
            }
        }));
        if let Some(other) = other {
            let secret = webhook_verify::Secret::new(provider.secret);
            rows.push(Row::new(format!("{name}: webhook-verify"), move || {
                webhook_verify::verify(other, request.headers(), black_box(&body), &secret, VerifyOptions::default()).unwrap();
            }));
        }
    }
    rows
}

/// Returns a closure with the compressions of an HMAC with a prepared key: the padded body, and one block for the outer hash.
fn compressions(body: Bytes) -> impl FnMut() {
    const PADDING: [[u8; BLOCK]; 3] = [[0; BLOCK]; 3];
    // One byte ends the message, and eight bytes hold its length.
    let inner = (body.len() + 9).div_ceil(BLOCK);
    let others = inner - body.len() / BLOCK + 1;
    move || {
        let mut state = black_box([0; 8]);
        compress256(&mut state, black_box(&body).as_chunks().0);
        compress256(&mut state, black_box(&PADDING[..others]));
        black_box(state);
    }
}
