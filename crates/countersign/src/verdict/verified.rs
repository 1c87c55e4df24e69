use std::sync::Arc;
use std::time::SystemTime;

use crate::algorithm::Algorithm;
use crate::key_id::KeyId;

/// Proof that a delivery was signed with one of the verifier's keys. Only a check that succeeded makes one.
///
/// What it tells was signed, but for what is called unauthenticated: that stands in headers which nobody signs, and is no more to be
/// trusted than before. Fine for logs and for skipping repeats, not for decisions that somebody could want to force.
#[derive(Clone, Debug)]
pub struct Verified {
    scheme: &'static str,
    tenant: Option<Arc<str>>,
    key_id: KeyId,
    algorithm: Option<Algorithm>,
    signed_at: Option<SystemTime>,
    signed_id: Option<Arc<str>>,
    unauthenticated_delivery_id: Option<Arc<str>>,
    unauthenticated_event: Option<Arc<str>>,
}

impl Verified {
    pub(crate) fn new(
        scheme: &'static str,
        tenant: Option<Arc<str>>,
        key_id: KeyId,
        algorithm: Option<Algorithm>,
        metadata: Metadata,
    ) -> Self {
        let Metadata { signed_at, signed_id, unauthenticated_delivery_id, unauthenticated_event } = metadata;
        Self { scheme, tenant, key_id, algorithm, signed_at, signed_id, unauthenticated_delivery_id, unauthenticated_event }
    }

    /// The provider, by the name of its scheme: `jira`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The tenant with whose key it is signed, where there are tenants ([`VerifierTemplate::for_tenant`](crate::tenant::VerifierTemplate::for_tenant)): go by this,
    /// and by nothing else that the request says of a tenant. It is the name by which the resolver found the keys.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The key that matched; of several, the one listed first.
    #[must_use]
    pub const fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The algorithm of the signature that matched. `None` for a static token, which signs nothing: the body is then only as trustworthy
    /// as the way that it came.
    #[must_use]
    pub const fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// When the delivery was signed, as precisely as the scheme says it, where it signs that. `None` for the `method=signature` family.
    #[must_use]
    pub const fn signed_at(&self) -> Option<SystemTime> {
        self.signed_at
    }

    /// The delivery id, where the scheme signs one. `None` for the `method=signature` family.
    #[must_use]
    pub fn signed_id(&self) -> Option<&str> {
        self.signed_id.as_deref()
    }

    /// What the provider's header for a delivery id says, which **is not signed**: anybody on the way can have written it.
    ///
    /// `None` if the scheme knows no such header, or if it is absent, there twice, longer than 256 bytes, or anything but visible ASCII.
    #[must_use]
    pub fn unauthenticated_delivery_id(&self) -> Option<&str> {
        self.unauthenticated_delivery_id.as_deref()
    }

    /// What the provider's header for the kind of event says, which **is not signed**. `None` as for
    /// [`unauthenticated_delivery_id`](Self::unauthenticated_delivery_id).
    #[must_use]
    pub fn unauthenticated_event(&self) -> Option<&str> {
        self.unauthenticated_event.as_deref()
    }
}

/// What a head says beside its signature: true once the delivery is verified, so far as it is signed.
#[derive(Default)]
pub(crate) struct Metadata {
    pub(crate) signed_at: Option<SystemTime>,
    pub(crate) signed_id: Option<Arc<str>>,
    pub(crate) unauthenticated_delivery_id: Option<Arc<str>>,
    pub(crate) unauthenticated_event: Option<Arc<str>>,
}
