//! Tests of the actix-web adapter: the facts, and the places for the middleware in an application.

use std::cell::RefCell;
use std::io::Write as _;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use actix_web::body::MessageBody;
use actix_web::dev::{HttpServiceFactory, Payload, Service, ServiceRequest, ServiceResponse, Transform as _, fn_service};
use actix_web::error::PayloadError;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode, Version};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, init_service, read_body};
use actix_web::{App, Error, HttpMessage as _, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use conformance::facts::{Source, acme_delivery, signed_for_target, tenants_from_application, url_verifier};
use conformance::log::log_of;
use conformance::vectors::{SECRET, builder, signer, verifier};
use conformance::{Delivery, Handled, Harness, Observation, ScriptedBody, Step};
use countersign::adapter::VerifierSource;
use countersign::{Rejection, RejectionKind, Verified, Verifier, providers};
use countersign_actix_web::Verify;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_core::Stream;
use http_body::Body as _;
use serde_json::{Value, json};

struct ActixWeb;

impl Harness for ActixWeb {
    const REJECTS_ODD_LENGTHS: bool = true;
    const SAYS_CLOSE: bool = false;

    async fn deliver(verifiers: impl Into<VerifierSource>, delivery: Delivery) -> Observation {
        let handled: Arc<Mutex<Vec<Handled>>> = Arc::default();
        let seen = Arc::clone(&handled);
        let reported: Arc<Mutex<Vec<(Rejection, Bytes)>>> = Arc::default();
        let let_through = Arc::clone(&reported);
        let handler = move |verified: Option<web::ReqData<Verified>>, rejection: Option<web::ReqData<Rejection>>, body: Bytes| {
            match (verified, rejection) {
                (Some(verified), None) => seen.lock().unwrap().push(Handled { body, verified: verified.into_inner() }),
                (None, Some(rejection)) => let_through.lock().unwrap().push((rejection.into_inner(), body)),
                both => panic!("the handler gets either a proof or a rejection: {both:?}"),
            }
            async { HttpResponse::Ok().finish() }
        };
        let limit = web::PayloadConfig::new(usize::MAX);
        let mut verify = Verify::new(verifiers).deadline(delivery.deadline).drain(delivery.drain);
        if delivery.report_only {
            verify = verify.insecure_report_only();
        }
        let hook = web::resource(["/hook", "/hook/{rest:.*}"]).app_data(limit).route(web::route().to(handler)).wrap(verify);
        let outcome = outcome(hook, delivery).await;
        Observation { handled: handled.lock().unwrap().clone(), reported: reported.lock().unwrap().clone(), ..outcome }
    }
}

/// Returns the results of a delivery, without the observations of the handler.
async fn outcome(hook: impl HttpServiceFactory + 'static, delivery: Delivery) -> Observation {
    let app = init_service(App::new().service(hook)).await;
    let (request, polls) = request(delivery.target, delivery);
    let response = app.call(request).await.unwrap();
    let rejection = response.response().extensions().get::<Rejection>().cloned();
    Observation {
        status: response.status().as_u16(),
        headers: response.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect(),
        closes: false,
        body: read_body(response).await,
        handled: Vec::new(),
        polls: polls.load(Ordering::SeqCst),
        rejection,
        reported: Vec::new(),
    }
}

conformance::suite!(ActixWeb);

/// A scripted body as a stream for actix-web. actix-web has no trailers.
struct Script(ScriptedBody);

impl Stream for Script {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0)
            .poll_frame(cx)
            .map(|frame| frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default()).map_err(PayloadError::Io)))
    }
}

/// Returns a request, and the counter of body polls.
fn request(path: &str, delivery: Delivery) -> (actix_http::Request, Arc<AtomicUsize>) {
    let mut request = TestRequest::with_uri(path).method(Method::from_bytes(delivery.method.as_bytes()).unwrap());
    for (name, value) in &delivery.headers {
        request = request.append_header((HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap()));
    }
    let body = ScriptedBody::new(delivery.steps);
    let polls = body.polls();
    let payload = Payload::Stream { payload: Box::pin(Script(body)) as _ };
    (request.to_request().replace_payload(payload).0, polls)
}

fn verify() -> Verify {
    Verify::new(verifier(providers::JIRA))
}

async fn key(verified: web::ReqData<Verified>, body: String) -> String {
    format!("{body} by {}", verified.key_id())
}

fn signed(body: impl AsRef<[u8]>) -> Delivery {
    Delivery::signed(&signer(providers::JIRA), body)
}

fn unsigned() -> Delivery {
    Delivery::unsigned("body")
}

fn with_method(method: &'static str, mut delivery: Delivery) -> Delivery {
    delivery.method = method;
    delivery
}

/// Returns the response of an application to one delivery.
macro_rules! answer {
    ($app:expr, $path:expr, $delivery:expr) => {{
        let app = init_service($app).await;
        answer(app.call(request($path, $delivery).0).await).await
    }};
}

async fn answer<B: MessageBody>(response: Result<ServiceResponse<B>, Error>) -> (u16, String) {
    match response {
        Ok(response) => {
            let status = response.status().as_u16();
            (status, String::from_utf8(read_body(response).await.to_vec()).unwrap())
        }
        Err(error) => (error.error_response().status().as_u16(), error.to_string()),
    }
}

fn good() -> (u16, String) {
    (200, "body by main".into())
}

fn status(status: u16) -> (u16, String) {
    (status, String::new())
}

#[test]
fn middleware_on_an_app_covers_unknown_paths() {
    conformance::run(async {
        let app = || App::new().route("/hook", web::post().to(key)).wrap(verify());
        assert_eq!(answer!(app(), "/hook", signed("body")), good());
        assert_eq!(answer!(app(), "/hook", unsigned()), status(401));
        assert_eq!(answer!(app(), "/unknown", unsigned()), status(401));
        assert_eq!(answer!(app(), "/unknown", signed("body")), status(404));
    });
}

#[test]
fn middleware_on_a_scope_leaves_other_paths_alone() {
    conformance::run(async {
        let app = || {
            App::new()
                .service(web::scope("/api").route("/hook", web::post().to(key)).wrap(verify()))
                .route("/health", web::get().to(async || "up"))
        };
        assert_eq!(answer!(app(), "/api/hook", signed("body")), good());
        assert_eq!(answer!(app(), "/api/hook", unsigned()), status(401));
        assert_eq!(answer!(app(), "/health", with_method("GET", unsigned())), (200, "up".into()));
        assert_eq!(answer!(app(), "/unknown", unsigned()), status(404));
    });
}

#[test]
fn middleware_on_a_resource_covers_all_methods() {
    conformance::run(async {
        let app = || App::new().service(web::resource("/hook").wrap(verify()).route(web::post().to(key)));
        assert_eq!(answer!(app(), "/hook", signed("body")), good());
        assert_eq!(answer!(app(), "/hook", unsigned()), status(401));
        assert_eq!(answer!(app(), "/hook", with_method("GET", unsigned())), status(401));
        assert_eq!(answer!(app(), "/hook", with_method("GET", signed("body"))), status(405));
    });
}

#[test]
fn middleware_on_a_route_leaves_other_methods_alone() {
    conformance::run(async {
        let health = || web::get().to(async || "unsigned");
        let after = || App::new().service(web::resource("/hook").route(web::post().to(key).wrap(verify())).route(health()));
        assert_eq!(answer!(after(), "/hook", signed("body")), good());
        assert_eq!(answer!(after(), "/hook", unsigned()), status(401));
        assert_eq!(answer!(after(), "/hook", with_method("GET", unsigned())), (200, "unsigned".into()));
    });
    // With `to` after `wrap`, the route would lose the middleware. Since 4.14, actix-web panics in this case, when the application is
    // built.
    assert!(std::panic::catch_unwind(|| web::post().wrap(verify()).to(key)).is_err());
}

#[test]
fn extractors_read_the_verified_body() {
    #[derive(serde::Deserialize)]
    struct Fields {
        a: String,
    }
    conformance::run(async {
        let app = || {
            App::new()
                .route("/json", web::post().to(async |web::Json(event): web::Json<Value>| event["a"].as_str().unwrap().to_owned()))
                .route("/bytes", web::post().to(async |body: Bytes| body))
                .route("/string", web::post().to(async |body: String| body))
                .route("/form", web::post().to(async |web::Form(fields): web::Form<Fields>| fields.a))
                .wrap(verify())
        };
        let json = || signed(r#"{"a":"b c"}"#).header("Content-Type", "application/json; charset=utf-8");
        assert_eq!(answer!(app(), "/json", json()), (200, "b c".into()));
        assert_eq!(answer!(app(), "/bytes", signed("body")), (200, "body".into()));
        assert_eq!(answer!(app(), "/string", signed("body")), (200, "body".into()));
        let form = || signed("a=b+c&d=e").header("Content-Type", "application/x-www-form-urlencoded");
        assert_eq!(answer!(app(), "/form", form()), (200, "b c".into()));
        for (path, delivery) in [("/json", json()), ("/form", form())] {
            let forged = delivery.body(r#"{"a":"x"}"#);
            assert_eq!(answer!(app(), path, forged), status(401), "{path}");
        }
    });
}

#[test]
fn compressed_body_is_verified_as_sent_and_then_decompressed() {
    conformance::run(async {
        let text = json!({ "a": "b".repeat(1000) }).to_string();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        let gzip = encoder.finish().unwrap();
        let app = || App::new().route("/hook", web::post().to(async |body: Bytes| body)).wrap(verify());
        let encoded = |delivery: Delivery| delivery.header("Content-Encoding", "gzip");

        assert_eq!(answer!(app(), "/hook", encoded(signed(&gzip))), (200, text.clone()));
        assert_eq!(answer!(app(), "/hook", encoded(signed(&gzip)).chunks(gzip.chunks(7))), (200, text.clone()));
        // A signature of the decompressed text does not match the sent bytes.
        assert_eq!(answer!(app(), "/hook", encoded(signed(&text)).body(&gzip)), status(401));
    });
}

#[test]
fn gzip_bomb_is_not_inflated_before_the_verdict() {
    conformance::run(async {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![0; 10 * 1024 * 1024]).unwrap();
        let bomb = encoder.finish().unwrap();
        // A decompressing adapter would find a body over the limit.
        let verify = || Verify::new(builder(providers::JIRA).body_limit(1024 * 1024).build().unwrap());
        let app = || App::new().route("/hook", web::post().to(async |_: Bytes| "read")).wrap(verify());
        let encoded = |delivery: Delivery| delivery.header("Content-Encoding", "gzip");
        assert_eq!(answer!(app(), "/hook", encoded(signed("another body")).body(&bomb)), status(401));
        // A sender with the secret reaches actix-web's own limit.
        let service = init_service(app()).await;
        let response = service.call(request("/hook", encoded(signed(&bomb))).0).await.unwrap();
        assert_eq!(response.status(), 413);
        assert!(response.response().extensions().get::<Rejection>().is_none(), "actix-web rejects, and not the adapter");
    });
}

#[test]
fn handler_requiring_verified_never_runs_without_the_middleware() {
    conformance::run(async {
        let runs = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&runs);
        let handler = move |_: web::ReqData<Verified>| {
            count.fetch_add(1, Ordering::SeqCst);
            async { "ran" }
        };
        let app = App::new().service(web::scope("/api").wrap(verify())).route("/hook", web::post().to(handler));
        let (code, _) = answer!(app, "/hook", signed("body"));
        assert_eq!((code, runs.load(Ordering::SeqCst)), (500, 0));
    });
}

#[test]
fn outer_middleware_runs_and_sees_the_rejection() {
    conformance::run(async {
        let seen: Rc<RefCell<Vec<Option<RejectionKind>>>> = Rc::default();
        let log = Rc::clone(&seen);
        let outer = from_fn(move |request: ServiceRequest, next: Next<_>| {
            let log = Rc::clone(&log);
            async move {
                let response = next.call(request).await?;
                log.borrow_mut().push(response.response().extensions().get::<Rejection>().map(Rejection::kind));
                Ok::<_, Error>(response)
            }
        });
        let app = init_service(App::new().route("/hook", web::post().to(key)).wrap(verify()).wrap(outer)).await;
        for delivery in [unsigned(), signed("body"), signed("body").body("other")] {
            app.call(request("/hook", delivery).0).await.unwrap();
        }
        assert_eq!(*seen.borrow(), [Some(RejectionKind::MissingSignature), None, Some(RejectionKind::SignatureMismatch)]);
    });
}

#[test]
fn proof_of_outer_middleware_is_not_taken_for_an_unverified_body() {
    async fn proof(request: HttpRequest) -> String {
        let extensions = request.extensions();
        format!("{} {}", extensions.contains::<Verified>(), extensions.contains::<Rejection>())
    }
    conformance::run(async {
        let resource = |inner| web::resource("/hook").route(web::post().to(proof)).wrap(inner).wrap(verify());
        let by_github = Verify::new(verifier(providers::GITHUB)).insecure_report_only();
        assert_eq!(answer!(App::new().service(resource(by_github)), "/hook", signed("body")), (200, "false true".into()));
        assert_eq!(answer!(App::new().service(resource(verify())), "/hook", signed("body")), (200, "true false".into()));
    });
}

#[test]
fn replaced_response_carries_challenge_and_rejection() {
    conformance::run(async {
        let verify = verify().with_rejection_response(|rejection: &Rejection| {
            let status = StatusCode::from_u16(rejection.status_code()).unwrap();
            HttpResponse::build(status).insert_header(("x-rejected", "yes")).json(json!({ "error": "rejected" }))
        });
        let app = init_service(App::new().route("/hook", web::post().to(key)).wrap(verify)).await;
        let response = app.call(request("/hook", unsigned()).0).await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers().get("www-authenticate").unwrap(), "WebhookSignature");
        assert_eq!(response.headers().get("x-rejected").unwrap(), "yes");
        assert_eq!(response.response().extensions().get::<Rejection>().unwrap().kind(), RejectionKind::MissingSignature);
        assert_eq!(read_body(response).await, r#"{"error":"rejected"}"#);
        assert_eq!(answer(app.call(request("/hook", signed("body")).0).await).await, good());
    });
}

#[test]
fn acknowledge_and_drop_answers_204_and_skips_the_handler() {
    conformance::run(async {
        let app = || App::new().route("/hook", web::post().to(key)).wrap(verify().acknowledge_and_drop());
        assert_eq!(answer!(app(), "/hook", signed("body").body("forged")), status(204));
        assert_eq!(answer!(app(), "/hook", unsigned()), status(204));
        assert_eq!(answer!(app(), "/hook", signed("body").steps([Step::Error])), status(400));
        assert_eq!(answer!(app(), "/hook", signed("body")), good());
    });
}

#[test]
fn replaced_response_keeps_its_own_challenge_and_status() {
    conformance::run(async {
        for (status, challenge) in [(StatusCode::UNAUTHORIZED, Some("Other")), (StatusCode::OK, None), (StatusCode::FORBIDDEN, None)] {
            let verify = verify().with_rejection_response(move |_: &Rejection| {
                let mut response = HttpResponse::build(status);
                if let Some(value) = challenge {
                    response.insert_header(("www-authenticate", value));
                }
                response.finish()
            });
            let app = init_service(App::new().route("/hook", web::post().to(key)).wrap(verify)).await;
            let response = app.call(request("/hook", unsigned()).0).await.unwrap();
            assert_eq!(response.status(), status);
            let challenges: Vec<_> = response.headers().get_all("www-authenticate").map(|value| value.to_str().unwrap()).collect();
            assert_eq!(challenges, challenge.into_iter().collect::<Vec<_>>());
        }
    });
}

#[test]
fn errors_of_the_wrapped_service_pass_through() {
    conformance::run(async {
        let inner = || {
            from_fn(async |_: ServiceRequest, _: Next<actix_web::body::BoxBody>| {
                Err::<ServiceResponse, _>(actix_web::error::ErrorImATeapot("inner"))
            })
        };
        let app = || App::new().route("/hook", web::post().to(key)).wrap(inner()).wrap(verify());
        assert_eq!(answer!(app(), "/hook", signed("body")), (418, "inner".into()));
        assert_eq!(answer!(app(), "/hook", unsigned()), status(401));
    });
}

#[test]
fn head_and_extensions_reach_the_handler_unchanged() {
    conformance::run(async {
        let outer = from_fn(async |request: ServiceRequest, next: Next<_>| {
            request.extensions_mut().insert(7_u8);
            next.call(request).await
        });
        let handler = async |request: actix_web::HttpRequest, seven: web::ReqData<u8>, path: web::Path<String>| {
            assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::POST, "/hook/a?b=c"));
            assert_eq!(request.headers().get("x-other").unwrap(), "kept");
            assert!(request.headers().contains_key("x-hub-signature"));
            format!("{path} {}", seven.into_inner())
        };
        let app = App::new().route("/hook/{name}", web::post().to(handler)).wrap(verify()).wrap(outer);
        assert_eq!(answer!(app, "/hook/a?b=c", signed("body").header("x-other", "kept")), (200, "a 7".into()));
    });
}

#[test]
fn limits_of_actix_web_apply_until_raised() {
    conformance::run(async {
        let limit = verifier(providers::JIRA).body_limit();
        let text = format!("\"{}\"", "x".repeat(2 * 1024 * 1024));
        let delivery = || signed(&text).header("Content-Type", "application/json");
        let app = || {
            App::new()
                .route("/bytes", web::post().to(async |body: Bytes| body.len().to_string()))
                .route("/json", web::post().to(async |web::Json(text): web::Json<String>| (text.len() + 2).to_string()))
                .wrap(verify())
        };
        let raised = || app().app_data(web::PayloadConfig::new(limit)).app_data(web::JsonConfig::default().limit(limit));
        for path in ["/bytes", "/json"] {
            let service = init_service(app()).await;
            let response = service.call(request(path, delivery()).0).await.unwrap();
            assert_eq!(response.status(), 413, "{path}");
            assert!(response.response().extensions().get::<Rejection>().is_none(), "{path}: actix-web rejects, and not the adapter");
            assert_eq!(answer!(raised(), path, delivery()), (200, text.len().to_string()));
        }
    });
}

/// A payload over a limit set by an outer middleware.
struct Overflow;

impl Stream for Overflow {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(Some(Err(PayloadError::Overflow)))
    }
}

#[test]
fn outer_limit_gets_413() {
    conformance::run(async {
        let outer = from_fn(async |mut request: ServiceRequest, next: Next<_>| {
            request.set_payload(Payload::Stream { payload: Box::pin(Overflow) as _ });
            next.call(request).await
        });
        let app = init_service(App::new().route("/hook", web::post().to(key)).wrap(verify()).wrap(outer)).await;
        let response = app.call(request("/hook", signed("body")).0).await.unwrap();
        assert_eq!(response.status(), 413);
        assert_eq!(response.response().extensions().get::<Rejection>().unwrap().kind(), RejectionKind::BodyTooLarge);
    });
}

#[test]
fn middleware_changing_the_body_works_only_inside() {
    conformance::run(async {
        async fn change<B: MessageBody + 'static>(mut request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
            request.set_payload(Bytes::from("changed").into());
            next.call(request).await
        }
        let app = || App::new().route("/hook", web::post().to(key));
        assert_eq!(answer!(app().wrap(from_fn(change)).wrap(verify()), "/hook", signed("body")), (200, "changed by main".into()));
        assert_eq!(answer!(app().wrap(verify()).wrap(from_fn(change)), "/hook", signed("body")), status(401));
    });
}

#[test]
fn two_providers_guard_two_paths() {
    conformance::run(async {
        let github = || Verify::new(builder(providers::GITHUB).build().unwrap());
        let app = || {
            App::new()
                .service(web::resource("/jira").route(web::post().to(key)).wrap(verify()))
                .service(web::resource("/github").route(web::post().to(key)).wrap(github()))
        };
        assert_eq!(answer!(app(), "/jira", signed("body")), good());
        assert_eq!(answer!(app(), "/github", signed("body")), status(401));
        assert_eq!(answer!(app(), "/github", Delivery::signed(&signer(providers::GITHUB), "body")), good());
    });
}

#[test]
fn cancelled_request_never_reaches_the_handler() {
    conformance::run(async {
        let calls = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&calls);
        let handler = move || {
            count.fetch_add(1, Ordering::SeqCst);
            async { "ran" }
        };
        let app = init_service(App::new().route("/hook", web::post().to(handler)).wrap(verify())).await;
        let stalled = signed("body").steps([Step::Chunk("bo".into()), Step::Stall]);
        let call = app.call(request("/hook", stalled).0);
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), call).await.is_err());
        assert_eq!(calls.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn debug_of_middleware_shows_no_secret() {
    conformance::run(async {
        let inner = async |request: ServiceRequest| Ok::<_, Error>(request.into_response(HttpResponse::Ok()));
        let middleware = verify().new_transform(fn_service(inner)).await.unwrap();
        let future = middleware.call(TestRequest::default().set_payload("needle").to_srv_request());
        let shown = [format!("{:?}", verify()), format!("{middleware:?}"), format!("{future:?}")];
        for (shown, known) in shown.iter().zip(["jira", "jira", "VerifyFuture"]) {
            assert!(!shown.contains(SECRET) && !shown.contains("needle") && shown.contains(known), "{shown}");
        }
    });
}

async fn tenant(verified: web::ReqData<Verified>, body: String) -> String {
    format!("{body} of {}", verified.tenant().unwrap())
}

#[test]
fn tenant_is_read_from_the_whole_path_under_scope() {
    conformance::run(async {
        let tenants = Source::default().tenants(Verifier::builder(providers::JIRA));
        let verify = || Verify::new(tenants.clone());
        let good = (200, "body of acme".to_owned());
        let inside = || web::scope("/hook").service(web::scope("/{tenant}").route("/{event}", web::post().to(tenant)).wrap(verify()));
        assert_eq!(answer!(App::new().service(inside()), "/hook/acme/event?x", acme_delivery()), good);
        assert_eq!(answer!(App::new().service(inside()), "/hook/globex/event", acme_delivery()).0, 401);
        let outside = web::scope("/hook").service(web::scope("/{tenant}").route("/{event}", web::post().to(tenant))).wrap(verify());
        assert_eq!(answer!(App::new().service(outside), "/hook/acme/event", acme_delivery()), good);
        let on_route = web::scope("/hook").route("/{tenant}/{event}", web::post().to(tenant).wrap(verify()));
        assert_eq!(answer!(App::new().service(on_route), "/hook/acme/event", acme_delivery()), good);
    });
}

struct Workspace(&'static str);

#[test]
fn tenant_is_read_from_the_extensions() {
    conformance::run(async {
        let verify = Verify::new(tenants_from_application())
            .tenant_by(|request| request.extensions().get().map(|Workspace(name)| (*name).to_owned()));
        let hook = || web::resource("/hook").route(web::post().to(tenant)).wrap(verify.clone());
        assert_eq!(answer!(App::new().service(hook()), "/hook", acme_delivery()).0, 401);
        for (name, expected) in [("acme", (200, "body of acme".to_owned())), ("globex", (401, String::new()))] {
            let found = from_fn(move |request: ServiceRequest, next: Next<_>| {
                request.extensions_mut().insert(Workspace(name));
                next.call(request)
            });
            assert_eq!(answer!(App::new().service(hook().wrap(found)), "/hook", acme_delivery()), expected);
        }
    });
}

#[test]
fn panic_in_tenant_by_gets_503() {
    conformance::run(async {
        let verify = Verify::new(tenants_from_application()).tenant_by(|_| panic!("a deliberate panic of this test"));
        let hook = web::resource("/hook").route(web::post().to(tenant)).wrap(verify);
        assert_eq!(answer!(App::new().service(hook), "/hook", acme_delivery()), (503, String::new()));
    });
}

#[test]
fn http2_rejection_never_drains_the_body() {
    conformance::run(async {
        for (version, polled) in [(Version::HTTP_11, true), (Version::HTTP_2, false)] {
            let hook = web::resource("/hook").route(web::post().to(key)).wrap(verify());
            let app = init_service(App::new().service(hook)).await;
            let (mut request, polls) = request("/hook", unsigned().header("content-length", "4"));
            request.head_mut().version = version;
            assert_eq!(app.call(request).await.unwrap().status(), 401);
            assert_eq!(polls.load(Ordering::SeqCst) > 0, polled, "{version:?}");
        }
    });
}

/// The same facts, with the extractor instead of the middleware.
mod extractor {
    use super::*;
    use std::error::Error;

    use actix_web::ResponseError as _;
    use actix_web::error::JsonPayloadError;
    use countersign_actix_web::{Delivery as VerifiedDelivery, VerifiedJson, VerifyError};

    struct Extractor;

    impl Harness for Extractor {
        const SAYS_CLOSE: bool = false;

        async fn deliver(verifiers: impl Into<VerifierSource>, delivery: Delivery) -> Observation {
            // Only the middleware has report-only mode: see the tests below.
            if delivery.report_only {
                return ActixWeb::deliver(verifiers, delivery).await;
            }
            let handled: Arc<Mutex<Vec<Handled>>> = Arc::default();
            let seen = Arc::clone(&handled);
            let handler = move |delivery: VerifiedDelivery| {
                let (verified, body) = (delivery.verified, delivery.body);
                seen.lock().unwrap().push(Handled { body, verified });
                async { HttpResponse::Ok().finish() }
            };
            let verify = Verify::new(verifiers).deadline(delivery.deadline).drain(delivery.drain);
            // actix-web's own limit stays at the default, and does not apply to the extractor.
            let hook = web::resource(["/hook", "/hook/{rest:.*}"]).app_data(verify).route(web::route().to(handler));
            let outcome = outcome(hook, delivery).await;
            Observation { handled: handled.lock().unwrap().clone(), ..outcome }
        }
    }

    conformance::suite!(Extractor);

    fn cause(error: &impl Error) -> Option<RejectionKind> {
        error.source().and_then(<dyn Error>::downcast_ref::<Rejection>).map(Rejection::kind)
    }

    async fn handler(delivery: VerifiedDelivery) -> String {
        format!("{} by {}", String::from_utf8_lossy(&delivery.body), delivery.verified.key_id())
    }

    #[test]
    fn extractor_reuses_the_verdict_of_the_middleware_without_a_copy() {
        conformance::run(async {
            let body = Bytes::from(vec![b'x'; 100_000]);
            let address = body.as_ptr() as usize;
            let handler = move |delivery: VerifiedDelivery, verified: web::ReqData<Verified>| {
                assert_eq!((delivery.body.len(), delivery.body.as_ptr() as usize), (100_000, address));
                assert_eq!(delivery.verified.key_id(), verified.key_id());
                async { "handled" }
            };
            let app = || App::new().service(web::resource("/hook").route(web::post().to(handler)).wrap(verify()));
            let delivery = signed(&body);
            assert_eq!(answer!(app(), "/hook", delivery.clone().steps([Step::Chunk(body.clone())])), (200, "handled".into()));
            assert_eq!(answer!(app(), "/hook", delivery.body("forged")), status(401));
        });
    }

    #[test]
    fn extractor_uses_the_nearest_data_despite_the_middleware() {
        conformance::run(async {
            let by_github = || Verify::new(verifier(providers::GITHUB));
            let resource = |nearest, outer| web::resource("/hook").app_data(nearest).route(web::post().to(handler)).wrap(outer);
            let from_github = || Delivery::signed(&signer(providers::GITHUB), "body");
            assert_eq!(answer!(App::new().service(resource(verify(), by_github())), "/hook", from_github()), status(401));
            // A report-only middleware decides nothing. The verifier of the extractor decides.
            let tried = || resource(verify(), by_github().insecure_report_only());
            assert_eq!(answer!(App::new().service(tried()), "/hook", signed("body")), good());
            assert_eq!(answer!(App::new().service(tried()), "/hook", unsigned()), status(401));
        });
    }

    #[test]
    fn body_taken_by_another_extractor_is_not_verified_again() {
        async fn both(body: Bytes, delivery: Result<VerifiedDelivery, VerifyError>) -> String {
            format!("{} {}", body.len(), delivery.is_ok())
        }
        conformance::run(async {
            let app = App::new().service(web::resource("/hook").route(web::post().to(both)).wrap(verify()));
            assert_eq!(answer!(app, "/hook", signed("body")), (200, "4 false".into()));
        });
    }

    /// A static token does not cover the body, so the remaining empty body would verify.
    #[test]
    fn taken_body_is_a_misconfiguration_and_not_an_empty_delivery() {
        async fn both(body: Bytes, delivery: Result<VerifiedDelivery, VerifyError>) -> String {
            format!("{} {}", body.len(), delivery.unwrap_err())
        }
        conformance::run(async {
            let by_token =
                || Verify::new(Verifier::builder(providers::GITLAB_TOKEN).key("k", countersign::Secret::new(SECRET)).build().unwrap());
            let token = Delivery::unsigned("body").header("X-Gitlab-Token", SECRET);
            for (verify, delivery) in [(verify(), signed("body")), (by_token(), token)] {
                let app = || App::new().service(web::resource("/hook").app_data(verify.clone()).route(web::post().to(both)));
                let taken = || (200, "4 another extractor has taken the body: use only one of the two extractors".to_owned());
                for framing in [("Content-Length", "4"), ("Transfer-Encoding", "chunked")] {
                    let delivery = delivery.clone().header(framing.0, framing.1);
                    assert_eq!(answer!(app(), "/hook", delivery), taken());
                }
                // Over HTTP/2, no header field announces the body.
                let (mut over_http2, _) = request("/hook", delivery);
                over_http2.head_mut().version = Version::HTTP_2;
                assert_eq!(answer(init_service(app()).await.call(over_http2).await).await, taken());
            }
        });
    }

    #[test]
    fn empty_body_verifies_behind_another_extractor() {
        async fn both(body: Bytes, delivery: VerifiedDelivery) -> String {
            format!("{} {}", body.len(), delivery.body.len())
        }
        conformance::run(async {
            let app = || App::new().service(web::resource("/hook").app_data(verify()).route(web::post().to(both)));
            for delivery in [signed(""), signed("").header("Content-Length", "0")] {
                assert_eq!(answer!(app(), "/hook", delivery), (200, "0 0".into()));
            }
        });
    }

    #[test]
    fn debug_of_error_names_the_cause_and_quotes_no_body() {
        async fn shows(event: Result<VerifiedJson<Vec<u8>>, VerifyError>) -> String {
            format!("{:?}", event.unwrap_err())
        }
        conformance::run(async {
            let app = || App::new().service(web::resource("/hook").app_data(verify()).route(web::post().to(shows)));
            let json = "VerifyError { cause: \"not the expected JSON\", .. }";
            assert_eq!(answer!(app(), "/hook", signed("\"needle\"")), (200, json.into()));
            assert!(answer!(app(), "/hook", unsigned()).1.contains("MissingSignature"));
        });
    }

    #[test]
    fn extractor_rejects_deliveries_only_reported_by_the_middleware() {
        conformance::run(async {
            let app = || App::new().service(web::resource("/hook").route(web::post().to(handler)).wrap(verify().insecure_report_only()));
            assert_eq!(answer!(app(), "/hook", signed("body")), good());
            let service = init_service(app()).await;
            let response = service.call(request("/hook", unsigned()).0).await.unwrap();
            assert_eq!(response.status(), 401);
            assert!(response.headers().contains_key("www-authenticate"));
            let judge = verifier(providers::JIRA);
            let data = || Verify::new(judge.clone()).insecure_report_only();
            let strict = || web::resource("/hook").app_data(data()).route(web::post().to(handler));
            assert_eq!(answer!(App::new().service(strict()), "/hook", signed("body")), good());
            assert_eq!(answer!(App::new().service(strict()), "/hook", unsigned()), status(401));
            assert_eq!(judge.rejected(RejectionKind::MissingSignature), 1, "the delivery counts as rejected, and not as let through");
        });
    }

    #[test]
    fn extractor_uses_the_nearest_data_and_answers_500_without_data() {
        conformance::run(async {
            let resource = || web::resource("/hook").route(web::post().to(handler));
            let github = || Verify::new(verifier(providers::GITHUB));
            assert_eq!(answer!(App::new().app_data(verify()).service(resource()), "/hook", signed("body")), good());
            assert_eq!(answer!(App::new().app_data(web::Data::new(verify())).service(resource()), "/hook", signed("body")), good());
            let nearest = || App::new().app_data(github()).service(resource().app_data(verify()));
            assert_eq!(answer!(nearest(), "/hook", signed("body")), good());
            let (status, text) = answer!(App::new().service(resource()), "/hook", signed("body"));
            assert_eq!((status, text.as_str()), (500, ""));
        });
    }

    /// In a debug build, actix-web warns of a request with a second handle.
    #[test]
    fn extractor_causes_no_warning_of_the_framework() {
        conformance::run(async {
            let resource = web::resource("/hook").app_data(verify()).route(web::post().to(handler));
            let service = init_service(App::new().service(resource)).await;
            for (delivery, answered, event) in
                [(signed("body"), good(), "delivery verified"), (unsigned(), status(401), "delivery rejected")]
            {
                let request = request("/hook", delivery).0;
                let (answer, log) = log_of(async { answer(service.call(request).await).await }).await;
                assert_eq!(answer, answered);
                assert!(log.contains(event) && !log.contains("actix_web"), "{log}");
            }
        });
    }

    /// actix-web does not show the nearer of two forms of data, so the extractor rejects both together.
    #[test]
    fn two_forms_of_data_at_once_fail_closed() {
        conformance::run(async {
            let github = || Verify::new(verifier(providers::GITHUB));
            let resource = || web::resource("/hook").route(web::post().to(handler));
            let from_github = || Delivery::signed(&signer(providers::GITHUB), "body");
            let mut levels = Vec::new();
            for delivery in [signed("body"), from_github(), unsigned()] {
                let apps = [
                    App::new().app_data(verify()).service(resource().app_data(web::Data::new(github()))),
                    App::new().app_data(web::Data::new(verify())).service(resource().app_data(github())),
                    App::new().app_data(verify()).app_data(web::Data::new(verify())).service(resource()),
                    App::new().app_data(web::Data::new(github())).service(web::scope("").app_data(verify()).service(resource())),
                ];
                for (place, app) in apps.into_iter().enumerate() {
                    let service = init_service(app).await;
                    let request = request("/hook", delivery.clone()).0;
                    let (answered, log) = log_of(async { answer(service.call(request).await).await }).await;
                    assert_eq!(answered, (500, String::new()), "{place}");
                    // Each delivery logs an event. At most one event a second is at `ERROR`.
                    let events = log.lines().filter(|line| line.contains("countersign: delivery not verified: both `Verify`"));
                    levels.extend(events.map(|line| line.contains(" ERROR ")));
                }
            }
            assert_eq!((levels.len(), levels[0]), (12, true));
            assert!(levels.iter().filter(|is_error| **is_error).count() < 12, "{levels:?}");
        });
    }

    #[test]
    fn nearest_data_of_one_form_decides() {
        conformance::run(async {
            let github = || Verify::new(verifier(providers::GITHUB));
            let resource = || web::resource("/hook").route(web::post().to(handler));
            let from_github = || Delivery::signed(&signer(providers::GITHUB), "body");
            let apps = || {
                [
                    App::new().app_data(github()).service(resource().app_data(verify())),
                    App::new().app_data(web::Data::new(github())).service(resource().app_data(web::Data::new(verify()))),
                ]
            };
            for app in apps() {
                assert_eq!(answer!(app, "/hook", signed("body")), good());
            }
            for app in apps() {
                assert_eq!(answer!(app, "/hook", from_github()), status(401));
            }
        });
    }

    #[test]
    fn handler_can_answer_rejections_itself() {
        async fn lenient(delivery: Result<VerifiedDelivery, VerifyError>) -> String {
            match delivery {
                Ok(_) => "verified".to_owned(),
                Err(rejected) => {
                    assert_eq!(rejected.to_string(), "the delivery was rejected");
                    assert_eq!(cause(&rejected), rejected.rejection().map(Rejection::kind));
                    rejected.rejection().unwrap().kind().as_str().to_owned()
                }
            }
        }
        conformance::run(async {
            let app = || App::new().service(web::resource("/hook").app_data(verify()).route(web::post().to(lenient)));
            assert_eq!(answer!(app(), "/hook", signed("body")), (200, "verified".into()));
            assert_eq!(answer!(app(), "/hook", unsigned()), (200, "missing_signature".into()));
        });
    }

    #[test]
    fn extractor_sends_the_replaced_response() {
        conformance::run(async {
            let verify = verify().with_rejection_response(|_| HttpResponse::Forbidden().body("no"));
            let app = App::new().service(web::resource("/hook").app_data(verify).route(web::post().to(handler)));
            assert_eq!(answer!(app, "/hook", unsigned()), (403, "no".into()));
        });
    }

    #[test]
    fn debug_of_delivery_shows_no_secret() {
        conformance::run(async {
            let hook = || web::resource("/hook").app_data(verify());
            let shows = async |delivery: VerifiedDelivery| format!("{delivery:?}");
            let (_, shown) = answer!(App::new().service(hook().route(web::post().to(shows))), "/hook", signed("needle"));
            assert!(shown.contains("len: 6") && !shown.contains("needle") && !shown.contains(SECRET), "{shown}");
            let shows = async |delivery: Result<VerifiedDelivery, VerifyError>| format!("{:?}", delivery.unwrap_err());
            let (_, shown) = answer!(App::new().service(hook().route(web::post().to(shows))), "/hook", signed("needle").body("forged"));
            assert!(shown.contains("SignatureMismatch") && !shown.contains("forged") && !shown.contains(SECRET), "{shown}");
        });
    }

    #[test]
    fn json_is_parsed_after_verification() {
        async fn on_event(VerifiedJson(verified, event): VerifiedJson<Vec<u8>>) -> String {
            format!("{event:?} by {}", verified.key_id())
        }
        conformance::run(async {
            let app = || App::new().service(web::resource("/hook").app_data(verify()).route(web::post().to(on_event)));
            assert_eq!(answer!(app(), "/hook", signed("[1, 2]")), (200, "[1, 2] by main".into()));
            assert_eq!(answer!(app(), "/hook", signed("[1, ")).0, 400);
            assert_eq!(answer!(app(), "/hook", Delivery::unsigned("[1, ")), status(401));
        });
    }

    #[test]
    fn handler_distinguishes_json_errors_from_rejections() {
        async fn lenient(event: Result<VerifiedJson<Vec<u8>>, VerifyError>) -> String {
            let error = event.unwrap_err();
            let (of_json, status) = (error.source().is_some_and(<dyn Error>::is::<JsonPayloadError>), error.status_code().as_u16());
            format!("{error}: {of_json}, {:?}, {status}", cause(&error))
        }
        conformance::run(async {
            let app = || App::new().service(web::resource("/hook").app_data(verify()).route(web::post().to(lenient)));
            let not_json = "the body is not the expected JSON: true, None, 400";
            assert_eq!(answer!(app(), "/hook", signed("[1, ")), (200, not_json.into()));
            let rejected = "the delivery was rejected: false, Some(MissingSignature), 401";
            assert_eq!(answer!(app(), "/hook", unsigned()), (200, rejected.into()));
        });
    }
}

#[test]
fn signed_url_binds_the_whole_path_under_a_scope() {
    conformance::run(async {
        let app = || {
            let hook = || web::resource("/hook").route(web::post().to(key)).wrap(Verify::new(url_verifier()));
            App::new().service(web::scope("/admin").service(hook())).service(web::scope("/public").service(hook())).service(hook())
        };
        for sent in ["/admin/hook", "/public/hook", "/hook", "/admin/hook?a=b"] {
            for signed in ["/admin/hook", "/public/hook", "/hook", "/admin/hook?a=b"] {
                let expected = if sent == signed { good() } else { status(401) };
                assert_eq!(answer!(app(), sent, signed_for_target(signed)), expected, "signed for {signed}, sent to {sent}");
            }
        }
    });
}
