use std::sync::Arc;

use crate::config_error::ConfigError;
use crate::key_id::KeyId;
use crate::keys::key_set::{KeySet, PreparedKey};
use crate::keys::secret::Secret;
use crate::verifier::Verifier;
use crate::verifier::builder::VerifierBuilder;
use crate::verifier::config::Config;

/// The common part of all tenants' verifiers: scheme, limits, memory budget, observer and log.
///
/// [`VerifierBuilder::build_template`] creates a template. A [`Resolver`](crate::tenant::Resolver)
/// creates the verifier of each tenant from the template. For an unknown tenant the resolver
/// returns `None`, and the template's [decoy](Self::decoy) rejects the delivery. Cheap to clone.
///
/// ```
/// use countersign::{Secret, Verifier, providers};
///
/// let template = Verifier::builder(providers::JIRA).build_template()?;
/// let keys = [("2026-11", Secret::new("It's a Secret to Everybody"))];
/// let acme = template.for_tenant("acme", keys)?;
/// # Ok::<(), countersign::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct VerifierTemplate {
    decoy: Verifier,
}

impl VerifierTemplate {
    /// Creates the verifier of a tenant. [`Verified::tenant`](crate::Verified::tenant) returns the
    /// name of the tenant.
    ///
    /// # Errors
    /// - [`ConfigError::NoKey`] without a key.
    /// - [`ConfigError::DuplicateKeyId`] if two keys have the same id.
    /// - [`ConfigError::EmptySecret`], [`ConfigError::InvalidSecret`] or
    ///   [`ConfigError::SecretLength`] for a secret that cannot be used.
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

    /// Returns the verifier for unknown tenants. The decoy hashes the body once, like the verifier
    /// of a tenant with one key. The decoy then rejects the delivery as
    /// [`UnknownTenant`](crate::RejectionKind::UnknownTenant). The response is that of a wrong
    /// signature. The [threat model](crate::manual::threat_model) describes the information left in
    /// the response time.
    #[must_use]
    pub const fn decoy(&self) -> &Verifier {
        &self.decoy
    }
}

impl VerifierBuilder {
    /// Builds a template for the verifiers of tenants, for a [`Resolver`](crate::tenant::Resolver).
    ///
    /// # Errors
    /// - [`ConfigError::UnusedKey`] if the builder has a key. A template has no key.
    /// - Every error of [`build`](Self::build), except for errors about keys and secrets.
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
