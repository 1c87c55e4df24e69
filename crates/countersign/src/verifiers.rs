use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::choosing::Fault;
use crate::span::DeliverySpan;
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
    /// Starts to choose the verifier for a delivery. For adapters. The head is only made if there is somebody to choose, and may do what an
    /// application has told the adapter to do, such as to look for a [`tenant`](Head::tenant): a panic in it is one of the resolver.
    pub fn choose<H: Head>(&self, head: impl FnOnce() -> H) -> Choosing {
        let span = DeliverySpan::new();
        match &self.0 {
            Inner::One(verifier) => Choosing::made(span, verifier.clone()),
            Inner::Many(decoy, resolver) => {
                // The time that it takes is told to whoever observes the verdict.
                let span = span.timed();
                let resolve = || (resolver.resolve(&head()), resolver.timeout());
                match span.in_scope(|| catch_unwind(AssertUnwindSafe(resolve))) {
                    Ok((resolving, timeout)) => Choosing::new(span, decoy.clone(), resolving, timeout),
                    Err(_) => Choosing::made(span, decoy.unavailable(Fault::Panicked.into())),
                }
            }
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
        // Whatever it is, it must not let anybody in.
        Self(Inner::Many(resolver.decoy().to_decoy(), Arc::new(resolver)))
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
