//! HTTP/1, as raw bytes or as a list of requests, for a handler behind the tower layer, under hyper.
#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use bytes::Bytes;
use countersign::Verified;
use countersign_fuzz::pipe::Pipe;
use countersign_fuzz::receiver::{self, Pipelining};
use countersign_tower::{VerifiedBody, VerifyLayer};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;
use tower::{Layer as _, ServiceExt as _, service_fn};

thread_local! {
    static RUNTIME: &'static (Runtime, LocalSet) = receiver::runtime();
}

static LAYER: LazyLock<VerifyLayer> = LazyLock::new(|| VerifyLayer::new(receiver::verifier()));

fuzz_target!(|input: &[u8]| RUNTIME.with(|(runtime, tasks)| tasks.block_on(runtime, receiver::judge(input, Pipelining::Allowed, serve))));

async fn serve(pipe: Pipe) {
    let service = LAYER.layer(service_fn(handle));
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        receiver::begin(request.method().as_str());
        let answer = service.clone().oneshot(request);
        async {
            let answer = answer.await;
            receiver::end();
            answer
        }
    });
    // An error is expected: the client breaks some connections on purpose.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(pipe), service).await;
}

async fn handle(request: Request<VerifiedBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let verified = parts.extensions.get::<Verified>().expect("the layer adds `Verified` to the extensions");
    Ok(Response::new(receiver::handle(headers, &body.into_bytes(), verified).into()))
}
