use std::sync::Arc;

use crate::keys::key_set::KeySet;
use crate::verifier::config::Config;
use crate::verifier::{Schemes, Verifier};

impl Verifier {
    /// Returns a decoy of this verifier. The decoy does the same work and verifies nothing.
    pub(crate) fn to_decoy(&self) -> Self {
        let decoy = |config: &Arc<Config>| {
            let Config { policy, keys, is_decoy, .. } = &**config;
            let new = || Arc::new(Config::decoy(Arc::clone(policy), KeySet::clone(&keys.load())));
            if *is_decoy { Arc::clone(config) } else { new() }
        };
        let others = self.0.others.iter().map(decoy).collect();
        Self(Arc::new(Schemes { first: decoy(&self.0.first), others, ..Schemes::clone(&self.0) }))
    }
}
