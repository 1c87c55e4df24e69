//! Tests of the warp adapter: the facts through the filter and through the tower layer around warp, and the composition with other filters.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use conformance::facts::{Source, acme_delivery, signed_for_target, tenants_from_application, url_verifier};
use conformance::log::log_of;
use conformance::vectors::{SECRET, builder, signer, verifier};
use conformance::{Delivery, Handled, Harness, Observation, Step, SyncBody};
use countersign::adapter::{Outcome, VerifierSource};
use countersign::{Rejection, RejectionKind, Verified, Verifier, providers};
use countersign_tower::VerifyLayer;
use countersign_warp::{Delivery as VerifiedDelivery, JsonError, Verify, VerifyRejection, recover};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use tower::{Layer as _, Service, ServiceExt as _};
use warp::{Filter, Reply};

/// The filter `Verify::then`.
struct Warp;

impl Harness for Warp {
    async fn deliver(verifiers: impl Into<VerifierSource>, delivery: Delivery) -> Observation {
        let handled: Arc<Mutex<Vec<Handled>>> = Arc::default();
        let seen = Arc::clone(&handled);
        let handler = move |delivery: VerifiedDelivery| {
            let (verified, body) = (delivery.verified, delivery.body);
            seen.lock().unwrap().push(Handled { body, verified });
            async { StatusCode::OK }
        };
        let delivery_report_only = delivery.report_only;
        let verify = Verify::new(verifiers).deadline(delivery.deadline).drain(delivery.drain);
        let request = delivery.into_request();
        let polls = request.body().polls();
        if delivery_report_only {
            let reported: Arc<Mutex<Vec<(Rejection, Bytes)>>> = Arc::default();
            let (verified_ones, others) = (Arc::clone(&handled), Arc::clone(&reported));
            let handler = move |reported: Outcome| {
                match reported {
                    Outcome::Verified(verified, body) => verified_ones.lock().unwrap().push(Handled { body, verified }),
                    Outcome::Unverified(rejection, body) => others.lock().unwrap().push((rejection, body)),
                }
                StatusCode::OK
            };
            let hook = warp::path("hook").and(verify.insecure_report_only()).map(handler).recover(recover);
            let service = warp::service(hook.map(Reply::into_response));
            let response = service.oneshot(request.map(SyncBody::new)).await.unwrap();
            let reported = reported.lock().unwrap().clone();
            return Observation { reported, ..outcome(response, &handled, &polls).await };
        }
        let hook = warp::path("hook").and(verify.then(handler));
        let response = warp::service(hook).oneshot(request.map(SyncBody::new)).await.unwrap();
        outcome(response, &handled, &polls).await
    }
}

/// The tower layer around warp. warp's own filters read the body behind the layer.
struct LayeredWarp;

impl Harness for LayeredWarp {
    async fn deliver(verifiers: impl Into<VerifierSource>, delivery: Delivery) -> Observation {
        let handled: Arc<Mutex<Vec<Handled>>> = Arc::default();
        let seen = Arc::clone(&handled);
        let reported: Arc<Mutex<Vec<(Rejection, Bytes)>>> = Arc::default();
        let let_through = Arc::clone(&reported);
        let handler = move |verified: Option<Verified>, rejection: Option<Rejection>, body: Bytes| {
            match (verified, rejection) {
                (Some(verified), None) => seen.lock().unwrap().push(Handled { body, verified }),
                (None, Some(rejection)) => let_through.lock().unwrap().push((rejection, body)),
                both => panic!("the handler gets either a proof or a rejection: {both:?}"),
            }
            StatusCode::OK
        };
        let mut layer = VerifyLayer::new(verifiers).deadline(delivery.deadline).drain(delivery.drain);
        if delivery.report_only {
            layer = layer.insecure_report_only();
        }
        let request = delivery.into_request();
        let polls = request.body().polls();
        let hook = warp::path("hook").and(warp::ext::optional()).and(warp::ext::optional()).and(warp::body::bytes()).map(handler);
        let response = layer.layer(warp::service(hook)).oneshot(request).await.unwrap();
        let reported = reported.lock().unwrap().clone();
        Observation { reported, ..outcome(response, &handled, &polls).await }
    }
}

async fn outcome(response: warp::reply::Response, handled: &Mutex<Vec<Handled>>, polls: &AtomicUsize) -> Observation {
    let (parts, body) = response.into_parts();
    let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
    Observation {
        status: parts.status.as_u16(),
        headers: parts
            .headers
            .iter()
            .filter(|(name, _)| *name != "connection")
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        closes: parts.headers.get("connection").is_some_and(|value| value == "close"),
        body: body.collect().await.unwrap().to_bytes(),
        handled: handled.lock().unwrap().clone(),
        polls: polls.load(Ordering::SeqCst),
        rejection: parts.extensions.get::<Rejection>().cloned(),
        reported: Vec::new(),
    }
}

mod filter {
    conformance::suite!(super::Warp);
}

mod layer {
    conformance::suite!(super::LayeredWarp);
}

fn verify() -> Verify {
    Verify::new(verifier(providers::JIRA))
}

fn signed(body: impl AsRef<[u8]>) -> Delivery {
    Delivery::signed(&signer(providers::JIRA), body)
}

fn unsigned() -> Delivery {
    Delivery::unsigned("body")
}

async fn key(delivery: VerifiedDelivery) -> String {
    format!("{} by {}", String::from_utf8_lossy(&delivery.body), delivery.verified.key_id())
}

fn request(path: &str, delivery: Delivery) -> Request<SyncBody> {
    let mut request = delivery.into_request().map(SyncBody::new);
    *request.uri_mut() = path.parse().unwrap();
    request
}

async fn respond<S>(service: S, path: &str, delivery: Delivery) -> warp::reply::Response
where
    S: Service<Request<SyncBody>, Response = warp::reply::Response, Error = Infallible>,
{
    service.oneshot(request(path, delivery)).await.unwrap()
}

/// Returns the response of routes to one delivery.
async fn answer<S>(service: S, path: &str, delivery: Delivery) -> (u16, String)
where
    S: Service<Request<SyncBody>, Response = warp::reply::Response, Error = Infallible>,
{
    let response = respond(service, path, delivery).await;
    let status = response.status().as_u16();
    (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

fn good() -> (u16, String) {
    (200, "body by main".into())
}

fn status(status: u16) -> (u16, String) {
    (status, String::new())
}

#[test]
fn then_answers_rejections_itself_and_leaves_other_routes_alone() {
    conformance::run(async {
        let hook = warp::path!("hook").and(warp::post()).and(verify().then(key));
        let routes = warp::service(hook.or(warp::path!("health").map(|| "up")));
        assert_eq!(answer(&mut routes.clone(), "/hook", signed("body")).await, good());
        assert_eq!(answer(&mut routes.clone(), "/hook", unsigned()).await, status(401));
        assert_eq!(answer(&mut routes.clone(), "/hook", signed("body").body("forged")).await, status(401));
        assert_eq!(answer(&mut routes.clone(), "/hook", signed("body").steps([Step::Error])).await, status(400));
        assert_eq!(answer(&mut routes.clone(), "/hook", signed("").header("Content-Length", "99999999")).await, status(413));
        assert_eq!(answer(&mut routes.clone(), "/health", unsigned()).await, (200, "up".into()));
        assert_eq!(answer(&mut routes.clone(), "/unknown", unsigned()).await, status(404));
        assert_eq!(answer(&mut routes.clone(), "/unknown", signed("body")).await, status(404));
        let mut get = unsigned();
        get.method = "GET";
        let (code, _) = answer(&mut routes.clone(), "/hook", get).await;
        assert_eq!(code, 405, "warp's own rejections stay the same");
    });
}

#[test]
fn composed_filter_answers_rejections_only_behind_recover() {
    conformance::run(async {
        let hook = || {
            let delivery = verify().delivery();
            warp::path!("hook" / u32).and(warp::post()).and(delivery).map(|number, delivery: VerifiedDelivery| {
                let (verified, body) = (delivery.verified, delivery.body);
                format!("{number} {} by {}", String::from_utf8_lossy(&body), verified.key_id())
            })
        };
        let health = || warp::path!("health").map(|| "up");
        let routes = warp::service(hook().recover(recover).or(health()));
        assert_eq!(answer(&mut routes.clone(), "/hook/7", signed("body")).await, (200, "7 body by main".into()));
        assert_eq!(answer(&mut routes.clone(), "/hook/7", unsigned()).await, status(401));
        assert_eq!(answer(&mut routes.clone(), "/hook/7", signed("body").body("forged")).await, status(401));
        assert_eq!(answer(&mut routes.clone(), "/health", unsigned()).await, (200, "up".into()));
        assert_eq!(answer(&mut routes.clone(), "/hook/x", unsigned()).await, status(404));

        // A single `recover` behind all filters also finds the rejection.
        let late = warp::service(hook().or(health()).recover(recover));
        assert_eq!(answer(&mut late.clone(), "/hook/7", unsigned()).await, status(401));
        // Without `recover`, warp answers 500, as the docs warn.
        let (code, text) = answer(warp::service(hook()), "/hook/7", unsigned()).await;
        assert_eq!(code, 500);
        assert!(text.contains("VerifyRejection") && !text.contains("Signature"), "the response does not show the cause: {text}");
    });
}

#[test]
fn two_filters_on_one_path_take_deliveries_by_head() {
    conformance::run(async {
        let github = Verify::new(builder(providers::GITHUB).build().unwrap());
        let one = warp::path!("hook").and(verify().drain(None).delivery()).then(key);
        let other = warp::path!("hook").and(github.delivery()).then(key);
        let routes = warp::service(one.or(other).recover(recover));
        assert_eq!(answer(&mut routes.clone(), "/hook", signed("body")).await, good());
        assert_eq!(answer(&mut routes.clone(), "/hook", Delivery::signed(&signer(providers::GITHUB), "body")).await, good());
        assert_eq!(answer(&mut routes.clone(), "/hook", unsigned()).await, status(401));
        // Each filter logs its own verdict.
        let (_, log) = log_of(answer(&mut routes.clone(), "/hook", Delivery::signed(&signer(providers::GITHUB), "body"))).await;
        assert_eq!(log.matches("countersign: delivery rejected").count(), 1, "{log}");
        // The first filter has taken the body.
        assert_eq!(answer(&mut routes.clone(), "/hook", signed("body").body("forged")).await, status(401));
    });
}

#[test]
fn rejections_of_other_filters_pass_through_untouched() {
    conformance::run(async {
        #[derive(Debug)]
        struct Theirs;
        impl warp::reject::Reject for Theirs {}
        let theirs = || warp::any().and_then(async || Err::<&str, _>(warp::reject::custom(Theirs)));
        assert!(recover(warp::reject::custom(Theirs)).await.is_err_and(|rejection| rejection.find::<Theirs>().is_some()));
        assert!(recover(warp::reject::not_found()).await.is_err_and(|rejection| rejection.is_not_found()));

        let caught = async |rejection: warp::Rejection| match rejection.find::<Theirs>() {
            Some(Theirs) => Ok(StatusCode::IM_A_TEAPOT),
            None => Err(rejection),
        };
        let hook = warp::path!("hook").and(verify().delivery()).then(key).recover(recover);
        let routes = warp::service(hook.or(theirs()).recover(caught));
        assert_eq!(answer(&mut routes.clone(), "/other", unsigned()).await, (418, String::new()));
        assert_eq!(answer(&mut routes.clone(), "/hook", unsigned()).await, status(401));
        // A rejection by a handler, after the verification.
        let late = verify().delivery().and_then(async |_: VerifiedDelivery| Err::<&str, _>(warp::reject::custom(Theirs))).recover(recover);
        assert_eq!(answer(warp::service(late.recover(caught)), "/", signed("body")).await, (418, String::new()));
    });
}

#[test]
fn custom_recover_finds_the_cause_and_the_response() {
    conformance::run(async {
        let own = async |rejection: warp::Rejection| match rejection.find::<VerifyRejection>() {
            Some(rejected) if rejected.rejection().kind() == RejectionKind::MissingSignature => Ok("missing".into_response()),
            Some(rejected) => Ok(rejected.clone().into_response()),
            None => Err(rejection),
        };
        let routes = warp::service(verify().delivery().then(key).recover(own));
        assert_eq!(answer(&mut routes.clone(), "/", unsigned()).await, (200, "missing".into()));
        assert_eq!(answer(&mut routes.clone(), "/", signed("body").body("forged")).await, status(401));
        let shown = format!("{:?}", warp::reject::custom(rejected(signed("body").body("forged")).await));
        assert!(
            shown.contains("VerifyRejection") && !shown.contains("SignatureMismatch"),
            "warp can show this text to the sender: {shown}"
        );
    });
}

/// Returns the filter's rejection of this delivery.
async fn rejected(delivery: Delivery) -> VerifyRejection {
    let found: Arc<Mutex<Option<VerifyRejection>>> = Arc::default();
    let keep = Arc::clone(&found);
    let catch = move |rejection: warp::Rejection| {
        *keep.lock().unwrap() = rejection.find::<VerifyRejection>().cloned();
        async { Ok::<_, warp::Rejection>("caught") }
    };
    respond(warp::service(verify().delivery().then(key).recover(catch)), "/", delivery).await;
    let mut found = found.lock().unwrap();
    found.take().unwrap()
}

#[test]
fn json_is_read_from_the_verified_body() {
    conformance::run(async {
        let handler = async |delivery: VerifiedDelivery| {
            let event: serde_json::Value = delivery.json()?;
            Ok::<_, JsonError>(event["webhookEvent"].as_str().unwrap().to_owned())
        };
        let routes = warp::service(verify().then(handler));
        let event = r#"{"webhookEvent":"jira:issue_updated"}"#;
        assert_eq!(answer(&mut routes.clone(), "/", signed(event)).await, (200, "jira:issue_updated".into()));
        assert_eq!(answer(&mut routes.clone(), "/", signed("{\"needle\":")).await, status(400));
        assert_eq!(answer(&mut routes.clone(), "/", Delivery::unsigned("{")).await, status(401));
        // warp can show this text to the sender.
        let shows = async |delivery: VerifiedDelivery| format!("{:?}", delivery.json::<u8>().unwrap_err());
        let (_, shown) = answer(warp::service(verify().then(shows)), "/", signed("\"needle\"")).await;
        assert_eq!(shown, "JsonError { line: 1, column: 8, .. }");
    });
}

#[test]
fn json_error_names_json_and_keeps_the_cause() {
    conformance::run(async {
        let error: Arc<Mutex<Option<JsonError>>> = Arc::default();
        let keep = Arc::clone(&error);
        let handler = move |delivery: VerifiedDelivery| {
            *keep.lock().unwrap() = delivery.json::<u8>().err();
            async { "kept" }
        };
        answer(warp::service(verify().then(handler)), "/", signed("\"needle\"")).await;
        let error = error.lock().unwrap().take().unwrap();
        assert_eq!(error.to_string(), "the body is not the expected JSON");
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("needle"));
        assert!(!format!("{error:?}").contains("needle"), "{error:?}");
    });
}

#[test]
fn handler_can_reject_with_a_json_error() {
    conformance::run(async {
        let hook = || {
            verify().delivery().and_then(async |delivery: VerifiedDelivery| {
                let number: u8 = delivery.json().map_err(warp::reject::custom)?;
                Ok::<_, warp::Rejection>(number.to_string())
            })
        };
        let routes = warp::service(hook().recover(recover));
        assert_eq!(answer(&mut routes.clone(), "/", signed("7")).await, (200, "7".into()));
        let (result, log) = log_of(answer(&mut routes.clone(), "/", signed("\"needle\""))).await;
        assert_eq!(result, status(400));
        assert!(!log.contains("needle"), "{log}");
        // Without `recover`, neither response nor log shows the body.
        let ((code, text), log) = log_of(answer(warp::service(hook()), "/", signed("\"needle\""))).await;
        assert_eq!(code, 500);
        assert!(!text.contains("needle") && !log.contains("needle"), "{text} {log}");
    });
}

#[test]
fn filters_of_warp_work_behind_the_layer() {
    conformance::run(async {
        let hook = warp::path!("hook")
            .and(warp::post())
            .and(warp::ext::get::<Verified>())
            .and(warp::body::json())
            .map(|verified: Verified, event: serde_json::Value| format!("{} by {}", event["a"], verified.key_id()));
        let service = VerifyLayer::new(verifier(providers::JIRA)).layer(warp::service(hook));
        let delivery = || signed(r#"{"a":1}"#).header("Content-Type", "application/json");
        assert_eq!(answer(service.clone(), "/hook", delivery()).await, (200, "1 by main".into()));
        assert_eq!(answer(service.clone(), "/hook", delivery().body(r#"{"a":2}"#)).await, status(401));
        assert_eq!(answer(service.clone(), "/unknown", unsigned()).await, status(401));
        assert_eq!(answer(service, "/unknown", signed("body")).await, status(404));
    });
}

#[test]
fn handler_requiring_verified_never_runs_without_the_layer() {
    conformance::run(async {
        let runs = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&runs);
        let hook = warp::path!("hook").and(warp::ext::get::<Verified>()).map(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            "ran"
        });
        let (code, _) = answer(warp::service(hook), "/hook", signed("body")).await;
        assert_eq!((code, runs.load(Ordering::SeqCst)), (500, 0));
    });
}

#[test]
fn replaced_response_carries_challenge_and_rejection() {
    conformance::run(async {
        let verify = || {
            verify().with_rejection_response(|rejection: &Rejection| {
                let status = StatusCode::from_u16(rejection.status_code()).unwrap();
                warp::reply::with_status(warp::reply::with_header("no", "x-rejected", "yes"), status)
            })
        };
        let ready = warp::service(verify().then(key).map(Reply::into_response));
        let composed = warp::service(verify().delivery().then(key).recover(recover).map(Reply::into_response));
        for response in [respond(&mut ready.clone(), "/", unsigned()).await, respond(&mut composed.clone(), "/", unsigned()).await] {
            assert_eq!(
                (response.status(), &response.headers()["x-rejected"]),
                (StatusCode::UNAUTHORIZED, &HeaderValue::from_static("yes"))
            );
            assert_eq!(response.headers()["www-authenticate"], "WebhookSignature");
            assert_eq!(response.extensions().get::<Rejection>().unwrap().kind(), RejectionKind::MissingSignature);
            assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "no");
        }
        assert!(!respond(&mut ready.clone(), "/", signed("body")).await.headers().contains_key("x-rejected"));
    });
}

#[test]
fn acknowledge_and_drop_answers_204_and_skips_the_handler() {
    conformance::run(async {
        let routes = || warp::service(verify().acknowledge_and_drop().then(key));
        assert_eq!(answer(routes(), "/", signed("body").body("forged")).await, status(204));
        assert_eq!(answer(routes(), "/", unsigned()).await, status(204));
        assert_eq!(answer(routes(), "/", signed("body").steps([Step::Error])).await, status(400));
        assert_eq!(answer(routes(), "/", signed("body")).await, good());
    });
}

#[test]
fn replaced_response_keeps_its_own_challenge_and_status() {
    conformance::run(async {
        for (status, challenge) in [(StatusCode::UNAUTHORIZED, Some("Other")), (StatusCode::OK, None), (StatusCode::FORBIDDEN, None)] {
            let verify = verify().with_rejection_response(move |_: &Rejection| {
                let response = Response::builder().status(status);
                challenge.into_iter().fold(response, |response, value| response.header("www-authenticate", value)).body("").unwrap()
            });
            let response = respond(warp::service(verify.then(key)), "/", unsigned()).await;
            assert_eq!(response.status(), status);
            let challenges: Vec<_> = response.headers().get_all("www-authenticate").iter().collect();
            assert_eq!(challenges, challenge.into_iter().collect::<Vec<_>>());
        }
    });
}

#[test]
fn length_limit_around_the_body_gets_413() {
    conformance::run(async {
        let request = signed("body").into_request().map(|body| Limited::new(SyncBody::new(body), 3));
        let response = warp::service(verify().then(key)).oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(response.extensions().get::<Rejection>().unwrap().kind(), RejectionKind::BodyTooLarge);
    });
}

#[test]
fn cancelled_request_never_reaches_the_handler() {
    conformance::run(async {
        let calls = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&calls);
        let handler = move |_: VerifiedDelivery| {
            count.fetch_add(1, Ordering::SeqCst);
            async { "ran" }
        };
        let stalled = signed("body").steps([Step::Chunk("bo".into()), Step::Stall]);
        let call = respond(warp::service(verify().then(handler)), "/", stalled);
        assert!(tokio::time::timeout(Duration::from_millis(20), call).await.is_err());
        assert_eq!(calls.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn debug_of_filter_and_delivery_shows_no_secret() {
    conformance::run(async {
        let handler = async |delivery: VerifiedDelivery| format!("{delivery:?}");
        let (_, shown) = answer(warp::service(verify().then(handler)), "/", signed("needle")).await;
        assert!(shown.contains("len: 6") && !shown.contains("needle"), "{shown}");
        for shown in [format!("{:?}", verify()), format!("{:?}", verify().tenant_by(warp::any().map(|| Some("needle".to_owned()))))] {
            assert!(!shown.contains(SECRET) && !shown.contains("needle") && shown.contains("jira"), "{shown}");
        }
    });
}

async fn tenant(delivery: VerifiedDelivery) -> String {
    format!("{} of {}", String::from_utf8_lossy(&delivery.body), delivery.verified.tenant().unwrap())
}

#[test]
fn tenant_is_read_from_the_whole_path_behind_path_filters() {
    conformance::run(async {
        let tenants = Source::default().tenants(Verifier::builder(providers::JIRA));
        let hook = warp::path("hook").and(warp::path::param().map(|_: String| ())).untuple_one().and(Verify::new(tenants).then(tenant));
        let service = warp::service(hook);
        assert_eq!(answer(service.clone(), "/hook/acme/event?x", acme_delivery()).await, (200, "body of acme".into()));
        assert_eq!(answer(service, "/hook/globex/event", acme_delivery()).await, (401, String::new()));
    });
}

#[derive(Clone)]
struct Workspace(&'static str);

#[test]
fn tenant_is_read_from_the_extensions() {
    conformance::run(async {
        let workspace = warp::ext::optional().map(|workspace: Option<Workspace>| workspace.map(|Workspace(name)| name.to_owned()));
        let service = warp::service(warp::path!("hook").and(Verify::new(tenants_from_application()).tenant_by(workspace).then(tenant)));
        let with = |workspace: Option<Workspace>| {
            let mut request = request("/hook", acme_delivery());
            workspace.map(|workspace| request.extensions_mut().insert(workspace));
            request
        };
        let cases = [(None, 401), (Some(Workspace("acme")), 200), (Some(Workspace("globex")), 401)];
        for (workspace, status) in cases {
            assert_eq!(service.clone().oneshot(with(workspace)).await.unwrap().status().as_u16(), status);
        }
    });
}

#[test]
fn rejecting_tenant_filter_names_no_tenant() {
    conformance::run(async {
        let workspace = warp::ext::get().map(|Workspace(name)| Some(name.to_owned()));
        let verify = Verify::new(tenants_from_application()).tenant_by(workspace);
        let service = warp::service(warp::path!("hook").and(verify.clone().then(tenant)));
        assert_eq!(answer(service, "/hook", acme_delivery()).await, status(401));
        let handler = |reported: Outcome| matches!(reported, Outcome::Unverified(..)).to_string();
        let service = warp::service(warp::path!("hook").and(verify.insecure_report_only()).map(handler));
        assert_eq!(answer(service, "/hook", acme_delivery()).await, (200, "true".into()));
    });
}

#[test]
fn target_without_a_path_verifies() {
    conformance::run(async {
        // hyper accepts `POST example.com:80 HTTP/1.1`. A filter for a path in front would reject this target.
        let sent_to_a_host = |delivery: Delivery| {
            let mut request = delivery.into_request().map(SyncBody::new);
            *request.uri_mut() = "example.com:80".parse().unwrap();
            request
        };
        let service =
            |provider| warp::service(Verify::new(verifier(provider)).then(async |delivery: VerifiedDelivery| delivery.body.to_vec()));
        let jira = Delivery::signed(&signer(providers::JIRA), "body");
        let response = service(providers::JIRA).oneshot(sent_to_a_host(jira)).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "body");
        let response = service(providers::JIRA).oneshot(sent_to_a_host(Delivery::unsigned("body"))).await.unwrap();
        assert_eq!(response.status(), 401);
    });
}

/// A scheme with the signature in one of many headers. The scheme reads one of its headers under two spellings.
mod many_fields {
    use countersign::scheme::{Part, Scheme};
    use countersign::{Secret, Signer, Verifier};

    use super::*;

    const NAMES: &[&str] = &["X-S-1", "X-S-2", "X-S-3", "X-S-4", "X-S-5", "X-S-6", "X-S-7", "X-S-8", "X-S-9"];
    const MANY: Scheme = Scheme::new("many", "X-S-1").any_of_headers(NAMES).id_header("X-Id").unauthenticated_delivery_id_header("x-id");

    #[test]
    fn each_field_of_a_scheme_is_read_once() {
        conformance::run(async {
            let scheme = MANY.prefix(&[Part::Id, Part::Literal(".")]);
            let verifier = Verifier::builder(scheme).key("k", Secret::new("secret")).build().unwrap();
            let head = Signer::new(scheme, Secret::new("secret")).unwrap().sign(b"body");
            let value = |name: &str| head.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).unwrap().1.clone();
            for name in NAMES {
                let delivery = Delivery::unsigned("body").header(name, value("X-S-1")).header("X-Id", value("x-id"));
                let outcome = Warp::deliver(verifier.clone(), delivery).await;
                assert_eq!(outcome.status, 200, "{name}: {:?}", outcome.rejection);
                assert_eq!(outcome.handled[0].verified.unauthenticated_delivery_id(), Some(&value("x-id")[..]), "{name}");
            }
        });
    }
}

#[test]
fn signed_url_binds_the_whole_path_behind_path_filters() {
    conformance::run(async {
        let verify = || Verify::new(url_verifier());
        let admin = warp::path!("admin" / "hook").and(verify().then(key));
        let public = warp::path("public").and(warp::path("hook")).and(verify().then(key));
        let hook = warp::path!("hook").and(verify().then(key));
        let service = warp::service(admin.or(public).or(hook));
        for sent in ["/admin/hook", "/public/hook", "/hook", "/admin/hook?a=b"] {
            for signed in ["/admin/hook", "/public/hook", "/hook", "/admin/hook?a=b"] {
                let (status, text) = answer(service.clone(), sent, signed_for_target(signed)).await;
                let expected = if sent == signed { (200, "body by main") } else { (401, "") };
                assert_eq!((status, text.as_str()), expected, "signed for {signed}, sent to {sent}");
            }
        }
    });
}

/// A backtrace names the type of each filter. Short names keep backtraces readable.
#[test]
fn filters_have_short_type_names() {
    let verify = || Verify::new(verifier(providers::JIRA));
    let by_tenant = || Verify::new(tenants_from_application()).tenant_by(warp::any().map(|| None));
    let names = [
        std::any::type_name_of_val(&verify().delivery()),
        std::any::type_name_of_val(&verify().insecure_report_only()),
        std::any::type_name_of_val(&verify().then(key)),
        std::any::type_name_of_val(&by_tenant().delivery()),
        std::any::type_name_of_val(&by_tenant().then(key)),
    ];
    for name in names {
        assert!(name.len() < 200, "{} bytes: {name}", name.len());
    }
}
