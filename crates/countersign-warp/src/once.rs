use countersign::adapter::guard_response;
use countersign_once::Once;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

use crate::delivery::Delivery;
use crate::tenant::VerifyTenant;
use crate::verify::{Verify, handle};

/// A filter that verifies deliveries and handles each once, still without a handler. Created by
/// [`Verify::once`] and [`VerifyTenant::once`].
#[derive(Clone, Debug)]
pub struct VerifyOnce {
    deliveries: BoxedFilter<(Delivery,)>,
    once: Once,
}

impl Verify {
    /// Handles each verified delivery once, with the guard `once`.
    ///
    /// A repeat of a handled delivery gets the stored status, and a concurrent repeat gets 503 with
    /// `Retry-After`. The handler runs in a task of its own, so a disconnecting sender does not stop
    /// the handler. `Delivery::claim` holds `ClaimInfo` of `countersign-once`, with the key of the
    /// delivery. A delivery without an identity is handled without the guard, and has a `ClaimInfo`
    /// too.
    ///
    /// ```
    /// use countersign::{Secret, Verifier, providers};
    /// use countersign_once::{MemoryStore, Once};
    /// use countersign_warp::Verify;
    /// use warp::Filter;
    ///
    /// let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("secret")).build()?;
    /// let once = Once::builder("jira", MemoryStore::new(100_000)).build(&verifier)?;
    /// let verify = Verify::new(verifier).once(once).then(async |_| "handled");
    /// let jira = warp::path!("jira").and(warp::post()).and(verify);
    /// # let _ = jira;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn once(self, once: Once) -> VerifyOnce {
        VerifyOnce { deliveries: self.with_digest(&once).delivery(), once }
    }

    fn with_digest(mut self, once: &Once) -> Self {
        self.options.digest_body = once.identity().is_by_digest();
        self
    }
}

impl<F> VerifyTenant<F>
where
    F: Filter<Extract = (Option<String>,), Error: Into<warp::Rejection>> + Clone + Send + Sync + 'static,
{
    /// Handles each verified delivery once, with the guard `once`. See [`Verify::once`].
    #[must_use]
    pub fn once(self, once: Once) -> VerifyOnce {
        let verify = self.verify.with_digest(&once);
        VerifyOnce { deliveries: Self { verify, ..self }.delivery(), once }
    }
}

impl VerifyOnce {
    /// Combines a handler with the verification and the guard, as [`Verify::then`] does.
    #[must_use]
    pub fn then<H, F, R>(self, handler: H) -> BoxedFilter<(Response,)>
    where
        H: Fn(Delivery) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = R> + Send + 'static,
        R: Reply + 'static,
    {
        let once = self.once;
        handle(self.deliveries, move |delivery: Delivery| {
            let (once, handler) = (once.clone(), handler.clone());
            async move {
                let (verified, body) = (delivery.verified.clone(), delivery.body.clone());
                let handle = |claim| {
                    let handled = handler(Delivery { claim: Some(claim), ..delivery });
                    async { handled.await.into_response() }
                };
                let handled = once.handle(&verified, &body, |response: &Response| response.status().as_u16(), handle).await;
                handled.response_or(guard_response)
            }
        })
    }
}
