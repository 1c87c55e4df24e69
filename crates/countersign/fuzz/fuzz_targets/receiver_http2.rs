//! HTTP/2, as concurrent streams or as raw frames, for a handler behind the tower layer, under hyper.
#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use bytes::Bytes;
use countersign::Verified;
use countersign_fuzz::receiver;
use countersign_fuzz::streams::{self, LocalExecutor};
use countersign_tower::{VerifiedBody, VerifyLayer};
use http::{Request, Response};
use http_body_util::Full;
use hyper::server::conn::http2;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;
use tower::{Layer as _, service_fn};

thread_local! {
    static RUNTIME: &'static (Runtime, LocalSet) = receiver::runtime();
}

static LAYER: LazyLock<VerifyLayer> = LazyLock::new(|| VerifyLayer::new(receiver::verifier()));

fuzz_target!(|input: &[u8]| RUNTIME.with(|(runtime, tasks)| match input.strip_prefix(b"=") {
    Some(choices) => tasks.block_on(runtime, streams::judge(choices, serve)),
    None => tasks.block_on(runtime, streams::judge_raw(input, serve)),
}));

async fn serve<I: AsyncRead + AsyncWrite + Unpin + 'static>(connection: I) {
    let service = TowerToHyperService::new(LAYER.layer(service_fn(handle)));
    // An error is expected: the client breaks some connections on purpose.
    let _ = http2::Builder::new(LocalExecutor).serve_connection(TokioIo::new(connection), service).await;
}

async fn handle(request: Request<VerifiedBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let verified = parts.extensions.get::<Verified>().expect("the layer adds `Verified` to the extensions");
    Ok(Response::new(receiver::handle(headers, &body.into_bytes(), verified).into()))
}
