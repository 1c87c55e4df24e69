use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign::{KeyId, RequestHead, Secret, VerifierBuilder};
use futures_util::FutureExt as _;
use moka::sync::Cache;

use crate::lookup::{FindTenant, Inner, Permits};
use crate::path_pattern::PathPattern;
use crate::single_flight::SingleFlight;
use crate::tenants::Tenants;
use crate::tenants_error::TenantsError;

/// A hundred years. The cache panics at a time to live of over a thousand years.
const FOREVER: Duration = Duration::from_secs(3_153_600_000);

/// An hour. A tenant counts as known for this long after the end of the keys' time to live.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Builds [`Tenants`]. Setters cannot fail. [`build`](Self::build) finds every configuration error.
#[must_use = "a builder does nothing before `build`"]
pub struct TenantsBuilder {
    verifier: VerifierBuilder,
    find: Option<Result<FindTenant, TenantsError>>,
    capacity: u64,
    time_to_live: Duration,
    negative_ttl: Duration,
    timeout: Duration,
    lookups: usize,
}

impl TenantsBuilder {
    pub(crate) const fn new(verifier: VerifierBuilder) -> Self {
        Self {
            verifier,
            find: None,
            capacity: 10_000,
            time_to_live: Duration::from_secs(60),
            negative_ttl: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            lookups: 64,
        }
    }

    /// Takes the tenant's name from the request path.
    ///
    /// `pattern` is a [`PathPattern`] with the parameter `{tenant}`, such as `/jira/{tenant}`. The
    /// pattern must match the whole path as sent.
    ///
    /// **The name is percent-decoded, and anybody can send any name.** `../`, a slash, NUL and line
    /// breaks are possible. Check the name against a list of allowed names or characters before
    /// using the name in a file path, a query, a command or a log. In a query, a bound parameter is
    /// safe too. In a log, [`one_line`](countersign::observe::one_line()) makes the name safe.
    pub fn by_path(mut self, pattern: &str) -> Self {
        let pattern = PathPattern::new(pattern);
        self.find = Some(pattern.map(|pattern| Arc::new(move |head: &dyn RequestHead| pattern.tenant_of(head)) as FindTenant));
        self
    }

    /// Takes the tenant's name from a function of the request head.
    ///
    /// The function returns `None` for a head without a tenant. [`RequestHead::tenant`] returns the
    /// tenant found by `tenant_by` of the adapter.
    pub fn by(mut self, find: impl Fn(&dyn RequestHead) -> Option<String> + Send + Sync + 'static) -> Self {
        self.find = Some(Ok(Arc::new(find)));
        self
    }

    /// Sets the number of cached tenants: 10,000 by default.
    ///
    /// A second cache holds the same number of names of unknown tenants. A full cache keeps the
    /// names used most often.
    pub const fn capacity(mut self, tenants: u64) -> Self {
        self.capacity = tenants;
        self
    }

    /// Sets the time to live of cached keys: one minute by default.
    ///
    /// The next delivery after this time starts a new lookup.
    ///
    /// A secret removed from the source is accepted until this time is over, unless the tenant is
    /// [invalidated](Tenants::invalidate). Expired keys stay in memory for up to one more hour, and
    /// verify nothing: while the source is down, a delivery of this tenant gets 503.
    pub const fn time_to_live(mut self, time: Duration) -> Self {
        self.time_to_live = time;
        self
    }

    /// Sets the time to live of a name cached as unknown: ten seconds by default.
    ///
    /// A tenant added to the source is rejected until this time is over, if an earlier delivery had
    /// the same name. Jira is not known to repeat a delivery rejected with 401.
    pub const fn negative_ttl(mut self, time: Duration) -> Self {
        self.negative_ttl = time;
        self
    }

    /// Sets the maximum duration of a lookup, including the wait for a permit: five seconds by
    /// default.
    ///
    /// Every delivery waiting for a slower lookup gets 503.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the number of permits for concurrent lookups of different tenants: 64 by default.
    ///
    /// Names not known before and known tenants have separate permits, this many each. A tenant
    /// counts as known for up to an hour after the [time to live](Self::time_to_live) of the keys.
    ///
    /// A lookup waits for a permit until the [timeout](Self::timeout). A name not known before gets
    /// 503 at once while 16 lookups for each permit are running or waiting.
    ///
    /// A flood of unknown names thus causes at most this many concurrent lookups, and takes no
    /// permit of a known tenant. A tenant added during the flood gets 503. Senders repeat a
    /// delivery answered 503.
    ///
    /// A permit is free again after the end of the lookup, or after the timeout. Work still running
    /// in the source, such as a blocking thread, does not count against the limit.
    pub const fn max_concurrent_lookups(mut self, lookups: usize) -> Self {
        self.lookups = lookups;
        self
    }

    /// Builds the tenants. `source` looks up the keys of a tenant.
    ///
    /// `source` receives the tenant's name and returns
    /// - `Ok(Some(keys))` with the ids and secrets of the tenant,
    /// - `Ok(None)` for an unknown tenant, or
    /// - an error if the store cannot answer. The delivery gets 503.
    ///
    /// `source` runs in a separate task of tokio and must not block. Anybody can send any name of
    /// up to 256 bytes. Return `Ok(None)` for a name impossible in the store, because an error is
    /// answered 503.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use std::convert::Infallible;
    /// use countersign::{Secret, Verifier, providers};
    /// use countersign_tenants::Tenants;
    ///
    /// let store = HashMap::from([("acme".to_owned(), "It's a Secret to Everybody".to_owned())]);
    /// let tenants = Tenants::builder(Verifier::builder(providers::JIRA))
    ///     .by_path("/jira/{tenant}")
    ///     .build(move |tenant: String| {
    ///         let secret = store.get(&tenant).cloned();
    ///         async move {
    ///             Ok::<_, Infallible>(secret.map(|secret| [("current", Secret::new(secret))]))
    ///         }
    ///     })?;
    /// # Ok::<(), countersign_tenants::TenantsError>(())
    /// ```
    ///
    /// # Errors
    /// - [`TenantsError::NoName`] without a call of [`by_path`](Self::by_path) or [`by`](Self::by).
    /// - [`TenantsError::InvalidPattern`] if the pattern of [`by_path`](Self::by_path) is invalid.
    /// - [`TenantsError::Zero`] if the capacity, the timeout or the number of permits is zero.
    /// - [`TenantsError::Verifier`] if [`build_template`](VerifierBuilder::build_template) fails,
    ///   for example because the verifier has a key.
    pub fn build<F, K, I, E>(self, source: impl Fn(String) -> F + Send + Sync + 'static) -> Result<Tenants, TenantsError>
    where
        F: Future<Output = Result<Option<K>, E>> + Send + 'static,
        K: IntoIterator<Item = (I, Secret)> + 'static,
        I: Into<KeyId>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let find = self.find.ok_or(TenantsError::NoName)??;
        if self.capacity == 0 || self.lookups == 0 || self.timeout.is_zero() {
            return Err(TenantsError::Zero);
        }
        let template = self.verifier.build_template().map_err(TenantsError::Verifier)?;
        let keys = |keys: K| keys.into_iter().map(|(id, secret)| (id.into(), secret)).collect();
        Ok(Tenants::new(Inner {
            template,
            find,
            source: Box::new(move |tenant| source(tenant).map(move |found| found.map(|found| found.map(keys)).map_err(Into::into)).boxed()),
            known: Cache::builder()
                .max_capacity(self.capacity)
                .time_to_live(self.time_to_live.saturating_add(REMEMBERED).min(FOREVER))
                .build(),
            unknown: Cache::builder().max_capacity(self.capacity).time_to_live(self.negative_ttl.min(FOREVER)).build(),
            lookups: Arc::new(SingleFlight::default()),
            permits: Permits::new(self.lookups),
            time_to_live: self.time_to_live,
            timeout: self.timeout,
        }))
    }
}

impl fmt::Debug for TenantsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantsBuilder").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

impl Tenants {
    /// Returns a builder. `verifier` holds the settings shared by all tenants, and must have no
    /// key.
    pub const fn builder(verifier: VerifierBuilder) -> TenantsBuilder {
        TenantsBuilder::new(verifier)
    }
}
