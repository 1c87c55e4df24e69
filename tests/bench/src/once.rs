//! The guard `Once` with its memory store, through the tower layer, beside the layer without a guard.
//!
//! The mark of a "new" delivery expires at once, so each delivery is claimed, handled and marked. A "repeated" delivery has a mark. A new
//! delivery runs in its own task.

use std::convert::Infallible;
use std::time::Duration;

use ::axum::body::Body;
use countersign::identity::Identity;
use countersign_once::{MemoryStore, Once};
use countersign_tower::VerifyLayer;
use http::{HeaderMap, Request, Response};
use tower::{Layer as _, service_fn};

use crate::delivery::{SIGNATURE, body, signature_of, verifier};
use crate::runtime::served;
use crate::table::{Row, print};

pub fn run() {
    print("A delivery of one frame through the tower layer, with and without a guard", &[1024, 16_384, 65_536], rows);
}

fn rows(size: usize) -> Vec<Row<'static>> {
    let body = body(size);
    let mut headers = HeaderMap::from_iter([(SIGNATURE.parse().unwrap(), signature_of(&body).parse().unwrap())]);
    headers.insert("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958".parse().unwrap());
    let request = move || {
        let mut request = Request::post("/hook").body(Body::from(body.clone())).unwrap();
        request.headers_mut().clone_from(&headers);
        request
    };
    let guard = |identity, keep| {
        let builder = Once::builder("bench", MemoryStore::new(1000)).identity(identity).keep(keep);
        VerifyLayer::new(verifier()).once(builder.build(&verifier()).unwrap())
    };
    let (new, known) = (Duration::ZERO, Duration::from_secs(600));
    let mut rows = vec![Row::new("no guard", served(VerifyLayer::new(verifier()).layer(service_fn(answer)), request.clone()))];
    for (name, identity) in [("unsigned id", Identity::UNAUTHENTICATED_ID), ("body", Identity::BODY)] {
        for (state, keep) in [("new", new), ("repeated", known)] {
            let service = guard(identity, keep).layer(service_fn(answer));
            rows.push(Row::new(format!("guard by {name}, {state}"), served(service, request.clone())));
        }
    }
    rows
}

async fn answer<B>(request: Request<B>) -> Result<Response<Body>, Infallible> {
    std::hint::black_box(request);
    Ok(Response::new(Body::empty()))
}
