use crate::config::Config;
use crate::key_set::{KeySet, PreparedKey, SHORTEST};
use crate::one_line::one_line;

/// Warns the operator of secrets that verify deliveries and are probably a mistake, by one event at `WARN` each. The first `new_count` keys of
/// the list are new. The others were reported earlier.
///
/// No event holds a secret.
pub(crate) fn warn(config: &Config, keys: &KeySet, new_count: usize) {
    let scheme = config.scheme_name();
    let tenant = config.tenant.as_deref().map(one_line);
    let tenant = tenant.as_deref();
    for (place, key) in keys.as_slice().iter().enumerate().take(new_count) {
        let id = key.id.as_str();
        if key.doubts.is_short {
            let text = "secret shorter than 16 bytes: it can be guessed offline from one delivery";
            tracing::warn!(target: "countersign", scheme, tenant, key = id, shortest = SHORTEST, "{text}");
        }
        if key.doubts.is_padded {
            let text = "secret with white space at an end, which is a part of it: the sender may use the secret without it";
            tracing::warn!(target: "countersign", scheme, tenant, key = id, "{text}");
        }
        if let Some(other) = twin(keys.as_slice(), place, new_count) {
            let text = "same secret under two key ids: verified deliveries name the one that is tried first";
            tracing::warn!(target: "countersign", scheme, tenant, key = id, other = other.id.as_str(), "{text}");
        }
    }
}

/// Returns another key with the secret of the one at `place`: an older key, or a new key earlier in the list.
fn twin(keys: &[PreparedKey], place: usize, new_count: usize) -> Option<&PreparedKey> {
    let key = keys.get(place)?;
    let candidates = keys.iter().enumerate().filter(|(other, _)| *other < place || *other >= new_count);
    candidates.map(|(_, other)| other).find(|other| other.has_secret_of(key))
}
