//! Builds the planned verifiers of one side.

use std::task::{Context, Poll};

use bytes::Bytes;

use super::library::adapter::VerifierSource;
use super::library::scheme::{Algorithm, Scheme};
use super::library::tenant::{ResolveFuture, Resolver};
use super::library::{ConfigError, MemoryBudget, RejectionKind, RequestHead, Secret, Verifier, VerifierBuilder};
use super::receive;
use crate::plan::{BASE_URL, Kind, Part, Plan, TENANT, Url, WHOLE_URL};

/// One built verifier.
pub struct Built {
    pub verifier: Verifier,
    /// The verifier itself, or the resolver of the verifier.
    pub source: VerifierSource,
    budget: Option<(MemoryBudget, VerifierSource)>,
}

pub fn build(plan: &Plan, schemes: &[Scheme]) -> Result<Built, String> {
    // Only the variants are compared, because the texts were reworded.
    built(plan, schemes).map_err(|error| match error {
        ConfigError::InvalidScheme { .. } => "InvalidScheme".to_owned(),
        error => format!("{error:?}"),
    })
}

fn built(plan: &Plan, schemes: &[Scheme]) -> Result<Built, ConfigError> {
    let budget = plan.budget.map(MemoryBudget::new);
    let (mut verifiers, mut decoys) = (Vec::new(), Vec::new());
    for part in &plan.parts {
        let builder = builder(part, schemes, budget.as_ref());
        if plan.kind == Kind::Alone {
            verifiers.push(with_keys(builder, part).build()?);
            continue;
        }
        let template = builder.build_template()?;
        verifiers.push(template.for_tenant(TENANT, part.keys.iter().map(|key| (key.id, Secret::new(key.secret.as_str()))))?);
        decoys.push(template.decoy().clone());
    }
    let verifier = any_of(verifiers)?;
    let verifier = if plan.kind == Kind::Decoy { any_of(decoys.clone())? } else { verifier };
    let source = match plan.kind {
        Kind::Alone | Kind::Tenant | Kind::Decoy => VerifierSource::from(verifier.clone()),
        Kind::Resolver { is_careless } => {
            let decoy = if is_careless { verifier.clone() } else { any_of(decoys)? };
            VerifierSource::from(Tenants { decoy, known: verifier.clone() })
        }
    };
    let budget = budget.map(|budget| (budget.clone(), occupier(budget)));
    Ok(Built { verifier, source, budget })
}

fn any_of(mut verifiers: Vec<Verifier>) -> Result<Verifier, ConfigError> {
    if verifiers.len() == 1 { Ok(verifiers.remove(0)) } else { Verifier::any_of(verifiers) }
}

fn builder(part: &Part, schemes: &[Scheme], budget: Option<&MemoryBudget>) -> VerifierBuilder {
    let scheme = schemes.iter().find(|scheme| scheme.name() == part.name).expect("both sides have the same schemes");
    let mut builder = Verifier::builder(*scheme);
    if let Some(names) = &part.algorithms {
        builder = builder.algorithms(names.iter().map(|name| algorithm(name)));
    }
    if part.legacy_sha1 {
        builder = builder.allow_legacy_sha1();
    }
    if part.hints {
        builder = builder.hints();
    }
    if let Some(limit) = part.body_limit {
        builder = builder.body_limit(limit);
    }
    if let Some(tolerance) = part.tolerance {
        builder = builder.tolerance(tolerance);
    }
    if let Some(budget) = budget {
        builder = builder.memory_budget(budget.clone());
    }
    match part.url {
        None => builder,
        Some(Url::Whole) => builder.url(WHOLE_URL),
        Some(Url::Base) => builder.base_url(BASE_URL),
    }
}

fn with_keys(mut builder: VerifierBuilder, part: &Part) -> VerifierBuilder {
    for key in &part.keys {
        let secret = Secret::new(key.secret.as_str());
        builder = match key.until {
            None => builder.key(key.id, secret),
            Some(until) => builder.key_until(key.id, secret, until),
        };
    }
    builder
}

fn algorithm(name: &str) -> Algorithm {
    let all = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512];
    all.into_iter().find(|algorithm| algorithm.name() == name).expect("an algorithm with this name")
}

const TOKEN: &str = "a token of its own";

/// Returns the verifier of the deliveries that use up a budget.
fn occupier(budget: MemoryBudget) -> VerifierSource {
    let scheme = Scheme::insecure_static_token("occupier", "x-token");
    let builder = Verifier::builder(scheme).key("key", Secret::new(TOKEN)).memory_budget(budget);
    builder.build().expect("the verifier is valid").into()
}

impl Built {
    /// Receives another delivery of this size. The returned body stays charged to the budget.
    pub fn occupy(&self, bytes: usize) -> Option<Bytes> {
        let (_, occupier) = self.budget.as_ref().filter(|_| bytes > 0)?;
        let body = receive::at_once(occupier, &[("x-token", TOKEN)], vec![0; bytes].into());
        Some(body.expect("the budget is free and large enough"))
    }

    /// Returns the number of bytes charged to the budget.
    pub fn charged(&self) -> usize {
        self.budget.as_ref().map_or(0, |(budget, _)| budget.used())
    }

    /// Returns the state of the verifier after the cases: the number of rejections by kind, the keys with a match, and the body limit.
    pub fn summary(&self) -> String {
        let rejected: Vec<_> =
            KINDS.iter().map(|kind| (kind.as_str(), self.verifier.rejected(*kind))).filter(|(_, count)| *count > 0).collect();
        let keys = self.verifier.keys().list();
        let matched: Vec<_> = keys.iter().map(|key| (key.id().as_str(), key.expires(), key.last_matched().is_some())).collect();
        format!(
            "reported {rejected:?}, keys {matched:?}, limit {}, signs target {}",
            self.verifier.body_limit(),
            self.source.signs_target()
        )
    }
}

const KINDS: [RejectionKind; 26] = [
    RejectionKind::MissingSignature,
    RejectionKind::DuplicateSignature,
    RejectionKind::NonAsciiSignature,
    RejectionKind::MalformedSignature,
    RejectionKind::UnknownAlgorithm,
    RejectionKind::AlgorithmNotAllowed,
    RejectionKind::SignatureLength,
    RejectionKind::SignatureEncoding,
    RejectionKind::TooManySignatures,
    RejectionKind::MissingTimestamp,
    RejectionKind::MalformedTimestamp,
    RejectionKind::TimestampTooOld,
    RejectionKind::TimestampTooNew,
    RejectionKind::MissingId,
    RejectionKind::MalformedId,
    RejectionKind::MalformedMethod,
    RejectionKind::MalformedTarget,
    RejectionKind::TokenMismatch,
    RejectionKind::SignatureMismatch,
    RejectionKind::UnknownTenant,
    RejectionKind::BodyTooLarge,
    RejectionKind::BodyUnreadable,
    RejectionKind::BodyTimeout,
    RejectionKind::BudgetExhausted,
    RejectionKind::KeysExpired,
    RejectionKind::KeysUnavailable,
];

/// A resolver that uses the tenant named by the application.
struct Tenants {
    decoy: Verifier,
    known: Verifier,
}

impl Resolver for Tenants {
    fn decoy(&self) -> &Verifier {
        &self.decoy
    }

    fn resolve(&self, head: &dyn RequestHead) -> ResolveFuture {
        let known = Some(self.known.clone());
        let tenant = head.tenant().map(String::from);
        let (tenant, at_once) = match tenant.as_deref() {
            None => return ResolveFuture::ready(None),
            Some(tenant) => tenant.strip_suffix(", later").map_or((tenant, true), |tenant| (tenant, false)),
        };
        let found = match tenant {
            TENANT if at_once => return ResolveFuture::ready(known),
            TENANT => Ok(known),
            "fails" => Err("the resolver failed"),
            "panics" if at_once => panic!("a deliberate panic of this test"),
            _ => Ok(None),
        };
        let (tenant, mut waits) = (tenant.to_owned(), !at_once);
        ResolveFuture::new(std::future::poll_fn(move |context| answer(&tenant, &found, &mut waits, context)))
    }
}

/// Returns the answer. With `waits`, the first poll is pending.
fn answer<T: Clone>(tenant: &str, found: &T, waits: &mut bool, context: &mut Context<'_>) -> Poll<T> {
    if tenant == "never" {
        return Poll::Pending;
    }
    if std::mem::take(waits) {
        context.waker().wake_by_ref();
        return Poll::Pending;
    }
    assert_ne!(tenant, "panics", "a deliberate panic of this test");
    Poll::Ready(found.clone())
}
