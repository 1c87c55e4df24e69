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
/// [`VerifierBuilder::build_template`] makes a template. A [`Resolver`](crate::tenant::Resolver) makes the verifier of each tenant from the template, and
/// rejects deliveries for unknown tenants by its [decoy](Self::decoy). Cheap to clone.
///
/// ```
/// use countersign::{Secret, Verifier, providers};
///
/// let template = Verifier::builder(providers::JIRA).build_template()?;
/// let acme = template.for_tenant("acme", [("2026-11", Secret::new("It's a Secret to Everybody"))])?;
/// # Ok::<(), countersign::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct VerifierTemplate(Verifier);

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
        let shared = &self.0.0;
        let policy = &shared.first.policy;
        let prepare = |(id, secret): (I, Secret)| PreparedKey::new(&policy.scheme, &policy.accepted, id.into(), &secret);
        let keys: Result<Vec<_>, _> = keys.into_iter().map(prepare).collect();
        let config = Config::new(Arc::clone(policy), KeySet::new(keys?)?, Some(tenant.into()), false);
        let verifier = Verifier::sharing(config, Arc::clone(&shared.reporter));
        verifier.keys().announce(Some(&shared.reporter));
        Ok(verifier)
    }

    /// Returns the verifier for unknown tenants. The decoy hashes the body once, as the verifier of a tenant with one key does, and then rejects the
    /// delivery as [`UnknownTenant`](crate::RejectionKind::UnknownTenant). So a sender cannot tell an unknown tenant from a wrong signature.
    #[must_use]
    pub const fn decoy(&self) -> &Verifier {
        &self.0
    }
}

impl VerifierBuilder {
    /// Builds a template for the verifiers of tenants, for a [`Resolver`](crate::tenant::Resolver).
    ///
    /// # Errors
    /// Those of [`build`](Self::build), but for a missing key: a template has no key, and any key is a [`ConfigError::UnusedKey`].
    pub fn build_template(mut self) -> Result<VerifierTemplate, ConfigError> {
        if let Some((key, ..)) = self.keys.pop() {
            return Err(ConfigError::UnusedKey { key });
        }
        let policy = self.policy()?;
        let keys = KeySet::new(vec![PreparedKey::decoy(&policy.scheme, &policy.accepted)?])?;
        let decoy = Verifier::new(Config::new(policy.into(), keys, None, true));
        decoy.keys().announce_none();
        Ok(VerifierTemplate(decoy))
    }
}
