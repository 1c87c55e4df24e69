//! HTTP/1, as raw bytes or as a list of requests, for an axum handler with the extractor, under hyper.
#![no_main]

use axum::Router;
use axum::body::Body;
use axum::http::HeaderMap;
use countersign_fuzz::pipe::Pipe;
use countersign_fuzz::receiver::{self, Pipelining};
use countersign_tower::{Delivery, VerifyLayer};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;
use tower::ServiceExt as _;

thread_local! {
    static RUNTIME: &'static (Runtime, LocalSet) = receiver::runtime();
    static APP: Router = Router::new().fallback(handle).with_state(VerifyLayer::new(receiver::verifier()));
}

fuzz_target!(|input: &[u8]| RUNTIME.with(|(runtime, tasks)| tasks.block_on(runtime, receiver::judge(input, Pipelining::Allowed, serve))));

async fn serve(pipe: Pipe) {
    let app = APP.with(Clone::clone);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        receiver::begin(request.method().as_str());
        let answer = app.clone().oneshot(request.map(Body::new));
        async {
            let answer = answer.await;
            receiver::end();
            answer
        }
    });
    // An error is expected: the client breaks some connections on purpose.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(pipe), service).await;
}

async fn handle(headers: HeaderMap, delivery: Delivery) -> String {
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    receiver::handle(headers, &delivery.body, &delivery.verified)
}
