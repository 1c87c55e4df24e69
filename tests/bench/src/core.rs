//! The core beside the hash, and beside what users write.

use std::hint::black_box;

use countersign::{Secret, Signer, Verifier, providers};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::hmac as ring_hmac;
use sha2::Sha256;

use crate::table::{Row, print};

const SECRET: &[u8] = b"It's a Secret to Everybody";

pub fn run() {
    print("Verifying `sha256=<hex>` of a body", &[0, 256, 1024, 4096, 16_384, 65_536, 1_048_576], rows);
}

fn rows(size: usize) -> Vec<Row<'static>> {
    let body: &'static [u8] = vec![b'x'; size].leak();
    let headers: &'static [(String, String)] = Signer::new(providers::JIRA, Secret::new(SECRET)).unwrap().sign(body).leak();
    let value: &'static str = &headers[0].1;
    let keyed: Hmac<Sha256> = Hmac::new_from_slice(SECRET).unwrap();
    let ring_key = ring_hmac::Key::new(ring_hmac::HMAC_SHA256, SECRET);
    let verifier = |keys: usize| {
        let builder = (1..keys)
            .fold(Verifier::builder(providers::JIRA), |builder, place| builder.key(place.to_string(), Secret::new(format!("{place}"))));
        builder.key("right", Secret::new(SECRET)).build().unwrap()
    };
    let (one, three) = (verifier(1), verifier(3));
    let in_chunks = one.clone();
    let tag: &'static [u8] = hex::decode(&value[7..]).unwrap().leak();
    vec![
        Row::new("HMAC alone (hmac + sha2, key kept)", move || {
            let mut mac = keyed.clone();
            mac.update(black_box(body));
            black_box(mac.finalize());
        }),
        Row::new("countersign, verify", move || {
            black_box(one.verify(black_box(headers), black_box(body)).unwrap());
        }),
        Row::new("countersign, intake by chunks of 16 KiB", move || {
            let mut intake = in_chunks.intake(black_box(headers)).unwrap();
            body.chunks(16_384).for_each(|chunk| intake.push(bytes::Bytes::from_static(chunk)).unwrap());
            black_box(intake.finish().unwrap());
        }),
        Row::new("countersign, verify, the last of three keys", move || {
            black_box(three.verify(black_box(headers), black_box(body)).unwrap());
        }),
        Row::new("written by hand (key from the secret, hex)", move || {
            let tag = hex::decode(black_box(value).strip_prefix("sha256=").unwrap()).unwrap();
            let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
            mac.update(black_box(body));
            mac.verify_slice(&tag).unwrap();
        }),
        Row::new("ring, key kept, tag decoded", move || {
            ring_hmac::verify(&ring_key, black_box(body), tag).unwrap();
        }),
    ]
}
