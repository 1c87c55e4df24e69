//! The delivery of the measurements. The scheme is GitHub's, because most published crates support this scheme.

use bytes::Bytes;
use countersign::{MemoryBudget, Secret, Signer, Verifier, providers};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

pub const SECRET: &str = "It's a Secret to Everybody";
pub const SIGNATURE: &str = "x-hub-signature-256";
/// The body limit of every receiver.
pub const LIMIT: usize = 25 * 1024 * 1024;

/// Returns a JSON string of this size, or an empty body. Some published crates accept only JSON.
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

/// Returns a verifier with one key and the body limit.
pub fn verifier() -> Verifier {
    Verifier::builder(providers::GITHUB).key("key", Secret::new(SECRET)).body_limit(LIMIT).build().unwrap()
}

/// Returns the same verifier as [`verifier`], with a memory budget.
pub fn verifier_with_budget() -> Verifier {
    let budget = MemoryBudget::new(10 * LIMIT);
    Verifier::builder(providers::GITHUB).key("key", Secret::new(SECRET)).body_limit(LIMIT).memory_budget(budget).build().unwrap()
}

/// Returns a verifier with this number of keys. Only the last key matches.
pub fn verifier_of_keys(keys: usize) -> Verifier {
    let builder = (1..keys).fold(Verifier::builder(providers::GITHUB), |builder, place| {
        builder.key(place.to_string(), Secret::new(format!("{place}, of the wrong keys")))
    });
    builder.key("right", Secret::new(SECRET)).body_limit(LIMIT).build().unwrap()
}

/// Returns a closure that computes the HMAC alone, with a prepared key. Every verifier needs this hash.
pub fn hash_alone(body: Bytes) -> impl FnMut() {
    let keyed: Hmac<Sha256> = Hmac::new_from_slice(SECRET.as_bytes()).unwrap();
    move || {
        let mut mac = keyed.clone();
        mac.update(std::hint::black_box(&body));
        std::hint::black_box(mac.finalize());
    }
}

/// Verifies a signature, as code written by hand does under every framework.
pub fn verified_by_hand(signature: Option<&str>, body: &[u8]) -> bool {
    let tag = signature.and_then(|value| value.strip_prefix("sha256="));
    let Some(tag) = tag.and_then(|tag| hex::decode(tag).ok()) else { return false };
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    mac.verify_slice(&tag).is_ok()
}

/// The scheme of Standard Webhooks, with a signed timestamp.
pub mod standard {
    use std::time::SystemTime;

    use countersign::{Secret, Signer, Verifier, providers};
    use http::{HeaderMap, HeaderName};

    use super::LIMIT;

    /// [`super::SECRET`] in the form of this scheme.
    pub const SECRET: &str = "whsec_SXQncyBhIFNlY3JldCB0byBFdmVyeWJvZHk=";
    const ID: &str = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";

    pub fn verifier() -> Verifier {
        Verifier::builder(providers::STANDARD_WEBHOOKS).key("key", Secret::new(SECRET)).body_limit(LIMIT).build().unwrap()
    }

    /// Returns the headers of a delivery signed at the current time.
    pub fn headers(body: &[u8]) -> Vec<(String, String)> {
        Signer::new(providers::STANDARD_WEBHOOKS, Secret::new(SECRET)).unwrap().sign_as(ID, body, SystemTime::now())
    }

    /// Returns the same headers as a `HeaderMap`.
    pub fn header_map(body: &[u8]) -> HeaderMap {
        headers(body).into_iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }
}
