//! HTTP/1, as raw bytes or as a list of requests, for a handler behind the filter of warp, under hyper.
#![no_main]

use countersign_fuzz::pipe::Pipe;
use countersign_fuzz::receiver::{self, Pipelining};
use countersign_warp::{Delivery, Verify};
use http::{HeaderMap, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service as _;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::reply::Response;

thread_local! {
    static RUNTIME: &'static (Runtime, LocalSet) = receiver::runtime();
    static ROUTES: BoxedFilter<(Response,)> = routes();
}

fuzz_target!(|input: &[u8]| RUNTIME.with(|(runtime, tasks)| tasks.block_on(runtime, receiver::judge(input, Pipelining::Allowed, serve))));

fn routes() -> BoxedFilter<(Response,)> {
    let deliveries = warp::header::headers_cloned().and(Verify::new(receiver::verifier()).delivery());
    deliveries.map(handle).recover(countersign_warp::recover).unify().boxed()
}

async fn serve(pipe: Pipe) {
    let routes = ROUTES.with(Clone::clone);
    let warp = TowerToHyperService::new(warp::service(routes));
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        receiver::begin(request.method().as_str());
        let answer = warp.call(request);
        async {
            let answer = answer.await;
            receiver::end();
            answer
        }
    });
    // An error is expected: the client breaks some connections on purpose.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(pipe), service).await;
}

fn handle(headers: HeaderMap, delivery: Delivery) -> Response {
    let (verified, body) = (delivery.verified, delivery.body);
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    Response::new(receiver::handle(headers, &body, &verified).into())
}
