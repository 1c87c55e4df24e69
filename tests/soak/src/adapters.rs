//! Each adapter in this process, with a handler behind the adapter.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::dev::{Payload, Service as _};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpResponse, web};
use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use countersign::Verifier;
use countersign_tower::VerifyLayer;
use http::{Request, StatusCode};
use tower::ServiceExt as _;
use warp::Filter as _;

use crate::delivery::{Delivery, Frames};

/// The settings of an adapter.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) verifier: Verifier,
    pub(crate) handled: Arc<AtomicUsize>,
    pub(crate) known: Arc<[(Bytes, String)]>,
}

impl Setup {
    /// Handles a delivery: asserts a signed body, and counts the call.
    fn handle(&self, body: &Bytes) {
        assert!(self.known.iter().any(|(known, _)| known == body), "the handler receives only signed bodies");
        self.handled.fetch_add(1, Ordering::Relaxed);
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;

/// Sends one delivery through an adapter, and returns the status.
pub(crate) type Send = Rc<dyn Fn(Delivery) -> Boxed<u16>>;

pub(crate) type Adapter = fn(Setup) -> Boxed<Send>;

pub(crate) fn all() -> [(&'static str, Adapter); 5] {
    [
        ("axum-layer", |setup| Box::pin(async { axum_layer(setup) })),
        ("axum-extractor", |setup| Box::pin(async { axum_extractor(setup) })),
        ("actix-middleware", |setup| Box::pin(actix_middleware(setup))),
        ("actix-extractor", |setup| Box::pin(actix_extractor(setup))),
        ("warp-filter", |setup| Box::pin(async { warp_filter(setup) })),
    ]
}

fn request(delivery: Delivery) -> Request<Frames> {
    let request = Request::post("/hook");
    let request = match delivery.length {
        Some(length) => request.header("content-length", length),
        None => request.header("transfer-encoding", "chunked"),
    };
    let request = delivery.signature.into_iter().fold(request, |request, signature| request.header("x-hub-signature", signature));
    request.body(delivery.body).expect("the request is valid")
}

fn axum_app(app: Router) -> Send {
    Rc::new(move |delivery| {
        let response = app.clone().oneshot(request(delivery).map(axum::body::Body::new));
        Box::pin(async { response.await.unwrap_or_else(|never| match never {}).status().as_u16() })
    })
}

fn axum_layer(setup: Setup) -> Send {
    let layer = VerifyLayer::new(setup.verifier.clone());
    let handler = async move |body: Bytes| setup.handle(&body);
    axum_app(Router::new().route("/hook", post(handler)).route_layer(layer))
}

fn axum_extractor(setup: Setup) -> Send {
    let layer = VerifyLayer::new(setup.verifier.clone());
    let handler = async move |delivery: countersign_tower::Delivery| setup.handle(&delivery.body);
    axum_app(Router::new().route("/hook", post(handler)).with_state(layer))
}

/// Starts an actix-web application with this resource, and returns its [`Send`].
macro_rules! actix_app {
    ($hook:expr) => {{
        let app = Rc::new(init_service(App::new().service($hook)).await);
        Rc::new(move |delivery: Delivery| {
            let request = TestRequest::post().uri("/hook");
            let request = match delivery.length {
                Some(length) => request.append_header(("content-length", length)),
                None => request.append_header(("transfer-encoding", "chunked")),
            };
            let request = delivery.signature.into_iter().fold(request, |request, value| request.append_header(("x-hub-signature", value)));
            let payload = Payload::Stream { payload: Box::pin(delivery.body) as _ };
            let response = app.call(request.to_request().replace_payload(payload).0);
            Box::pin(async { response.await.expect("the application responds").status().as_u16() }) as Boxed<u16>
        }) as Send
    }};
}

async fn actix_middleware(setup: Setup) -> Send {
    let verify = countersign_actix_web::Verify::new(setup.verifier.clone());
    let handler = move |body: Bytes| {
        setup.handle(&body);
        async { HttpResponse::Ok().finish() }
    };
    actix_app!(web::resource("/hook").route(web::post().to(handler)).wrap(verify))
}

async fn actix_extractor(setup: Setup) -> Send {
    let verify = countersign_actix_web::Verify::new(setup.verifier.clone());
    let handler = move |delivery: countersign_actix_web::Delivery| {
        setup.handle(&delivery.body);
        async { HttpResponse::Ok().finish() }
    };
    actix_app!(web::resource("/hook").app_data(verify).route(web::post().to(handler)))
}

fn warp_filter(setup: Setup) -> Send {
    let verify = countersign_warp::Verify::new(setup.verifier.clone());
    let handler = move |delivery: countersign_warp::Delivery| {
        setup.handle(&delivery.body);
        async { StatusCode::OK }
    };
    let service = warp::service(warp::path("hook").and(warp::post()).and(verify.then(handler)));
    Rc::new(move |delivery| {
        let response = service.clone().oneshot(request(delivery));
        Box::pin(async { response.await.unwrap_or_else(|never| match never {}).status().as_u16() })
    })
}
