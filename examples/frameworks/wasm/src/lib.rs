//! Verification in one shot under JavaScript, for `wasm32-unknown-unknown`: of a request as `fetch` and its kin know one. `run` beside this builds it and
//! tries it under Node.

use std::time::{Duration, SystemTime};

use countersign::adapter::HeaderIndex;
use countersign::{RequestHead, Secret, providers};
use wasm_bindgen::prelude::*;

/// A verifier of Stripe's deliveries.
#[wasm_bindgen]
pub struct Verifier(countersign::Verifier);

#[wasm_bindgen]
impl Verifier {
    /// # Errors
    /// What is wrong with the secret.
    #[wasm_bindgen(constructor)]
    pub fn new(secret: &str) -> Result<Verifier, JsError> {
        let builder = countersign::Verifier::builder(providers::STRIPE).key("current", Secret::new(secret));
        Ok(Self(builder.clock(now).build()?))
    }

    /// What becomes of a verifier without a clock, on a target that has none.
    ///
    /// # Errors
    /// That it has no clock.
    #[wasm_bindgen(js_name = withoutClock)]
    pub fn without_clock(secret: &str) -> Result<Verifier, JsError> {
        Ok(Self(countersign::Verifier::builder(providers::STRIPE).key("current", Secret::new(secret)).build()?))
    }

    /// Returns the id of the key that matched. `headers` are pairs of name and value, as `[...request.headers]` are.
    ///
    /// # Errors
    /// The cause of the rejection, for a log: tell the sender 401 and no more.
    #[expect(clippy::needless_pass_by_value, reason = "so it comes from JavaScript")]
    pub fn verify(&self, headers: Vec<js_sys::Array>, body: &[u8]) -> Result<String, JsError> {
        let text = |pair: &js_sys::Array, place| pair.get(place).as_string().unwrap_or_default();
        let head = Head(headers.iter().map(|pair| (text(pair, 0), text(pair, 1))).collect());
        Ok(self.0.verify(&head, body)?.key_id().to_string())
    }
}

/// The head of a request that `fetch` would make. Stripe signs neither method nor path.
struct Head(Vec<(String, String)>);

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

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds since 1970")]
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(js_sys::Date::now() as u64)
}
