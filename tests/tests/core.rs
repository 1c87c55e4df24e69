//! Tests of the core: the facts, through three APIs with equal verdicts, and the behaviour without an adapter.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http_body::Body as _;

use conformance::facts::LastHint;
use conformance::vectors::{self, SECRET, at, builder, signer, verifier};
use conformance::{Delivery, Handled, Harness, Observation, Received, ScriptedBody};
use countersign::adapter::{BodySource, Connection, HeaderIndex, NoTimer, Outcome, Receive, ReceiveOptions, Timer, VerifierSource};
use countersign::identity::{Identity, RepeatPolicy};
use countersign::scheme::{Algorithm, Encoding, Evidence, Part, Scheme, SecretForm, TimestampFormat};
use countersign::{
    ConfigError, Deadline, Hint, KeyId, MemoryBudget, Rejection, RejectionKind, RequestHead, Secret, Signer, Verified, Verifier,
    VerifierBuilder, providers,
};

/// The form of secrets in Standard Webhooks.
const BASE64: SecretForm = SecretForm::Base64 { prefix: "whsec_" };

struct Core;

impl Harness for Core {
    const TELLS_THE_TIME: bool = true;
    const CHOOSES_APART: bool = true;

    async fn deliver(verifiers: impl Into<VerifierSource>, delivery: Delivery) -> Observation {
        let verifier = verifiers.into().choose(&delivery, &mut Clock::default()).await;
        let observation = match delivery.now {
            Some(now) => verify_at(&verifier, &delivery, now),
            None => receive(&verifier.clone().into(), &delivery, false).await,
        };
        if !delivery.report_only {
            assert_apis_agree(&verifier, &delivery, &observation);
        }
        observation
    }
}

/// Receives a delivery like an adapter, without a framework.
async fn receive(verifiers: &VerifierSource, delivery: &Delivery, digest_body: bool) -> Observation {
    let mut clock = Clock::default();
    let options = ReceiveOptions {
        verifiers: verifiers.clone(),
        deadline: delivery.deadline,
        drain: delivery.drain,
        insecure_report_only: delivery.report_only,
        digest_body,
    };
    let body = ScriptedBody::new(delivery.steps.clone());
    let (polls, mut body) = (body.polls(), pin!(body));
    let mut next = |cx: &mut Context<'_>| {
        loop {
            match ready!(body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Poll::Ready(Some(Ok(data))),
                    Err(_trailers) => {}
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    };
    let (mut receive, mut outcome) = (Receive::new(), Observation::default());
    match poll_fn(|cx| receive.poll(cx, &options, delivery, &mut next, &mut clock)).await {
        Ok(Outcome::Verified(verified, body)) => {
            outcome.status = 200;
            outcome.handled.push(Handled { body, verified });
        }
        Ok(Outcome::Unverified(rejection, body)) => {
            outcome.status = 200;
            outcome.reported.push((rejection, body));
        }
        Err(rejection) => {
            outcome.closes = receive.connection() == Connection::Close;
            reject(&mut outcome, rejection);
        }
    }
    outcome.polls = polls.load(Ordering::SeqCst);
    outcome
}

fn reject(outcome: &mut Observation, rejection: Rejection) {
    outcome.status = rejection.status_code();
    let header = Rejection::required_header(outcome.status);
    outcome.headers.extend(header.map(|(name, value)| (name.into(), value.into())));
    outcome.rejection = Some(rejection);
}

/// Verifies a whole body at a given time. Only the APIs without an adapter accept a time.
fn verify_at(verifier: &Verifier, delivery: &Delivery, now: SystemTime) -> Observation {
    let mut outcome = Observation::default();
    let body = delivery.whole_body();
    match verifier.verify_at(delivery, &body, now) {
        Ok(verified) => {
            outcome.status = 200;
            outcome.handled.push(Handled { body: body.into(), verified });
        }
        Err(rejection) => {
            verifier.report(&rejection);
            reject(&mut outcome, rejection);
        }
    }
    outcome
}

/// The runtime's clock. A test can pause this clock.
#[derive(Default)]
struct Clock(Option<Pin<Box<tokio::time::Sleep>>>);

impl Timer for Clock {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn poll_until(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        self.0.insert(Box::pin(tokio::time::sleep_until(until.into()))).as_mut().poll(cx)
    }
}

/// Asserts that `verify` and `begin` have the verdict of `Receive`. Rejections by limits or by the connection are skipped.
fn assert_apis_agree(verifier: &Verifier, delivery: &Delivery, observation: &Observation) {
    let facts = |result: Result<Verified, Rejection>| result.map(|verified| format!("{verified:?}")).map_err(|rejection| rejection.kind());
    let handled = observation.handled.first().map(|handled| handled.verified.clone());
    let expected = facts(handled.ok_or_else(|| observation.rejection.clone().unwrap()));
    if matches!(
        expected,
        Err(RejectionKind::BodyTooLarge | RejectionKind::BodyUnreadable | RejectionKind::BudgetExhausted | RejectionKind::BodyTimeout)
    ) {
        return;
    }
    let (head, body) = (delivery, delivery.whole_body());
    let whole = match delivery.now {
        Some(now) => verifier.verify_at(head, &body, now),
        None => verifier.verify(head, &body),
    };
    assert_eq!(facts(whole), expected);
    let begun = match delivery.now {
        Some(now) => verifier.begin_at(head, now),
        None => verifier.begin(head),
    };
    let streamed = begun.and_then(|mut verification| {
        body.chunks(7).for_each(|chunk| verification.update(chunk));
        verification.finish()
    });
    assert_eq!(facts(streamed), expected);
}

conformance::suite!(Core);

/// The same facts, with the verifier resolved in `Receive`, as under an adapter.
mod resolve_in_receive {
    use super::*;

    struct ResolveInReceive;

    impl Harness for ResolveInReceive {
        async fn deliver(verifiers: impl Into<VerifierSource>, delivery: Delivery) -> Observation {
            receive(&verifiers.into(), &delivery, false).await
        }
    }

    conformance::suite!(ResolveInReceive);
}

/// The same facts, with a digest of the body taken while the body arrives.
mod digest_while_receiving {
    use super::*;

    struct DigestWhileReceiving;

    impl Harness for DigestWhileReceiving {
        async fn deliver(verifiers: impl Into<VerifierSource>, delivery: Delivery) -> Observation {
            receive(&verifiers.into(), &delivery, true).await
        }
    }

    conformance::suite!(DigestWhileReceiving);

    #[test]
    fn delivery_keys_are_the_same_for_every_chunking() {
        conformance::run(async {
            let body = b"a body in pieces";
            let jira = || builder(providers::JIRA);
            let hints = jira().key("other", Secret::new("another secret of some length ")).hints().build().unwrap();
            let several = Verifier::any_of([verifier(providers::GITHUB), verifier(providers::JIRA)]).unwrap();
            for verifier in [verifier(providers::JIRA), hints, several] {
                let delivery = Delivery::signed(&signer(providers::JIRA), body).header("X-Atlassian-Webhook-Identifier", "x".repeat(200));
                let keys = |verified: &Verified, body: &[u8]| Identity::BODY_OR_UNAUTHENTICATED_ID.keys("guard", verified, body).unwrap();
                let expected = keys(&verifier.verify(&delivery, body).unwrap(), body);
                for size in 1..=body.len() {
                    let chunks = delivery.clone().chunks(body.chunks(size));
                    let Handled { verified, .. } = receive(&verifier.clone().into(), &chunks, true).await.handled.remove(0);
                    assert_eq!(keys(&verified, body), expected, "{size}");
                    // The key comes from the verified body, even if a caller passes another body.
                    assert_eq!(keys(&verified, b"another body"), expected, "{size}");
                }
            }
        });
    }
}

#[test]
fn white_space_alone_is_an_empty_secret() {
    let empty = |key: Option<&str>| ConfigError::EmptySecret { key: key.map(KeyId::from) };
    let jira = || Verifier::builder(providers::JIRA);
    let verifier = jira().key("a", Secret::new("sixteen bytes or more")).build().unwrap();
    let template = jira().build_template().unwrap();
    for blank in [" ", "\n\n", "\r\n", "\t \r\n", " \0\n", " \u{b} \u{c} ", "\u{feff}\n", "\u{a0}\u{2003}\u{3000}"] {
        assert_eq!(jira().key("a", Secret::new(blank)).build().unwrap_err(), empty(Some("a")), "{blank:?}");
        for scheme in [providers::ADYEN, providers::STANDARD_WEBHOOKS, providers::GITLAB_TOKEN, providers::STRIPE] {
            let error = Verifier::builder(scheme).key("a", Secret::new(blank)).build().unwrap_err();
            assert_eq!(error, empty(Some("a")), "{} {blank:?}", scheme.name());
        }
        assert_eq!(Signer::new(providers::JIRA, Secret::new(blank)).unwrap_err(), empty(None), "{blank:?}");
        assert_eq!(verifier.keys().add("b", Secret::new(blank)).unwrap_err(), empty(Some("b")), "{blank:?}");
        assert_eq!(verifier.keys().replace([("b", Secret::new(blank))]).unwrap_err(), empty(Some("b")), "{blank:?}");
        assert_eq!(template.for_tenant("acme", [("b", Secret::new(blank))]).unwrap_err(), empty(Some("b")), "{blank:?}");
    }
    assert_eq!(verifier.keys().list().len(), 1);
    // Similar bytes that are no white space, and the binary keys of RFC 4231 §4.2 and §4.6.
    for other in [&b"\xe2\x80\x8b"[..], &[0x0b; 20], &[0x0c; 20], b"\xa0", b"\xff \n"] {
        assert!(jira().key("a", Secret::new(other)).build().is_ok(), "{other:?}");
    }
}

/// Returns the warnings logged by `build`.
async fn warnings_of<T>(build: impl FnOnce() -> T) -> (T, Vec<String>) {
    let (built, log) = conformance::log::log_of(async { build() }).await;
    let lines = log.lines().filter(|line| line.contains(" WARN countersign: ")).map(str::to_owned).collect();
    (built, lines)
}

#[track_caller]
fn assert_warnings(warnings: &[String], expected: &[&[&str]], case: &str) {
    assert_eq!(warnings.len(), expected.len(), "{case}: {warnings:#?}");
    for (warning, texts) in warnings.iter().zip(expected) {
        for text in *texts {
            assert!(warning.contains(text), "{case}: {text} is not in {warning}");
        }
        assert!(!warning.contains("needle"), "{case}: {warning}");
    }
}

#[test]
fn each_doubtful_secret_logs_one_warning() {
    conformance::run(async {
        let jira = || Verifier::builder(providers::JIRA);
        let new = |secret: &str| Secret::new(secret);
        let (short, padded, good) = ("needle 15 bytes", " needle with white space", "needle of 16 byt");
        assert_eq!((short.len(), good.len()), (15, 16));

        let (_, warnings) = warnings_of(|| jira().key("a", new(good)).key("b", new("needle, another one")).build().unwrap()).await;
        assert_warnings(&warnings, &[], "good secrets");
        let (_, warnings) = warnings_of(|| jira().key("a", new(short)).key("b", new(good)).build().unwrap()).await;
        assert_warnings(&warnings, &[&["shorter than 16 bytes", "key=\"a\"", "scheme=\"jira\""]], "a short secret");
        for padded in [
            padded,
            "needle with white space\n",
            "\tneedle with white space ",
            "needle with white space\u{a0}",
            "\u{feff}needle with a mark",
        ] {
            let (_, warnings) = warnings_of(|| jira().key("a", new(padded)).build().unwrap()).await;
            assert_warnings(&warnings, &[&["white space", "key=\"a\""]], "white space at one end");
        }
        let (_, warnings) = warnings_of(|| jira().key("a", new("needle ")).build().unwrap()).await;
        assert_warnings(&warnings, &[&["shorter than 16 bytes"], &["white space"]], "both");
        let twice = || jira().key("a", new(good)).key("b", new("needle, another one")).key("c", new(good));
        let (verifier, warnings) = warnings_of(|| twice().build().unwrap()).await;
        assert_warnings(&warnings, &[&["same secret", "key=\"c\"", "other=\"a\""]], "one secret under two ids");

        // A change of keys logs warnings for the new keys only.
        let keys = verifier.keys();
        let (added, warnings) = warnings_of(|| keys.add("d", new(short))).await;
        assert_eq!(added, Ok(()));
        assert_warnings(&warnings, &[&["shorter than 16 bytes", "key=\"d\""]], "an added key");
        let (added, warnings) = warnings_of(|| keys.add("e", new(good))).await;
        assert_eq!(added, Ok(()));
        assert_warnings(&warnings, &[&["same secret", "key=\"e\"", "other=\"a\""]], "an added key with a known secret");
        let (changed, warnings) = warnings_of(|| keys.expire("a", SystemTime::now()).and(keys.retire("c"))).await;
        assert_eq!(changed, Ok(()));
        assert_warnings(&warnings, &[], "no new secret");
        let (replaced, warnings) = warnings_of(|| keys.replace([("f", new(short)), ("g", new(good)), ("h", new(good))])).await;
        assert_eq!(replaced, Ok(()));
        assert_warnings(&warnings, &[&["shorter", "key=\"f\""], &["same secret", "key=\"h\"", "other=\"g\""]], "replaced keys");
        // An unchanged secret under the same id causes no new warning, with any new keys beside the old key.
        let again = || [("f", new(short)), ("g", new(good)), ("i", new(padded))];
        let (replaced, warnings) = warnings_of(|| keys.replace(again())).await;
        assert_eq!(replaced, Ok(()));
        assert_warnings(&warnings, &[&["white space", "key=\"i\""]], "a new key beside the old keys");
        let (replaced, warnings) = warnings_of(|| keys.replace(again())).await;
        assert_eq!(replaced, Ok(()));
        assert_warnings(&warnings, &[], "the same keys again");
        let (rejected, warnings) = warnings_of(|| keys.add("f", new(short))).await;
        assert!(rejected.is_err());
        assert_warnings(&warnings, &[], "a rejected change");

        // Each lookup builds the verifier of the tenant.
        let template = jira().build_template().unwrap();
        let of_tenants = |names: &[&str]| names.iter().for_each(|name| drop(template.for_tenant(*name, [("i", new(short))]).unwrap()));
        let ((), warnings) = warnings_of(|| of_tenants(&["acme", "acme", "globex", "acme"])).await;
        let expected: [&[&str]; 2] = [&["shorter", "tenant=\"acme\"", "key=\"i\""], &["shorter", "tenant=\"globex\"", "key=\"i\""]];
        assert_warnings(&warnings, &expected, "tenants' keys");
        let ((), warnings) = warnings_of(|| (0..1500).for_each(|number| of_tenants(&[&number.to_string()]))).await;
        assert_eq!(warnings.len(), 998, "a template logs at most 1000 warnings");

        // The length of an encoded secret is the number of decoded bytes.
        let adyen = |digits: usize| Verifier::builder(providers::ADYEN).key("a", Secret::new("0f".repeat(digits / 2))).build().unwrap();
        let (_, warnings) = warnings_of(|| adyen(30)).await;
        assert_warnings(&warnings, &[&["shorter", "scheme=\"adyen\""]], "15 bytes in 30 digits");
        let (_, warnings) = warnings_of(|| adyen(32)).await;
        assert_warnings(&warnings, &[], "16 bytes in 32 digits");
    });
}

#[test]
fn error_of_a_secret_names_its_form_and_never_shows_it() {
    let error = |scheme: Scheme| {
        let builder = Verifier::builder(scheme).key("a", Secret::new("no hex and no base64 !"));
        builder.build().unwrap_err().to_string()
    };
    let (hex, base64, prefixed) = (error(providers::ADYEN), error(providers::AIRTABLE), error(providers::STANDARD_WEBHOOKS));
    assert!(hex.contains("\"a\"") && hex.contains("hexadecimal"), "{hex}");
    assert!(base64.contains("base64") && !base64.contains("prefix"), "{base64}");
    assert!(prefixed.contains("base64") && prefixed.contains("whsec_"), "{prefixed}");
    let token = Verifier::builder(providers::GITLAB_TOKEN).key("a", Secret::new("a token\n")).build().unwrap_err().to_string();
    assert!(token.contains("visible ASCII"), "{token}");
    for text in [hex, base64, prefixed, token] {
        assert!(!text.contains("no hex") && !text.contains("a token"), "{text}");
    }
    let error = Secret::from_file("/nowhere/jira.secret").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(error.to_string().contains("/nowhere/jira.secret"), "{error}");
}

#[test]
fn invalid_configurations_are_rejected() {
    let jira = || Verifier::builder(providers::JIRA);
    let fault = |builder: countersign::VerifierBuilder| builder.build().unwrap_err();
    let some = || Secret::new("secret");
    let key = |id: &str| Some(KeyId::from(id));
    let invalid = |expected| ConfigError::InvalidSecret { key: key("a"), expected };

    assert_eq!(fault(jira()), ConfigError::NoKey);
    for blank in [&b""[..], b"\0", &[0; 64], &[0; 200]] {
        assert_eq!(fault(jira().key("a", some()).key("b", Secret::new(blank))), ConfigError::EmptySecret { key: key("b") });
    }
    assert_eq!(fault(jira().key("a", some()).key("a", Secret::new("other"))), ConfigError::DuplicateKeyId { key: "a".into() });
    assert_eq!(fault(jira().key("a", some()).body_limit(0)), ConfigError::ZeroBodyLimit);
    let of = |scheme| Verifier::builder(scheme).key("a", some());
    assert_eq!(fault(of(Scheme::new("none", "X-S").body_limit(0))), ConfigError::ZeroBodyLimit);
    assert_eq!(fault(jira().key("a", some()).algorithms([])), ConfigError::NothingAllowed);
    assert_eq!(fault(jira().key("a", some()).algorithms([]).allow_legacy_sha1()), ConfigError::NothingAllowed);
    let strong_none = Scheme::new("x", "X-S").default_algorithms(&[]);
    assert_eq!(fault(of(strong_none)), ConfigError::NothingAllowed);
    assert_eq!(fault(jira().key("a", some()).algorithms([Algorithm::Sha1])), ConfigError::LegacySha1);
    let md = |algorithm| ConfigError::UnsupportedAlgorithm { algorithm };
    assert_eq!(fault(builder(providers::GITHUB).algorithms([Algorithm::Sha512])), md(Algorithm::Sha512));
    assert_eq!(fault(builder(providers::GITHUB).allow_legacy_sha1()), md(Algorithm::Sha1));
    let sha1_alone = Scheme::new("old", "X-Old").bare(Algorithm::Sha1);
    assert_eq!(fault(of(sha1_alone)), ConfigError::LegacySha1);
    assert!(of(sha1_alone).allow_legacy_sha1().build().is_ok());
    for legacy in [providers::INTERCOM, providers::VERCEL] {
        assert_eq!(fault(of(legacy)), ConfigError::LegacySha1);
        assert!(of(legacy).allow_legacy_sha1().build().is_ok());
    }
    assert_eq!(fault(of(providers::TRELLO).url("https://a.example")), ConfigError::LegacySha1);
    let unsigned_time = Scheme::new("x", "X-S").timestamp_header("X-T", Duration::from_secs(1));
    assert!(matches!(fault(of(unsigned_time)), ConfigError::InvalidScheme { .. }));

    for secret in ["whsec_", ""] {
        let builder = Verifier::builder(providers::STANDARD_WEBHOOKS).key("a", Secret::new(secret));
        assert_eq!(fault(builder), ConfigError::EmptySecret { key: key("a") }, "{secret:?}");
    }
    for secret in ["whsec_!", "whsec_AQI", "AQI=\n"] {
        let builder = Verifier::builder(providers::STANDARD_WEBHOOKS).key("a", Secret::new(secret));
        assert_eq!(fault(builder), invalid(BASE64), "{secret:?}");
    }
    let length = |shortest, longest| ConfigError::SecretLength { key: key("a"), shortest, longest };
    let with = |scheme, secret: String| Verifier::builder(scheme).key("a", Secret::new(secret)).build().map(drop);
    // The decoded lengths are 23, 24, 64 and 65 bytes.
    for (digits, fits) in
        [("A".repeat(31) + "=", false), ("A".repeat(31) + "B", true), ("B".repeat(86) + "==", true), ("B".repeat(87) + "=", false)]
    {
        let secret = digits.replace("BB==", "BA==").replace("BB=", "BA=").replace("AA=", "EA=");
        let expected = if fits { Ok(()) } else { Err(length(24, 64)) };
        assert_eq!(with(providers::STANDARD_WEBHOOKS, format!("whsec_{secret}")), expected, "{secret}");
    }
    for (len, fits) in [(9, false), (10, true), (100, true), (101, false)] {
        assert_eq!(with(providers::TWITCH, "x".repeat(len)), if fits { Ok(()) } else { Err(length(10, 100)) }, "{len}");
    }
    assert_eq!(with(providers::WEBSUB, "x".repeat(199)), Ok(()));
    assert_eq!(with(providers::WEBSUB, "x".repeat(200)), Err(length(1, 199)));
    for secret in ["abc", "0x00", "xyz0", "00 00"] {
        assert_eq!(with(providers::ADYEN, secret.into()), Err(invalid(SecretForm::Hex)), "{secret}");
    }
    assert_eq!(with(providers::ADYEN, String::new()), Err(ConfigError::EmptySecret { key: key("a") }));
    assert_eq!(with(providers::ADYEN, "0000".into()), Err(ConfigError::EmptySecret { key: key("a") }));

    assert_eq!(fault(of(providers::SQUARE)), ConfigError::MissingUrl);
    assert_eq!(fault(jira().key("a", some()).url("https://a.example/")), ConfigError::UnusedUrl);
    assert_eq!(fault(jira().key("a", some()).base_url("https://a.example")), ConfigError::UnusedUrl);
    for url in ["", "a.example", "/hook", "https://a.example/ b", "https://a.example/#b", "HTTPS://a.example"] {
        assert_eq!(fault(of(providers::SQUARE).url(url)), ConfigError::InvalidUrl, "{url}");
    }
    // In these schemes, the body directly follows the URL.
    for scheme in [providers::SQUARE, providers::HUBSPOT_V3] {
        assert!(matches!(fault(of(scheme).base_url("https://a.example")), ConfigError::InvalidScheme { .. }));
    }
    assert_eq!(fault(jira().key("a", some()).tolerance(Duration::from_secs(1))), ConfigError::InvalidTolerance);
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    assert!(of(providers::SLACK).tolerance(year).build().is_ok());
    assert_eq!(fault(of(providers::SLACK).tolerance(year + Duration::from_nanos(1))), ConfigError::InvalidTolerance);
    // A NUL beside other bytes is an ordinary byte.
    assert!(jira().key("a", Secret::new("\0a")).build().is_ok());
}

/// The evidence of a provider is `Confirmed` exactly if the provider has published a value.
#[test]
fn every_provider_has_vectors_matching_its_evidence() {
    let (published, computed) = (vectors::published(), vectors::computed());
    for scheme in providers::ALL {
        let of = |vector: &vectors::Vector| vector.scheme == scheme.name();
        let confirmed = published.iter().any(|vector| of(vector) && vector.by.is_none() && vector.rejected.is_none());
        assert_eq!(scheme.evidence() == Evidence::Confirmed, confirmed, "{}", scheme.name());
        assert!(computed.iter().any(of), "{} has a computed vector", scheme.name());
        assert!(scheme.documentation().starts_with("https://"), "{}", scheme.name());
        assert_eq!(providers::ALL.iter().filter(|other| other.name() == scheme.name()).count(), 1, "{}", scheme.name());
    }
}

#[test]
fn schemes_with_a_common_header_cannot_share_a_verifier() {
    let any_of = |schemes: &[Scheme]| Verifier::any_of(schemes.iter().copied().map(verifier)).map(drop);
    let shared = |header| Err(ConfigError::SharedHeader { header });
    assert_eq!(any_of(&[]), Err(ConfigError::NoVerifier));
    assert_eq!(any_of(&[providers::JIRA]), Ok(()));
    assert_eq!(any_of(&[providers::GITHUB, providers::JIRA, providers::SVIX, providers::OPENAI, providers::GITLAB_TOKEN]), Ok(()));
    assert_eq!(any_of(&[providers::JIRA, providers::JIRA]), shared("X-Hub-Signature"));
    assert_eq!(any_of(&[providers::GITHUB, providers::JIRA, providers::WEBSUB]), shared("X-Hub-Signature"));
    // GitHub and Forgejo also send the header of the earlier scheme. The wrong scheme would verify their deliveries.
    assert_eq!(any_of(&[providers::JIRA, providers::GITHUB]), shared("X-Hub-Signature"));
    assert_eq!(any_of(&[providers::GITEA, providers::FORGEJO]), shared("X-Gitea-Signature"));
    assert_eq!(any_of(&[providers::GITHUB, providers::GITEA]), shared("X-Hub-Signature-256"));
    // A webhook of GitLab with a signing token and a secret token: the token must not decide.
    assert_eq!(any_of(&[providers::GITLAB_TOKEN, providers::GITLAB]), shared("X-Gitlab-Token"));
    assert_eq!(any_of(&[providers::GITLAB, providers::GITLAB_TOKEN]), Ok(()));
    assert_eq!(any_of(&[providers::FORGEJO, providers::GITEA, providers::GITHUB, providers::JIRA]), Ok(()));
    assert_eq!(any_of(&[providers::SVIX, providers::CLERK]), shared("svix-signature"));
    let other_case = Scheme::new("x", "x-hub-SIGNATURE");
    assert!(any_of(&[providers::JIRA, other_case]).is_err());
    let secondary = Scheme::new("x", "box-signature-secondary");
    assert!(any_of(&[providers::BOX, secondary]).is_err() && any_of(&[secondary, providers::BOX]).is_err());
    let seventh = Scheme::new("x", "x-docusign-signature-7");
    assert!(any_of(&[providers::DOCUSIGN, seventh]).is_err() && any_of(&[seventh, providers::DOCUSIGN]).is_err());
    assert_eq!(any_of(&[providers::DOCUSIGN, Scheme::new("x", "X-DocuSign-Signature-Version")]), Ok(()));
    // Combined verifiers are checked scheme by scheme.
    let two = Verifier::any_of([verifier(providers::GITHUB), verifier(providers::JIRA)]).unwrap();
    assert!(Verifier::any_of([two.clone(), verifier(providers::META)]).is_err());
    let three = Verifier::any_of([two, verifier(providers::SLACK)]).unwrap();
    assert_eq!(three.schemes().map(Scheme::name).collect::<Vec<_>>(), ["github", "jira", "slack"]);
    assert_eq!(three.body_limit(), 25 * 1024 * 1024);
}

#[test]
fn configured_tolerance_replaces_the_default() {
    let verifier = |seconds| builder(providers::PADDLE).tolerance(Duration::from_secs(seconds)).build().unwrap();
    let headers = signer(providers::PADDLE).sign_at(b"body", at(1_700_000_000));
    assert!(verifier(7).verify_at(&headers, b"body", at(1_700_000_007)).is_ok());
    assert_eq!(verifier(7).verify_at(&headers, b"body", at(1_700_000_008)).unwrap_err().kind(), RejectionKind::TimestampTooOld);
    assert!(verifier(0).verify_at(&headers, b"body", at(1_700_000_000)).is_ok());
}

/// Twitch calls its ids opaque, "not required to be in any particular format". Known ids are UUIDs, or 44 characters like this one.
/// <https://dev.twitch.tv/docs/eventsub/handling-webhook-events/#list-of-request-headers>
#[test]
fn twitch_id_of_padded_base64url_verifies() {
    let id = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd-_8=";
    let now = at(1_795_541_400);
    let headers = signer(providers::TWITCH).sign_as(id, b"body", now);
    let verified = verifier(providers::TWITCH).verify_at(&headers, b"body", now).unwrap();
    assert_eq!(verified.signed_id(), Some(id));
}

/// Bytes can move between adjacent parts without changing the signed text. Only the grammars of ids and timestamps reject such moves.
#[test]
fn grammars_divide_signed_parts_without_separators() {
    let time = "2026-11-24T17:30:00.5Z";
    let now = at(1_795_541_400);
    let kind = |scheme: Scheme, head: &[(&str, &str)], body: &[u8]| verifier(scheme).verify_at(head, body, now).unwrap_err().kind();
    let tag = |scheme: Scheme, text: &str| {
        let [secret, _] = vectors::secrets(scheme);
        let plain = Scheme::new("plain", "X-S").encoding(if scheme == providers::TWITCH { Encoding::Hex } else { Encoding::Base64 });
        let value = Signer::new(plain, secret).unwrap().sign(text.as_bytes()).remove(0).1;
        if scheme == providers::TWITCH { format!("sha256={value}") } else { value }
    };
    // Twitch: {id}{timestamp}{body}.
    let body = "2026-11-24T17:30:00.5Zbody";
    let value = tag(providers::TWITCH, &format!("id-1{time}{body}"));
    let twitch = |id: &'static str, stamp: &'static str| {
        vec![
            ("Twitch-Eventsub-Message-Id", id),
            ("Twitch-Eventsub-Message-Timestamp", stamp),
            ("Twitch-Eventsub-Message-Signature", value.leak_str()),
        ]
    };
    assert!(verifier(providers::TWITCH).verify_at(&twitch("id-1", time), body.as_bytes(), now).is_ok());
    assert_eq!(kind(providers::TWITCH, &twitch("id-12", &time[1..]), body.as_bytes()), RejectionKind::MalformedTimestamp);
    assert_eq!(kind(providers::TWITCH, &twitch("id-", "12026-11-24T17:30:00.5Z"), body.as_bytes()), RejectionKind::MalformedTimestamp);
    assert_eq!(kind(providers::TWITCH, &twitch("id-1", &time[..21]), format!("Z{body}").as_bytes()), RejectionKind::MalformedTimestamp);
    // The whole timestamp moves into the id. The timestamp at the start of the body takes its place.
    let extended_id = "id-12026-11-24T17:30:00.5Z";
    assert_eq!(kind(providers::TWITCH, &twitch(extended_id, time), b"body"), RejectionKind::MalformedId);
    // Box: {body}{timestamp}.
    let value = tag(providers::BOX, &format!("body{time}"));
    let boxed = |stamp: &'static str| vec![("BOX-DELIVERY-TIMESTAMP", stamp), ("BOX-SIGNATURE-PRIMARY", value.leak_str())];
    assert!(verifier(providers::BOX).verify_at(&boxed(time), b"body", now).is_ok());
    assert_eq!(kind(providers::BOX, &boxed("y2026-11-24T17:30:00.5Z"), b"bod"), RejectionKind::MalformedTimestamp);
    assert_eq!(kind(providers::BOX, &boxed(&time[1..]), b"body2"), RejectionKind::MalformedTimestamp);
    // Zendesk: {timestamp}{body}.
    let value = tag(providers::ZENDESK, &format!("{time}body"));
    let zendesk =
        |stamp: &'static str| vec![("X-Zendesk-Webhook-Signature-Timestamp", stamp), ("X-Zendesk-Webhook-Signature", value.leak_str())];
    assert!(verifier(providers::ZENDESK).verify_at(&zendesk(time), b"body", now).is_ok());
    assert_eq!(kind(providers::ZENDESK, &zendesk("2026-11-24T17:30:00.5Zb"), b"ody"), RejectionKind::MalformedTimestamp);
    assert_eq!(kind(providers::ZENDESK, &zendesk("2026-11-24T17:30:00.5"), b"Zbody"), RejectionKind::MalformedTimestamp);
    // HubSpot: {METHOD}{url}{body}{milliseconds}.
    let value = tag(providers::HUBSPOT_V3, &format!("POST{}body1795541400000", vectors::URL));
    let hubspot = |stamp: &'static str| vec![("X-HubSpot-Request-Timestamp", stamp), ("X-HubSpot-Signature-v3", value.leak_str())];
    assert!(verifier(providers::HUBSPOT_V3).verify_at(&hubspot("1795541400000"), b"body", now).is_ok());
    assert_eq!(kind(providers::HUBSPOT_V3, &hubspot("795541400000"), b"body1"), RejectionKind::TimestampTooOld);
    assert_eq!(kind(providers::HUBSPOT_V3, &hubspot("y1795541400000"), b"bod"), RejectionKind::MalformedTimestamp);
    assert_eq!(kind(providers::HUBSPOT_V3, &hubspot(""), b"body1795541400000"), RejectionKind::MalformedTimestamp);
}

trait LeakStr {
    fn leak_str(&self) -> &'static str;
}

impl LeakStr for String {
    fn leak_str(&self) -> &'static str {
        self.clone().leak()
    }
}

#[test]
fn malformed_method_or_target_is_rejected() {
    use RejectionKind as Kind;
    const SCHEME: Scheme = Scheme::new("canonical", "X-S").prefix(&[Part::Method, Part::Literal("\n"), Part::Url, Part::Literal("\n")]);
    struct Request<'a>(&'a str, &'a str, &'a [(String, String)]);
    impl RequestHead for Request<'_> {
        fn method(&self) -> &str {
            self.0
        }
        fn target(&self) -> &str {
            self.1
        }
        fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
            self.2.headers(index);
        }
    }
    let base = "https://a.example";
    let verifier = Verifier::builder(SCHEME).key("main", Secret::new(SECRET)).base_url(base).build().unwrap();
    let sign = |method: &str, target: &str, body: &[u8]| {
        Signer::builder(SCHEME, Secret::new(SECRET)).base_url(base, target).method(method).build().unwrap().sign(body)
    };
    for (method, target) in [("POST", "/"), ("GET", "/a/b?c=d%20e"), ("PROPFIND", "/?")] {
        let headers = sign(method, target, b"body");
        assert!(verifier.verify(&Request(method, target, &headers), b"body").is_ok(), "{method} {target}");
    }
    let cases = [
        ("", "/", Kind::MalformedMethod),
        ("post", "/", Kind::MalformedMethod),
        ("POST\n", "/", Kind::MalformedMethod),
        ("M-SEARCH", "/", Kind::MalformedMethod),
        ("POST", "", Kind::MalformedTarget),
        ("POST", "*", Kind::MalformedTarget),
        ("POST", "/\n", Kind::MalformedTarget),
        ("POST", "/#a", Kind::MalformedTarget),
        ("POST", "/{}", Kind::MalformedTarget),
        ("POST", "https://a.example/", Kind::MalformedTarget),
        ("POST", "/other", Kind::SignatureMismatch),
        ("PUT", "/", Kind::SignatureMismatch),
    ];
    let headers = sign("POST", "/", b"body");
    for (method, target, kind) in cases {
        assert_eq!(verifier.verify(&Request(method, target, &headers), b"body").unwrap_err().kind(), kind, "{method:?} {target:?}");
    }
}

#[test]
fn header_is_rejected_at_the_seventeenth_signature() {
    let value = signer(providers::PAGERDUTY).sign(b"body").remove(0).1;
    let kind = |value: String| {
        let verified = verifier(providers::PAGERDUTY).verify(&[("X-PagerDuty-Signature", value)], b"body");
        verified.map(drop).map_err(|rejection| rejection.kind())
    };
    let wrong = format!("v1={},", "0".repeat(64));
    assert_eq!(kind(wrong.repeat(15) + &value), Ok(()));
    assert_eq!(kind(wrong.repeat(16) + &value), Err(RejectionKind::TooManySignatures));
    assert_eq!(kind(wrong.repeat(5000) + &value), Err(RejectionKind::TooManySignatures));
    // Items of an unknown version are no candidates, and do not count.
    assert_eq!(kind("v2=x,".repeat(5000) + &value), Ok(()));
}

#[test]
fn delivery_in_flight_keeps_its_keys() {
    let verifier = verifier(providers::JIRA);
    let keys = verifier.keys();
    let delivery = Delivery::signed(&signer(providers::JIRA), "body");
    let begin = || {
        let mut received = Received::begin(&verifier, &delivery).unwrap();
        received.push(&b"body"[..]).unwrap();
        received
    };
    let before = begin();
    keys.replace([("new", Secret::new("another"))]).unwrap();
    let after = begin();
    assert_eq!(before.finish().unwrap().0.key_id(), "main");
    assert_eq!(after.finish().unwrap_err().kind(), RejectionKind::SignatureMismatch);
}

#[test]
fn invalid_key_change_changes_nothing() {
    let verifier = verifier(providers::JIRA);
    let keys = verifier.keys();
    let before = keys.list();
    let id = |id: &str| KeyId::from(id);
    assert_eq!(keys.add("main", Secret::new("other")), Err(ConfigError::DuplicateKeyId { key: id("main") }));
    assert_eq!(keys.add("new", Secret::new("")), Err(ConfigError::EmptySecret { key: Some(id("new")) }));
    assert_eq!(keys.retire("unknown"), Err(ConfigError::UnknownKey { key: id("unknown") }));
    assert_eq!(keys.expire("unknown", SystemTime::now()), Err(ConfigError::UnknownKey { key: id("unknown") }));
    assert_eq!(keys.retire("main"), Err(ConfigError::NoKey));
    assert_eq!(keys.replace(Vec::<(KeyId, Secret)>::new()), Err(ConfigError::NoKey));
    let twice = ["a", "b", "a"].map(|id| (id, Secret::new(id)));
    assert_eq!(keys.replace(twice), Err(ConfigError::DuplicateKeyId { key: id("a") }));
    let empty = [("a", Secret::new("a")), ("b", Secret::new(""))];
    assert_eq!(keys.replace(empty), Err(ConfigError::EmptySecret { key: Some(id("b")) }));
    assert_eq!(keys.list(), before);
    let shown = format!("{keys:?}");
    assert!(shown.contains("main") && !shown.contains(SECRET), "{shown}");
}

#[test]
fn key_expires_exactly_at_its_time() {
    let until = at(1_700_000_000);
    let builder = Verifier::builder(providers::JIRA).key_until("old", Secret::new(SECRET), until).key("new", Secret::new("new"));
    let verifier = builder.build().unwrap();
    let headers = signer(providers::JIRA).sign(b"body");
    let verdict = |now| verifier.verify_at(&headers, b"body", now).map(drop).map_err(|rejection| rejection.kind());
    assert_eq!(verdict(until - Duration::from_nanos(1)), Ok(()));
    assert_eq!(verdict(until), Err(RejectionKind::SignatureMismatch));
    assert_eq!(verifier.keys().list()[0].expires(), Some(until));
    // The expiry is long past by the clock of this machine.
    assert_eq!(verifier.verify(&headers, b"body").unwrap_err().kind(), RejectionKind::SignatureMismatch);
    verifier.keys().retire("new").unwrap();
    assert_eq!(verdict(until), Err(RejectionKind::KeysExpired));
    let tokens = Verifier::builder(providers::GITLAB_TOKEN).key_until("old", Secret::new("token"), until).build().unwrap();
    let token = [("X-Gitlab-Token", "token")];
    assert!(tokens.verify_at(&token, b"", until - Duration::from_secs(1)).is_ok());
    assert_eq!(tokens.verify_at(&token, b"", until).unwrap_err().kind(), RejectionKind::KeysExpired);
}

#[test]
fn rejection_of_an_unsigned_delivery_names_the_tenant() {
    let template = |scheme| Verifier::builder(scheme).build_template().unwrap();
    let acme = |scheme| template(scheme).for_tenant("acme", [("k", Secret::new(SECRET))]).unwrap();
    let several = Verifier::any_of([acme(providers::GITHUB), acme(providers::JIRA)]).unwrap();
    for verifier in [acme(providers::JIRA), several] {
        let none: [(&str, &str); 0] = [];
        assert_eq!(verifier.verify(&none, b"").unwrap_err().tenant(), Some("acme"), "{verifier:?}");
    }
}

#[test]
fn last_match_follows_the_secret_and_not_the_id() {
    for scheme in [providers::JIRA, providers::GITLAB_TOKEN] {
        let [first, second] = ["the first secret, and no other", "the second secret, and no other"].map(Secret::new);
        let verifier = Verifier::builder(scheme).key("current", first.clone()).build().unwrap();
        let (keys, sent) = (verifier.keys(), Signer::new(scheme, first.clone()).unwrap().sign(b"body"));
        let matched = || keys.list().iter().map(|key| (key.id().to_string(), key.last_matched().is_some())).collect::<Vec<_>>();
        let expected = |keys: &[(&str, bool)]| keys.iter().map(|(id, matched)| ((*id).to_owned(), *matched)).collect::<Vec<_>>();
        verifier.verify(&sent, b"body").unwrap();
        assert_eq!(matched(), expected(&[("current", true)]));
        // Files of a rotation: the id of the old secret now names the new secret.
        keys.replace([("current", second.clone()), ("previous", first.clone())]).unwrap();
        assert_eq!(matched(), expected(&[("current", false), ("previous", true)]), "{}", scheme.name());
        keys.replace([("current", second), ("another", first.clone()), ("previous", first.clone())]).unwrap();
        assert_eq!(matched(), expected(&[("current", false), ("another", true), ("previous", true)]), "{}", scheme.name());
        // Two ids with one secret share the time of the last match. Each id keeps this time without the other id.
        for left in ["a", "b", "c"] {
            let twice = Verifier::builder(scheme).key("a", first.clone()).key("b", first.clone()).build().unwrap();
            twice.verify(&sent, b"body").unwrap();
            twice.keys().replace([(left, first.clone())]).unwrap();
            assert!(twice.keys().list()[0].last_matched().is_some(), "{left}");
        }
        // A delivery in flight during the change also records its match.
        let verifier = Verifier::builder(scheme).key("a", first.clone()).build().unwrap();
        let mut begun = verifier.begin(&sent).unwrap();
        verifier.keys().replace([("b", first)]).unwrap();
        begun.update(b"body");
        begun.finish().unwrap();
        assert!(verifier.keys().list()[0].last_matched().is_some(), "{}", scheme.name());
    }
}

#[test]
fn each_scheme_changes_keys_through_its_own_handle() {
    let (github, jira) = (verifier(providers::GITHUB), verifier(providers::JIRA));
    let (github_keys, jira_keys) = (github.keys(), jira.keys());
    let both = Verifier::any_of([github, jira]).unwrap();
    jira_keys.replace([("new", Secret::new("another"))]).unwrap();
    let kind = |scheme| {
        let delivery = Delivery::signed(&signer(scheme), "body");
        both.verify(&delivery, b"body").map(|verified| verified.key_id().to_string()).map_err(|rejection| rejection.kind())
    };
    assert_eq!(kind(providers::JIRA), Err(RejectionKind::SignatureMismatch));
    assert_eq!(kind(providers::GITHUB), Ok("main".into()));
    assert!(github_keys.list()[0].last_matched().is_some() && jira_keys.list()[0].last_matched().is_none());
}

#[test]
fn concurrent_key_changes_are_neither_lost_nor_torn() {
    let verifier = verifier(providers::JIRA);
    let headers = signer(providers::JIRA).sign(b"body");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let keys = verifier.keys();
            scope.spawn(move || {
                for round in 0..100 {
                    let id = format!("{thread}-{round}");
                    keys.add(id.as_str(), Secret::new(id.clone())).unwrap();
                    if round % 2 == 0 {
                        keys.retire(&id).unwrap();
                    }
                }
            });
        }
        for _ in 0..400 {
            assert_eq!(verifier.verify(&headers, b"body").unwrap().key_id(), "main");
        }
    });
    assert_eq!(verifier.keys().list().len(), 1 + 4 * 50);
}

#[test]
fn hint_names_the_probable_cause() {
    let last = LastHint::default();
    let hint = |builder: countersign::VerifierBuilder, delivery: &Delivery| {
        let verifier = builder.observer(last.clone()).build().unwrap();
        let begun = Received::begin(&verifier, delivery);
        let judged = begun.and_then(|mut received| received.push(&delivery.whole_body()[..]).and_then(|()| received.finish()));
        assert!(judged.is_err());
        last.take()
    };
    let jira = || builder(providers::JIRA).hints();
    let signed = || Delivery::signed(&signer(providers::JIRA), "body");
    let padded = |secret: &str| Verifier::builder(providers::JIRA).key("k", Secret::new(secret)).hints();
    for secret in [format!("{SECRET}\n"), format!(" {SECRET}"), format!("\t{SECRET}\r\n")] {
        assert_eq!(hint(padded(&secret), &signed()), Some(Hint::SecretHasWhiteSpace), "{secret:?}");
    }
    assert_eq!(hint(padded("quite another\n"), &signed()), None);
    assert_eq!(hint(jira(), &signed().body("forged")), None);
    assert_eq!(hint(jira(), &signed().body("")), Some(Hint::EmptyBody));
    assert_eq!(hint(jira(), &signed().body("zip").header("Content-Encoding", "gzip")), Some(Hint::ContentEncoding));
    assert_eq!(hint(jira(), &Delivery::unsigned("body")), None);
    let other = |scheme| Delivery::signed(&signer(scheme), "body");
    assert_eq!(hint(jira(), &other(providers::GITHUB)), Some(Hint::OtherProvider("github")));
    assert_eq!(hint(jira(), &other(providers::STRIPE)), Some(Hint::OtherProvider("stripe")));
    // No hint names a provider with the same header.
    assert_eq!(hint(jira(), &other(providers::INTERCOM)), None);
    for value in ["JWT eyJhbGciOiJIUzI1NiJ9.e30.x", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x"] {
        assert_eq!(hint(jira(), &Delivery::unsigned("body").header("Authorization", value)), Some(Hint::Jwt));
    }
    assert_eq!(hint(jira(), &Delivery::unsigned("body").header("Authorization", "Basic eDp5")), None);
    // Without `hints`, no hint is given.
    assert_eq!(hint(builder(providers::JIRA), &other(providers::GITHUB)), None);
    assert_eq!(hint(builder(providers::JIRA), &signed().body("")), None);
}

#[test]
fn hints_are_rare_in_a_flood() {
    let last = LastHint::default();
    let verifier = builder(providers::JIRA).hints().observer(last.clone()).build().unwrap();
    let delivery = Delivery::signed(&signer(providers::GITHUB), "body");
    let hinted = (0..1000).filter(|_| {
        assert!(Received::begin(&verifier, &delivery).is_err());
        last.take().is_some()
    });
    assert!((10..100).contains(&hinted.count()));
}

#[test]
fn verified_deliveries_use_up_no_hints() {
    let last = LastHint::default();
    let verifier = builder(providers::JIRA).hints().observer(last.clone()).build().unwrap();
    let good = Delivery::signed(&signer(providers::JIRA), "body");
    for _ in 0..10_000 {
        verifier.verify(&good, b"body").unwrap();
    }
    let rejection = verifier.verify(&good, b"").unwrap_err();
    verifier.report(&rejection);
    assert_eq!(last.take(), Some(Hint::EmptyBody));
}

#[test]
fn tokens_of_any_length_are_compared() {
    let builder = Verifier::builder(providers::GITLAB_TOKEN).key("new", Secret::new("new token")).key("old", Secret::new("old"));
    let verifier = builder.build().unwrap();
    let verdict = |token: &[u8]| verifier.verify(&[("x-gitlab-token", token)], b"").map(|verified| verified.key_id().to_string());
    assert_eq!(verdict(b"new token").unwrap(), "new");
    assert_eq!(verdict(b"old").unwrap(), "old");
    for token in [&b"new toke"[..], b"new token ", b"New token", b"new token\0", b"\xff", b"old\0", &[b'x'; 10_000]] {
        assert_eq!(verdict(token).unwrap_err().kind(), RejectionKind::TokenMismatch);
    }
    assert_eq!(verdict(b"").unwrap_err().kind(), RejectionKind::MissingSignature);
    for unsendable in ["token\n", "\u{e9}", "a\0"] {
        let builder = Verifier::builder(providers::GITLAB_TOKEN).key("a", Secret::new(unsendable));
        assert_eq!(builder.build().unwrap_err(), ConfigError::InvalidSecret { key: Some("a".into()), expected: SecretForm::Verbatim });
    }
    let sent = Signer::new(providers::GITLAB_TOKEN, Secret::new("new token")).unwrap().sign(b"");
    assert_eq!(sent, [("X-Gitlab-Token".to_owned(), "new token".to_owned())]);
}

#[test]
fn signer_rejects_the_same_configurations_as_a_verifier() {
    assert_eq!(Signer::new(providers::JIRA, Secret::new("")).unwrap_err(), ConfigError::EmptySecret { key: None });
    assert_eq!(
        Signer::new(providers::STANDARD_WEBHOOKS, Secret::new("!")).unwrap_err(),
        ConfigError::InvalidSecret { key: None, expected: BASE64 }
    );
    let unsupported = Signer::builder(providers::GITHUB, Secret::new("s")).algorithm(Algorithm::Sha1).build().unwrap_err();
    assert_eq!(unsupported, ConfigError::UnsupportedAlgorithm { algorithm: Algorithm::Sha1 });
    for faulty in [Scheme::new("x", "X-S").prefix(&[Part::Id]), Scheme::new("x", "X-S").tagged(b'=', &[])] {
        assert!(matches!(Signer::new(faulty, Secret::new("s")), Err(ConfigError::InvalidScheme { .. })));
    }
    let none_by_default = Scheme::method_signature("x", "X-S").default_algorithms(&[]);
    assert_eq!(Signer::new(none_by_default, Secret::new("s")).unwrap_err(), ConfigError::NothingAllowed);
    let sha1_alone = Signer::new(Scheme::new("old", "X-Old").bare(Algorithm::Sha1), Secret::new("s")).unwrap();
    assert_eq!(sha1_alone.sign(b"")[0].1.len(), 40);
    assert_eq!(Signer::new(providers::SQUARE, Secret::new("s")).unwrap_err(), ConfigError::MissingUrl);
    let unused = Signer::builder(providers::JIRA, Secret::new("s")).url("https://a.example").build().unwrap_err();
    assert_eq!(unused, ConfigError::UnusedUrl);
}

#[test]
fn errors_name_the_key_and_never_the_secret() {
    let error = Verifier::builder(providers::STANDARD_WEBHOOKS).key("2026-11", Secret::new("swordfish!")).build().unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("2026-11") && !text.contains("swordfish"), "{text}");
}

#[test]
fn values_in_extensions_are_clone_send_and_sync() {
    fn shareable<T: Clone + Send + Sync + 'static>() {}
    fn sendable<T: Send + Sync + 'static>() {}
    fn movable<T: Send + 'static>() {}
    shareable::<Verifier>();
    shareable::<Verified>();
    shareable::<Rejection>();
    shareable::<Signer>();
    sendable::<countersign::Verification>();
    movable::<Receive>();
}

#[test]
fn trait_objects_slices_arrays_and_vectors_are_request_heads() {
    let verifier = verifier(providers::JIRA);
    let headers = signer(providers::JIRA).sign(b"body");
    let array: [(String, String); 1] = [headers[0].clone()];
    let object: &dyn RequestHead = &headers;
    assert!(verifier.verify(object, b"body").is_ok());
    assert!(verifier.verify(&headers, b"body").is_ok());
    assert!(verifier.verify(&array, b"body").is_ok());
    assert!(verifier.verify(&headers[..], b"body").is_ok());
    assert!(verifier.verify(&&headers, b"body").is_ok());
    assert_eq!((object.method(), object.target()), ("POST", "/"));
}

#[test]
fn tolerance_ends_after_its_last_instant() {
    let verifier = verifier(providers::SLACK);
    let (signed, tolerance, instant) = (at(1_700_000_000), Duration::from_secs(300), Duration::from_nanos(1));
    let headers = signer(providers::SLACK).sign_at(b"body", signed);
    let verdict = |now| verifier.verify_at(&headers, b"body", now).map(|_| ()).map_err(|rejection| rejection.kind());
    assert_eq!(verdict(signed + tolerance), Ok(()));
    assert_eq!(verdict(signed - tolerance), Ok(()));
    assert_eq!(verdict(signed + tolerance + instant), Err(RejectionKind::TimestampTooOld));
    assert_eq!(verdict(signed - tolerance - instant), Err(RejectionKind::TimestampTooNew));
    // A clock far off causes a rejection, and no panic.
    assert_eq!(verdict(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), Err(RejectionKind::TimestampTooNew));
    assert_eq!(verdict(at(1 << 40)), Err(RejectionKind::TimestampTooOld));
}

#[test]
fn digits_cannot_move_between_a_timestamp_and_the_body() {
    let time = 1_700_000_000;
    let before = Scheme::new("b", "X-S").prefix(&[Part::Timestamp]).timestamp_header("X-T", Duration::from_secs(300));
    let after = Scheme::new("a", "X-S").suffix(&[Part::Timestamp]).timestamp_header("X-T", Duration::from_secs(300));
    for (scheme, forgeries) in [
        (before, [("17000000001", "23", RejectionKind::TimestampTooNew), ("170000000", "0123", RejectionKind::TimestampTooOld)]),
        (after, [("31700000000", "12", RejectionKind::TimestampTooNew), ("700000000", "1231", RejectionKind::TimestampTooOld)]),
    ] {
        let headers = signer(scheme).sign_at(b"123", at(time));
        let value = headers.iter().find(|(name, _)| *name == "X-S").unwrap().1.as_str();
        let verdict = |stamp: &str, body: &str, now| verifier(scheme).verify_at(&[("X-T", stamp), ("X-S", value)], body.as_bytes(), now);
        assert!(verdict("1700000000", "123", at(time)).is_ok());
        for (stamp, body, kind) in forgeries {
            assert_eq!(verdict(stamp, body, at(time)).unwrap_err().kind(), kind);
            // The signed text is the same, so only the clock rejects the forgery.
            assert!(verdict(stamp, body, at(stamp.parse().unwrap())).is_ok());
        }
    }
}

#[test]
fn text_can_be_signed_behind_the_body() {
    const SUFFIXED: Scheme = Scheme::new("suffixed", "X-Signature")
        .suffix(&[Part::Literal("."), Part::Timestamp])
        .timestamp_header("X-Timestamp", Duration::from_secs(300));
    let verifier = verifier(SUFFIXED);
    let headers = signer(SUFFIXED).sign_at(b"body", at(1_700_000_000));
    assert!(verifier.verify_at(&headers, b"body", at(1_700_000_000)).is_ok());
    // A signer for Jira signs the same text, as a body.
    let plain = signer(providers::JIRA).sign(b"body.1700000000").remove(0).1;
    assert_eq!(format!("sha256={}", headers.iter().find(|(name, _)| *name == "X-Signature").unwrap().1), plain);
    let moved = [(&headers[0].0, "1700000001"), (&headers[1].0, headers[1].1.as_str())];
    let rejected = verifier.verify_at(&moved, b"body", at(1_700_000_000)).unwrap_err();
    assert_eq!(rejected.kind(), RejectionKind::SignatureMismatch);
}

#[test]
fn overflow_frees_the_kept_body_and_ends_the_delivery() {
    let verifier = builder(providers::JIRA).body_limit(4).build().unwrap();
    let head = signer(providers::JIRA).sign(b"body");
    let (source, mut receive) = (VerifierSource::from(verifier), Receive::new());
    let options = ReceiveOptions { deadline: None, drain: None, ..ReceiveOptions::new(source.clone()) };
    let mut cx = Context::from_waker(Waker::noop());
    let mut poll = |chunks: Vec<Bytes>, last: Poll<Option<io::Result<Bytes>>>| {
        let mut steps: VecDeque<_> = chunks.into_iter().map(|chunk| Poll::Ready(Some(Ok(chunk)))).chain([last]).collect();
        receive.poll(&mut cx, &options, &head, &mut |_: &mut Context<'_>| steps.pop_front().unwrap(), &mut NoTimer)
    };
    let chunk = Bytes::from(b"body".to_vec());
    assert!(poll(vec![chunk.clone()], Poll::Pending).is_pending());
    assert!(!chunk.is_unique());
    let rejected = poll(vec![Bytes::from_static(b"!")], Poll::Pending);
    assert!(matches!(rejected, Poll::Ready(Err(rejection)) if rejection.kind() == RejectionKind::BodyTooLarge));
    assert!(chunk.is_unique());
    // The outcome is returned only once.
    assert!(poll(Vec::new(), Poll::Ready(None)).is_pending());
}

#[test]
fn algorithm_listed_twice_is_hashed_once() {
    let verifier = builder(providers::JIRA).algorithms([Algorithm::Sha256, Algorithm::Sha512, Algorithm::Sha256]).build().unwrap();
    assert!(format!("{verifier:?}").contains("[Sha256, Sha512]"), "{verifier:?}");
}

#[test]
fn bytes_cannot_move_between_a_signed_id_and_the_body() {
    const DOTTED: Scheme = Scheme::new("dotted", "X-S").prefix(&[Part::Id, Part::Literal(".")]).id_header("X-Id");
    let headers = signer(DOTTED).sign_as("msg_1", b"abc.d", at(1));
    let value = headers.iter().find(|(name, _)| *name == "X-S").unwrap().1.as_str();
    let verdict = |id: &str, body: &[u8]| verifier(DOTTED).verify(&[("X-Id", id), ("X-S", value)], body).map(|_| ());
    assert!(verdict("msg_1", b"abc.d").is_ok());
    assert_eq!(verdict("msg_1.abc", b"d").unwrap_err().kind(), RejectionKind::MalformedId);
    assert_eq!(verdict("msg_1abc", b"d").unwrap_err().kind(), RejectionKind::SignatureMismatch);
    assert_eq!(verdict("msg", b"_1.abc.d").unwrap_err().kind(), RejectionKind::SignatureMismatch);
    // Without the dot, bytes could move between id and body, so `build` rejects the scheme.
    let touching = Scheme::new("x", "X-S").prefix(&[Part::Id]).id_header("X-Id");
    let touching = Verifier::builder(touching).key("main", Secret::new(SECRET));
    assert!(matches!(touching.build(), Err(ConfigError::InvalidScheme { .. })));
}

#[test]
fn empty_item_is_malformed_and_leading_spaces_are_skipped() {
    use RejectionKind as Kind;
    const COMMAS: Scheme = Scheme::new("commas", "X-S").tagged(b'=', &[("v1", Algorithm::Sha256)]).list(b',');
    const SPACES: Scheme = Scheme::new("spaces", "X-S").tagged(b'=', &[("v1", Algorithm::Sha256)]).list(b' ');
    let right = signer(COMMAS).sign(b"body").remove(0).1;
    let judged = |scheme, value: &str| verifier(scheme).verify(&[("X-S", value)], b"body").map(drop).map_err(|rejection| rejection.kind());
    for (scheme, value, expected) in [
        (COMMAS, "v2=a, v3=b", Err(Kind::UnknownAlgorithm)),
        (COMMAS, "v2=a, ,v3=b", Err(Kind::MalformedSignature)),
        (COMMAS, "v2=a,", Err(Kind::MalformedSignature)),
        (COMMAS, " ", Err(Kind::MalformedSignature)),
        (SPACES, "v2=a v3=b", Err(Kind::UnknownAlgorithm)),
        (SPACES, "v2=a  v3=b", Err(Kind::MalformedSignature)),
        (SPACES, " v2=a", Err(Kind::MalformedSignature)),
        (SPACES, " ", Err(Kind::MalformedSignature)),
        (COMMAS, &format!("  {right}"), Ok(())),
        (COMMAS, &format!("v2=a,   {right},"), Ok(())),
        (COMMAS, &format!("{right} "), Err(Kind::SignatureLength)),
        (SPACES, &format!("  {right} "), Ok(())),
    ] {
        assert_eq!(judged(scheme, value), expected, "{value:?}");
    }
}

#[test]
fn content_length_can_be_the_signature_header() {
    const ODD: Scheme = Scheme::new("odd", "Content-Length");
    let head = signer(ODD).sign(b"body");
    assert!(verifier(ODD).verify(&head, b"body").is_ok());
    assert_eq!(verifier(ODD).verify(&head, b"bod").unwrap_err().kind(), RejectionKind::SignatureMismatch);
    let mut received = Received::begin(&verifier(ODD), &head).unwrap();
    received.push(&b"body"[..]).unwrap();
    assert!(received.finish().is_ok());
    // A value of digits still counts as a length.
    let digits = [("content-length", "1".repeat(64))];
    assert_eq!(Received::begin(&verifier(ODD), &digits).map(drop).unwrap_err().kind(), RejectionKind::BodyTooLarge);
}

#[test]
fn single_chunk_is_handed_on_without_a_copy() {
    let body = bytes::Bytes::from(vec![b'x'; 1000]);
    let mut received = Received::begin(&verifier(providers::JIRA), signer(providers::JIRA).sign(&body)).unwrap();
    received.push(body.clone()).unwrap();
    assert_eq!(received.finish().unwrap().1.as_ptr(), body.as_ptr());
}

#[test]
fn verifier_reports_its_settings() {
    let verifier = builder(providers::JIRA).key("old", Secret::new("old")).body_limit(7).build().unwrap();
    assert_eq!(verifier.schemes().collect::<Vec<_>>(), [&providers::JIRA]);
    assert_eq!(providers::JIRA.header(), "X-Hub-Signature");
    assert_eq!(verifier.keys().list().iter().map(|key| key.id().to_string()).collect::<Vec<_>>(), ["main", "old"]);
    assert_eq!(verifier.body_limit(), 7);
    let shown = format!("{verifier:?}");
    assert!(shown.contains("jira") && shown.contains("old") && !shown.contains(SECRET), "{shown}");
}

/// A failing body. `BY_LIMIT` marks the error as a length limit of the application.
struct Failed<const BY_LIMIT: bool>(Option<Arc<io::Error>>);

impl<const BY_LIMIT: bool> BodySource for Failed<BY_LIMIT> {
    type Data = Bytes;
    type Error = Arc<io::Error>;

    fn poll_data(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Arc<io::Error>>>> {
        Poll::Ready(self.0.take().map(Err))
    }

    fn is_length_limit(_: &(dyn std::error::Error + 'static)) -> bool {
        BY_LIMIT
    }
}

#[test]
fn rejections_keep_the_underlying_cause() {
    let inner = Arc::new(io::Error::from(io::ErrorKind::ConnectionReset));
    let (verifiers, head) = (VerifierSource::from(verifier(providers::JIRA)), signer(providers::JIRA).sign(b"body"));
    let options = ReceiveOptions { deadline: None, drain: None, ..ReceiveOptions::new(verifiers.clone()) };
    let mut cx = Context::from_waker(Waker::noop());
    let mut failed = Failed::<true>(Some(Arc::clone(&inner)));
    let Poll::Ready(Err(rejection)) = Receive::new().poll(&mut cx, &options, &head, &mut failed, &mut NoTimer) else {
        panic!("the body fails")
    };
    assert_eq!(rejection.kind(), RejectionKind::BodyTooLarge);
    let mut failed = Failed::<false>(Some(inner));
    let Poll::Ready(Err(rejection)) = Receive::new().poll(&mut cx, &options, &head, &mut failed, &mut NoTimer) else {
        panic!("the body fails")
    };
    assert_eq!((rejection.kind(), rejection.scheme()), (RejectionKind::BodyUnreadable, "jira"));
    assert_eq!(rejection.to_string(), "the body broke off or could not be read");
    assert_eq!(std::error::Error::source(&rejection).unwrap().to_string(), "connection reset");
}

#[test]
fn signer_sends_the_headers_of_its_scheme() {
    let names = |scheme| signer(scheme).sign(b"").into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(providers::GITHUB), ["X-Hub-Signature-256"]);
    assert_eq!(names(providers::SLACK), ["X-Slack-Request-Timestamp", "X-Slack-Signature"]);
    assert_eq!(names(providers::STANDARD_WEBHOOKS), ["webhook-id", "webhook-timestamp", "webhook-signature"]);
    // A time before 1970 has no timestamp, so the signer sends 0.
    let early = signer(providers::SLACK).sign_at(b"", SystemTime::UNIX_EPOCH - Duration::from_secs(5));
    assert_eq!(early[0].1, "0");
}

/// A head that panics on every access to the target.
struct FieldsOnly(Vec<(String, String)>);

impl RequestHead for FieldsOnly {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &'static str {
        panic!("a verifier with a list of fields never reads the target")
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        self.0.headers(index);
    }
}

#[test]
fn fields_name_every_header_read_by_a_verifier() {
    const CANONICAL: Scheme = Scheme::new("canonical", "X-Signature").prefix(&[Part::Url, Part::Literal("\n")]);
    let fields = |verifier: &Verifier| VerifierSource::from(verifier.clone()).fields();
    for scheme in providers::ALL {
        let verifier = verifier(*scheme);
        let Some(fields) = fields(&verifier) else {
            assert!(scheme.has_numbered_headers(), "{}", scheme.name());
            continue;
        };
        let unsigned = [scheme.unsigned_delivery_id_header(), scheme.unsigned_event_header()];
        let mut sent = signer(*scheme).sign(b"body");
        sent.extend(unsigned.into_iter().flatten().map(|name| (name.to_owned(), "said".to_owned())));
        let judged = |keep: &dyn Fn(&str) -> bool| {
            let head = FieldsOnly(sent.iter().filter(|(name, _)| keep(name)).cloned().collect());
            format!("{:?}", verifier.verify(&head, b"body"))
        };
        let whole = judged(&|_| true);
        assert!(whole.starts_with("Ok"), "{whole}");
        // The listed fields suffice, and every sent field is necessary.
        assert_eq!(judged(&|name| fields.iter().any(|known| known.eq_ignore_ascii_case(name))), whole);
        for field in sent.iter().map(|(name, _)| name) {
            assert_ne!(judged(&|name| name != field), whole, "{}: {field}", scheme.name());
        }
        let count = scheme.signature_headers().len() + sent.len();
        assert!(fields.contains(&"content-length") && fields.len() <= count, "{}: {fields:?}", scheme.name());
    }
    let several = Verifier::any_of([providers::JIRA, providers::STRIPE].map(verifier)).unwrap();
    assert_eq!(fields(&several).unwrap(), ["content-length", "Stripe-Signature", "X-Atlassian-Webhook-Identifier", "X-Hub-Signature"]);
    assert_eq!(fields(&builder(providers::JIRA).hints().build().unwrap()), None, "hints read every field");
    let based = Verifier::builder(CANONICAL).key("main", Secret::new(SECRET)).base_url("https://example.com").build().unwrap();
    assert_eq!(fields(&based), None, "the target is signed");
}

#[test]
fn content_length_at_limit_or_budget_is_accepted() {
    let mut head = signer(providers::JIRA).sign(b"body");
    head.push(("content-length".into(), "4".into()));
    let begun = |builder: VerifierBuilder| Received::begin(&builder.build().unwrap(), &head).map_err(|rejection| rejection.kind()).err();
    assert_eq!(begun(builder(providers::JIRA).body_limit(4)), None);
    assert_eq!(begun(builder(providers::JIRA).body_limit(3)), Some(RejectionKind::BodyTooLarge));
    assert_eq!(begun(builder(providers::JIRA).memory_budget(MemoryBudget::new(4))), None);
    assert_eq!(begun(builder(providers::JIRA).memory_budget(MemoryBudget::new(3))), Some(RejectionKind::BodyTooLarge));
    // Another delivery holds one byte of the budget.
    let budget = MemoryBudget::new(4);
    let verifier = builder(providers::JIRA).memory_budget(budget.clone()).build().unwrap();
    let mut other = Received::begin(&verifier, signer(providers::JIRA).sign(b"x")).unwrap();
    other.push(&b"x"[..]).unwrap();
    assert_eq!(begun(builder(providers::JIRA).memory_budget(budget)), Some(RejectionKind::BudgetExhausted));
}

#[test]
fn scheme_reports_header_names_and_timestamps_to_tools() {
    let headers = |scheme: &Scheme| [scheme.signed_id_header(), scheme.unsigned_delivery_id_header(), scheme.unsigned_event_header()];
    assert_eq!(headers(&providers::GITHUB), [None, Some("X-GitHub-Delivery"), Some("X-GitHub-Event")]);
    assert_eq!(headers(&providers::STANDARD_WEBHOOKS), [Some("webhook-id"), None, None]);

    let time = |scheme: Scheme, fields: &[(&str, &str)]| scheme.unverified_timestamp(&fields).map(<[u8]>::to_vec);
    let (slack, paddle) = ("X-Slack-Request-Timestamp", "Paddle-Signature");
    assert_eq!(time(providers::SLACK, &[(slack, "12")]), Some(b"12".to_vec()));
    assert_eq!(time(providers::SLACK, &[(slack, "12"), (slack, "12")]), None);
    assert_eq!(time(providers::SLACK, &[("X-Slack-Signature", "v0=00")]), None);
    for value in ["ts=12;h1=00", "h1=00; ts=12", "ts=12;ts=13"] {
        assert_eq!(time(providers::PADDLE, &[(paddle, value)]), Some(b"12".to_vec()), "{value}");
    }
    for value in ["h1=00", "tsx=12", "12", ""] {
        assert_eq!(time(providers::PADDLE, &[(paddle, value)]), None, "{value}");
    }
    assert_eq!(time(providers::JIRA, &[("X-Hub-Signature", "sha256=00")]), None);
}

#[test]
fn generated_secret_has_the_form_of_the_provider() {
    let random = [0xab; 32];
    assert_eq!(providers::JIRA.secret_of(&random), "ab".repeat(32));
    let base64 = providers::STANDARD_WEBHOOKS.secret_of(&random);
    assert_eq!(base64, format!("whsec_{}=", "q6ur".repeat(10) + "q6s"));
    for scheme in providers::ALL {
        let built = Signer::new(*scheme, Secret::new(scheme.secret_of(&random)));
        assert!(built.is_ok() || scheme.signs_url(), "{}", scheme.name());
    }
}

#[test]
fn finished_delivery_is_pending_on_further_polls() {
    let verifier = verifier(providers::JIRA);
    let headers = signer(providers::JIRA).sign(b"body");
    let verifiers = VerifierSource::from(verifier);
    let options = ReceiveOptions { deadline: None, drain: None, insecure_report_only: true, ..ReceiveOptions::new(verifiers.clone()) };
    for (body, verifies, waits) in [("body", true, false), ("bod", false, false), ("body", true, true), ("bod", false, true)] {
        let mut receive = Receive::new();
        let mut cx = Context::from_waker(Waker::noop());
        let mut poll = |pending_first: bool| {
            let mut chunks = VecDeque::from([Ok::<_, io::Error>(Bytes::from(body))]);
            let mut pending = pending_first;
            let mut next = |_: &mut Context<'_>| if std::mem::take(&mut pending) { Poll::Pending } else { Poll::Ready(chunks.pop_front()) };
            receive.poll(&mut cx, &options, &headers, &mut next, &mut NoTimer)
        };
        if waits {
            assert!(poll(true).is_pending());
        }
        assert!(matches!(poll(false), Poll::Ready(Ok(outcome)) if matches!(outcome, Outcome::Verified(..)) == verifies));
        assert!(poll(false).is_pending() && poll(true).is_pending());
    }
}

#[test]
fn content_length_is_checked_without_any_signature_header() {
    let verifier = Verifier::any_of([builder(providers::GITHUB).build().unwrap(), builder(providers::SLACK).build().unwrap()]).unwrap();
    let options = ReceiveOptions { insecure_report_only: true, ..ReceiveOptions::new(verifier) };
    let mut cx = Context::from_waker(Waker::noop());
    let head = [("content-length", "4000000000")];
    let polled = Receive::new().poll_head(&mut cx, &options, &head, &mut NoTimer);
    assert!(matches!(polled, Poll::Ready(Err(rejection)) if rejection.kind() == RejectionKind::BodyTooLarge));
}

#[test]
fn head_is_checked_once_and_the_body_comes_later() {
    let options = ReceiveOptions { deadline: None, ..ReceiveOptions::new(verifier(providers::JIRA)) };
    let head = signer(providers::JIRA).sign(b"body");
    let (mut receive, mut cx) = (Receive::default(), Context::from_waker(Waker::noop()));
    assert!(matches!(receive.poll_head(&mut cx, &options, &head, &mut NoTimer), Poll::Ready(Ok(()))));
    assert!(receive.poll_head(&mut cx, &options, &head, &mut NoTimer).is_pending());
    let mut chunks = [Bytes::from_static(b"body")].into_iter();
    let mut next = |_: &mut Context<'_>| Poll::Ready(chunks.next().map(Ok::<_, io::Error>));
    let polled = receive.poll(&mut cx, &options, &head, &mut next, &mut NoTimer);
    assert!(matches!(polled, Poll::Ready(Ok(outcome)) if outcome.body() == "body"));
    assert!(receive.poll_head(&mut cx, &options, &head, &mut NoTimer).is_pending());
}

#[tokio::test(start_paused = true)]
async fn deadline_applies_to_a_body_that_comes_later() {
    let limit = Duration::from_secs(3);
    let options = ReceiveOptions { deadline: Some(Deadline::new(limit)), ..ReceiveOptions::new(verifier(providers::JIRA)) };
    let head = signer(providers::JIRA).sign(b"body");
    let (mut receive, mut timer) = (Receive::default(), Clock::default());
    poll_fn(|cx| receive.poll_head(cx, &options, &head, &mut timer)).await.unwrap();
    let mut body = |_: &mut Context<'_>| Poll::<Option<io::Result<Bytes>>>::Pending;
    let began = tokio::time::Instant::now();
    let polled = poll_fn(|cx| receive.poll(cx, &options, &head, &mut body, &mut timer));
    let rejection = tokio::time::timeout(2 * limit, polled).await.unwrap().err().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::BodyTimeout);
    assert!((limit..limit + Duration::from_millis(10)).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[test]
fn head_fault_is_found_without_the_body() {
    let verifier = verifier(providers::SLACK);
    assert_eq!(verifier.head_fault(&[("X-Other", "1")]), Some(RejectionKind::MissingSignature));
    let head = signer(providers::SLACK).sign(b"body");
    assert_eq!(verifier.head_fault(&head), None);
    let old = signer(providers::SLACK).sign_at(b"body", at(1_700_000_000));
    assert_eq!(verifier.head_fault(&old), Some(RejectionKind::TimestampTooOld));
}

#[test]
fn source_knows_whether_the_target_is_signed() {
    assert!(VerifierSource::from(conformance::facts::url_verifier()).signs_target());
    assert!(!VerifierSource::from(verifier(providers::JIRA)).signs_target());
}

#[test]
fn debug_names_the_type_and_shows_no_secret() {
    let budget = MemoryBudget::new(1000);
    let verifier = builder(providers::GITHUB).memory_budget(budget.clone()).build().unwrap();
    let signer = signer(providers::GITHUB);
    let head = signer.sign(b"the body");
    let begun = verifier.begin(&head).unwrap();
    let verified = verifier.verify(&head, b"the body").unwrap();
    let rejection = verifier.verify(&head, b"another").unwrap_err();
    let reported = Outcome::Unverified(rejection.clone(), Bytes::from_static(b"the body"));
    let shown: [(&str, &dyn std::fmt::Debug); 15] = [
        ("MemoryBudget", &budget),
        ("Verification", &begun),
        ("main", verified.key_id()),
        ("Keys", &verifier.keys()),
        ("Receive", &countersign::adapter::Receive::new()),
        ("TokioTimer", &countersign::adapter::TokioTimer::default()),
        ("Rejection", &rejection),
        ("Unverified", &reported),
        ("ResolveFuture", &countersign::tenant::ResolveFuture::ready(None)),
        ("Scheme", &providers::GITHUB),
        ("Signer", &signer),
        ("Verifier", &verifier),
        ("VerifierBuilder", &builder(providers::GITHUB)),
        ("SharedObserver(..)", &builder(providers::GITHUB).observer(LastHint::default())),
        ("VerifierSource", &VerifierSource::from(verifier.clone())),
    ];
    let tag = head[0].1.trim_start_matches("sha256=").to_owned();
    for (name, shown) in shown {
        let shown = format!("{shown:?}");
        assert!(shown.contains(name), "{shown}");
        for secret in [SECRET, "the body", &tag] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    let signed = Outcome::Verified(verified, Bytes::from_static(b"the body"));
    assert!(format!("{signed:?}").starts_with("Verified(Verified"), "{signed:?}");
    assert_eq!(format!("{:?}", Secret::new(SECRET)), "Secret(..)");
}

/// An operator reads the text of a configuration error at start-up.
#[test]
fn configuration_error_names_the_fault_and_the_remedy() {
    let key = || KeyId::from("2026-11");
    let some = || Some(key());
    let errors: [(ConfigError, [&str; 2]); 20] = [
        (ConfigError::NoKey, ["no key", "`.key(id, secret)`"]),
        (ConfigError::EmptySecret { key: some() }, ["the secret of key \"2026-11\"", "fill the file"]),
        (ConfigError::EmptySecret { key: None }, ["the secret is empty", "set the variable"]),
        (ConfigError::InvalidSecret { key: some(), expected: SecretForm::Hex }, ["key \"2026-11\"", "hexadecimal digits"]),
        (ConfigError::SecretLength { key: some(), shortest: 24, longest: 64 }, ["key \"2026-11\"", "24 to 64 bytes"]),
        (ConfigError::DuplicateKeyId { key: key() }, ["two keys", "\"2026-11\""]),
        (ConfigError::UnknownKey { key: key() }, ["\"2026-11\"", "`Keys::list`"]),
        (ConfigError::UnusedKey { key: key() }, ["\"2026-11\"", "`for_tenant`"]),
        (ConfigError::ZeroBodyLimit, ["limit is zero", "`.body_limit(bytes)`"]),
        (ConfigError::NothingAllowed, ["no algorithm", "`.algorithms([…])`"]),
        (ConfigError::UnsupportedAlgorithm { algorithm: Algorithm::Sha384 }, ["does not know sha384", "`.algorithms([…])`"]),
        (ConfigError::LegacySha1, ["sha1", "`.allow_legacy_sha1()`"]),
        (ConfigError::MissingUrl, ["signs the URL", "`.url(…)`"]),
        (ConfigError::InvalidUrl, ["cannot be signed", "`https://`"]),
        (ConfigError::UnusedUrl, ["signs no URL", "neither `.url(…)` nor"]),
        (ConfigError::InvalidTolerance, ["longer than a year", "remove `.tolerance(…)`"]),
        (ConfigError::NoClock, ["no clock", "`.clock(…)`"]),
        (ConfigError::NoVerifier, ["no verifier", "at least one"]),
        (ConfigError::SharedHeader { header: "X-Hub-Signature" }, ["X-Hub-Signature", "give each scheme a route"]),
        (
            ConfigError::InvalidScheme { fault: "two signatures have the same name" },
            ["contradicts itself", "two signatures have the same name"],
        ),
    ];
    for (error, texts) in errors {
        let shown = error.to_string();
        assert!(texts.iter().all(|text| shown.contains(text)), "{error:?}: {shown}");
        assert!(!shown.ends_with('.') && !shown.starts_with(char::is_uppercase), "{shown}");
    }
}

/// Schemes are usually constants. The setters also run while a service runs.
#[test]
fn scheme_describes_its_settings() {
    const NAMES: &[(&str, Algorithm)] = &[("v1", Algorithm::Sha256), ("v0", Algorithm::Sha1)];
    let policy = RepeatPolicy::new(Duration::from_secs(60), Duration::from_secs(5)).known_by(Identity::member("id"));
    assert_eq!((policy.identity(), policy.is_repeated()), (Some(Identity::member("id")), true));
    let never = policy.never();
    assert_eq!((never.keep(), never.lease(), never.is_repeated()), (Duration::from_secs(60), Duration::from_secs(5), false));

    let scheme = Scheme::new("own", "X-S")
        .tagged(b'=', NAMES)
        .list(b',')
        .encoding(Encoding::Base64)
        .prefix(&[Part::Timestamp, Part::Literal(".")])
        .timestamp_item("t", Duration::from_secs(60))
        .also_sends(&["X-Hub-Signature"])
        .hex_secret()
        .key_lengths(16, 64)
        .repeat_policy(never);
    assert_eq!((scheme.name(), scheme.header(), scheme.signature_headers()), ("own", "X-S", &["X-S"][..]));
    assert_eq!((scheme.algorithm_names(), scheme.signature_encoding(), scheme.has_numbered_headers()), (NAMES, Encoding::Base64, false));
    assert_eq!((scheme.secret_form(), scheme.key_bytes(), scheme.tolerance()), (SecretForm::Hex, 16..=64, Some(Duration::from_secs(60))));
    assert_eq!((scheme.repeats(), scheme.documentation(), scheme.evidence()), (Some(never), "", Evidence::Own));
    assert_eq!(Evidence::Own.to_string(), "the user's own");
    let verifier = |scheme, secret: &str| Verifier::builder(scheme).key("k", Secret::new(secret)).build().unwrap();
    let shared = Verifier::any_of([verifier(providers::JIRA, SECRET), verifier(scheme, &"ab".repeat(16))]).unwrap_err();
    assert_eq!(shared, ConfigError::SharedHeader { header: "X-Hub-Signature" });

    let numbered = Scheme::new("numbered", "X").numbered_headers("X-S-");
    assert_eq!(scheme.timestamp_format_used(), TimestampFormat::Seconds);
    assert_eq!((numbered.header(), numbered.has_numbered_headers(), numbered.algorithm_names()), ("X-S-", true, &[][..]));
    let token = Scheme::insecure_static_token("token", "X-Token");
    assert!(!token.covers_body() && token.algorithm_names().is_empty());
    assert_eq!(Scheme::new("none", "X").any_of_headers(&[]).header(), "");
}

#[test]
fn default_limits_and_windows_are_as_documented() {
    let limit = |scheme| builder(scheme).build().unwrap().body_limit();
    assert_eq!((limit(Scheme::new("own", "X-S")), limit(providers::JIRA), limit(providers::GITHUB)), (2_097_152, 26_214_400, 26_214_400));
    assert_eq!(providers::BITBUCKET.repeats().unwrap().keep(), Duration::from_secs(604_800));
}

/// Without a clock of the machine, as on wasm32-unknown-unknown, the verifier's clock decides alone.
#[test]
fn own_clock_decides_freshness_and_expiry() {
    let signed = signer(providers::SLACK).sign_at(b"body", at(1_700_000_000));
    let by = |now: fn() -> SystemTime| {
        let verifier = builder(providers::SLACK).tolerance(Duration::from_secs(300)).clock(now).build().unwrap();
        verifier.verify(&signed, b"body").map(|_| ()).map_err(|rejection| rejection.kind())
    };
    assert_eq!(by(|| at(1_700_000_300)), Ok(()));
    assert_eq!(by(|| at(1_700_000_301)), Err(RejectionKind::TimestampTooOld));
    // The last digit of a forged timestamp is in the body. A clock that was never set would accept the rest of the digits.
    let cut = Scheme::new("cut", "X-S").prefix(&[Part::Timestamp]).timestamp_header("X-T", Duration::from_secs(300));
    let value = signer(cut).sign_at(b"123", at(1_700_000_000)).into_iter().find(|(name, _)| name == "X-S").unwrap().1;
    let forged = [("X-T", "1"), ("X-S", value.as_str())];
    let unset = builder(cut).clock(|| at(1)).build().unwrap();
    assert_eq!(unset.verify(&forged, b"700000000123").unwrap_err().kind(), RejectionKind::TimestampTooNew);
    let signed = signer(providers::JIRA).sign(b"body");
    let by = |now: fn() -> SystemTime| {
        let builder = Verifier::builder(providers::JIRA).key_until("k", Secret::new(SECRET), at(1_700_000_000));
        builder.clock(now).build().unwrap().verify(&signed, b"body").map(|_| ()).map_err(|rejection| rejection.kind())
    };
    assert_eq!(by(|| at(1_699_999_999)), Ok(()));
    assert_eq!(by(|| at(1_700_000_000)), Err(RejectionKind::KeysExpired));
    let verifier = builder(providers::JIRA).clock(|| at(1_700_000_000)).build().unwrap();
    verifier.verify(&signed, b"body").unwrap();
    let last_matched = verifier.keys().list()[0].last_matched().unwrap();
    assert!(last_matched > SystemTime::now() - Duration::from_secs(60), "the machine's clock tells the last match");
}

#[test]
fn evidence_is_displayed_in_words() {
    for scheme in providers::ALL {
        let words = scheme.evidence().to_string();
        assert!(words.len() > 10 && words.contains(' '), "{words}");
    }
}

#[test]
fn hints_examine_at_most_ten_rejections_a_second() {
    struct Hinted(Arc<std::sync::atomic::AtomicUsize>);

    impl countersign::observe::Observer for Hinted {
        fn observe(&self, verdict: &countersign::observe::Verdict<'_>) {
            self.0.fetch_add(usize::from(verdict.hint() == Some(Hint::SecretHasWhiteSpace)), std::sync::atomic::Ordering::Relaxed);
        }
    }

    let hinted = Arc::default();
    let builder = Verifier::builder(providers::GITHUB).key("k", Secret::new("secret "));
    let verifier = builder.hints().observer(Hinted(Arc::clone(&hinted))).build().unwrap();
    let head = Signer::new(providers::GITHUB, Secret::new("secret")).unwrap().sign(b"body");
    let began = Instant::now();
    for _ in 0..200 {
        verifier.report(&verifier.verify(&head, b"body").unwrap_err());
    }
    let (seconds, hinted) = (usize::try_from(began.elapsed().as_secs()).unwrap(), hinted.load(std::sync::atomic::Ordering::Relaxed));
    assert!((10..=10 * (seconds + 2)).contains(&hinted), "{hinted} in {seconds} s");
}

#[test]
fn early_timer_is_polled_again() {
    /// A timer that is always ready. Its clock advances by a second at each reading.
    struct Early(Instant, std::cell::Cell<u32>, u32);

    impl Timer for Early {
        fn now(&self) -> Instant {
            self.1.set(self.1.get() + 1);
            self.0 + Duration::from_secs(self.1.get().into())
        }

        fn poll_until(&mut self, _: Instant, _: &mut Context<'_>) -> Poll<()> {
            self.2 += 1;
            Poll::Ready(())
        }
    }

    struct Never(Verifier);

    impl countersign::tenant::Resolver for Never {
        fn decoy(&self) -> &Verifier {
            &self.0
        }

        fn resolve(&self, _: &dyn RequestHead) -> countersign::tenant::ResolveFuture {
            countersign::tenant::ResolveFuture::new(std::future::pending::<Result<_, io::Error>>())
        }
    }

    let verifiers = VerifierSource::from(Never(Verifier::builder(providers::JIRA).build_template().unwrap().decoy().clone()));
    let options = countersign::adapter::ReceiveOptions {
        deadline: None,
        drain: None,
        insecure_report_only: false,
        ..ReceiveOptions::new(verifiers.clone())
    };
    let mut timer = Early(Instant::now(), std::cell::Cell::new(0), 0);
    let head = signer(providers::JIRA).sign(b"");
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let Poll::Ready(Err(rejection)) = countersign::adapter::Receive::new().poll_head(&mut cx, &options, &head, &mut timer) else {
        panic!("the resolver times out")
    };
    assert_eq!(rejection.kind(), RejectionKind::KeysUnavailable);
    // The timeout is five seconds. The clock shows the first second at the start, and the sixth second after five early wake-ups.
    assert_eq!((timer.1.get(), timer.2), (6, 5));
}
