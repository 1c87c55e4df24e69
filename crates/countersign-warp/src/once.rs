use countersign::adapter::{empty_response, unavailable_response};
use countersign_once::{Handled, Once};
use warp::Reply;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::delivery::Delivery;
use crate::verify::Verify;

/// Settings of a filter that verifies deliveries and handles each once. [`Verify::once`] creates the
/// settings.
#[derive(Clone, Debug)]
pub struct VerifyOnce {
    verify: Verify,
    once: Once,
}

impl Verify {
    /// Handles each verified delivery once, with the guard `once`.
    ///
    /// A repeat of a handled delivery gets the stored status, and a concurrent repeat gets 503 with
    /// `Retry-After`. The handler runs in a task of its own, so a disconnecting sender does not stop
    /// the handler. `Delivery::claim` holds the claim.
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
    pub const fn once(self, once: Once) -> VerifyOnce {
        VerifyOnce { verify: self, once }
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
        self.verify.then(move |delivery: Delivery| {
            let (once, handler) = (once.clone(), handler.clone());
            async move {
                let (verified, body) = (delivery.verified.clone(), delivery.body.clone());
                let handle = |claim| {
                    let handled = handler(Delivery { claim, ..delivery });
                    async { handled.await.into_response() }
                };
                match once.handle(&verified, &body, |response: &Response| response.status().as_u16(), handle).await {
                    Handled::Response(response) => response,
                    Handled::Repeated(status) => empty_response(status),
                    Handled::TryLater => unavailable_response(),
                }
            }
        })
    }
}
