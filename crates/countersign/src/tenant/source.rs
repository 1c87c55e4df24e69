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

/// The source of an adapter's verifiers: a [`Verifier`], or a [`Resolver`] that chooses a verifier
/// for each delivery. Created from either with `From`. Cheap to clone.
#[derive(Clone)]
pub struct VerifierSource(Inner);

#[derive(Clone)]
enum Inner {
    One(Verifier),
    Many(Verifier, Arc<dyn Resolver>),
}

impl VerifierSource {
    /// Chooses the verifier for a delivery, for a caller with the whole body and no need of
    /// [`Receive`](crate::adapter::Receive). If the tenant is unknown or the keys are unavailable,
    /// the returned verifier rejects the delivery.
    pub async fn choose(&self, head: &impl RequestHead, timer: &mut impl Timer) -> Verifier {
        let chosen = match self.start(DeliverySpan::disabled(), head) {
            Ok(chosen) => chosen,
            Err(mut resolve) => poll_fn(|cx| resolve.poll(cx, timer)).await,
        };
        chosen.verifier.into_owned()
    }

    /// Returns the names of all header fields read from a head, without duplicates. An adapter with
    /// a copied head needs to copy only these fields and the method. Returns `None` if more of the
    /// head may be read:
    /// - A [`Resolver`] may read anything.
    /// - The scheme signs the target.
    /// - [Hints](crate::VerifierBuilder::hints) are on.
    /// - The scheme numbers the signature headers, or has too many for a single pass.
    ///
    /// For adapters. [`RequestHead::announces_body`] and [`DrainPolicy`](crate::DrainPolicy) also
    /// read `content-length`, `transfer-encoding` and `expect`.
    #[must_use]
    pub fn fields(&self) -> Option<Vec<&'static str>> {
        match &self.0 {
            Inner::One(verifier) => verifier.fields(),
            Inner::Many(..) => None,
        }
    }

    /// Returns the largest accepted body in bytes. For a [`Resolver`], returns the limit of the
    /// decoy. For adapters.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        match &self.0 {
            Inner::One(verifier) | Inner::Many(verifier, _) => verifier.body_limit(),
        }
    }

    /// Returns whether path and query of the request are signed, as after
    /// [`base_url`](crate::VerifierBuilder::base_url). An adapter then needs
    /// [`RequestHead::original_target`]. With a target cut by a router, a delivery signed for one
    /// path would verify at another path. For a [`Resolver`], the decoy decides. For adapters.
    #[must_use]
    pub fn signs_target(&self) -> bool {
        match &self.0 {
            Inner::One(verifier) | Inner::Many(verifier, _) => verifier.signs_target(),
        }
    }

    /// Chooses the verifier for a delivery, or starts the lookup.
    pub(crate) fn start(&self, span: DeliverySpan, head: &dyn RequestHead) -> Result<ChosenVerifier<'_>, Resolve> {
        match &self.0 {
            Inner::One(verifier) => Ok(ChosenVerifier { span, verifier: Cow::Borrowed(verifier) }),
            Inner::Many(decoy, resolver) => {
                // An observer receives the time of the verdict, including the lookup.
                let span = span.timed();
                let resolve = || (resolver.resolve(head), resolver.timeout());
                match span.in_scope(|| catch_unwind(AssertUnwindSafe(resolve))) {
                    Ok((future, timeout)) => Err(Resolve::new(span, decoy.clone(), future, timeout)),
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
        // The decoy of an application can be any verifier. Unconverted, such a verifier could let
        // deliveries of unknown tenants through.
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
