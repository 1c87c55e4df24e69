//! The tower layer under axum, in process, beside the bare handler and the middleware that users write.

use std::cell::RefCell;
use std::rc::Rc;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::{Router, routing::post};
use countersign::{Secret, Signer, Verifier, providers};
use countersign_tower::VerifyLayer;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tower::{Layer as _, Service, ServiceExt as _};

use crate::table::{Row, print};

const SECRET: &[u8] = b"It's a Secret to Everybody";
const LIMIT: usize = 25 * 1024 * 1024;

pub fn run() {
    print("A delivery of one frame through an axum application, which answers 200", &[0, 1024, 16_384, 65_536], rows);
}

async fn handler(body: Bytes) -> StatusCode {
    std::hint::black_box(body);
    StatusCode::OK
}

fn router() -> Router {
    Router::new().route("/hook", post(handler)).layer(DefaultBodyLimit::max(LIMIT))
}

fn verifier() -> Verifier {
    Verifier::builder(providers::JIRA).key("key", Secret::new(SECRET)).build().unwrap()
}

async fn by_hand(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LIMIT).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let tag = parts.headers.get("x-hub-signature").and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("sha256="));
    let Some(tag) = tag.and_then(|tag| hex::decode(tag).ok()) else { return StatusCode::UNAUTHORIZED.into_response() };
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    mac.update(&body);
    match mac.verify_slice(&tag) {
        Ok(()) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Err(_) => StatusCode::UNAUTHORIZED.into_response(),
    }
}

fn rows(size: usize) -> Vec<Row<'static>> {
    let body = Bytes::from(vec![b'x'; size]);
    let (name, value) = Signer::new(providers::JIRA, Secret::new(SECRET)).unwrap().sign(&body).remove(0);
    let request = move || {
        Request::post("/hook")
            .header(name.as_str(), value.as_str())
            .header("content-length", body.len())
            .body(Body::from(body.clone()))
            .unwrap()
    };
    let layer = || VerifyLayer::on_tokio(verifier());
    let keyed: Hmac<Sha256> = Hmac::new_from_slice(SECRET).unwrap();
    let (hashed, mut bare) = (vec![b'x'; size], served(router(), request.clone()));
    vec![
        Row::new("bare handler and HMAC alone", move || {
            let mut mac = keyed.clone();
            mac.update(std::hint::black_box(&hashed));
            std::hint::black_box(mac.finalize());
            bare();
        }),
        Row::new("countersign, Router::layer", served(router().layer(layer()), request.clone())),
        Row::new("countersign, around the Router", served(layer().layer(router()), request.clone())),
        Row::new("written by hand, from_fn", served(router().layer(from_fn(by_hand)), request)),
    ]
}

/// Serves one request on a runtime of this thread.
fn served<S>(service: S, request: impl Fn() -> Request + 'static) -> impl FnMut() + 'static
where
    S: Service<Request, Response = Response, Error = std::convert::Infallible> + Clone + 'static,
{
    thread_local! {
        static RUNTIME: Rc<RefCell<tokio::runtime::Runtime>> =
            Rc::new(RefCell::new(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()));
    }
    move || {
        let (service, request) = (service.clone(), request());
        RUNTIME.with(|runtime| {
            let response = runtime.borrow_mut().block_on(service.oneshot(request)).unwrap();
            assert_eq!(response.status(), StatusCode::OK);
        });
    }
}
