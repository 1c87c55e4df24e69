use std::error::Error;
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
pub(crate) mod config;
pub(crate) mod diagnose;
pub(crate) mod keys;
pub(crate) mod parse;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod signatures;
pub(crate) mod state;
pub(crate) mod verification;

/// Judges deliveries by a scheme and one or more keys. Cheap to clone, to be shared by all requests.
///
/// [`verify`](Self::verify) is for whoever has the body in memory, and [`begin`](Self::begin) for whoever stores it elsewhere as it arrives. Both give
/// the same verdict. Each has a form ending in `_at` that is told the time instead of asking the clock, which only the schemes with a timestamp do.
/// Adapters have [`Receive`](crate::adapter::Receive), which keeps the body within limits until it is verified.
///
/// ```
/// use countersign::{Secret, Verifier, providers};
///
/// let verifier = Verifier::builder(providers::JIRA)
///     .key("2026-11", Secret::new("It's a Secret to Everybody"))
///     .build()?;
/// let head = [("X-Hub-Signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9")];
/// let verified = verifier.verify(&head, b"Hello World!")?;
/// assert_eq!(verified.key_id(), "2026-11");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A service that receives from several providers has a verifier for each and chooses by route. Where they share a route,
/// [`any_of`](Self::any_of) makes one verifier of them.
#[derive(Clone)]
pub struct Verifier(pub(crate) Arc<Schemes>);

#[derive(Clone)]
pub(crate) struct Schemes {
    pub(crate) first: Arc<Config>,
    pub(crate) others: Vec<Arc<Config>>,
    /// Of all schemes, for what none of them has judged.
    pub(crate) name: SchemeName,
    pub(crate) reporter: Arc<Reporter>,
    /// Why there are no keys now, if there are none to be had.
    pub(crate) unavailable: Option<Arc<dyn Error + Send + Sync>>,
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

    /// Creates a verifier that tells the same log as others.
    pub(crate) fn sharing(config: Config, reporter: Arc<Reporter>) -> Self {
        let name = config.scheme_name().into();
        Self(Arc::new(Schemes { first: Arc::new(config), others: Vec::new(), name, reporter, unavailable: None }))
    }

    /// One verifier of several: the first listed whose signature header is there judges alone. What it rejects is rejected, whatever the
    /// others would say; what shows none of their headers is rejected as [`RejectionKind::MissingSignature`].
    ///
    /// - A provider that also sends another's header is listed before that one, such as GitHub, which still sends its SHA-1 in
    ///   `X-Hub-Signature`, before Jira: the other order is an error.
    /// - The sender chooses the scheme by the header that it sends, so all of them together are no stronger than the weakest. List signatures
    ///   before [static tokens](Scheme::insecure_static_token), and do not accept both from one provider.
    ///
    /// ```
    /// use countersign::{Secret, Verifier, providers};
    ///
    /// let jira = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("secret")).build()?;
    /// let github = Verifier::builder(providers::GITHUB).key("2026-10", Secret::new("another")).build()?;
    /// let verifier = Verifier::any_of([github, jira])?;
    /// # Ok::<(), countersign::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::NoVerifier`]; [`ConfigError::SharedHeader`] if two schemes read their signature from the same header, which then
    /// says nothing about the sender, or if a scheme reads one that a later one's sender also sends.
    pub fn any_of(verifiers: impl IntoIterator<Item = Self>) -> Result<Self, ConfigError> {
        let verifiers: Vec<Self> = verifiers.into_iter().collect();
        // Verifiers of one template share a log, and still do in one verifier.
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
        Ok(Self(Arc::new(Schemes { first, others, name, reporter: shared.unwrap_or_default(), unavailable: None })))
    }

    /// Judges a whole delivery. The limit for bodies is not applied, as the body is in memory already.
    ///
    /// # Errors
    /// Any kind that answers 401, and [`RejectionKind::KeysExpired`].
    pub fn verify(&self, head: &(impl RequestHead + ?Sized), body: &[u8]) -> Result<Verified, Rejection> {
        self.0.verify(&head, Clock::Unread, body)
    }

    /// [`verify`](Self::verify) at a given time.
    ///
    /// # Errors
    /// Any kind that answers 401, and [`RejectionKind::KeysExpired`].
    pub fn verify_at(&self, head: &(impl RequestHead + ?Sized), body: &[u8], now: SystemTime) -> Result<Verified, Rejection> {
        self.0.verify(&head, Clock::Given(now), body)
    }

    /// Judges the head, and starts to judge the body.
    ///
    /// # Errors
    /// Any kind that answers 401, but for [`RejectionKind::SignatureMismatch`], and [`RejectionKind::KeysExpired`].
    pub fn begin(&self, head: &(impl RequestHead + ?Sized)) -> Result<Verification, Rejection> {
        self.0.begin(&head, Clock::Unread)
    }

    /// [`begin`](Self::begin) at a given time.
    ///
    /// # Errors
    /// Any kind that answers 401, but for [`RejectionKind::SignatureMismatch`], and [`RejectionKind::KeysExpired`].
    pub fn begin_at(&self, head: &(impl RequestHead + ?Sized), now: SystemTime) -> Result<Verification, Rejection> {
        self.0.begin(&head, Clock::Given(now))
    }

    /// What is wrong with this head, whatever the keys and the body. For a [`Resolver`](crate::tenant::Resolver), which need not look a tenant up for
    /// what is rejected anyway.
    #[must_use]
    pub fn head_fault(&self, head: &(impl RequestHead + ?Sized)) -> Option<RejectionKind> {
        let mut index = HeaderIndex::new(&self.0.first.policy.plan.names);
        match self.0.choose(&head, &mut index) {
            None => Some(RejectionKind::MissingSignature),
            Some(config) => head_fault(config, &head, &index, &mut Clock::Unread.or(config.policy.clock)),
        }
    }

    /// The schemes by which it judges: one, but for [`any_of`](Self::any_of).
    pub fn schemes(&self) -> impl Iterator<Item = &Scheme> {
        self.0.configs().map(|config| &config.policy.scheme)
    }

    /// The largest body in bytes that [`Receive`](crate::adapter::Receive), and with it every adapter, accepts; of several schemes, the largest.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        self.0.configs().map(|config| config.policy.body_limit).max().unwrap_or_default()
    }

    /// The keys, to be looked at and changed while the service runs. Of several schemes, those of the first listed: take the handle of each
    /// verifier before it goes into [`any_of`](Self::any_of), which leaves it in force.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys::new(Arc::clone(&self.0.first))
    }

    /// Tells the operator of a rejection, by an event of `tracing` with the target `countersign`, and whoever observes, and counts it. Adapters
    /// call it once for each; whoever calls [`verify`](Self::verify) decides.
    ///
    /// The first ten rejections of a second are events at `WARN`, and more are at `DEBUG`, so that a flood does not fill the log. What was not
    /// told at `WARN` is summed up there, an event for each cause with its `count`, by the first rejection after that second.
    /// [`rejected`](Self::rejected) has the exact count at any time.
    ///
    /// Of each cause the first in a second is told at `WARN` in any case. A request that a server gives up before there is a verdict, such as
    /// one whose client has gone, is no rejection, and is not reported.
    ///
    /// The fields:
    /// - `verdict`, `scheme`, `cause` ([`RejectionKind::as_str`]), `status`, `body_bytes`;
    /// - `tenant` where there are tenants, and `seconds` where the time was measured;
    /// - `hint` where [hints](crate::VerifierBuilder::hints) are wanted and one was found;
    /// - `source`, the error of the framework for a body that broke off, or of the resolver for keys that cannot be had.
    ///
    /// We write no secret, signature or byte of the body there. The tenant's name and the errors' texts are others' words:
    /// [`one_line`](crate::observe::one_line()) escapes them, so that an event is one line.
    pub fn report(&self, rejection: &Rejection) {
        self.0.reporter.rejection(rejection, machine_clock::instant());
        self.observe(rejection, false);
    }

    /// As [`report`](Self::report), of a delivery that is let through although it would be rejected: an event at `WARN` that says so, with the
    /// field `report_only`. Those are sampled and summed up as rejections are, but apart from them, and [`rejected`](Self::rejected) does not count
    /// them.
    pub fn report_only(&self, rejection: &Rejection) {
        self.0.reporter.let_through(rejection, machine_clock::instant());
        self.observe(rejection, true);
    }

    /// How many rejections for this cause have been [reported](Self::report), since this verifier was built.
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

    /// The fields that judging asks a head for, if it looks at nothing else in it but the method.
    pub(crate) fn fields(&self) -> Option<Vec<&'static str>> {
        let asks_for = |config: &Arc<Config>| {
            let Policy { plan, url, hints, .. } = &*config.policy;
            // Some headers are asked for one by one.
            let more = matches!(url, Some(Url::Base(_))) || hints.is_some() || plan.signatures == 0;
            (!more).then(|| plan.names_and_length.iter().collect::<Vec<_>>())
        };
        let fields: Option<Vec<_>> = self.0.configs().map(asks_for).collect();
        let mut fields = fields?.concat();
        // Each once, however it is spelt: whoever copies them must not make two of one.
        fields.sort_unstable_by_key(|name| name.to_ascii_lowercase());
        fields.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
        Some(fields)
    }

    /// Whether path and query are signed by one of the schemes.
    pub(crate) fn signs_target(&self) -> bool {
        self.0.configs().any(|config| matches!(config.policy.url, Some(Url::Base(_))))
    }
}

impl Schemes {
    fn verify(&self, head: &dyn RequestHead, mut clock: Clock, body: &[u8]) -> Result<Verified, Rejection> {
        let mut index = HeaderIndex::new(&self.first.policy.plan.names);
        let config = self.choose(head, &mut index).ok_or_else(|| self.missing(head))?;
        let keys = config.keys.load();
        clock = clock.or(config.policy.clock);
        let (snapshot, mut state) = (Snapshot { config, keys: &keys }, VerificationState::new());
        let mut parts = SignedParts::NONE;
        self.start(&mut state, snapshot, head, &index, &mut parts, &mut clock)?;
        state.update(body);
        state.finish_with(snapshot, &parts, &index, &clock)
    }

    fn begin(&self, head: &dyn RequestHead, mut clock: Clock) -> Result<Verification, Rejection> {
        let mut index = HeaderIndex::new(&self.first.policy.plan.names);
        let config = self.choose(head, &mut index).ok_or_else(|| self.missing(head))?;
        clock = clock.or(config.policy.clock);
        // In the box that it stays in.
        let mut owned = Box::new(OwnedVerification::new(Arc::clone(config), config.keys.load_full(), VerificationState::new()));
        let (OwnedVerification { keys, state, .. }, mut parts) = (&mut *owned, SignedParts::NONE);
        self.start(state, Snapshot { config, keys }, head, &index, &mut parts, &mut clock)?;
        owned.keep(&parts, &index);
        Ok(Verification(owned))
    }

    /// The scheme whose signature is there; if there is but one, that one. Fills `index`, which comes with the names of the first one, with what this one
    /// reads of the head.
    #[inline]
    pub(crate) fn choose<'v, 'h>(&'v self, head: &'h dyn RequestHead, index: &mut HeaderIndex<'v, 'h>) -> Option<&'v Arc<Config>> {
        let chosen = if self.others.is_empty() { Some(&self.first) } else { self.choose_of_several(head, index) };
        // Also where there is none: the length that the head announces is judged all the same.
        head.headers(index);
        chosen
    }

    #[cold]
    fn choose_of_several<'v, 'h>(&'v self, head: &'h dyn RequestHead, index: &mut HeaderIndex<'v, 'h>) -> Option<&'v Arc<Config>> {
        let config = self.configs().find(|config| parse::is_present(&config.policy.scheme, head))?;
        *index = HeaderIndex::new(&config.policy.plan.names_and_length);
        Some(config)
    }

    /// What to say where no scheme's signature is there.
    #[cold]
    pub(crate) fn missing(&self, head: &dyn RequestHead) -> Rejection {
        let kind = RejectionKind::MissingSignature;
        Rejection::new(kind, self.name.clone()).with_tenant(self.first.tenant.as_ref()).with_hint(hint(&self.first, kind, head))
    }

    /// Judges the head by one of the schemes.
    #[inline(always)]
    pub(crate) fn start<'h>(
        &self,
        state: &mut VerificationState,
        snapshot: Snapshot<'_>,
        head: &'h dyn RequestHead,
        index: &HeaderIndex<'_, 'h>,
        parts: &mut SignedParts<'h>,
        clock: &mut Clock,
    ) -> Result<(), Rejection> {
        let started = if self.unavailable.is_none() {
            state.start(snapshot, head, index, parts, clock)
        } else {
            // A token would be judged by its head already, and there is nothing to judge it by.
            Err(head_fault(snapshot.config, head, index, clock).unwrap_or(RejectionKind::KeysUnavailable))
        };
        started.map_err(|kind| self.reject(snapshot.config, kind, head))
    }

    #[cold]
    fn reject(&self, config: &Config, kind: RejectionKind, head: &dyn RequestHead) -> Rejection {
        match &self.unavailable {
            Some(why) if kind == RejectionKind::KeysUnavailable => config.reject(kind).with_source(Arc::clone(why)),
            _ => config.reject(kind).with_hint(hint(config, kind, head)),
        }
    }
}

/// What is wrong with a head, whatever the keys and the body.
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
