//! Facts about tenants with separate keys.

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use countersign::scheme::Scheme;
use countersign::tenant::{ResolveFuture, Resolver, VerifierTemplate};
use countersign::{MemoryBudget, RejectionKind, RequestHead, Secret, Signer, Verifier, VerifierBuilder, providers};
use countersign_tenants::Tenants;

use super::{noise, timed};
use crate::log::{log_of, spans_of};
use crate::{Delivery, Harness, Received, Step};

/// A key source that counts lookups. `acme`, `globex` and `café/1` are known tenants. Some other names select a fault.
#[derive(Clone, Default)]
pub struct Source(Arc<AtomicUsize>);

impl Source {
    /// Returns the number of lookups.
    #[must_use]
    pub fn lookups(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    async fn keys_of(&self, tenant: &str) -> Result<Option<Vec<(String, Secret)>>, io::Error> {
        self.0.fetch_add(1, Ordering::SeqCst);
        match tenant {
            "acme" => Ok(Some(vec![("new".into(), Secret::new("new of acme")), ("old".into(), Secret::new("old of acme"))])),
            "globex" | "caf\u{e9}/1" => Ok(Some(vec![("only".into(), Secret::new(format!("only of {tenant}")))])),
            "unfit" => Ok(Some(vec![("only".into(), Secret::new(""))])),
            "keyless" => Ok(Some(Vec::new())),
            "down" => Err(io::Error::other("the database is down")),
            "slow" => std::future::pending().await,
            "broken" => panic!("a deliberate panic of this test"),
            _ => Ok(None),
        }
    }

    /// Returns tenants named by the path, with the pattern `/hook/{tenant}/{event}`.
    #[must_use]
    pub fn tenants(&self, verifier: VerifierBuilder) -> Tenants {
        let source = self.clone();
        let lookup = move |tenant: String| {
            let source = source.clone();
            async move { source.keys_of(&tenant).await }
        };
        Tenants::builder(verifier).by_path("/hook/{tenant}/{event}").timeout(Duration::from_secs(3)).build(lookup).unwrap()
    }
}

/// Returns tenants named by the application, through the adapter. The secret of a tenant is `new of ` and the name.
#[must_use]
pub fn tenants_from_application() -> Tenants {
    let find = |head: &dyn RequestHead| head.tenant().map(Cow::into_owned);
    let lookup = |tenant: String| async move { Ok::<_, io::Error>(Some([("k", Secret::new(format!("new of {tenant}")))])) };
    Tenants::builder(jira()).by(find).build(lookup).unwrap()
}

/// Returns a delivery signed by `acme`.
#[must_use]
pub fn acme_delivery() -> Delivery {
    signed_by("new of acme", "/hook", "body")
}

fn jira() -> VerifierBuilder {
    Verifier::builder(providers::JIRA)
}

fn signed_by(secret: &str, target: &'static str, body: impl AsRef<[u8]>) -> Delivery {
    signed_as(&providers::JIRA, secret, target, body)
}

fn signed_as(scheme: &Scheme, secret: &str, target: &'static str, body: impl AsRef<[u8]>) -> Delivery {
    let mut delivery = Delivery::signed(&Signer::new(*scheme, Secret::new(secret)).unwrap(), body);
    delivery.target = target;
    delivery
}

pub async fn tenant_is_verified_by_its_own_keys_and_named<H: Harness>() {
    let source = Source::default();
    let tenants = source.tenants(jira());
    let body = noise(1000);
    let cases = [
        ("new of acme", "/hook/acme/event", "acme", "new"),
        ("old of acme", "/hook/acme/event?tenant=globex", "acme", "old"),
        ("only of globex", "/hook/globex/acme", "globex", "only"),
        ("only of caf\u{e9}/1", "/hook/caf%C3%A9%2F1/event", "caf\u{e9}/1", "only"),
    ];
    for _ in 0..3 {
        for (secret, target, tenant, key) in cases {
            let outcome = H::deliver(tenants.clone(), signed_by(secret, target, &body)).await;
            let verified = outcome.assert_verified(&body, target);
            assert_eq!((verified.tenant(), verified.key_id().as_str()), (Some(tenant), key), "{target}");
        }
        let outcome = H::deliver(tenants.clone(), signed_by("only of globex", "/hook/acme/event", &body)).await;
        outcome.assert_rejected(RejectionKind::SignatureMismatch, "signed by another tenant");
        assert_eq!(outcome.rejection.unwrap().tenant(), Some("acme"));
    }
    assert_eq!(source.lookups(), 3, "each tenant is looked up once");
    // The tenant is never read from the body.
    let outcome = H::deliver(tenants, signed_by("only of globex", "/hook/acme/event", r#"{"tenant":"globex"}"#)).await;
    outcome.assert_rejected(RejectionKind::SignatureMismatch, "another tenant named in the body");
}

pub async fn unknown_tenant_is_rejected_like_a_wrong_signature<H: Harness>() {
    let source = Source::default();
    let tenants = source.tenants(jira().body_limit(1000));
    let body = noise(1000);
    let send = |target| H::deliver(tenants.clone(), signed_by("of nobody", target, &body).chunks(body.chunks(100)));
    let wrong = send("/hook/acme/event").await;
    wrong.assert_rejected(RejectionKind::SignatureMismatch, "a wrong signature");
    for target in
        ["/hook/initech/event", "/hook/initech/event", "/hook/acme", "/hook", "/hook/a/b/c", "/hook/%FF/event", "/hook?/acme/event"]
    {
        let unknown = send(target).await;
        unknown.assert_rejected(RejectionKind::UnknownTenant, target);
        assert_eq!(unknown.headers, wrong.headers, "{target}");
        assert_eq!((unknown.polls, unknown.closes), (wrong.polls, wrong.closes), "{target}: the whole body is read");
        assert_eq!(unknown.rejection.unwrap().tenant(), None, "{target}");
    }
    assert_eq!(source.lookups(), 2, "only `acme` and `initech` reach the key source");
    // An overlong name in the path causes no lookup.
    let long: &'static str = String::leak(format!("/hook/{}/event", "x".repeat(257)));
    send(long).await.assert_rejected(RejectionKind::UnknownTenant, "a long name");
    assert_eq!(source.lookups(), 2);

    // Limits and other faults have the same results for known and unknown tenants.
    for target in ["/hook/acme/event", "/hook/initech/event"] {
        let over = signed_by("of nobody", target, noise(1001));
        H::deliver(tenants.clone(), over.clone()).await.assert_rejected(RejectionKind::BodyTooLarge, target);
        let announced = over.header("Content-Length", "1001");
        H::deliver(tenants.clone(), announced).await.assert_rejected_unread(RejectionKind::BodyTooLarge, target);
        let broken = signed_by("of nobody", target, "").steps([Step::Chunk(Bytes::from_static(b"x")), Step::Error]);
        H::deliver(tenants.clone(), broken).await.assert_rejected(RejectionKind::BodyUnreadable, target);
    }
    let (_, log) = log_of(send("/hook/initech/event")).await;
    assert!(log.contains("countersign: delivery rejected") && log.contains("cause=\"unknown_tenant\""), "{log}");
    assert_eq!(tenants.rejected(RejectionKind::UnknownTenant), 9);
    assert_eq!(tenants.rejected(RejectionKind::SignatureMismatch), 1, "all tenants share the counters");

    // A static token is in the head. A wrong token and the token of an unknown tenant are both rejected without polling the body.
    let tenants = source.tenants(Verifier::builder(providers::GITLAB_TOKEN));
    let signed = |secret, target| signed_as(&providers::GITLAB_TOKEN, secret, target, "body");
    H::deliver(tenants.clone(), signed("new of acme", "/hook/acme/event")).await.assert_verified(b"body", "a token");
    let wrong = H::deliver(tenants.clone(), signed("of nobody", "/hook/acme/event")).await;
    wrong.assert_rejected_unread(RejectionKind::TokenMismatch, "a wrong token");
    let unknown = H::deliver(tenants, signed("new of acme", "/hook/initech/event")).await;
    unknown.assert_rejected_unread(RejectionKind::UnknownTenant, "a token of an unknown tenant");
}

pub async fn head_rejection_skips_tenant_lookup<H: Harness>() {
    let source = Source::default();
    let tenants = source.tenants(jira());
    for target in ["/hook/acme/event", "/hook/initech/event", "/hook/slow/event", "/hook/down/event"] {
        let mut unsigned = Delivery::unsigned("body");
        unsigned.target = target;
        H::deliver(tenants.clone(), unsigned.clone()).await.assert_rejected_unread(RejectionKind::MissingSignature, target);
        let malformed = unsigned.header("X-Hub-Signature", "sha256=00");
        H::deliver(tenants.clone(), malformed).await.assert_rejected_unread(RejectionKind::SignatureLength, target);
    }
    assert_eq!(source.lookups(), 0);
}

/// Panics when dropped.
struct PanicOnDrop;

impl Drop for PanicOnDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a deliberate panic of this test");
    }
}

type Fault = fn(Verifier) -> ResolveFuture;

/// A resolver with a fault. Unlike `countersign-tenants`, this resolver catches no fault itself.
struct Faulty {
    decoy: Verifier,
    resolve: Fault,
}

impl Resolver for Faulty {
    fn decoy(&self) -> &Verifier {
        &self.decoy
    }

    fn resolve(&self, _: &dyn RequestHead) -> ResolveFuture {
        (self.resolve)(self.decoy.clone())
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(3)
    }
}

pub async fn resolver_failure_gets_503_and_lets_no_delivery_through<H: Harness>() {
    tokio::time::pause();
    let tenants = Source::default().tenants(jira());
    let good = || signed_by("new of acme", "/hook/acme/event", "body");
    let cases = [
        ("down", "/hook/down/event", 0, "the key source failed: the database is down"),
        ("slow", "/hook/slow/event", 3, "the key source did not answer in time"),
        ("broken", "/hook/broken/event", 0, "the key source panicked"),
        ("unfit", "/hook/unfit/event", 0, "the key source returned no valid keys: the secret of key"),
        ("keyless", "/hook/keyless/event", 0, "the key source returned no valid keys: no key"),
    ];
    for (case, target, seconds, cause) in cases {
        // A token is verified with the head. Without keys, the token is neither right nor wrong.
        let tokens = Source::default().tenants(Verifier::builder(providers::GITLAB_TOKEN));
        let token = || signed_as(&providers::GITLAB_TOKEN, "any", target, "body");
        H::deliver(tokens.clone(), token()).await.assert_rejected_unread(RejectionKind::KeysUnavailable, case);
        H::deliver(tokens, token().report_only()).await.assert_rejected_unread(RejectionKind::KeysUnavailable, case);
        let ((outcome, after), log) = log_of(timed::<H>(tenants.clone(), signed_by("any", target, "body"))).await;
        outcome.assert_rejected_unread(RejectionKind::KeysUnavailable, case);
        assert_eq!(after, seconds, "{case}");
        assert!(log.contains("WARN countersign: delivery rejected") && log.contains(cause), "{case}: {log}");
        H::deliver(tenants.clone(), good()).await.assert_verified(b"body", case);
    }

    let faults: [(_, Fault, _, _); 4] = [
        ("at once", |_| panic!("a deliberate panic of this test"), 0, "the resolver panicked"),
        (
            "panics",
            |_| ResolveFuture::new(async { if true { panic!("a deliberate panic of this test") } else { Ok::<_, io::Error>(None) } }),
            0,
            "panicked",
        ),
        ("never", |_| ResolveFuture::new(std::future::pending::<Result<_, io::Error>>()), 3, "the resolver did not answer in time"),
        ("fails", |_| ResolveFuture::new(async { Err::<Option<Verifier>, Box<dyn Error + Send + Sync>>("away".into()) }), 0, "away"),
    ];
    for (case, resolve, seconds, cause) in faults {
        let faulty = || Faulty { decoy: jira().body_limit(100).build_template().unwrap().decoy().clone(), resolve };
        let ((outcome, after), log) = log_of(timed::<H>(faulty(), good())).await;
        outcome.assert_rejected_unread(RejectionKind::KeysUnavailable, case);
        assert_eq!(after, seconds, "{case}");
        assert!(log.contains(cause), "{case}: {log}");
        let outcome = H::deliver(faulty(), good().report_only()).await;
        outcome.assert_rejected_unread(RejectionKind::KeysUnavailable, case);
        // A fault of the head takes precedence.
        let outcome = H::deliver(faulty(), Delivery::unsigned("body")).await;
        outcome.assert_rejected_unread(RejectionKind::MissingSignature, case);
        let sources = outcome.rejection.iter().filter(|rejection| rejection.source().is_some());
        assert_eq!(sources.count(), 0, "{case}: the error of the resolver is no cause");
    }
    // A panic in the destructor of a cancelled lookup has no effect.
    let dropped = Faulty {
        decoy: jira().build_template().unwrap().decoy().clone(),
        resolve: |_| {
            let panic_on_drop = PanicOnDrop;
            ResolveFuture::new(async move {
                std::future::pending::<()>().await;
                drop(panic_on_drop);
                Ok::<_, io::Error>(None)
            })
        },
    };
    H::deliver(dropped, good()).await.assert_rejected_unread(RejectionKind::KeysUnavailable, "dropped");
    // A slow lookup, within the timeout.
    let slow = Faulty {
        decoy: jira().build_template().unwrap().decoy().clone(),
        resolve: |_| {
            ResolveFuture::new(async move {
                tokio::time::sleep(Duration::from_millis(2900)).await;
                let template = jira().build_template().unwrap();
                Ok::<_, io::Error>(Some(template.for_tenant("acme", [("new", Secret::new("new of acme"))]).unwrap()))
            })
        },
    };
    H::deliver(slow, good()).await.assert_verified(b"body", "in time");
}

pub async fn decoy_verifies_no_delivery<H: Harness>() {
    // Any verifier returned as a decoy rejects every delivery, even a verifier with keys.
    let keyed = || Verifier::builder(providers::JIRA).key("k", Secret::new("any")).build().unwrap();
    let github = Verifier::builder(providers::GITHUB).build_template().unwrap().decoy().clone();
    for decoy in [keyed(), Verifier::any_of([github, keyed()]).unwrap()] {
        let careless = Faulty { decoy, resolve: |_| ResolveFuture::ready(None) };
        H::deliver(Arc::new(careless), signed_by("any", "/hook", "body"))
            .await
            .assert_rejected(RejectionKind::UnknownTenant, "a decoy with a key");
    }
    for scheme in [providers::JIRA, providers::GITLAB_TOKEN] {
        let decoy = Verifier::builder(scheme).build_template().unwrap().decoy().clone();
        for secret in ["decoy", "another secret of a decoy", "any"] {
            let outcome = H::deliver(decoy.clone(), signed_as(&scheme, secret, "/hook", "body")).await;
            outcome.assert_rejected(RejectionKind::UnknownTenant, secret);
        }
        // The decoy also rejects deliveries for a key added later.
        decoy.keys().replace([("k", Secret::new("added later"))]).unwrap();
        let outcome = H::deliver(decoy.clone(), signed_as(&scheme, "added later", "/hook", "body")).await;
        outcome.assert_rejected(RejectionKind::UnknownTenant, "added later");
    }
}

/// Records the tenant and the verdict of each delivery.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl countersign::observe::Observer for Notes {
    fn observe(&self, verdict: &countersign::observe::Verdict<'_>) {
        let note = format!("{} {}", verdict.tenant().unwrap_or("-"), verdict.cause().unwrap_or("verified"));
        self.0.lock().unwrap().push(note);
    }
}

pub async fn tenants_share_the_settings_of_the_builder<H: Harness>() {
    let (notes, budget) = (Notes::default(), MemoryBudget::new(100));
    let tenants = Source::default().tenants(jira().body_limit(50).memory_budget(budget.clone()).observer(notes.clone()));
    let good = |body| signed_by("new of acme", "/hook/acme/event", body);
    let unknown = signed_by("any", "/hook/initech/event", "body");
    let cases = [
        (good("body"), "acme verified"),
        (good("body").body("forged"), "acme signature_mismatch"),
        (good("body").report_only(), "acme verified"),
        (good("body").body("forged").report_only(), "acme signature_mismatch"),
        (unknown.clone(), "- unknown_tenant"),
        (unknown.report_only(), "- unknown_tenant"),
        (signed_by("any", "/hook/down/event", "body"), "- keys_unavailable"),
    ];
    for (delivery, note) in cases {
        let report_only = delivery.report_only;
        let (outcome, log) = log_of(H::deliver(tenants.clone(), delivery)).await;
        assert_eq!(notes.0.lock().unwrap().drain(..).collect::<Vec<_>>(), [note]);
        let (tenant, cause) = note.split_once(' ').unwrap();
        assert_eq!(log.contains("tenant=\"acme\" cause=") || log.contains("tenant=\"acme\" key="), tenant == "acme", "{note}: {log}");
        let passed = usize::from(report_only && cause != "verified");
        assert_eq!(outcome.reported.len(), passed, "{note}");
    }
    let template = jira().memory_budget(budget).build_template().unwrap();
    let mut other = Received::begin(template.decoy(), good("").headers).unwrap();
    other.push(&noise(60)[..]).unwrap();
    H::deliver(tenants.clone(), signed_by("new of acme", "/hook/acme/event", noise(45)))
        .await
        .assert_rejected(RejectionKind::BudgetExhausted, "over the free budget");
    drop(other);
    H::deliver(tenants.clone(), signed_by("new of acme", "/hook/acme/event", noise(45)))
        .await
        .assert_verified(&noise(45), "within the free budget");
    let over = signed_by("new of acme", "/hook/acme/event", noise(51));
    H::deliver(tenants, over).await.assert_rejected(RejectionKind::BodyTooLarge, "over the body limit");
}

pub async fn several_providers_of_one_tenant_share_a_resolver<H: Harness>() {
    struct Both(HashMap<&'static str, Verifier>, Verifier);
    impl Resolver for Both {
        fn decoy(&self) -> &Verifier {
            &self.1
        }
        fn resolve(&self, head: &dyn RequestHead) -> ResolveFuture {
            let tenant = head.target().strip_prefix("/hook/").and_then(|tenant| self.0.get(tenant));
            ResolveFuture::ready(tenant.cloned())
        }
    }
    let (jira, github) = (jira().build_template().unwrap(), Verifier::builder(providers::GITHUB).build_template().unwrap());
    let of = |template: &VerifierTemplate, secret: &'static str| template.for_tenant("acme", [("k", Secret::new(secret))]).unwrap();
    let acme = Verifier::any_of([of(&github, "by github"), of(&jira, "by jira")]).unwrap();
    let resolver =
        || Both(HashMap::from([("acme", acme.clone())]), Verifier::any_of([github.decoy().clone(), jira.decoy().clone()]).unwrap());
    for (scheme, secret) in [(providers::JIRA, "by jira"), (providers::GITHUB, "by github")] {
        let outcome = H::deliver(resolver(), signed_as(&scheme, secret, "/hook/acme", "body")).await;
        let verified = outcome.assert_verified(b"body", secret);
        assert_eq!((verified.tenant(), verified.scheme()), (Some("acme"), scheme.name()));
        let outcome = H::deliver(resolver(), signed_as(&scheme, secret, "/hook/initech", "body")).await;
        outcome.assert_rejected(RejectionKind::UnknownTenant, secret);
        assert_eq!(outcome.rejection.unwrap().scheme(), scheme.name());
    }
    H::deliver(resolver(), Delivery::unsigned("body")).await.assert_rejected_unread(RejectionKind::MissingSignature, "unsigned");
    // Each template has separate counters. All tenants of one template share the counters.
    let template = jira.clone();
    let before = template.decoy().rejected(RejectionKind::SignatureMismatch);
    let of_one = Verifier::any_of([of(&template, "by jira")]).unwrap();
    H::deliver(of_one, signed_as(&providers::JIRA, "wrong", "/hook", "body"))
        .await
        .assert_rejected(RejectionKind::SignatureMismatch, "wrong");
    assert_eq!(template.decoy().rejected(RejectionKind::SignatureMismatch), before + 1);
}

pub async fn span_duration_includes_the_tenant_lookup<H: Harness>() {
    let slow = Faulty {
        decoy: jira().build_template().unwrap().decoy().clone(),
        resolve: |_| {
            // The duration is measured with the real clock.
            std::thread::sleep(Duration::from_millis(30));
            ResolveFuture::new(async {
                std::thread::sleep(Duration::from_millis(30));
                Err::<Option<Verifier>, io::Error>(io::Error::other("away"))
            })
        },
    };
    let (_, spans) = spans_of(H::deliver(slow, signed_by("any", "/hook", "body"))).await;
    let seconds: f64 = spans[0].split("seconds=").nth(1).unwrap().split([' ', '}']).next().unwrap().parse().unwrap();
    let least = if H::CHOOSES_APART { 0.0 } else { 0.06 };
    assert!((least..60.0).contains(&seconds), "{spans:?}");
}

pub async fn each_delivery_is_a_span_with_its_verdict<H: Harness>() {
    let tenants = Source::default().tenants(jira().body_limit(10));
    let good = |body| signed_by("new of acme", "/hook/acme/event", body);
    let cases = [
        (good("body"), r#"scheme="jira" tenant="acme" body_bytes=4 seconds="#, "verified", "key=\"new\""),
        (good("body").body("forged"), r#"scheme="jira" tenant="acme" body_bytes=6 seconds="#, "rejected", "cause=\"signature_mismatch\""),
        (
            good("body").body("forged").report_only(),
            r#"scheme="jira" tenant="acme" body_bytes=6 seconds="#,
            "let_through",
            "cause=\"signature_mismatch\"",
        ),
        (Delivery::unsigned("body"), r#"scheme="jira" body_bytes=0 seconds="#, "rejected", "cause=\"missing_signature\""),
        (good("much too long").chunks([&b"much "[..], b"too long"]), "body_bytes=5 seconds=", "rejected", "cause=\"body_too_large\""),
        (good("body").header("Content-Length", "11"), "body_bytes=0 seconds=", "rejected", "cause=\"body_too_large\""),
        (good("body").steps([Step::Chunk("bo".into()), Step::Error]), "body_bytes=2 seconds=", "rejected", "cause=\"body_unreadable\""),
        (signed_by("any", "/hook/initech/event", "body"), r#"scheme="jira" body_bytes=4 seconds="#, "rejected", "cause=\"unknown_tenant\""),
        (signed_by("any", "/hook/down/event", "body"), r#"scheme="jira" body_bytes=0 seconds="#, "rejected", "cause=\"keys_unavailable\""),
        (signed_by("any", "/hook/down/event", "body").report_only(), "body_bytes=0", "rejected", "cause=\"keys_unavailable\""),
    ];
    for (delivery, fields, verdict, cause) in cases {
        let (_, spans) = spans_of(H::deliver(tenants.clone(), delivery)).await;
        let spans: Vec<_> = spans.into_iter().filter(|span| span.contains("delivery{")).collect();
        assert_eq!(spans.len(), 1, "{cause}: {spans:?}");
        let span = &spans[0];
        assert!(
            span.contains(&format!("delivery{{verdict=\"{verdict}\" ")) && span.contains(fields) && span.contains(cause),
            "{cause}: {span}"
        );
    }
}
