//! Verification of whole requests under JavaScript, for `wasm32-unknown-unknown`. The requests are
//! `Request` objects of the Fetch API. The script `run` builds this example and tests the example
//! under Node.

use std::time::{Duration, SystemTime};

use countersign::adapter::HeaderIndex;
use countersign::{RequestHead, Secret, providers};
use wasm_bindgen::prelude::*;

/// A verifier for deliveries of Stripe.
#[wasm_bindgen]
pub struct Verifier(countersign::Verifier);

#[wasm_bindgen]
impl Verifier {
    /// Creates a verifier with one key, `current`, and with `Date.now` as the clock.
    ///
    /// # Errors
    /// The secret is invalid, for example empty.
    #[wasm_bindgen(constructor)]
    pub fn new(secret: &str) -> Result<Verifier, JsError> {
        let builder = countersign::Verifier::builder(providers::STRIPE).key("current", Secret::new(secret));
        Ok(Self(builder.clock(now).build()?))
    }

    /// Tries to create a verifier without setting a clock, to show the error.
    ///
    /// # Errors
    /// Always fails: `wasm32-unknown-unknown` has no clock.
    #[wasm_bindgen(js_name = withoutClock)]
    pub fn without_clock(secret: &str) -> Result<Verifier, JsError> {
        Ok(Self(countersign::Verifier::builder(providers::STRIPE).key("current", Secret::new(secret)).build()?))
    }

    /// Returns the id of the matched key. `headers` are pairs of name and value, such as
    /// `[...request.headers]`.
    ///
    /// # Errors
    /// The cause of the rejection. Log the cause, and answer the sender with 401 alone.
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen passes an array from JavaScript by value")]
    pub fn verify(&self, headers: Vec<js_sys::Array>, body: &[u8]) -> Result<String, JsError> {
        Ok(self.0.verify(&Head::new(&headers), body)?.key_id().to_string())
    }

    /// Does the same for a body in pieces.
    ///
    /// # Errors
    /// The same as of `verify`.
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen passes an array from JavaScript by value")]
    #[wasm_bindgen(js_name = verifyPieces)]
    pub fn verify_pieces(&self, headers: Vec<js_sys::Array>, pieces: Vec<js_sys::Uint8Array>) -> Result<String, JsError> {
        let mut verification = self.0.begin(&Head::new(&headers))?;
        for piece in pieces {
            verification.update(&piece.to_vec());
        }
        Ok(verification.finish()?.key_id().to_string())
    }

    /// Returns the time of the last match of the key, in seconds since 1970.
    #[wasm_bindgen(js_name = lastMatched)]
    #[must_use]
    pub fn last_matched(&self) -> Option<f64> {
        let matched = self.0.keys().list().first()?.last_matched()?;
        matched.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since_1970| since_1970.as_secs_f64())
    }
}

/// The head of a request of the Fetch API. Method and target are fixed, because Stripe signs
/// neither.
struct Head(Vec<(String, String)>);

impl Head {
    fn new(headers: &[js_sys::Array]) -> Self {
        let text = |pair: &js_sys::Array, place| pair.get(place).as_string().unwrap_or_default();
        Self(headers.iter().map(|pair| (text(pair, 0), text(pair, 1))).collect())
    }
}

impl RequestHead for Head {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &'static str {
        "/"
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        index.extend(self.0.iter().map(|(name, value)| (name, value)));
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the milliseconds since 1970 are positive and fit in a u64")]
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(js_sys::Date::now() as u64)
}
