use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::choosing::Fault;
use crate::{Choosing, Head, Resolver, Verifier};

/// What an adapter judges by: one [`Verifier`], or a [`Resolver`] that chooses one for each delivery. Made from either; cheap to clone.
#[derive(Clone)]
pub struct Verifiers(Inner);

#[derive(Clone)]
enum Inner {
    One(Verifier),
    Many(Verifier, Arc<dyn Resolver>),
}

impl Verifiers {
    /// Starts to choose the verifier for a delivery with this head. For adapters.
    pub fn choose(&self, head: &(impl Head + ?Sized)) -> Choosing {
        match &self.0 {
            Inner::One(verifier) => Choosing::made(verifier.clone()),
            Inner::Many(decoy, resolver) => match catch_unwind(AssertUnwindSafe(|| (resolver.resolve(&head), resolver.timeout()))) {
                Ok((resolving, timeout)) => Choosing::new(decoy.clone(), resolving, timeout),
                Err(_) => Choosing::made(decoy.unavailable(Fault::Panicked.into())),
            },
        }
    }
}

impl From<Verifier> for Verifiers {
    fn from(verifier: Verifier) -> Self {
        Self(Inner::One(verifier))
    }
}

impl<R: Resolver> From<R> for Verifiers {
    fn from(resolver: R) -> Self {
        Self(Inner::Many(resolver.decoy().clone(), Arc::new(resolver)))
    }
}

impl fmt::Debug for Verifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::One(verifier) => f.debug_tuple("Verifiers").field(verifier).finish(),
            Inner::Many(decoy, _) => f.debug_struct("Verifiers").field("decoy", decoy).finish_non_exhaustive(),
        }
    }
}
