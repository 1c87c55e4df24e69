use crate::keys::key_set::{KeySet, MIN_SECRET_BYTES, PreparedKey, is_same};
use crate::observe::log::Reporter;
use crate::observe::one_line::one_line;

/// Warns the operator of secrets that verify deliveries and are probably a mistake. Each warning is
/// an event at `WARN`. `is_new` returns whether the key at a position came with this change. Other
/// keys were reported earlier.
///
/// A tenant's verifier is built anew at each lookup of the tenant, so `tenants` remembers the
/// reported warnings.
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
            let text =
                "the secret is shorter than 16 bytes, and can be guessed from one delivery: set a longer secret at the sender and here";
            tracing::warn!(target: "countersign", scheme, tenant = shown, key = id, at_least = MIN_SECRET_BYTES, "{text}");
        }
        if key.flaws.is_padded && is_first("padded") {
            let text = "the secret begins or ends with white space, which counts: remove the white space, unless the sender has it, too";
            tracing::warn!(target: "countersign", scheme, tenant = shown, key = id, "{text}");
        }
        // The other key is an older key, or a new key earlier in the list: of two new keys, the
        // second is reported.
        let own = fingerprints.get(place).and_then(Option::as_ref);
        let mut others = keys.iter().zip(&fingerprints).enumerate().filter(|(other, _)| *other < place || !is_new(*other));
        if let Some((_, (other, _))) = others.find(|(_, (_, other))| is_same(own, other.as_ref()))
            && is_first("twice")
        {
            let text = "two key ids have the same secret: remove one of the keys";
            tracing::warn!(target: "countersign", scheme, tenant = shown, key = id, other = &*one_line(other.id.as_str()), "{text}");
        }
    }
}
