//! Applications of every framework. Each application accepts uploads in process.

use std::fmt::Debug;
use std::pin::Pin;

use ::axum::body::Body;
use ::warp::service;
use actix_web::dev::{Payload, Service as ActixService, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::from_fn;
use bytes::Bytes;
use countersign_actix_web::Verify as VerifyActix;
use countersign_tower::VerifyLayer;
use countersign_warp::Verify as VerifyWarp;
use futures_util::Stream;
use http::{HeaderMap, Request, Response};
use tower::{Layer as _, Service, ServiceExt as _};

use crate::delivery::verifier;
use crate::upload::Upload;
use crate::{actix, axum, warp};

/// Creates an actix-web application with one resource. This is a macro because the types of the application and of its requests have no
/// names.
macro_rules! of_actix {
    ($name:expr, $resource:expr) => {
        $crate::application::Application::of_actix($name, $crate::actix::app!($resource), |headers, upload| {
            use actix_web::test::TestRequest;

            let request = TestRequest::post().uri("/hook").insert_header(("content-length", upload.announced()));
            let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            let mut request = headers.fold(request, TestRequest::append_header).to_request();
            *request.payload() = $crate::application::payload(upload);
            request
        })
    };
}
pub(crate) use of_actix;

pub fn payload(upload: Upload) -> Payload {
    let upload: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(upload);
    Payload::from(upload)
}

/// The status of the response.
pub type Answer = Pin<Box<dyn Future<Output = u16>>>;

type Sending = dyn Fn(&HeaderMap, Upload) -> Answer;

pub struct Application {
    pub name: &'static str,
    send: Box<Sending>,
}

impl Application {
    /// Sends a delivery with these headers and a `Content-Length`.
    pub fn send(&self, headers: &HeaderMap, upload: Upload) -> Answer {
        (self.send)(headers, upload)
    }

    /// Returns all applications, by framework: the bare handler, countersign, and code written by hand.
    pub fn all() -> Vec<Self> {
        let layer = || VerifyLayer::new(verifier());
        vec![
            Self::of_axum("axum: bare handler", axum::bare()),
            Self::of_axum("axum: countersign, Router::layer", axum::verified()),
            Self::of_axum("axum: countersign, around the Router", layer().layer(axum::bare())),
            Self::of_axum("axum: written by hand", axum::by_hand()),
            of_actix!("actix-web: bare handler", actix::bare()),
            of_actix!("actix-web: countersign", actix::bare().wrap(VerifyActix::new(verifier()))),
            of_actix!("actix-web: written by hand", actix::bare().wrap(from_fn(actix::verify_by_hand))),
            Self::of_warp("warp: bare handler", service(warp::bare())),
            Self::of_warp("warp: countersign, then", service(warp::verified(VerifyWarp::new(verifier())))),
            Self::of_warp("warp: countersign, layer around warp::service", layer().layer(service(warp::bare()))),
            Self::of_warp("warp: written by hand", service(warp::by_hand())),
        ]
    }

    pub fn of_axum<S, O>(name: &'static str, app: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<O>, Error: Debug> + Clone + 'static,
    {
        Self::of_tower(name, app, Body::new)
    }

    pub fn of_warp<S, O>(name: &'static str, app: S) -> Self
    where
        S: Service<Request<Upload>, Response = Response<O>, Error: Debug> + Clone + 'static,
    {
        Self::of_tower(name, app, |upload| upload)
    }

    fn of_tower<S, B, O>(name: &'static str, app: S, body: fn(Upload) -> B) -> Self
    where
        S: Service<Request<B>, Response = Response<O>, Error: Debug> + Clone + 'static,
        B: 'static,
    {
        let send = move |headers: &HeaderMap, upload: Upload| -> Answer {
            let mut request = Request::post("/hook").header("content-length", upload.announced()).body(body(upload)).unwrap();
            request.headers_mut().extend(headers.clone());
            let response = app.clone().oneshot(request);
            Box::pin(async { response.await.unwrap().status().as_u16() })
        };
        Self { name, send: Box::new(send) }
    }

    pub fn of_actix<S, R, B>(name: &'static str, app: S, request: impl Fn(&HeaderMap, Upload) -> R + 'static) -> Self
    where
        S: ActixService<R, Response = ServiceResponse<B>, Error: Debug> + 'static,
        R: 'static,
    {
        let send = move |headers: &HeaderMap, upload: Upload| -> Answer {
            let response = app.call(request(headers, upload));
            Box::pin(async { response.await.unwrap().status().as_u16() })
        };
        Self { name, send: Box::new(send) }
    }
}
