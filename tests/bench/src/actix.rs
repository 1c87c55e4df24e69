//! The middleware under actix-web, in process, beside the bare handler, middleware written by hand, and published crates.

use std::fmt::Debug;
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::test::TestRequest;
use actix_web::{Error, HttpResponse, web};
use bytes::Bytes;
use countersign::Deadline;
use countersign_actix_web::{Delivery, Verify};
use webhook_verify::Provider;
use webhook_verify::actix::{VerifiedBody, WebhookConfig};

use crate::delivery::{LIMIT, SECRET, SIGNATURE, body, hash_alone, signature_of, verified_by_hand, verifier, verifier_with_budget};
use crate::runtime::block_on;
use crate::table::{Row, print};

pub fn run() {
    print("A delivery of one frame through an actix-web application, answered 200", &[0, 1024, 16_384, 65_536], rows);
}

/// Returns a resource that accepts every body without verifying a signature.
pub fn bare() -> actix_web::Resource {
    web::resource("/hook").app_data(web::PayloadConfig::new(LIMIT)).route(web::post().to(handler))
}

/// Returns a resource whose handler extracts the delivery. The extractor works without the middleware and behind the middleware.
pub fn extracted() -> actix_web::Resource {
    web::resource("/hook").route(web::post().to(async |delivery: Delivery| {
        std::hint::black_box(delivery);
        HttpResponse::Ok().finish()
    }))
}

pub async fn verify_by_hand(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let body = request.extract::<Bytes>().await?;
    if verified_by_hand(request.headers().get(SIGNATURE).and_then(|value| value.to_str().ok()), &body) {
        request.set_payload(Payload::from(body));
        Ok(next.call(request).await?.map_into_left_body())
    } else {
        let rejection: HttpResponse<EitherBody<_>> = HttpResponse::Unauthorized().finish().map_into_right_body();
        Ok(request.into_response(rejection))
    }
}

async fn handler(body: Bytes) -> HttpResponse {
    std::hint::black_box(body);
    HttpResponse::Ok().finish()
}

/// Starts an application with one resource. This is a macro because the type of the application has no name.
macro_rules! app {
    ($resource:expr) => {
        $crate::runtime::block_on(actix_web::test::init_service(actix_web::App::new().service($resource)))
    };
}
pub(crate) use app;

/// Returns a closure that serves one request, and asserts the status 200.
fn served<R, B>(
    service: impl Service<R, Response = ServiceResponse<B>, Error: Debug> + 'static,
    request: impl Fn() -> R + 'static,
) -> impl FnMut() + 'static {
    move || {
        let response = block_on(service.call(request())).unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}

fn rows(size: usize) -> Vec<Row<'static>> {
    let body = body(size);
    let request = {
        let (body, value) = (body.clone(), signature_of(&body));
        move || {
            let request = TestRequest::post().uri("/hook").insert_header((SIGNATURE, value.as_str()));
            request.insert_header(("content-length", body.len())).set_payload(body.clone()).to_request()
        }
    };
    let bounded = || Verify::new(verifier_with_budget()).deadline(Deadline::new(Duration::from_secs(20)));
    let extract = async |body: VerifiedBody| {
        std::hint::black_box(body.into_inner());
        HttpResponse::Ok().finish()
    };
    let extractor = web::resource("/hook")
        .app_data(web::PayloadConfig::new(LIMIT))
        .app_data(WebhookConfig::new(Provider::GitHub, webhook_verify::Secret::new(SECRET)))
        .route(web::post().to(extract));
    let (mut hash, mut handled) = (hash_alone(body), served(app!(bare()), request.clone()));
    vec![
        Row::new("bare handler and HMAC alone", move || {
            hash();
            handled();
        }),
        Row::new("countersign, wrap", served(app!(bare().wrap(Verify::new(verifier()))), request.clone())),
        Row::new("countersign, wrap, deadline and budget", served(app!(bare().wrap(bounded())), request.clone())),
        Row::new("countersign, wrap, and a handler that takes `Delivery`", {
            served(app!(extracted().wrap(Verify::new(verifier()))), request.clone())
        }),
        Row::new("countersign, extractor", served(app!(extracted().app_data(Verify::new(verifier()))), request.clone())),
        Row::new("countersign, extractor, deadline and budget", served(app!(extracted().app_data(bounded())), request.clone())),
        Row::new("middleware that only forwards, from_fn", {
            let forward = from_fn(async |request: ServiceRequest, next: Next<_>| next.call(request).await);
            served(app!(bare().wrap(forward)), request.clone())
        }),
        Row::new("written by hand, from_fn", served(app!(bare().wrap(from_fn(verify_by_hand))), request.clone())),
        Row::new("webhook-verify, extractor", served(app!(extractor), request)),
    ]
}
