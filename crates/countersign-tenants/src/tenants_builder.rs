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

/// A hundred years: the cache panics at a thousand.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// For so long after its keys are no longer used it is remembered that there was such a tenant.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// Describes [`Tenants`]. Setters cannot fail; [`build`](Self::build) finds every mistake.
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

    /// The path names the tenant, where this [`PathPattern`] has `{tenant}`: `/jira/{tenant}`. It is matched against the whole path as it
    /// was sent.
    ///
    /// **The name is percent-decoded, and anybody can send any name.** It can hold `../`, a slash, NUL and line breaks. Before it goes into a
    /// file's path, a query, a command or a log of your own, check it against the names that can be, or bind it as a parameter.
    /// [`one_line`](countersign::observe::one_line()) makes it fit for a log.
    pub fn by_path(mut self, pattern: &str) -> Self {
        let pattern = PathPattern::new(pattern);
        self.find = Some(pattern.map(|pattern| Arc::new(move |head: &dyn RequestHead| pattern.tenant_of(head)) as FindTenant));
        self
    }

    /// This function names the tenant, by whatever it finds in the head. `None` for none. With [`RequestHead::tenant`] it gets at what the adapter's
    /// `tenant_by` has found.
    pub fn by(mut self, find: impl Fn(&dyn RequestHead) -> Option<String> + Send + Sync + 'static) -> Self {
        self.find = Some(Ok(Arc::new(find)));
        self
    }

    /// How many tenants are held, and as many names of unknown ones: 10,000 unless set. Of more, those are held that are met most often.
    pub const fn capacity(mut self, tenants: u64) -> Self {
        self.capacity = tenants;
        self
    }

    /// How long keys are used before they are looked up again: a minute unless set. For so long, a secret that is gone from the source is
    /// accepted still, unless the tenant is [invalidated](Tenants::invalidate). They stay in memory for up to an hour more, and are
    /// not used then: when the source is down, what has to be looked up is answered 503.
    pub const fn time_to_live(mut self, time: Duration) -> Self {
        self.time_to_live = time;
        self
    }

    /// How long it is held that there is no such tenant: ten seconds unless set. For so long, a tenant that is new in the source is rejected,
    /// if somebody has asked for it before, and Jira is not known to repeat that.
    pub const fn negative_ttl(mut self, time: Duration) -> Self {
        self.negative_ttl = time;
        self
    }

    /// How long a lookup may take: five seconds unless set. Whoever waits for it is answered 503 then.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many lookups, each for another tenant, may go on at once: 64 unless set, of names that may be nobody's, and as many of tenants
    /// that have been known in the last hour. Others wait for a permit, within their timeout, and too many are answered 503 at once. So a
    /// flood of names that nobody knows keeps no more than this of the source busy, and those who are known have permits of their own; a tenant
    /// that is new meanwhile gets 503, which senders repeat.
    ///
    /// A permit is given back when the lookup is done or given up. What the source has left running then, such as a blocking thread, is its own affair.
    pub const fn max_concurrent_lookups(mut self, lookups: usize) -> Self {
        self.lookups = lookups;
        self
    }

    /// The tenants, whose keys `source` looks up: it is given the tenant's name, and returns the keys with their ids, `None` if there is no such
    /// tenant, or why that cannot be told now.
    ///
    /// It runs on tokio, in a task of its own, and must not block. Names are a stranger's, of up to 256 bytes: where the store cannot have such
    /// a name, say `None`, for an error is answered 503.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use std::convert::Infallible;
    /// use countersign::{Secret, Verifier, providers};
    /// use countersign_tenants::Tenants;
    ///
    /// let store = HashMap::from([("acme".to_owned(), "It's a Secret to Everybody".to_owned())]);
    /// let tenants = Tenants::builder(Verifier::builder(providers::JIRA)).by_path("/jira/{tenant}").build(move |tenant: String| {
    ///     let secret = store.get(&tenant).cloned();
    ///     async move { Ok::<_, Infallible>(secret.map(|secret| [("current", Secret::new(secret))])) }
    /// })?;
    /// # Ok::<(), countersign_tenants::TenantsError>(())
    /// ```
    ///
    /// # Errors
    /// [`TenantsError`].
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
    /// Starts the description. The verifier is what all tenants have in common, and has no key.
    pub const fn builder(verifier: VerifierBuilder) -> TenantsBuilder {
        TenantsBuilder::new(verifier)
    }
}
