//! The tower layer under axum, in process, beside the bare handler, middleware written by hand, and published crates.

use std::sync::Arc;
use std::time::Duration;

use ::axum::body::{Body, Bytes};
use ::axum::extract::{DefaultBodyLimit, Request};
use ::axum::http::{HeaderMap, StatusCode};
use ::axum::middleware::{Next, from_fn};
use ::axum::response::{IntoResponse as _, Response};
use ::axum::{Router, routing::post};
use axum_github_webhook_extract::{GithubEvent, GithubToken};
use axum_standardwebhooks::{SharedWebhook, StandardWebhook, Webhook};
use countersign::Deadline;
use countersign_tower::{Delivery, VerifyLayer};
use http_body_util::BodyExt as _;
use serde::de::IgnoredAny;
use tower::Layer as _;
use tower::util::MapRequestLayer;
use tower_github_webhook::ValidateGitHubWebhookLayer;
use webhook_verify::Provider;

use crate::delivery::{
    LIMIT, SECRET, SIGNATURE, body, hash_alone, signature_of, standard, verified_by_hand, verifier, verifier_with_budget,
};
use crate::runtime::served;
use crate::table::{Row, print};

pub fn run() {
    print("A delivery of one frame through an axum application, answered 200", &[0, 1024, 16_384, 65_536], of_github);
    print("A delivery by Standard Webhooks through an axum application", &[1024, 16_384, 65_536], of_standard_webhooks);
}

/// Returns a router that accepts every body without verifying a signature.
pub fn bare() -> Router {
    Router::new().route("/hook", post(handler)).layer(DefaultBodyLimit::max(LIMIT))
}

pub fn verified() -> Router {
    bare().layer(VerifyLayer::new(verifier()))
}

/// Returns a router whose handler extracts the delivery, without a layer.
pub fn extracted(layer: VerifyLayer) -> Router {
    let extract = async |delivery: Delivery| {
        std::hint::black_box(delivery);
        StatusCode::OK
    };
    Router::new().route("/hook", post(extract)).with_state(layer)
}

pub fn by_hand() -> Router {
    bare().layer(from_fn(verify_by_hand))
}

async fn handler(body: Bytes) -> StatusCode {
    std::hint::black_box(body);
    StatusCode::OK
}

async fn verify_by_hand(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = ::axum::body::to_bytes(body, LIMIT).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    if verified_by_hand(parts.headers.get(SIGNATURE).and_then(|value| value.to_str().ok()), &body) {
        next.run(Request::from_parts(parts, Body::from(body))).await
    } else {
        StatusCode::UNAUTHORIZED.into_response()
    }
}

fn of_github(size: usize) -> Vec<Row<'static>> {
    let body = body(size);
    let headers = HeaderMap::from_iter([(SIGNATURE.parse().unwrap(), signature_of(&body).parse().unwrap())]);
    let request = requests(headers, body.clone());
    let defaults = || VerifyLayer::new(verifier());
    let bounded = || VerifyLayer::new(verifier_with_budget()).deadline(Deadline::new(Duration::from_secs(20)));
    let github = || ValidateGitHubWebhookLayer::new(SECRET);
    let (mut hash, mut handled) = (hash_alone(body.clone()), served(bare(), request.clone()));
    let mut rows = vec![
        Row::new("bare handler and HMAC alone", move || {
            hash();
            handled();
        }),
        Row::new("countersign, Router::layer", served(verified(), request.clone())),
        Row::new("countersign, Router::layer, deadline and budget", served(bare().layer(bounded()), request.clone())),
        Row::new("countersign, around the Router", served(defaults().layer(bare()), request.clone())),
        Row::new("countersign, around the Router, deadline and budget", served(bounded().layer(bare()), request.clone())),
        Row::new("countersign, extractor", served(extracted(defaults()), request.clone())),
        Row::new("countersign, extractor, deadline and budget", served(extracted(bounded()), request.clone())),
        Row::new("a layer that only forwards, Router::layer", {
            served(bare().layer(MapRequestLayer::new(|request: Request| request)), request.clone())
        }),
        Row::new("a layer that adds a proof and a body, Router::layer", {
            let proof = verifier().verify(&[(SIGNATURE, signature_of(&body))], &body).unwrap();
            let forward = MapRequestLayer::new(move |mut request: Request| {
                request.extensions_mut().insert(proof.clone());
                request.map(|body| Body::new(body.map_err(std::convert::identity)))
            });
            served(bare().layer(forward), request.clone())
        }),
        Row::new("written by hand, from_fn", served(by_hand(), request.clone())),
        Row::new("tower-github-webhook, Router::layer", served(bare().layer(github()), request.clone())),
        Row::new("tower-github-webhook, around the Router", served(github().layer(bare()), request.clone())),
        Row::new("webhook-verify, around the Router", {
            let layer = webhook_verify::tower::VerifyLayer::<Body>::new(Provider::GitHub, webhook_verify::Secret::new(SECRET));
            served(layer.layer(bare()), request.clone())
        }),
    ];
    // An empty body is not JSON.
    if size > 0 {
        let extract = async |GithubEvent(body): GithubEvent<IgnoredAny>| {
            std::hint::black_box(body);
            StatusCode::OK
        };
        let router = Router::new().route("/hook", post(extract)).layer(DefaultBodyLimit::max(LIMIT));
        let router = router.with_state(GithubToken(Arc::new(SECRET.to_owned())));
        rows.push(Row::new("axum-github-webhook-extract, extractor, scans JSON", served(router, request)));
    }
    rows
}

fn of_standard_webhooks(size: usize) -> Vec<Row<'static>> {
    let body = body(size);
    let request = requests(standard::header_map(&body), body.clone());
    let layer = VerifyLayer::new(standard::verifier());
    let extract = async |StandardWebhook(body): StandardWebhook<Bytes>| {
        std::hint::black_box(body);
        StatusCode::OK
    };
    let router = Router::new().route("/hook", post(extract)).layer(DefaultBodyLimit::max(LIMIT));
    let router = router.with_state(SharedWebhook::new(Webhook::new(standard::SECRET).unwrap()));
    let (mut hash, mut handled) = (hash_alone(body), served(bare(), request.clone()));
    vec![
        Row::new("bare handler and HMAC alone", move || {
            hash();
            handled();
        }),
        Row::new("countersign, Router::layer", served(bare().layer(layer), request.clone())),
        Row::new("axum-standardwebhooks, extractor", served(router, request)),
    ]
}

fn requests(headers: HeaderMap, body: Bytes) -> impl Fn() -> Request + Clone + 'static {
    move || {
        let mut request = Request::post("/hook").header("content-length", body.len()).body(Body::from(body.clone())).unwrap();
        request.headers_mut().extend(headers.clone());
        request
    }
}
