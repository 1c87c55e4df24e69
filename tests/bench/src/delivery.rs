//! The delivery that all are measured with: GitHub's scheme, which most of what is published reads.

use bytes::Bytes;
use countersign::{MemoryBudget, Secret, Signer, Verifier, providers};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

pub const SECRET: &str = "It's a Secret to Everybody";
pub const SIGNATURE: &str = "x-hub-signature-256";
/// What all of them accept at most.
pub const LIMIT: usize = 25 * 1024 * 1024;

/// Text in JSON, as some of what is published hands on nothing else; or nothing at all.
pub fn body(size: usize) -> Bytes {
    let mut body = vec![b'x'; size];
    if let [first, .., last] = body.as_mut_slice() {
        (*first, *last) = (b'"', b'"');
    }
    body.into()
}

pub fn signature_of(body: &[u8]) -> String {
    Signer::new(providers::GITHUB, Secret::new(SECRET)).unwrap().sign(body).remove(0).1
}

/// One key, and nothing else set.
pub fn verifier() -> Verifier {
    Verifier::builder(providers::GITHUB).key("key", Secret::new(SECRET)).body_limit(LIMIT).build().unwrap()
}

/// As [`verifier`], with a budget.
pub fn verifier_with_budget() -> Verifier {
    let budget = MemoryBudget::new(10 * LIMIT);
    Verifier::builder(providers::GITHUB).key("key", Secret::new(SECRET)).body_limit(LIMIT).memory_budget(budget).build().unwrap()
}

/// The last of so many keys is the right one.
pub fn verifier_of_keys(keys: usize) -> Verifier {
    let builder = (1..keys).fold(Verifier::builder(providers::GITHUB), |builder, place| {
        builder.key(place.to_string(), Secret::new(format!("{place}, of the wrong keys")))
    });
    builder.key("right", Secret::new(SECRET)).body_limit(LIMIT).build().unwrap()
}

/// The hash that no verifier can do without, its key kept.
pub fn hash_alone(body: Bytes) -> impl FnMut() {
    let keyed: Hmac<Sha256> = Hmac::new_from_slice(SECRET.as_bytes()).unwrap();
    move || {
        let mut mac = keyed.clone();
        mac.update(std::hint::black_box(&body));
        std::hint::black_box(mac.finalize());
    }
}

/// The verdict as it is written by hand under every framework.
pub fn verified_by_hand(signature: Option<&str>, body: &[u8]) -> bool {
    let tag = signature.and_then(|value| value.strip_prefix("sha256="));
    let Some(tag) = tag.and_then(|tag| hex::decode(tag).ok()) else { return false };
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    mac.verify_slice(&tag).is_ok()
}

/// The scheme of Standard Webhooks, which has a timestamp in what is signed.
pub mod standard {
    use std::time::SystemTime;

    use countersign::{Secret, Signer, Verifier, providers};
    use http::{HeaderMap, HeaderName};

    use super::LIMIT;

    /// [`super::SECRET`], as this scheme writes it.
    pub const SECRET: &str = "whsec_SXQncyBhIFNlY3JldCB0byBFdmVyeWJvZHk=";
    const ID: &str = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";

    pub fn verifier() -> Verifier {
        Verifier::builder(providers::STANDARD_WEBHOOKS).key("key", Secret::new(SECRET)).body_limit(LIMIT).build().unwrap()
    }

    /// The headers of a delivery that is sent now.
    pub fn headers(body: &[u8]) -> Vec<(String, String)> {
        Signer::new(providers::STANDARD_WEBHOOKS, Secret::new(SECRET)).unwrap().sign_as(ID, body, SystemTime::now())
    }

    /// The same, as `http` has them.
    pub fn header_map(body: &[u8]) -> HeaderMap {
        headers(body).into_iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }
}
