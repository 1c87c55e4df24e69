use crate::config::Config;
use crate::key_set::{KeySet, PreparedKey, SHORTEST};

/// Warns the operator of secrets that verify deliveries and are probably a mistake, by one event at `WARN` each. `new` says how many keys at
/// the front of the list have just come into it: the others have been told of before.
///
/// No event holds a secret.
pub(crate) fn warn(config: &Config, keys: &KeySet, new: usize) {
    let (keys, scheme, tenant) = (keys.as_slice(), config.scheme_name(), config.tenant.as_deref().map(crate::one_line::one_line));
    for (place, key) in keys.iter().enumerate().take(new) {
        let (id, tenant) = (key.id.as_str(), tenant.as_deref());
        if key.doubts.is_short {
            let text = "secret shorter than 16 bytes: whoever has one delivery can try such secrets out";
            tracing::warn!(target: "countersign", scheme, tenant, key = id, shortest = SHORTEST, "{text}");
        }
        if key.doubts.is_padded {
            let text = "secret with white space at an end, which is a part of it: the sender may have it without";
            tracing::warn!(target: "countersign", scheme, tenant, key = id, "{text}");
        }
        if let Some(other) = twin(keys, place, new) {
            let other = other.id.as_str();
            tracing::warn!(target: "countersign", scheme, tenant, key = id, other, "same secret under two key ids: deliveries name the first");
        }
    }
}

/// Another key with the secret of the one at `place`: one that was there before, or of two new ones the first.
fn twin(keys: &[PreparedKey], place: usize, new: usize) -> Option<&PreparedKey> {
    let key = keys.get(place)?;
    let others = keys.iter().enumerate().filter(|(other, _)| *other < place || *other >= new);
    others.map(|(_, other)| other).find(|other| other.has_secret_of(key))
}
