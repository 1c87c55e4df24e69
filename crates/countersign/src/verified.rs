use std::sync::Arc;
use std::time::SystemTime;

use crate::{Algorithm, KeyId};

/// Proof that a delivery was signed with one of the verifier's keys. Only a check that succeeded makes one.
///
/// Everything it tells was signed. Headers that the scheme does not sign are no more to be trusted than before, the delivery id of Jira
/// and GitHub among them.
#[derive(Clone, Debug)]
pub struct Verified {
    scheme: &'static str,
    key_id: KeyId,
    algorithm: Algorithm,
    signed_at: Option<SystemTime>,
    signed_id: Option<Arc<str>>,
}

impl Verified {
    pub(crate) fn new(
        scheme: &'static str,
        key_id: KeyId,
        algorithm: Algorithm,
        signed_at: Option<SystemTime>,
        signed_id: Option<Box<str>>,
    ) -> Self {
        Self { scheme, key_id, algorithm, signed_at, signed_id: signed_id.map(Arc::from) }
    }

    /// The name of the scheme: `jira`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The key that matched; of several, the one listed first.
    #[must_use]
    pub const fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The algorithm of the signature that matched.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// When the delivery was signed, to the second, where the scheme signs that. `None` for the `method=signature` family.
    #[must_use]
    pub const fn signed_at(&self) -> Option<SystemTime> {
        self.signed_at
    }

    /// The delivery id, where the scheme signs one. `None` for the `method=signature` family.
    #[must_use]
    pub fn signed_id(&self) -> Option<&str> {
        self.signed_id.as_deref()
    }
}
