use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::algorithm::Algorithm;
use crate::key_id::KeyId;
use crate::verdict::metadata::Metadata;

/// Proof that a delivery was signed with one of the verifier's keys. Only a successful verification
/// creates this proof.
///
/// Verification proves every value, except those from methods named `unauthenticated_…`.
/// Unauthenticated values come from unsigned headers, and are no more trustworthy than before. Use
/// such values for logs and for skipping repeats. Do not use such values for a decision that
/// somebody could want to force.
///
/// A clone is cheap: a clone copies 64 bytes of ids, and shares the rest, including longer ids.
#[doc(alias("proof"))]
#[derive(Clone)]
pub struct Verified {
    by: Arc<MatchedBy>,
    metadata: Metadata,
}

/// Facts about every delivery matched by one key with one algorithm. Created once, with the key.
pub(crate) struct MatchedBy {
    pub(crate) scheme: &'static str,
    pub(crate) tenant: Option<Arc<str>>,
    pub(crate) key_id: KeyId,
    /// `None` for a static token.
    pub(crate) algorithm: Option<Algorithm>,
    /// See [`Scheme::covers_body`](crate::scheme::Scheme::covers_body).
    #[cfg(feature = "identity")]
    pub(crate) covers_body: bool,
}

impl Verified {
    pub(crate) const fn new(by: Arc<MatchedBy>, metadata: Metadata) -> Self {
        Self { by, metadata }
    }

    #[cfg(feature = "identity")]
    pub(crate) fn with_body_digest(mut self, digest: [u8; 32]) -> Self {
        self.metadata.add_body_digest(digest);
        self
    }

    #[cfg(feature = "identity")]
    pub(crate) fn covers_body(&self) -> bool {
        self.by.covers_body
    }

    /// Returns the digest of the verified body, if
    /// [`ReceiveOptions::digest_body`](crate::adapter::ReceiveOptions::digest_body) was set.
    #[cfg(feature = "identity")]
    pub(crate) fn body_digest(&self) -> Option<&[u8; 32]> {
        self.metadata.body_digest()
    }

    /// Returns the provider, by the name of the scheme: `jira`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.by.scheme
    }

    /// Returns the tenant of the matching key, if the verifier belongs to a tenant
    /// ([`VerifierTemplate::for_tenant`](crate::tenant::VerifierTemplate::for_tenant)). The
    /// resolver found the keys under this name. Use this name, and ignore every other mention of a
    /// tenant in the request.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.by.tenant.as_deref()
    }

    /// Returns the id of the matching key. If several keys match, returns the first in the list.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.by.key_id
    }

    /// Returns the algorithm of the matching signature. `None` for a static token. A static token
    /// signs nothing, so the body is only as trustworthy as the transport.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.by.algorithm
    }

    /// Returns the time of signing, with the precision of the scheme. `None` if the scheme does not
    /// sign a timestamp, as in the `method=signature` family.
    #[must_use]
    pub const fn signed_at(&self) -> Option<SystemTime> {
        self.metadata.signed_at
    }

    /// Returns the signed delivery id. `None` if the scheme does not sign an id, as in the
    /// `method=signature` family.
    #[must_use]
    pub fn signed_id(&self) -> Option<&str> {
        self.metadata.signed_id()
    }

    /// Returns the delivery id from the provider's header. **The value is not signed**: anybody on
    /// the way can have written the header.
    ///
    /// `None` if the scheme knows no such header. Also `None` if the header is absent, occurs
    /// twice, is longer than 256 bytes, or holds anything except visible ASCII.
    #[doc(alias("idempotency", "idempotency key", "deduplication"))]
    #[must_use]
    pub fn unauthenticated_delivery_id(&self) -> Option<&str> {
        self.metadata.delivery_id()
    }

    /// Returns the kind of event from the provider's header. **The value is not signed.** `None` in
    /// the same cases as [`unauthenticated_delivery_id`](Self::unauthenticated_delivery_id).
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
