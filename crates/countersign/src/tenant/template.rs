use std::sync::Arc;

use crate::config_error::ConfigError;
use crate::key_id::KeyId;
use crate::keys::key_set::{KeySet, PreparedKey};
use crate::keys::secret::Secret;
use crate::verifier::Verifier;
use crate::verifier::builder::VerifierBuilder;
use crate::verifier::config::Config;

/// What the verifiers of all tenants share: scheme, limits, memory budget, observer and log.
///
/// [`VerifierBuilder::build_template`] makes a template. A [`Resolver`](crate::tenant::Resolver) makes the verifier of each tenant from the template. For
/// an unknown tenant the resolver returns `None`, and the template's [decoy](Self::decoy) rejects the delivery. Cheap to clone.
///
/// ```
/// use countersign::{Secret, Verifier, providers};
///
/// let template = Verifier::builder(providers::JIRA).build_template()?;
/// let acme = template.for_tenant("acme", [("2026-11", Secret::new("It's a Secret to Everybody"))])?;
/// # Ok::<(), countersign::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct VerifierTemplate {
    decoy: Verifier,
}

impl VerifierTemplate {
    /// Makes the verifier of one tenant. [`Verified::tenant`](crate::Verified::tenant) names the tenant.
    ///
    /// # Errors
    /// [`ConfigError::NoKey`], [`ConfigError::DuplicateKeyId`], and what is wrong with a secret.
    pub fn for_tenant<I: Into<KeyId>>(
        &self,
        tenant: impl Into<Arc<str>>,
        keys: impl IntoIterator<Item = (I, Secret)>,
    ) -> Result<Verifier, ConfigError> {
        let (policy, reporter) = (&self.decoy.0.first.policy, &self.decoy.0.reporter);
        let tenant = tenant.into();
        let prepare = |(id, secret): (I, Secret)| PreparedKey::new(&policy.scheme, &policy.accepted, id.into(), &secret, Some(&tenant));
        let keys: Result<Vec<_>, _> = keys.into_iter().map(prepare).collect();
        let config = Config::of_tenant(Arc::clone(policy), KeySet::new(keys?)?, Arc::clone(&tenant));
        let verifier = Verifier::sharing(config, Arc::clone(reporter));
        verifier.keys().announce(Some(reporter));
        Ok(verifier)
    }

    /// Returns the verifier for unknown tenants. The decoy hashes the body once, as the verifier of a tenant with one key does, and then rejects the
    /// delivery as [`UnknownTenant`](crate::RejectionKind::UnknownTenant). The answer is that of a wrong signature. The
    /// [threat model](crate::manual::threat_model) says what the time of the answer can still tell.
    #[must_use]
    pub const fn decoy(&self) -> &Verifier {
        &self.decoy
    }
}

impl VerifierBuilder {
    /// Builds a template for the verifiers of tenants, for a [`Resolver`](crate::tenant::Resolver).
    ///
    /// # Errors
    /// Those of [`build`](Self::build), but for a missing key: a template has no key, and any key is a [`ConfigError::UnusedKey`].
    pub fn build_template(self) -> Result<VerifierTemplate, ConfigError> {
        if let Some((key, ..)) = self.keys.first() {
            return Err(ConfigError::UnusedKey { key: key.clone() });
        }
        let policy = self.policy()?;
        let keys = KeySet::new(vec![PreparedKey::decoy(&policy.scheme, &policy.accepted)?])?;
        let decoy = Verifier::new(Config::decoy(policy.into(), keys));
        decoy.keys().announce_none();
        Ok(VerifierTemplate { decoy })
    }
}
