//! Tests of the tower adapter around a plain service: the facts, and the behaviour of tower services.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use conformance::log::log_of;
use conformance::vectors::{SECRET, signer, verifier};
use conformance::{Delivery, Handled, Harness, Observation, ScriptedBody, Step};
use countersign::adapter::VerifierSource;
use countersign::{DrainPolicy, Rejection, RejectionKind, Verified, Verifier, providers};
use countersign_once::{MemoryStore, Once};
use countersign_tower::{VerifiedBody, VerifyLayer};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full, Limited};
use tower::limit::ConcurrencyLimitLayer;
use tower::{Service, ServiceBuilder, ServiceExt as _, service_fn};

struct Tower;

impl Harness for Tower {
    async fn deliver(verifiers: impl Into<VerifierSource>, delivery: Delivery) -> Observation {
        let handled: Arc<Mutex<Vec<Handled>>> = Arc::default();
        let seen = Arc::clone(&handled);
        let reported: Arc<Mutex<Vec<(Rejection, Bytes)>>> = Arc::default();
        let let_through = Arc::clone(&reported);
        let handler = service_fn(move |request: Request<VerifiedBody>| {
            let (parts, body) = request.into_parts();
            let body = body.into_bytes();
            match (parts.extensions.get::<Verified>().cloned(), parts.extensions.get::<Rejection>().cloned()) {
                (Some(verified), None) => seen.lock().unwrap().push(Handled { body, verified }),
                (None, Some(rejection)) => let_through.lock().unwrap().push((rejection, body)),
                both => panic!("the handler gets either a proof or a rejection: {both:?}"),
            }
            async { Ok::<_, Infallible>(Response::<Full<Bytes>>::default()) }
        });
        let mut layer = VerifyLayer::new(verifiers).deadline(delivery.deadline).drain(delivery.drain);
        if delivery.report_only {
            layer = layer.insecure_report_only();
        }
        let request = delivery.into_request();
        let polls = request.body().polls();
        let service = ServiceBuilder::new().layer(layer).service(handler);
        let response = service.oneshot(request).await.unwrap();
        let reported_on = reported.lock().unwrap().clone();
        Observation { reported: reported_on, ..outcome(response, &handled, &polls).await }
    }
}

async fn outcome(response: Response<Full<Bytes>>, handled: &Mutex<Vec<Handled>>, polls: &AtomicUsize) -> Observation {
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

conformance::suite!(Tower);

/// A resolver without an answer, with a timeout of zero.
struct Never(Verifier);

impl countersign::tenant::Resolver for Never {
    fn decoy(&self) -> &Verifier {
        &self.0
    }

    fn resolve(&self, _: &dyn countersign::RequestHead) -> countersign::tenant::ResolveFuture {
        countersign::tenant::ResolveFuture::new(std::future::pending::<Result<_, io::Error>>())
    }

    fn timeout(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn layer_without_clock_applies_no_resolver_timeout() {
    let tenants = conformance::facts::tenants_from_application();
    let layer = VerifyLayer::without_clock(tenants).tenant_by(|_| Some("acme".into()));
    let mut response =
        Box::pin(ServiceBuilder::new().layer(layer).service(service_fn(ok)).oneshot(conformance::facts::acme_delivery().into_request()));
    let mut cx = Context::from_waker(Waker::noop());
    // A lookup of `countersign-tenants` needs a runtime, and fails without a runtime.
    let Poll::Ready(Ok(response)) = response.as_mut().poll(&mut cx) else { panic!("the rejection is ready at the first poll") };
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);

    let layer = VerifyLayer::without_clock(Never(verifier(providers::JIRA)));
    let mut waiting = Box::pin(ServiceBuilder::new().layer(layer).service(service_fn(ok)).oneshot(signed("body")));
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
}

/// `drain` turns on the clock, and sets no deadline.
#[test]
fn layer_without_clock_applies_no_default_deadline() {
    conformance::run(async {
        tokio::time::pause();
        let layer = VerifyLayer::without_clock(verifier(providers::JIRA)).drain(DrainPolicy::default());
        let day = Duration::from_secs(24 * 60 * 60);
        let slow = Delivery::signed(&signer(providers::JIRA), "body").steps([Step::Wait(day), Step::Chunk("body".into())]).into_request();
        let response = ServiceBuilder::new().layer(layer).service(service_fn(ok)).oneshot(slow).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    });
}

fn signed(body: &str) -> Request<ScriptedBody> {
    Delivery::signed(&signer(providers::JIRA), body).into_request()
}

fn forged() -> Request<ScriptedBody> {
    Delivery::signed(&signer(providers::JIRA), "body").body("forged").into_request()
}

fn layer() -> VerifyLayer {
    VerifyLayer::without_clock(verifier(providers::JIRA))
}

/// Polls the service ready. The signature fixes the body type, because the layer is a service for any body.
async fn ready<S: Service<Request<ScriptedBody>>>(service: &mut S) -> Result<&mut S, S::Error> {
    service.ready().await
}

async fn ok<B>(_: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::default())
}

/// A service that enforces the contract of tower: each call needs its own `poll_ready`, on the same value.
struct Strict {
    ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: false, calls: Arc::clone(&self.calls) }
    }
}

impl<B> Service<Request<B>> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without having been polled ready");
        self.calls.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(Response::default()))
    }
}

#[test]
fn service_polled_ready_is_called_once() {
    conformance::run(async {
        let calls = Arc::<AtomicUsize>::default();
        let mut service = ServiceBuilder::new().layer(layer()).service(Strict { ready: false, calls: Arc::clone(&calls) });
        for count in 1..=3 {
            assert_eq!(ready(&mut service).await.unwrap().call(signed("body")).await.unwrap().status(), StatusCode::OK);
            assert_eq!(ready(&mut service).await.unwrap().call(forged()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
            assert_eq!(calls.load(Ordering::SeqCst), count);
        }
    });
}

#[test]
fn requests_wait_until_the_service_is_ready() {
    conformance::run(async {
        let layer = VerifyLayer::new(verifier(providers::JIRA));
        let limited = ServiceBuilder::new().layer(layer).layer(ConcurrencyLimitLayer::new(1)).service(service_fn(ok));
        let mut first = limited.clone();
        let mut second = limited;
        let stalled = Delivery::signed(&signer(providers::JIRA), "body").steps([Step::Stall]).into_request();
        let waiting = ready(&mut first).await.unwrap().call(stalled);
        assert!(tokio::time::timeout(Duration::from_millis(20), ready(&mut second)).await.is_err(), "the single permit is taken");
        drop(waiting);
        assert_eq!(ready(&mut second).await.unwrap().call(signed("body")).await.unwrap().status(), StatusCode::OK);
        // A rejection releases its permit.
        assert_eq!(ready(&mut first).await.unwrap().call(forged()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
        assert_eq!(ready(&mut second).await.unwrap().call(signed("body")).await.unwrap().status(), StatusCode::OK);
        // The permit is free before the rest of the body arrives.
        let unsigned = Delivery::unsigned("").header("Content-Length", "100").steps([Step::Stall]).into_request();
        let mut draining = pin!(ready(&mut first).await.unwrap().call(unsigned));
        assert!(draining.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let second = tokio::time::timeout(Duration::from_secs(5), ready(&mut second)).await.expect("the single permit is free");
        assert_eq!(second.unwrap().call(signed("body")).await.unwrap().status(), StatusCode::OK);
    });
}

#[test]
fn layer_works_outside_and_inside_a_buffer() {
    conformance::run(async {
        let inside = ServiceBuilder::new().layer(layer()).buffer(4).service(service_fn(ok));
        let outside = ServiceBuilder::new().buffer(4).layer(layer()).service(service_fn(ok));
        for _ in 0..10 {
            assert_eq!(inside.clone().oneshot(signed("body")).await.unwrap().status(), StatusCode::OK);
            assert_eq!(inside.clone().oneshot(forged()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
            assert_eq!(outside.clone().oneshot(signed("body")).await.unwrap().status(), StatusCode::OK);
            assert_eq!(outside.clone().oneshot(forged()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
        }
    });
}

#[test]
fn errors_of_the_inner_service_pass_through() {
    conformance::run(async {
        let failing = service_fn(|_: Request<VerifiedBody>| async { Err::<Response<Full<Bytes>>, _>(io::Error::other("inner")) });
        let service = ServiceBuilder::new().layer(layer()).service(failing);
        assert_eq!(service.clone().oneshot(signed("body")).await.unwrap_err().to_string(), "inner");
        // A rejection is a response, even with a service of another error type.
        assert_eq!(service.oneshot(forged()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    });
}

#[test]
fn readiness_errors_pass_through() {
    #[derive(Clone)]
    struct Broken;
    impl Service<Request<VerifiedBody>> for Broken {
        type Response = Response<Full<Bytes>>;
        type Error = io::Error;
        type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
            Poll::Ready(Err(io::Error::other("not ready")))
        }
        fn call(&mut self, _: Request<VerifiedBody>) -> Self::Future {
            unreachable!("the service is never ready")
        }
    }
    conformance::run(async {
        let mut service = ServiceBuilder::new().layer(layer()).service(Broken);
        assert_eq!(ready(&mut service).await.map(drop).unwrap_err().to_string(), "not ready");
        let once = Once::builder("jira", MemoryStore::new(1)).build(&verifier(providers::JIRA)).unwrap();
        let mut guarded = ServiceBuilder::new().layer(layer().once(once)).service(Broken);
        assert_eq!(ready(&mut guarded).await.map(drop).unwrap_err().to_string(), "not ready");
    });
}

#[test]
fn head_and_trailers_reach_the_handler_unchanged() {
    conformance::run(async {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-checksum", HeaderValue::from_static("1"));
        let sent = trailers.clone();
        let handler = service_fn(move |request: Request<VerifiedBody>| {
            let expected = trailers.clone();
            async move {
                assert_eq!(request.method(), "POST");
                assert_eq!(request.uri(), "/hook");
                assert_eq!(request.headers()["x-other"], "kept");
                assert!(request.headers().contains_key("x-hub-signature"));
                let mut body = request.into_body();
                assert_eq!(body.size_hint().exact(), Some(8));
                assert!(!body.is_end_stream());
                assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "the body");
                assert!(!body.is_end_stream());
                assert_eq!(body.frame().await.unwrap().unwrap().into_trailers().unwrap(), expected);
                assert!(body.is_end_stream());
                assert!(body.frame().await.is_none());
                Ok::<_, Infallible>(Response::<Full<Bytes>>::default())
            }
        });
        let delivery = Delivery::signed(&signer(providers::JIRA), "the body").header("x-other", "kept");
        let steps = [Step::Chunk("the ".into()), Step::Chunk("body".into()), Step::Trailers(sent)];
        let response = ServiceBuilder::new().layer(layer()).service(handler).oneshot(delivery.steps(steps).into_request()).await;
        assert_eq!(response.unwrap().status(), StatusCode::OK);
    });
}

#[test]
fn verified_body_is_sync_for_every_request_body() {
    fn sync<T: Send + Sync + Unpin + 'static>() {}
    sync::<VerifiedBody>();
    sync::<VerifyLayer>();
}

#[test]
fn proof_of_outer_middleware_is_not_taken_for_an_unverified_body() {
    conformance::run(async {
        // The outer layer of another provider stands in for any middleware that inserts a proof.
        let by_github = || VerifyLayer::new(verifier(providers::GITHUB));
        for (inner, expected) in [(by_github().insecure_report_only(), (false, true)), (layer(), (true, false))] {
            let seen = Arc::new(Mutex::new(None));
            let handler = service_fn({
                let seen = Arc::clone(&seen);
                move |request: Request<VerifiedBody>| {
                    let extensions = request.extensions();
                    *seen.lock().unwrap() = Some((extensions.get::<Verified>().is_some(), extensions.get::<Rejection>().is_some()));
                    async { Ok::<_, Infallible>(Response::<Full<Bytes>>::default()) }
                }
            });
            let service = ServiceBuilder::new().layer(layer()).layer(inner).service(handler);
            assert_eq!(service.oneshot(signed("body")).await.unwrap().status(), 200);
            assert_eq!(*seen.lock().unwrap(), Some(expected));
        }
    });
}

#[test]
fn replaced_response_carries_challenge_and_rejection() {
    conformance::run(async {
        let layer = layer().with_rejection_response(|rejection: &Rejection| {
            let status = StatusCode::from_u16(rejection.status_code()).unwrap();
            Response::builder().status(status).header("x-rejected", "yes").body(Full::from("no")).unwrap()
        });
        let service = ServiceBuilder::new().layer(layer).service(service_fn(ok));
        let response = service.clone().oneshot(forged()).await.unwrap();
        assert_eq!(response.headers()["www-authenticate"], "WebhookSignature");
        assert_eq!((response.status(), &response.headers()["x-rejected"]), (StatusCode::UNAUTHORIZED, &HeaderValue::from_static("yes")));
        assert_eq!(response.extensions().get::<Rejection>().unwrap().kind(), RejectionKind::SignatureMismatch);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "no");
        let response = service.oneshot(signed("body")).await.unwrap();
        assert!(!response.headers().contains_key("x-rejected"));
    });
}

#[test]
fn acknowledge_and_drop_answers_204_and_skips_the_handler() {
    conformance::run(async {
        let service = ServiceBuilder::new()
            .layer(layer().acknowledge_and_drop())
            .service(service_fn(|_: Request<VerifiedBody>| async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("handled"))) }));
        let response = service.clone().oneshot(forged()).await.unwrap();
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert!(!response.headers().contains_key("www-authenticate"));
        assert_eq!(response.extensions().get::<Rejection>().unwrap().kind(), RejectionKind::SignatureMismatch);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "");
        let broken = Delivery::signed(&signer(providers::JIRA), "body").steps([Step::Error]).into_request();
        assert_eq!(service.clone().oneshot(broken).await.unwrap().status(), StatusCode::BAD_REQUEST);
        assert_eq!(service.oneshot(signed("body")).await.unwrap().status(), StatusCode::OK);
    });
}

#[test]
fn replaced_response_keeps_its_own_challenge_and_status() {
    conformance::run(async {
        for (status, challenge) in [(StatusCode::UNAUTHORIZED, Some("Other")), (StatusCode::OK, None), (StatusCode::FORBIDDEN, None)] {
            let layer = layer().with_rejection_response(move |_: &Rejection| {
                let response = Response::builder().status(status);
                challenge
                    .into_iter()
                    .fold(response, |response, value| response.header("www-authenticate", value))
                    .body(Full::<Bytes>::default())
                    .unwrap()
            });
            let response = ServiceBuilder::new().layer(layer).service(service_fn(ok)).oneshot(forged()).await.unwrap();
            assert_eq!(response.status(), status);
            let challenges: Vec<_> = response.headers().get_all("www-authenticate").iter().collect();
            assert_eq!(challenges, challenge.into_iter().collect::<Vec<_>>());
        }
    });
}

#[test]
fn request_body_is_dropped_before_the_rejection_response() {
    conformance::run(async {
        let chunk = Bytes::from(vec![b'x'; 10]);
        // The `Arc` keeps a single copy of the chunk, because cloning the layer clones the function.
        let kept = Arc::new(chunk.clone());
        let layer = layer().with_rejection_response(move |_: &Rejection| {
            assert!(kept.is_unique(), "the request body is dropped");
            Response::<Full<Bytes>>::default()
        });
        let delivery = Delivery::signed(&signer(providers::JIRA), "body").steps([Step::Chunk(chunk), Step::Error]);
        ServiceBuilder::new().layer(layer).service(service_fn(ok)).oneshot(delivery.into_request()).await.unwrap();
    });
}

#[test]
fn debug_of_layer_future_and_body_shows_no_secret() {
    conformance::run(async {
        let layer = layer();
        let handler = service_fn(|request: Request<VerifiedBody>| async move {
            let shown = format!("{:?}", request.into_body());
            assert!(shown.contains("len: 6") && !shown.contains("needle"), "{shown}");
            Ok::<_, Infallible>(Response::<Full<Bytes>>::default())
        });
        let mut service = ServiceBuilder::new().layer(layer.clone()).service(Strict { ready: false, calls: Arc::default() });
        let future = ready(&mut service).await.unwrap().call(signed("needle"));
        let shown = format!("{layer:?} {future:?}");
        assert!(!shown.contains(SECRET) && !shown.contains("needle"), "{shown}");
        assert!(shown.contains("jira") && shown.contains("VerifyFuture"), "{shown}");
        assert_eq!(ServiceBuilder::new().layer(layer).service(handler).oneshot(signed("needle")).await.unwrap().status(), StatusCode::OK);
    });
}

#[test]
fn event_names_each_underlying_cause_once() {
    conformance::run(async {
        let service = ServiceBuilder::new()
            .map_request(|request: Request<ScriptedBody>| request.map(axum::body::Body::new))
            .layer(layer())
            .service(service_fn(ok));
        let broken = Delivery::signed(&signer(providers::JIRA), "body").steps([Step::Error]).into_request();
        let (_, log) = log_of(service.oneshot(broken)).await;
        assert_eq!(log.matches("connection reset").count(), 1, "the text of axum's wrapper repeats the cause: {log}");
    });
}

#[test]
fn length_limit_around_the_body_gets_413() {
    conformance::run(async {
        let service = ServiceBuilder::new()
            .map_request(|request: Request<ScriptedBody>| request.map(|body| Limited::new(body, 3)))
            .layer(layer())
            .service(service_fn(ok));
        let response = service.oneshot(signed("body")).await.unwrap();
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(response.extensions().get::<Rejection>().unwrap().kind(), RejectionKind::BodyTooLarge);
    });
}

#[test]
fn rejection_is_counted_before_the_body_is_drained() {
    conformance::run(async {
        let verifier = verifier(providers::JIRA);
        let layer = VerifyLayer::new(verifier.clone());
        let unsigned = Delivery::unsigned("").header("Content-Length", "100").steps([Step::Chunk("x".into()), Step::Stall]);
        let service = ServiceBuilder::new().layer(layer).service(service_fn(ok));
        let call = service.oneshot(unsigned.into_request());
        assert!(tokio::time::timeout(Duration::from_millis(20), call).await.is_err(), "the rest of the body is being drained");
        assert_eq!(verifier.rejected(RejectionKind::MissingSignature), 1);
    });
}

#[test]
fn connection_close_replaces_keep_alive_of_the_response() {
    conformance::run(async {
        let layer = layer().with_rejection_response(|_: &Rejection| {
            Response::builder().status(401).header("connection", "keep-alive").body(Full::<Bytes>::default()).unwrap()
        });
        let unsigned = Delivery::unsigned("body").into_request();
        let response = ServiceBuilder::new().layer(layer).service(service_fn(ok)).oneshot(unsigned).await.unwrap();
        assert_eq!(response.headers().get_all("connection").iter().collect::<Vec<_>>(), ["close"]);
    });
}

#[test]
fn cancelled_request_never_reaches_the_handler() {
    conformance::run(async {
        let calls = Arc::<AtomicUsize>::default();
        let service = ServiceBuilder::new().layer(layer()).service(Strict { ready: false, calls: Arc::clone(&calls) });
        let request = Delivery::signed(&signer(providers::JIRA), "body").steps([Step::Chunk("bo".into()), Step::Stall]).into_request();
        assert!(tokio::time::timeout(Duration::from_millis(20), service.oneshot(request)).await.is_err());
        assert_eq!(calls.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn http2_rejection_never_drains_the_body() {
    conformance::run(async {
        for (version, polled) in [(Version::HTTP_11, true), (Version::HTTP_2, false)] {
            let body = ScriptedBody::new([Step::Chunk("body".into())]);
            let polls = body.polls();
            let request = Request::post("/hook").version(version).header("content-length", 4).body(body).unwrap();
            let layer = VerifyLayer::new(verifier(providers::JIRA));
            let response = ServiceBuilder::new().layer(layer).service(service_fn(ok)).oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            assert_eq!(polls.load(Ordering::SeqCst) > 0, polled, "{version:?}");
        }
    });
}
