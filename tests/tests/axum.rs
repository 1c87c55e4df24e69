//! Tests of the tower adapter in axum: the facts, and the places for the layer in an application.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse as _;
use axum::routing::{any, get, post};
use axum::{Extension, Json, Router};
use bytes::Bytes;
use conformance::facts::{Source, acme_delivery, signed_for_target, tenants_from_application, url_verifier};
use conformance::vectors::{SECRET, builder, signer, verifier};
use conformance::{Delivery, Handled, Harness, Observation};
use countersign::adapter::VerifierSource;
use countersign::{Rejection, RejectionKind, Verified, Verifier, providers};
use countersign_tower::VerifyLayer;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::{Layer, ServiceBuilder, ServiceExt as _};
use tower_http::limit::RequestBodyLimitLayer;

struct Axum;

impl Harness for Axum {
    async fn deliver(verifiers: impl Into<VerifierSource>, delivery: Delivery) -> Observation {
        let handled: Arc<Mutex<Vec<Handled>>> = Arc::default();
        let seen = Arc::clone(&handled);
        let reported: Arc<Mutex<Vec<(Rejection, Bytes)>>> = Arc::default();
        let let_through = Arc::clone(&reported);
        let handler = move |verified: Option<Extension<Verified>>, rejection: Option<Extension<Rejection>>, body: Bytes| {
            match (verified, rejection) {
                (Some(Extension(verified)), None) => seen.lock().unwrap().push(Handled { body, verified }),
                (None, Some(Extension(rejection))) => let_through.lock().unwrap().push((rejection, body)),
                both => panic!("the handler gets either a proof or a rejection: {both:?}"),
            }
            async { StatusCode::OK }
        };
        let mut layer = VerifyLayer::new(verifiers).deadline(delivery.deadline).drain(delivery.drain);
        if delivery.report_only {
            layer = layer.insecure_report_only();
        }
        let app = Router::new().route("/hook", any(handler.clone())).route("/hook/{*rest}", any(handler)).route_layer(layer);
        let outcome = outcome(app, delivery).await;
        Observation { handled: handled.lock().unwrap().clone(), reported: reported.lock().unwrap().clone(), ..outcome }
    }
}

/// Returns the results of a delivery, without the observations of the handler.
async fn outcome(app: Router, delivery: Delivery) -> Observation {
    let request = delivery.into_request();
    let polls = request.body().polls();
    let (parts, body) = app.oneshot(request.map(Body::new)).await.unwrap().into_parts();
    // axum adds a `Content-Length` to every response. The length of a rejection is always 0.
    let headers = parts.headers.iter().filter(|(name, _)| *name != "content-length" && *name != "connection");
    Observation {
        status: parts.status.as_u16(),
        headers: headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect(),
        closes: parts.headers.get("connection").is_some_and(|value| value == "close"),
        body: body.collect().await.unwrap().to_bytes(),
        handled: Vec::new(),
        polls: polls.load(Ordering::SeqCst),
        rejection: parts.extensions.get::<Rejection>().cloned(),
        reported: Vec::new(),
    }
}

conformance::suite!(Axum);

fn layer() -> VerifyLayer {
    VerifyLayer::new(verifier(providers::JIRA))
}

async fn key(Extension(verified): Extension<Verified>, body: String) -> String {
    format!("{body} by {}", verified.key_id())
}

fn request(method: &str, path: &str, delivery: Delivery) -> Request<Body> {
    let mut request = delivery.into_request().map(Body::new);
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = path.parse().unwrap();
    request
}

fn signed(path: &str) -> Request<Body> {
    request("POST", path, Delivery::signed(&signer(providers::JIRA), "body"))
}

fn unsigned(method: &str, path: &str) -> Request<Body> {
    request(method, path, Delivery::unsigned("body"))
}

async fn answer<S, B>(app: S, request: Request<Body>) -> (u16, String)
where
    S: tower::Service<Request<Body>, Response = http::Response<B>, Error = std::convert::Infallible>,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let response = app.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

const GOOD: (u16, &str) = (200, "body by main");

fn same((status, text): (u16, String), expected: (u16, &str)) {
    assert_eq!((status, text.as_str()), expected);
}

#[test]
fn route_layer_guards_its_routes_and_leaves_unknown_paths_404() {
    conformance::run(async {
        let app = || Router::new().route("/hook", post(key)).route_layer(layer()).route("/health", get(|| async { "up" }));
        same(answer(app(), signed("/hook")).await, GOOD);
        same(answer(app(), unsigned("POST", "/hook")).await, (401, ""));
        same(answer(app(), unsigned("GET", "/health")).await, (200, "up"));
        same(answer(app(), unsigned("POST", "/unknown")).await, (404, ""));
        same(answer(app(), signed("/unknown")).await, (404, ""));
    });
}

#[test]
fn layer_guards_unknown_paths_too() {
    conformance::run(async {
        let app = || Router::new().route("/hook", post(key)).layer(layer());
        same(answer(app(), signed("/hook")).await, GOOD);
        same(answer(app(), unsigned("POST", "/unknown")).await, (401, ""));
        same(answer(app(), signed("/unknown")).await, (404, ""));
    });
}

#[test]
fn layer_on_a_method_leaves_other_methods_alone() {
    conformance::run(async {
        let merged = || Router::new().route("/hook", get(|| async { "unsigned" }).merge(post(key).route_layer(layer())));
        let later = || Router::new().route("/hook", post(key).route_layer(layer()).get(|| async { "unsigned" }));
        for app in [merged as fn() -> Router, later] {
            same(answer(app(), signed("/hook")).await, GOOD);
            same(answer(app(), unsigned("POST", "/hook")).await, (401, ""));
            same(answer(app(), unsigned("GET", "/hook")).await, (200, "unsigned"));
            same(answer(app(), unsigned("PUT", "/hook")).await, (405, ""));
        }
        let all = Router::new().route("/hook", post(key).layer(layer()));
        same(answer(all.clone(), signed("/hook")).await, GOOD);
        same(answer(all, unsigned("POST", "/hook")).await, (401, ""));
    });
}

#[test]
fn layer_guards_a_whole_router_and_a_nested_router() {
    conformance::run(async {
        let around = || layer().layer(Router::new().route("/hook", post(key)));
        same(answer(around(), signed("/hook")).await, GOOD);
        same(answer(around(), unsigned("POST", "/hook")).await, (401, ""));
        let nested = || Router::new().nest("/api", Router::new().route("/hook", post(key)).route_layer(layer()));
        same(answer(nested(), signed("/api/hook")).await, GOOD);
        same(answer(nested(), unsigned("POST", "/api/hook")).await, (401, ""));
        let built = || Router::new().route("/hook", post(key)).route_layer(ServiceBuilder::new().layer(layer()));
        same(answer(built(), signed("/hook")).await, GOOD);
    });
}

#[test]
fn handler_requiring_verified_never_runs_without_the_layer() {
    conformance::run(async {
        let runs = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&runs);
        let handler = move |Extension(_): Extension<Verified>| {
            count.fetch_add(1, Ordering::SeqCst);
            async { "ran" }
        };
        // The route is added after the layer, so the layer does not cover the route.
        let app = Router::new().route("/other", post(key)).route_layer(layer()).route("/hook", post(handler));
        let response = app.oneshot(signed("/hook")).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(runs.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn outer_middleware_sees_the_rejection() {
    conformance::run(async {
        let seen: Arc<Mutex<Vec<RejectionKind>>> = Arc::default();
        let log = Arc::clone(&seen);
        let app = Router::new().route("/hook", post(key)).route_layer(layer()).layer(axum::middleware::map_response(
            move |response: axum::response::Response| {
                log.lock().unwrap().extend(response.extensions().get::<Rejection>().map(Rejection::kind));
                async { response }
            },
        ));
        let forged = request("POST", "/hook", Delivery::signed(&signer(providers::JIRA), "body").body("other"));
        for request in [unsigned("POST", "/hook"), signed("/hook"), forged] {
            app.clone().oneshot(request).await.unwrap();
        }
        assert_eq!(*seen.lock().unwrap(), [RejectionKind::MissingSignature, RejectionKind::SignatureMismatch]);
    });
}

#[test]
fn rejection_response_can_be_any_axum_response() {
    conformance::run(async {
        let layer = layer().with_rejection_response(|rejection: &Rejection| {
            let status = StatusCode::from_u16(rejection.status_code()).unwrap();
            (status, Json(serde_json::json!({ "error": "rejected" }))).into_response()
        });
        let app = Router::new().route("/hook", post(key)).route_layer(layer);
        same(answer(app.clone(), unsigned("POST", "/hook")).await, (401, "{\"error\":\"rejected\"}"));
        same(answer(app, signed("/hook")).await, GOOD);
    });
}

#[test]
fn body_limit_of_axum_is_lifted_only_for_verified_bodies() {
    conformance::run(async {
        let big = "x".repeat(2 * 1024 * 1024 + 1);
        let delivery = || request("POST", "/hook", Delivery::signed(&signer(providers::JIRA), &big));
        let count = || post(|body: Bytes| async move { body.len().to_string() });
        let app = || Router::new().route("/hook", count()).route_layer(layer());
        same(answer(app(), delivery()).await, (200, &big.len().to_string()));
        // A limit of the application has no effect, because the body is already in memory.
        same(answer(app().layer(DefaultBodyLimit::max(1)), delivery()).await, (200, &big.len().to_string()));
        // axum's limit is raised to the limit of the verifier. A replaced body is still bounded by this limit.
        for (by, status) in [("!", 200), ("!!", 413)] {
            let small = builder(providers::JIRA).body_limit(big.len() + 1).build().unwrap();
            let grow = axum::middleware::map_request(async |request: Request<Body>| {
                let (parts, body) = request.into_parts();
                Request::from_parts(parts, Body::from([&body.collect().await.unwrap().to_bytes()[..], by.as_bytes()].concat()))
            });
            let grown = Router::new().route("/hook", count()).route_layer(grow).route_layer(VerifyLayer::new(small));
            assert_eq!(answer(grown, delivery()).await.0, status, "{by}");
        }
        let beside = app().route("/other", count());
        let other = || Request::post("/other").body(Body::from(big.clone())).unwrap();
        assert_eq!(answer(beside, other()).await.0, 413);
    });
}

#[test]
fn outer_limit_layer_gets_413() {
    conformance::run(async {
        let app = Router::new().route("/hook", post(key)).route_layer(layer()).layer(RequestBodyLimitLayer::new(3));
        let response = app.oneshot(signed("/hook")).await.unwrap();
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(response.extensions().get::<Rejection>().unwrap().kind(), RejectionKind::BodyTooLarge);
    });
}

#[test]
fn middleware_changing_the_body_works_only_inside() {
    conformance::run(async {
        let change = || axum::middleware::map_request(|request: Request<Body>| async { request.map(|_| Body::from("changed")) });
        let inside = Router::new().route("/hook", post(key)).route_layer(change()).route_layer(layer());
        same(answer(inside, signed("/hook")).await, (200, "changed by main"));
        let outside = Router::new().route("/hook", post(key)).route_layer(layer()).route_layer(change());
        same(answer(outside, signed("/hook")).await, (401, ""));
    });
}

#[test]
fn json_is_read_from_the_verified_body() {
    conformance::run(async {
        let handler = |Json(event): Json<serde_json::Value>| async move { event["webhookEvent"].as_str().unwrap().to_owned() };
        let app = Router::new().route("/hook", post(handler)).route_layer(layer());
        let delivery = Delivery::signed(&signer(providers::JIRA), r#"{"webhookEvent":"jira:issue_updated"}"#);
        let delivery = delivery.header("Content-Type", "application/json; charset=utf-8");
        same(answer(app, request("POST", "/hook", delivery)).await, (200, "jira:issue_updated"));
    });
}

#[test]
fn two_providers_guard_two_paths() {
    conformance::run(async {
        let github = VerifyLayer::new(builder(providers::GITHUB).build().unwrap());
        let app = Router::new().route("/jira", post(key).route_layer(layer())).route("/github", post(key).route_layer(github));
        same(answer(app.clone(), signed("/jira")).await, GOOD);
        same(answer(app.clone(), signed("/github")).await, (401, ""));
        let delivery = Delivery::signed(&signer(providers::GITHUB), "body");
        same(answer(app, request("POST", "/github", delivery)).await, GOOD);
    });
}

fn to(path: &str) -> Request<Body> {
    request("POST", path, acme_delivery())
}

async fn tenant(Extension(verified): Extension<Verified>, body: String) -> String {
    format!("{body} of {}", verified.tenant().unwrap())
}

#[test]
fn tenant_is_read_from_the_whole_path_under_nest() {
    conformance::run(async {
        let tenants = Source::default().tenants(Verifier::builder(providers::JIRA));
        let layer = || VerifyLayer::new(tenants.clone());
        let routes = || Router::new().route("/{tenant}/{event}", post(tenant));
        let inside = Router::new().nest("/hook", routes().route_layer(layer()));
        same(answer(inside, to("/hook/acme/event?x")).await, (200, "body of acme"));
        let outside = Router::new().nest("/hook", routes()).layer(layer());
        same(answer(outside, to("/hook/acme/event")).await, (200, "body of acme"));
        let twice =
            Router::new().nest("/hook", Router::new().nest("/{tenant}", Router::new().route("/{event}", post(tenant)).layer(layer())));
        same(answer(twice.clone(), to("/hook/acme/event")).await, (200, "body of acme"));
        same(answer(twice, to("/hook/globex/event")).await, (401, ""));
        let service = Router::new().nest_service("/hook", layer().layer(routes()));
        same(answer(service, to("/hook/acme/event")).await, (200, "body of acme"));
    });
}

#[derive(Clone)]
struct Workspace(&'static str);

#[test]
fn tenant_is_read_from_the_extensions() {
    conformance::run(async {
        let layer = VerifyLayer::new(tenants_from_application())
            .tenant_by(|parts| parts.extensions.get().map(|Workspace(name)| (*name).to_owned()));
        let app = Router::new().route("/hook", post(tenant)).route_layer(layer);
        same(answer(app.clone(), to("/hook")).await, (401, ""));
        for (name, expected) in [("acme", (200, "body of acme")), ("globex", (401, ""))] {
            let app = app.clone().layer(Extension(Workspace(name)));
            same(answer(app, to("/hook")).await, expected);
        }
    });
}

#[test]
fn panic_in_tenant_by_gets_503() {
    conformance::run(async {
        let layer = VerifyLayer::new(tenants_from_application()).tenant_by(|_| panic!("a deliberate panic of this test"));
        let app = Router::new().route("/hook", post(tenant)).route_layer(layer);
        same(answer(app, to("/hook")).await, (503, ""));
    });
}

/// The same facts, with the extractor instead of the layer.
mod extractor {
    use super::*;
    use std::error::Error;

    use countersign_tower::{Delivery as VerifiedDelivery, VerifiedJson, VerifyRejection};

    struct Extractor;

    impl Harness for Extractor {
        async fn deliver(verifiers: impl Into<VerifierSource>, delivery: Delivery) -> Observation {
            // Only the layer has report-only mode: see the test below.
            if delivery.report_only {
                return Axum::deliver(verifiers, delivery).await;
            }
            let handled: Arc<Mutex<Vec<Handled>>> = Arc::default();
            let seen = Arc::clone(&handled);
            let handler = move |delivery: VerifiedDelivery| {
                let (verified, body) = (delivery.verified, delivery.body);
                seen.lock().unwrap().push(Handled { body, verified });
                async { StatusCode::OK }
            };
            let layer = VerifyLayer::new(verifiers).deadline(delivery.deadline).drain(delivery.drain);
            // axum's own limit stays at the default, and does not apply to the extractor.
            let app = Router::new().route("/hook", any(handler.clone())).route("/hook/{*rest}", any(handler)).with_state(layer);
            let outcome = outcome(app, delivery).await;
            Observation { handled: handled.lock().unwrap().clone(), ..outcome }
        }
    }

    #[test]
    fn extractor_acknowledges_and_drops_as_the_layer_does() {
        conformance::run(async {
            let app =
                || Router::new().route("/hook", post(async |_: VerifiedDelivery| "handled")).with_state(layer().acknowledge_and_drop());
            same(answer(app(), signed("/hook")).await, (200, "handled"));
            same(answer(app(), unsigned("POST", "/hook")).await, (204, ""));
        });
    }

    conformance::suite!(Extractor);

    async fn handler(delivery: VerifiedDelivery) -> String {
        format!("{} by {}", String::from_utf8_lossy(&delivery.body), delivery.verified.key_id())
    }

    #[test]
    fn extractor_rejects_despite_report_only() {
        conformance::run(async {
            let app = || Router::new().route("/hook", post(handler)).with_state(layer().insecure_report_only());
            same(answer(app(), signed("/hook")).await, GOOD);
            same(answer(app(), unsigned("POST", "/hook")).await, (401, ""));
        });
    }

    #[test]
    fn handler_can_answer_rejections_itself() {
        async fn lenient(delivery: Result<VerifiedDelivery, VerifyRejection>) -> (StatusCode, &'static str) {
            match delivery {
                Ok(_) => (StatusCode::OK, "verified"),
                Err(rejected) => {
                    assert_eq!(rejected.to_string(), "the delivery was rejected");
                    let cause = rejected.source().and_then(<dyn Error>::downcast_ref::<Rejection>).unwrap();
                    assert_eq!(cause.kind(), rejected.rejection().kind());
                    (StatusCode::ACCEPTED, rejected.rejection().kind().as_str())
                }
            }
        }
        conformance::run(async {
            let app = || Router::new().route("/hook", post(lenient)).with_state(layer());
            same(answer(app(), signed("/hook")).await, (200, "verified"));
            same(answer(app(), unsigned("POST", "/hook")).await, (202, "missing_signature"));
        });
    }

    #[test]
    fn json_is_parsed_after_verification() {
        async fn on_event(VerifiedJson(verified, event): VerifiedJson<Vec<u8>>) -> String {
            format!("{event:?} by {}", verified.key_id())
        }
        conformance::run(async {
            let app = || Router::new().route("/hook", post(on_event)).with_state(layer());
            let json = |body| request("POST", "/hook", Delivery::signed(&signer(providers::JIRA), body));
            same(answer(app(), json("[1, 2]")).await, (200, "[1, 2] by main"));
            let (status, text) = answer(app(), json("[1, ")).await;
            assert!(status == 400 && text.contains("EOF"), "{status} {text}");
            assert_eq!(answer(app(), json("{}")).await.0, 422);
            same(answer(app(), request("POST", "/hook", Delivery::unsigned("[1, "))).await, (401, ""));
        });
    }

    #[test]
    fn debug_of_delivery_shows_no_secret() {
        conformance::run(async {
            let app = Router::new().route("/hook", post(async |delivery: VerifiedDelivery| format!("{delivery:?}"))).with_state(layer());
            let (_, shown) = answer(app, request("POST", "/hook", Delivery::signed(&signer(providers::JIRA), "needle"))).await;
            assert!(shown.contains("len: 6") && !shown.contains("needle") && !shown.contains(SECRET), "{shown}");
        });
    }

    #[test]
    fn each_router_has_a_provider_of_its_own() {
        conformance::run(async {
            let router = |path, provider| Router::new().route(path, post(handler)).with_state(VerifyLayer::new(verifier(provider)));
            let app = router("/hook", providers::JIRA).merge(router("/github", providers::GITHUB));
            same(answer(app.clone(), signed("/hook")).await, GOOD);
            same(answer(app.clone(), signed("/github")).await, (401, ""));
            let github = request("POST", "/github", Delivery::signed(&signer(providers::GITHUB), "body"));
            same(answer(app, github).await, GOOD);
        });
    }
}

/// `nest` removes the front of the path. The signature covers the whole path.
#[test]
fn signed_url_binds_the_whole_path_under_nest() {
    conformance::run(async {
        let layer = || VerifyLayer::new(url_verifier());
        let hook = || Router::new().route("/hook", post(key));
        let by_layer = Router::new()
            .nest("/admin", hook().route_layer(layer()))
            .nest_service("/public", layer().layer(hook()))
            .merge(hook().route_layer(layer()));
        let by_extractor = {
            async fn extracted(delivery: countersign_tower::Delivery) -> String {
                format!("{} by {}", String::from_utf8_lossy(&delivery.body), delivery.verified.key_id())
            }
            let hook = || Router::new().route("/hook", post(extracted));
            Router::new().nest("/admin", hook()).nest("/public", hook()).merge(hook()).with_state(layer())
        };
        for (case, app) in [("the layer", by_layer), ("the extractor", by_extractor)] {
            for sent in ["/admin/hook", "/public/hook", "/hook", "/admin/hook?a=b"] {
                for signed in ["/admin/hook", "/public/hook", "/hook", "/admin/hook?a=b"] {
                    let (status, text) = answer(app.clone(), request("POST", sent, signed_for_target(signed))).await;
                    let expected = if sent == signed { GOOD } else { (401, "") };
                    assert_eq!((status, text.as_str()), expected, "{case}: signed for {signed}, sent to {sent}");
                }
            }
        }
    });
}
