use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::algorithm::Algorithm;
use crate::key_id::KeyId;
use crate::verdict::metadata::Metadata;

/// Proof that a delivery was signed with one of the verifier's keys. Only a check that succeeded makes one.
///
/// What it tells was signed, but for what is called unauthenticated: that stands in headers which nobody signs, and is no more to be
/// trusted than before. Fine for logs and for skipping repeats, not for decisions that somebody could want to force.
///
/// A clone is cheap. It copies 64 bytes of ids and shares the rest; longer ids are shared too.
#[derive(Clone)]
pub struct Verified {
    by: Arc<MatchedBy>,
    metadata: Metadata,
}

/// What is to be said of every delivery that one key matches under one algorithm: made once, with the key.
pub(crate) struct MatchedBy {
    pub(crate) scheme: &'static str,
    pub(crate) tenant: Option<Arc<str>>,
    pub(crate) key_id: KeyId,
    /// None of a static token.
    pub(crate) algorithm: Option<Algorithm>,
}

impl Verified {
    pub(crate) const fn new(by: Arc<MatchedBy>, metadata: Metadata) -> Self {
        Self { by, metadata }
    }

    /// The provider, by the name of its scheme: `jira`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.by.scheme
    }

    /// The tenant with whose key it is signed, where there are tenants ([`VerifierTemplate::for_tenant`](crate::tenant::VerifierTemplate::for_tenant)): go by this,
    /// and by nothing else that the request says of a tenant. It is the name by which the resolver found the keys.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.by.tenant.as_deref()
    }

    /// The key that matched; of several, the one listed first.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.by.key_id
    }

    /// The algorithm of the signature that matched. `None` for a static token, which signs nothing: the body is then only as trustworthy
    /// as the way that it came.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.by.algorithm
    }

    /// When the delivery was signed, as precisely as the scheme says it, where it signs that. `None` for the `method=signature` family.
    #[must_use]
    pub const fn signed_at(&self) -> Option<SystemTime> {
        self.metadata.signed_at
    }

    /// The delivery id, where the scheme signs one. `None` for the `method=signature` family.
    #[must_use]
    pub fn signed_id(&self) -> Option<&str> {
        self.metadata.signed_id()
    }

    /// What the provider's header for a delivery id says, which **is not signed**: anybody on the way can have written it.
    ///
    /// `None` if the scheme knows no such header, or if it is absent, there twice, longer than 256 bytes, or anything but visible ASCII.
    #[must_use]
    pub fn unauthenticated_delivery_id(&self) -> Option<&str> {
        self.metadata.delivery_id()
    }

    /// What the provider's header for the kind of event says, which **is not signed**. `None` as for
    /// [`unauthenticated_delivery_id`](Self::unauthenticated_delivery_id).
    #[must_use]
    pub fn unauthenticated_event(&self) -> Option<&str> {
        self.metadata.event()
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("scheme", &self.scheme())
            .field("tenant", &self.tenant())
            .field("key_id", self.key_id())
            .field("algorithm", &self.algorithm())
            .field("signed_at", &self.signed_at())
            .field("signed_id", &self.signed_id())
            .field("unauthenticated_delivery_id", &self.unauthenticated_delivery_id())
            .field("unauthenticated_event", &self.unauthenticated_event())
            .finish()
    }
}
