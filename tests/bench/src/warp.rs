//! The filter and the tower layer under warp, in process, beside the bare handler and a filter written by hand.

use std::time::Duration;

use ::warp::body::{bytes, content_length_limit};
use ::warp::{Filter, Rejection, Reply, header, path, post, service};
use bytes::Bytes;
use countersign::Deadline;
use countersign_tower::VerifyLayer;
use countersign_warp::{Delivery, Verify};
use http::{Request, StatusCode};
use http_body_util::Full;
use tower::Layer as _;

use crate::delivery::{LIMIT, SIGNATURE, body, hash_alone, signature_of, verified_by_hand, verifier, verifier_with_budget};
use crate::runtime::served;
use crate::table::{Row, print};

pub fn run() {
    print("A delivery of one frame through a warp application, answered 200", &[0, 1024, 16_384, 65_536], rows);
}

/// Returns a filter that accepts every body without verifying a signature.
pub fn bare() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    path!("hook").and(post()).and(content_length_limit(LIMIT as u64)).and(bytes()).map(|body: Bytes| {
        std::hint::black_box(body);
        StatusCode::OK
    })
}

pub fn verified(verify: Verify) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    path!("hook").and(post()).and(verify.then(async |delivery: Delivery| {
        std::hint::black_box(delivery);
        StatusCode::OK
    }))
}

pub fn by_hand() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    let parts = path!("hook").and(post()).and(content_length_limit(LIMIT as u64)).and(header::optional(SIGNATURE)).and(bytes());
    parts.map(|signature: Option<String>, body: Bytes| {
        if !verified_by_hand(signature.as_deref(), &body) {
            return StatusCode::UNAUTHORIZED;
        }
        std::hint::black_box(body);
        StatusCode::OK
    })
}

fn rows(size: usize) -> Vec<Row<'static>> {
    let body = body(size);
    let request = {
        let (body, value) = (body.clone(), signature_of(&body));
        move || {
            let request = Request::post("/hook").header(SIGNATURE, value.as_str()).header("content-length", body.len());
            request.body(Full::new(body.clone())).unwrap()
        }
    };
    let deadline = Deadline::new(Duration::from_secs(20));
    let bounded = || VerifyLayer::new(verifier_with_budget()).deadline(deadline);
    let (mut hash, mut handled) = (hash_alone(body), served(service(bare()), request.clone()));
    vec![
        Row::new("bare handler and HMAC alone", move || {
            hash();
            handled();
        }),
        Row::new("countersign, then", served(service(verified(Verify::new(verifier()))), request.clone())),
        Row::new("countersign, then, deadline and budget", {
            served(service(verified(Verify::new(verifier_with_budget()).deadline(deadline))), request.clone())
        }),
        Row::new("countersign, layer around warp::service", {
            served(VerifyLayer::new(verifier()).layer(service(bare())), request.clone())
        }),
        Row::new("countersign, layer, deadline and budget", served(bounded().layer(service(bare())), request.clone())),
        Row::new("written by hand, filter", served(service(by_hand()), request)),
    ]
}
