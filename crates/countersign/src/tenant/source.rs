use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::observe::span::DeliverySpan;
use crate::request::head::RequestHead;
use crate::request::timer::Timer;
use crate::tenant::resolve::{ChosenVerifier, Fault, Resolve};
use crate::tenant::resolver::Resolver;
use crate::verifier::Verifier;

/// What an adapter judges by: one [`Verifier`], or a [`Resolver`] that chooses one for each delivery. Made from either; cheap to clone.
#[derive(Clone)]
pub struct VerifierSource(Inner);

#[derive(Clone)]
enum Inner {
    One(Verifier),
    Many(Verifier, Arc<dyn Resolver>),
}

impl VerifierSource {
    /// Chooses the verifier for a delivery, for whoever has the body already and no use for [`Receive`](crate::adapter::Receive). Where none is known,
    /// or none can be had now, that is one which rejects it.
    pub async fn choose(&self, head: &impl RequestHead, timer: &mut impl Timer) -> Verifier {
        let chosen = match self.start(DeliverySpan::unseen(), head) {
            Ok(chosen) => chosen,
            Err(mut choosing) => poll_fn(|cx| choosing.poll(cx, timer)).await,
        };
        chosen.verifier.into_owned()
    }

    /// The header fields that a head is asked for, each once, if those and its method are all that is ever looked at: then an adapter that has to copy what
    /// it hands out need not copy the rest. `None` for a [`Resolver`], which may look at anything, where the target is signed, and where
    /// [hints](crate::VerifierBuilder::hints) are wanted. For adapters; [`RequestHead::announces_body`] and [`DrainPolicy`](crate::DrainPolicy) ask for
    /// `content-length`, `transfer-encoding` and `expect` beside them.
    #[must_use]
    pub fn fields(&self) -> Option<Vec<&'static str>> {
        match &self.0 {
            Inner::One(verifier) => verifier.fields(),
            Inner::Many(..) => None,
        }
    }

    /// Returns the largest body in bytes that is accepted. Of a [`Resolver`], its decoy tells. For adapters.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        match &self.0 {
            Inner::One(verifier) | Inner::Many(verifier, _) => verifier.body_limit(),
        }
    }

    /// Returns whether path and query of the request are signed, as after [`base_url`](crate::VerifierBuilder::base_url). Then an adapter
    /// needs [`RequestHead::original_target`]: the target that a router has cut verifies a delivery at another path than the one it was signed for. Of
    /// a [`Resolver`], its decoy tells. For adapters.
    #[must_use]
    pub fn signs_target(&self) -> bool {
        match &self.0 {
            Inner::One(verifier) | Inner::Many(verifier, _) => verifier.signs_target(),
        }
    }

    /// Chooses the verifier for a delivery, or starts to.
    pub(crate) fn start(&self, span: DeliverySpan, head: &dyn RequestHead) -> Result<ChosenVerifier<'_>, Resolve> {
        match &self.0 {
            Inner::One(verifier) => Ok(ChosenVerifier { span, verifier: Cow::Borrowed(verifier) }),
            Inner::Many(decoy, resolver) => {
                // The time that it takes is told to whoever observes the verdict.
                let span = span.timed();
                let resolve = || (resolver.resolve(head), resolver.timeout());
                match span.in_scope(|| catch_unwind(AssertUnwindSafe(resolve))) {
                    Ok((resolving, timeout)) => Err(Resolve::new(span, decoy.clone(), resolving, timeout)),
                    Err(_) => Ok(ChosenVerifier { span, verifier: Cow::Owned(decoy.unavailable(Fault::Panicked.into())) }),
                }
            }
        }
    }
}

impl From<Verifier> for VerifierSource {
    fn from(verifier: Verifier) -> Self {
        Self(Inner::One(verifier))
    }
}

impl<R: Resolver> From<R> for VerifierSource {
    fn from(resolver: R) -> Self {
        // Whatever it is, it must not let anybody in.
        Self(Inner::Many(resolver.decoy().to_decoy(), Arc::new(resolver)))
    }
}

impl fmt::Debug for VerifierSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::One(verifier) => f.debug_tuple("VerifierSource").field(verifier).finish(),
            Inner::Many(decoy, _) => f.debug_struct("VerifierSource").field("decoy", decoy).finish_non_exhaustive(),
        }
    }
}
