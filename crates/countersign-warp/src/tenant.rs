use std::convert::Infallible;
use std::fmt;

use countersign::adapter::Outcome;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

use crate::delivery::Delivery;
use crate::head::{self, CopiedHead};
use crate::verify::{Verify, handle, only_verified};

/// A [`Verify`] with a filter for the tenant, created by [`Verify::tenant_by`]. The resolver
/// receives the tenant from the filter.
#[derive(Clone)]
pub struct VerifyTenant<F> {
    pub(crate) verify: Verify,
    pub(crate) find: F,
}

impl<F> VerifyTenant<F>
where
    F: Filter<Extract = (Option<String>,), Error: Into<warp::Rejection>> + Clone + Send + Sync + 'static,
{
    pub(crate) const fn new(verify: Verify, find: F) -> Self {
        Self { verify, find }
    }

    /// Combines a handler and the verification. See [`Verify::then`].
    #[must_use]
    pub fn then<H, T, R>(self, handler: H) -> BoxedFilter<(Response,)>
    where
        H: Fn(Delivery) -> T + Clone + Send + Sync + 'static,
        T: Future<Output = R> + Send + 'static,
        R: Reply + 'static,
    {
        let heads = self.heads();
        handle(only_verified(self.verify.outcomes(false, heads)), handler)
    }

    /// Creates a filter that extracts the [`Delivery`]. See [`Verify::delivery`].
    #[must_use]
    pub fn delivery(self) -> BoxedFilter<(Delivery,)> {
        let heads = self.heads();
        only_verified(self.verify.outcomes(false, heads)).boxed()
    }

    /// Lets unverified deliveries through, **from any sender**, and logs each such delivery. See
    /// [`Verify::insecure_report_only`].
    #[must_use]
    pub fn insecure_report_only(self) -> BoxedFilter<(Outcome,)> {
        let heads = self.heads();
        self.verify.outcomes(true, heads).boxed()
    }

    fn heads(
        &self,
    ) -> impl Filter<Extract = (Box<CopiedHead>,), Error = Infallible, Future: Send> + Clone + Send + Sync + 'static + use<F> {
        let find = self.find.clone().boxed().or(warp::any().map(|| None)).unify();
        head::filter(self.verify.head_scope()).and(find).map(|mut head: Box<CopiedHead>, tenant| {
            head.tenant = tenant;
            head
        })
    }
}

impl<F> fmt::Debug for VerifyTenant<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyTenant").field("verify", &self.verify).finish_non_exhaustive()
    }
}

impl Verify {
    /// Sets the filter that finds the tenant, for example in the request extensions. A
    /// [`Resolver`](countersign::tenant::Resolver) reads the tenant with [`RequestHead::tenant`]. A
    /// plain [`Verifier`](countersign::Verifier) ignores the tenant.
    ///
    /// ```
    /// # fn deliveries(tenants: impl countersign::tenant::Resolver) {
    /// use countersign_warp::Verify;
    /// use warp::Filter;
    ///
    /// #[derive(Clone)]
    /// struct Workspace(String);
    ///
    /// let workspace = warp::ext::get().map(|Workspace(name)| Some(name));
    /// let deliveries = Verify::new(tenants).tenant_by(workspace).delivery();
    /// # }
    /// ```
    ///
    /// If the filter rejects, the tenant is `None`. The filter must not read the body.
    ///
    /// [`RequestHead::tenant`]: countersign::RequestHead::tenant
    #[must_use]
    pub const fn tenant_by<F>(self, find: F) -> VerifyTenant<F>
    where
        F: Filter<Extract = (Option<String>,), Error: Into<warp::Rejection>> + Clone + Send + Sync + 'static,
    {
        VerifyTenant::new(self, find)
    }
}
