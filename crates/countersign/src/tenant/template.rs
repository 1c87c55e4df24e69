use std::sync::Arc;

use crate::config_error::ConfigError;
use crate::key_id::KeyId;
use crate::keys::key_set::{KeySet, PreparedKey};
use crate::keys::secret::Secret;
use crate::verifier::Verifier;
use crate::verifier::builder::VerifierBuilder;
use crate::verifier::config::Config;

impl Verifier {
    /// The same verifier with the keys of one tenant: scheme, limits, budget, observer and log are shared with this one, and whatever
    /// [`keys`](Self::keys) this one has are not accepted. [`Verified::tenant`](crate::Verified::tenant) names the tenant. For a [`Resolver`](crate::Resolver), which
    /// makes the tenants' verifiers from its [decoy](VerifierBuilder::build_decoy).
    ///
    /// ```
    /// use countersign::{Secret, Verifier, providers};
    ///
    /// let decoy = Verifier::builder(providers::JIRA).build_decoy()?;
    /// let acme = decoy.for_tenant("acme", [("2026-11", Secret::new("It's a Secret to Everybody"))])?;
    /// # Ok::<(), countersign::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::NoKey`], [`ConfigError::DuplicateKeyId`], and what is wrong with a secret; [`ConfigError::SeveralSchemes`] after
    /// [`any_of`](Self::any_of), which is to be called with the tenant's verifiers instead.
    pub fn for_tenant<I: Into<KeyId>>(
        &self,
        tenant: impl Into<Arc<str>>,
        keys: impl IntoIterator<Item = (I, Secret)>,
    ) -> Result<Self, ConfigError> {
        if !self.0.others.is_empty() {
            return Err(ConfigError::SeveralSchemes);
        }
        let settings = &self.0.first.settings;
        let keys: Result<Vec<_>, _> =
            keys.into_iter().map(|(id, secret)| PreparedKey::new(&settings.scheme, &settings.accepted, id.into(), &secret)).collect();
        let config = Config::new(Arc::clone(settings), KeySet::new(keys?)?, Some(tenant.into()), false);
        let verifier = Self::sharing(config, Arc::clone(&self.0.reporter));
        verifier.keys().announce(Some(&self.0.reporter));
        Ok(verifier)
    }
}

impl VerifierBuilder {
    /// A verifier that verifies nothing: for a [`Resolver`](crate::Resolver), where it is the mould of the tenants' verifiers
    /// ([`Verifier::for_tenant`]), and stands for tenants that are not known. It does the work of one key and then refuses, as
    /// [`UnknownTenant`](crate::RejectionKind::UnknownTenant), so that a sender cannot tell those from tenants with another secret.
    ///
    /// # Errors
    /// As of [`build`](Self::build), but that there must be no key: [`ConfigError::UnusedKey`].
    pub fn build_decoy(mut self) -> Result<Verifier, ConfigError> {
        if let Some((key, ..)) = self.keys.pop() {
            return Err(ConfigError::UnusedKey { key });
        }
        let settings = self.settings()?;
        let keys = KeySet::new(vec![PreparedKey::decoy(&settings.scheme, &settings.accepted)?])?;
        Ok(Verifier::new(Config::new(settings.into(), keys, None, true)))
    }
}
