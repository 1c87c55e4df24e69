use crate::keys::key_set::{KeySet, MIN_SECRET_BYTES, PreparedKey, is_same};
use crate::observe::log::Reporter;
use crate::observe::one_line::one_line;

/// Warns the operator of secrets that verify deliveries and are probably a mistake, by one event at `WARN` each. `is_new` has the place of each
/// key that came with this change. The others were reported earlier.
///
/// A tenant's verifier is built anew whenever the tenant is looked up, so `tenants` remembers what was reported.
///
/// No event holds a secret.
pub(crate) fn warn(scheme: &'static str, tenant: Option<&str>, keys: &KeySet, is_new: impl Fn(usize) -> bool, tenants: Option<&Reporter>) {
    let shown = tenant.map(one_line);
    let shown = shown.as_deref();
    let fingerprints: Vec<_> = keys.iter().map(PreparedKey::fingerprint).collect();
    for (place, key) in keys.iter().enumerate().filter(|(place, _)| is_new(*place)) {
        let id = &*one_line(key.id.as_str());
        let is_first = |what| tenants.is_none_or(|reporter| reporter.is_first_warning(&(what, tenant, key.id.as_str())));
        if key.flaws.is_short && is_first("short") {
            let text = "secret shorter than 16 bytes, which can be guessed from one delivery: make a longer one, and set it at both ends";
            tracing::warn!(target: "countersign", scheme, tenant = shown, key = id, at_least = MIN_SECRET_BYTES, "{text}");
        }
        if key.flaws.is_padded && is_first("padded") {
            let text = "secret with white space at an end, which is used as a part of it: take it away, unless the sender's secret has it";
            tracing::warn!(target: "countersign", scheme, tenant = shown, key = id, "{text}");
        }
        // An older key, or a new one earlier in the list: of two new keys, the second is reported.
        let own = fingerprints.get(place).and_then(Option::as_ref);
        let mut others =
            keys.iter().zip(&fingerprints).enumerate().filter(|(other, _)| *other < place || (*other > place && !is_new(*other)));
        if let Some((_, (other, _))) = others.find(|(_, (_, other))| is_same(own, other.as_ref()))
            && is_first("twice")
        {
            let text = "same secret under two key ids: take one of them away";
            tracing::warn!(target: "countersign", scheme, tenant = shown, key = id, other = &*one_line(other.id.as_str()), "{text}");
        }
    }
}
