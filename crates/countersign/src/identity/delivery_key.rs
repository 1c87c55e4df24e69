use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::verdict::verified::Verified;

/// The key of a delivery: a SHA-256 digest. `Display` writes 64 hex digits.
///
/// The digest covers the name of the guard, the scheme, the tenant, the kind of identity and the
/// identity itself, each behind its length. The digest covers nothing else of the head. A signature
/// changes with the secret, and a timestamp can change with each repeat. A key contains no text of
/// the delivery, and may be stored and logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryKey([u8; 32]);

impl DeliveryKey {
    pub(crate) fn new(guard: &str, verified: &Verified, kind: &str, identity: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        let mut put = |part: &[u8]| {
            // Without the lengths, bytes could move from one part to the next.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        };
        put(b"countersign delivery key 1");
        put(guard.as_bytes());
        put(verified.scheme().as_bytes());
        // A tenant without a name differs from no tenant.
        put(if verified.tenant().is_some() { b"tenant" } else { b"" });
        put(verified.tenant().unwrap_or_default().as_bytes());
        put(kind.as_bytes());
        for part in identity {
            put(part);
        }
        Self(hash.finalize().into())
    }

    /// Creates the key of one event of a delivery with several events. `id` has one value or more,
    /// such as the `eventId` of an event in a batch, from the verified body.
    ///
    /// Returns `None` without a value, if a value is empty, and for a static token, which covers no body.
    #[must_use]
    pub fn of_event(guard: &str, verified: &Verified, id: &[&str]) -> Option<Self> {
        let values: Vec<_> = id.iter().map(|value| value.as_bytes()).collect();
        // Events without an id would share one key.
        let has_id = !values.is_empty() && values.iter().all(|value| !value.is_empty());
        (has_id && verified.covers_body()).then(|| Self::new(guard, verified, "event", &values))
    }

    /// Creates a key from 32 bytes, for tests and for keys stored elsewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes of the key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for DeliveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
