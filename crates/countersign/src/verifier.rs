use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::config_error::ConfigError;
use crate::crypto::candidates::Candidates;
use crate::machine_clock;
use crate::observe::log::Reporter;
use crate::observe::observer::Verdict;
use crate::request::clock::Clock;
use crate::request::head::RequestHead;
use crate::request::header_index::HeaderIndex;
use crate::scheme::Scheme;
use crate::scheme::url::Url;
use crate::verdict::rejection::{Progress, Rejection, SchemeName};
use crate::verdict::rejection_kind::RejectionKind;
use crate::verdict::verified::Verified;
use crate::verifier::config::{Config, Snapshot};
use crate::verifier::diagnose::hint;
use crate::verifier::keys::Keys;
use crate::verifier::parse::SignedParts;
use crate::verifier::policy::Policy;
use crate::verifier::state::VerificationState;
use crate::verifier::verification::{OwnedVerification, Verification};

pub(crate) mod builder;
pub(crate) mod companion;
pub(crate) mod config;
pub(crate) mod diagnose;
pub(crate) mod keys;
pub(crate) mod parse;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod signatures;
pub(crate) mod state;
pub(crate) mod verification;

/// Verifies deliveries by a scheme and its keys. Clones are cheap: all requests share one verifier.
///
/// - [`verify`](Self::verify) takes a body in memory.
/// - [`begin`](Self::begin) takes a body in pieces, for a caller that stores the body elsewhere.
///
/// Both methods give the same verdict. Each method has a form ending in `_at` with the time as an
/// argument. The other form takes the time from the clock, for a timestamp or the expiry of a key.
/// [`last_matched`](crate::KeyStatus::last_matched) takes the time from the machine's clock under
/// both forms, if the machine has a clock.
///
/// Adapters use [`Receive`](crate::adapter::Receive). `Receive` keeps the body within limits until
/// the delivery is verified.
///
/// ```
/// use countersign::{Secret, Verifier, providers};
///
/// let verifier = Verifier::builder(providers::JIRA)
///     .key("2026-11", Secret::new("It's a Secret to Everybody"))
///     .build()?;
/// let head = [(
///     "X-Hub-Signature",
///     "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9",
/// )];
/// let verified = verifier.verify(&head, b"Hello World!")?;
/// assert_eq!(verified.key_id(), "2026-11");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A service that receives from several providers has a verifier for each provider, and chooses by
/// route. If providers share a route, [`any_of`](Self::any_of) combines their verifiers.
#[doc(alias("hmac", "webhook signature", "x-hub-signature"))]
#[derive(Clone)]
pub struct Verifier(pub(crate) Arc<Schemes>);

/// The schemes of a verifier, each with its settings and keys.
#[derive(Clone)]
pub(crate) struct Schemes {
    pub(crate) first: Arc<Config>,
    pub(crate) others: Vec<Arc<Config>>,
    /// The names of all schemes, for a rejection before a scheme is chosen.
    pub(crate) name: SchemeName,
    pub(crate) reporter: Arc<Reporter>,
}

impl Schemes {
    fn configs(&self) -> impl Iterator<Item = &Arc<Config>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl Verifier {
    pub(crate) fn new(config: Config) -> Self {
        Self::sharing(config, Arc::default())
    }

    /// Creates a verifier with the log and the counts of `reporter`.
    pub(crate) fn sharing(config: Config, reporter: Arc<Reporter>) -> Self {
        let name = config.scheme_name().into();
        Self(Arc::new(Schemes { first: Arc::new(config), others: Vec::new(), name, reporter }))
    }

    /// Combines several verifiers for one route.
    ///
    /// Each delivery goes to the first listed verifier whose signature header is in the request. A
    /// rejection by this verifier is final: the other verifiers are not asked. A request without
    /// any of the headers is rejected as [`RejectionKind::MissingSignature`].
    ///
    /// - **Order.** If a provider also sends the header of another provider, list the first
    ///   provider before the second. GitHub still sends its SHA-1 in `X-Hub-Signature`, the header
    ///   of Jira. Therefore, list GitHub before Jira. The other order is an error.
    /// - **Strength.** The sender chooses the scheme by the header. The combination is only as
    ///   strong as the weakest scheme. List signatures before
    ///   [static tokens](Scheme::insecure_static_token), and do not accept both from one provider.
    ///
    /// ```
    /// use countersign::{Secret, Verifier, providers};
    ///
    /// let jira = Verifier::builder(providers::JIRA)
    ///     .key("2026-11", Secret::new("secret"))
    ///     .build()?;
    /// let github = Verifier::builder(providers::GITHUB)
    ///     .key("2026-10", Secret::new("another"))
    ///     .build()?;
    /// let verifier = Verifier::any_of([github, jira])?;
    /// # Ok::<(), countersign::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// - [`ConfigError::NoVerifier`]: the list is empty.
    /// - [`ConfigError::SharedHeader`]: two schemes read the signature from the same header. This
    ///   header does not identify the sender.
    /// - [`ConfigError::SharedHeader`]: a scheme reads a header also sent by the sender of a later
    ///   scheme. List the later scheme first.
    pub fn any_of(verifiers: impl IntoIterator<Item = Self>) -> Result<Self, ConfigError> {
        let verifiers: Vec<Self> = verifiers.into_iter().collect();
        // Verifiers of one template share a reporter. The combined verifier uses the same reporter,
        // so all rejections share a count and a rate limit.
        let mut reporters = verifiers.iter().map(|verifier| &verifier.0.reporter);
        let shared = reporters.next().filter(|first| reporters.all(|other| Arc::ptr_eq(first, other))).cloned();
        let mut configs: Vec<Arc<Config>> = Vec::new();
        for config in verifiers.iter().flat_map(|verifier| verifier.0.configs().cloned()) {
            let shares = |other: &Arc<Config>| other.policy.scheme.shared_header(&config.policy.scheme);
            if let Some(header) = configs.iter().find_map(shares) {
                return Err(ConfigError::SharedHeader { header });
            }
            configs.push(config);
        }
        let names = configs.iter().map(|config| config.scheme_name()).collect::<Vec<_>>().join("|");
        let mut configs = configs.into_iter();
        let first = configs.next().ok_or(ConfigError::NoVerifier)?;
        let others: Vec<_> = configs.collect();
        let name = if others.is_empty() { first.scheme_name().into() } else { SchemeName::Several(names.into()) };
        Ok(Self(Arc::new(Schemes { first, others, name, reporter: shared.unwrap_or_default() })))
    }

    /// Verifies a whole delivery. The body limit does not apply, because the body is already in
    /// memory.
    ///
    /// # Errors
    /// - Every kind with the status 401.
    /// - [`RejectionKind::KeysExpired`]: all keys have expired.
    /// - [`RejectionKind::KeysUnavailable`]:
    ///   [`VerifierSource::choose`](crate::adapter::VerifierSource::choose) returned this verifier,
    ///   because the resolver failed, panicked or timed out.
    pub fn verify(&self, head: &(impl RequestHead + ?Sized), body: &[u8]) -> Result<Verified, Rejection> {
        self.0.verify(&head, Clock::Unread, body)
    }

    /// Verifies a whole delivery at the time `now`.
    ///
    /// For tests, and for deliveries stored before. Do not pass the time of a clock that may be
    /// unset. At a time before 2001-09-09, a timestamp has fewer than ten digits, and its last
    /// digits could have moved into the body. Set such a clock with
    /// [`VerifierBuilder::clock`](crate::VerifierBuilder::clock): while the clock is unset, every
    /// timestamp is rejected.
    ///
    /// # Errors
    /// The errors of [`verify`](Self::verify).
    pub fn verify_at(&self, head: &(impl RequestHead + ?Sized), body: &[u8], now: SystemTime) -> Result<Verified, Rejection> {
        self.0.verify(&head, Clock::Given(now), body)
    }

    /// Checks the head, and starts to hash the body.
    ///
    /// # Errors
    /// The errors of [`verify`](Self::verify), except [`RejectionKind::SignatureMismatch`].
    pub fn begin(&self, head: &(impl RequestHead + ?Sized)) -> Result<Verification, Rejection> {
        self.0.begin(&head, Clock::Unread)
    }

    /// Checks the head at the time `now`, and starts to hash the body. For `now`, see
    /// [`verify_at`](Self::verify_at).
    ///
    /// # Errors
    /// The errors of [`begin`](Self::begin).
    pub fn begin_at(&self, head: &(impl RequestHead + ?Sized), now: SystemTime) -> Result<Verification, Rejection> {
        self.0.begin(&head, Clock::Given(now))
    }

    /// Returns the fault of this head, regardless of the keys and the body.
    ///
    /// A head with a fault is rejected in any case. A [`Resolver`](crate::tenant::Resolver) can
    /// skip the tenant lookup for such a head.
    #[must_use]
    pub fn head_fault(&self, head: &(impl RequestHead + ?Sized)) -> Option<RejectionKind> {
        let mut index = HeaderIndex::new(&self.0.first.policy.plan.names);
        match self.0.choose(&head, &mut index) {
            None => Some(RejectionKind::MissingSignature),
            Some(config) => head_fault(config, &head, &index, &mut Clock::Unread.or_own(config.policy.clock)),
        }
    }

    /// Returns the schemes of this verifier: one, or several after [`any_of`](Self::any_of).
    pub fn schemes(&self) -> impl Iterator<Item = &Scheme> {
        self.0.configs().map(|config| &config.policy.scheme)
    }

    /// Returns the largest accepted body in bytes.
    ///
    /// [`Receive`](crate::adapter::Receive) applies the limit, and so does every adapter. After
    /// [`any_of`](Self::any_of), each scheme keeps its own limit, and this method returns the
    /// largest limit.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        self.0.configs().map(|config| config.policy.body_limit).max().unwrap_or_default()
    }

    /// Returns a handle to list and change the keys while the service runs.
    ///
    /// After [`any_of`](Self::any_of), the handle has only the keys of the first listed scheme. For
    /// the other schemes, call `keys` on each verifier before `any_of`. These handles stay valid.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys::new(Arc::clone(&self.0.first))
    }

    /// Reports a rejection to the log and the [`Observer`](crate::observe::Observer), and counts
    /// the rejection.
    ///
    /// Adapters report each rejection once. A caller of [`verify`](Self::verify) decides whether to
    /// report. A request that the server gives up before the verdict, such as after a disconnect of
    /// the client, is not a rejection. Such a request is not reported.
    ///
    /// The rejection is a `tracing` event with the target `countersign`. In a flood, most events
    /// are at `DEBUG`, so that the log does not fill up:
    /// - The first ten rejections of a second are events at `WARN`. Further rejections are events
    ///   at `DEBUG`.
    /// - In each second, the first rejection of each cause is always at `WARN`.
    /// - The first rejection after that second sums up the events at `DEBUG`: one event at `WARN`
    ///   for each cause, with the field `count`.
    ///
    /// [`rejected`](Self::rejected) returns the exact count at any time.
    ///
    /// The event has these fields:
    /// - `verdict`, `scheme`, `cause` ([`RejectionKind::as_str`]), `status`, `body_bytes`;
    /// - `tenant`, for a known tenant;
    /// - `seconds`, if the time was measured;
    /// - `hint`, if [hints](crate::VerifierBuilder::hints) are on and a hint was found;
    /// - `source`, the framework's error for an incomplete body, or the resolver's error for
    ///   unavailable keys.
    ///
    /// Countersign writes no secret, signature or byte of the body into an event. The tenant's name
    /// and the error texts are foreign text. [`one_line`](crate::observe::one_line()) escapes
    /// foreign text, so each event is one line.
    pub fn report(&self, rejection: &Rejection) {
        self.0.reporter.rejection(rejection, machine_clock::instant());
        self.observe(rejection, false);
    }

    /// Reports a delivery let through in spite of a rejection.
    ///
    /// The event is at `WARN` and has the field `report_only`. A flood is sampled and summed up as
    /// in [`report`](Self::report), but separately. [`rejected`](Self::rejected) does not count
    /// these deliveries.
    pub fn report_only(&self, rejection: &Rejection) {
        self.0.reporter.let_through(rejection, machine_clock::instant());
        self.observe(rejection, true);
    }

    /// Returns the number of [reported](Self::report) rejections with this cause, since the
    /// verifier was built.
    ///
    /// Verifiers of one [template](crate::tenant::VerifierTemplate) share the count.
    #[must_use]
    pub fn rejected(&self, kind: RejectionKind) -> u64 {
        self.0.reporter.count(kind)
    }

    fn observe(&self, rejection: &Rejection, let_through: bool) {
        let config = self.0.configs().find(|config| config.scheme_name() == rejection.scheme()).unwrap_or(&self.0.first);
        if let Some(observer) = &config.policy.observer {
            let Progress { body_bytes, time, .. } = rejection.progress();
            observer.observe(&Verdict::new(Err(rejection), let_through, body_bytes, time.unwrap_or_default()));
        }
    }

    /// Returns the header fields that suffice for a verification, beside the method. Returns `None`
    /// if the verification also needs the target or unlisted fields.
    pub(crate) fn fields(&self) -> Option<Vec<&'static str>> {
        let asks_for = |config: &Arc<Config>| {
            let Policy { plan, url, hints, .. } = &*config.policy;
            // With `signature_headers == 0`, the signature headers are looked up by name, outside
            // of the plan.
            let more = matches!(url, Some(Url::Base(_))) || hints.is_some() || plan.signature_headers == 0;
            (!more).then(|| plan.names_and_length.iter().collect::<Vec<_>>())
        };
        let fields: Option<Vec<_>> = self.0.configs().map(asks_for).collect();
        let mut fields = fields?.concat();
        // Remove duplicates regardless of case. An adapter copying the fields would otherwise copy
        // one field twice, and the delivery would be rejected.
        fields.sort_unstable_by_key(|name| name.to_ascii_lowercase());
        fields.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
        Some(fields)
    }

    /// Returns whether one of the schemes signs the path and query.
    pub(crate) fn signs_target(&self) -> bool {
        self.0.configs().any(|config| matches!(config.policy.url, Some(Url::Base(_))))
    }
}

impl Schemes {
    fn verify(&self, head: &dyn RequestHead, mut clock: Clock, body: &[u8]) -> Result<Verified, Rejection> {
        // Without `content-length`: the body is at hand.
        let mut index = HeaderIndex::new(&self.first.policy.plan.names);
        let config = self.choose(head, &mut index).ok_or_else(|| self.missing(head))?;
        let keys = config.keys.load();
        clock = clock.or_own(config.policy.clock);
        let (snapshot, mut state) = (Snapshot { config, keys: &keys }, VerificationState::new());
        let mut parts = SignedParts::NONE;
        Self::start(&mut state, snapshot, head, &index, &mut parts, &mut clock)?;
        state.update(body);
        state.finish_with(snapshot, &parts, &index, &clock)
    }

    fn begin(&self, head: &dyn RequestHead, mut clock: Clock) -> Result<Verification, Rejection> {
        let mut index = HeaderIndex::new(&self.first.policy.plan.names);
        let config = self.choose(head, &mut index).ok_or_else(|| self.missing(head))?;
        clock = clock.or_own(config.policy.clock);
        // Start in the box: a state on the stack would have to be moved into the box later.
        let mut owned = Box::new(OwnedVerification::new(Arc::clone(config), config.keys.load_full(), VerificationState::new()));
        let (OwnedVerification { keys, state, .. }, mut parts) = (&mut *owned, SignedParts::NONE);
        Self::start(state, Snapshot { config, keys }, head, &index, &mut parts, &mut clock)?;
        owned.keep(&parts, &index, clock);
        Ok(Verification(owned))
    }

    /// Chooses the scheme by its signature header. With a single scheme, the choice does not depend
    /// on the head. Fills `index` with the fields of the chosen scheme. On entry, `index` has the
    /// names of the first scheme.
    #[inline]
    pub(crate) fn choose<'v, 'h>(&'v self, head: &'h dyn RequestHead, index: &mut HeaderIndex<'v, 'h>) -> Option<&'v Arc<Config>> {
        let chosen = if self.others.is_empty() { Some(&self.first) } else { self.choose_of_several(head, index) };
        // Fill the index even without a scheme: report-only mode still checks the announced length.
        head.headers(index);
        chosen
    }

    #[cold]
    fn choose_of_several<'v, 'h>(&'v self, head: &'h dyn RequestHead, index: &mut HeaderIndex<'v, 'h>) -> Option<&'v Arc<Config>> {
        let config = self.configs().find(|config| parse::is_present(&config.policy.scheme, head))?;
        *index = HeaderIndex::new(&config.policy.plan.names_and_length);
        Some(config)
    }

    /// Returns the rejection for a head without a signature header of any scheme.
    #[cold]
    pub(crate) fn missing(&self, head: &dyn RequestHead) -> Rejection {
        let kind = RejectionKind::MissingSignature;
        Rejection::new(kind, self.name.clone()).with_tenant(self.first.tenant.as_ref()).with_hint(hint(&self.first, kind, head))
    }

    /// Checks the head by the scheme of `snapshot`, and starts the MACs.
    #[inline(always)]
    pub(crate) fn start<'h>(
        state: &mut VerificationState,
        snapshot: Snapshot<'_>,
        head: &'h dyn RequestHead,
        index: &HeaderIndex<'_, 'h>,
        parts: &mut SignedParts<'h>,
        clock: &mut Clock,
    ) -> Result<(), Rejection> {
        let started = if snapshot.config.unavailable.is_none() {
            state.start(snapshot, head, index, parts, clock)
        } else {
            // `state.start` would compare a static token with the decoy's key, and answer 401.
            Err(head_fault(snapshot.config, head, index, clock).unwrap_or(RejectionKind::KeysUnavailable))
        };
        started.map_err(|kind| reject(snapshot.config, kind, head))
    }
}

#[cold]
fn reject(config: &Config, kind: RejectionKind, head: &dyn RequestHead) -> Rejection {
    match &config.unavailable {
        Some(why) if kind == RejectionKind::KeysUnavailable => config.reject(kind).with_source(Arc::clone(why)),
        _ => config.reject(kind).with_hint(hint(config, kind, head)),
    }
}

/// Returns the fault of a head, regardless of the keys and the body.
fn head_fault<'h>(config: &Config, head: &'h dyn RequestHead, index: &HeaderIndex<'_, 'h>, clock: &mut Clock) -> Option<RejectionKind> {
    let (mut candidates, mut parts) = (Candidates::new(), SignedParts::NONE);
    parts.read(&config.policy, head, index, &mut candidates, clock).err()
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("schemes", &self.schemes().map(Scheme::name).collect::<Vec<_>>())
            .field("algorithms", &self.0.configs().map(|config| &config.policy.accepted).collect::<Vec<_>>())
            .field("keys", &self.0.configs().map(|config| Keys::new(Arc::clone(config)).ids()).collect::<Vec<_>>())
            .field("body_limit", &self.body_limit())
            .finish()
    }
}
