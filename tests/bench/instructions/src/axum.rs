use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::axum::body::Body;
use ::axum::response::Response;
use ::axum::{Router, routing::post};
use bytes::Bytes;
use countersign_tower::{Delivery as Extracted, VerifyLayer};
use http::Request;
use http_body::{Body as HttpBody, Frame};
use tower::{Layer as _, service_fn};

use crate::case::{Case, Delivery, Known, deadline, observed, served, verifier, verifier_with_budget};

pub fn cases() -> Vec<Case> {
    vec![
        Case { name: "tower/bare/0", deliver: || served(service_fn(answer), Delivery::signed(0), Body::from) },
        Case { name: "tower/layer/0", deliver: || layered(&on_tokio(), Delivery::signed(0)) },
        Case { name: "tower/layer/1024", deliver: || layered(&on_tokio(), Delivery::signed(1024)) },
        Case { name: "tower/layer/1024/rejected", deliver: || layered(&on_tokio(), Delivery::forged()) },
        // As some servers hand over a body that came with its head.
        Case {
            name: "tower/layer/0/asked-for-twice",
            deliver: || served(on_tokio().layer(service_fn(answer)), Delivery::signed(0), AskedForTwice::from),
        },
        Case { name: "tower/layer/1024/unsigned", deliver: || layered(&on_tokio(), Delivery::unsigned()) },
        Case { name: "tower/layer/0/clock/off", deliver: || layered(&VerifyLayer::new(verifier()), Delivery::signed(0)) },
        Case {
            name: "tower/layer/0/clock/on",
            deliver: || layered(&VerifyLayer::new(verifier()).deadline(deadline()), Delivery::signed(0)),
        },
        Case { name: "tower/layer/0/budget/on", deliver: || layered(&VerifyLayer::on_tokio(verifier_with_budget()), Delivery::signed(0)) },
        Case { name: "tower/layer/0/observer/on", deliver: || layered(&VerifyLayer::on_tokio(observed()), Delivery::signed(0)) },
        Case { name: "tower/layer/0/resolver/on", deliver: || layered(&VerifyLayer::on_tokio(Known(verifier())), Delivery::signed(0)) },
        Case { name: "axum/bare/1024", deliver: || served(bare(), Delivery::signed(1024), Body::from) },
        Case { name: "axum/Router::layer/0", deliver: || served(bare().layer(on_tokio()), Delivery::signed(0), Body::from) },
        Case { name: "axum/Router::layer/1024", deliver: || served(bare().layer(on_tokio()), Delivery::signed(1024), Body::from) },
        Case { name: "axum/Router::layer/1024/rejected", deliver: || served(bare().layer(on_tokio()), Delivery::forged(), Body::from) },
        Case { name: "axum/bare/0", deliver: || served(bare(), Delivery::signed(0), Body::from) },
        Case { name: "axum/extractor/0", deliver: || served(extracted(), Delivery::signed(0), Body::from) },
        Case { name: "axum/extractor/0/unsigned", deliver: || served(extracted(), Delivery::unsigned(), Body::from) },
    ]
}

fn on_tokio() -> VerifyLayer {
    VerifyLayer::on_tokio(verifier())
}

fn bare() -> Router {
    Router::new().route("/hook", post(async |body: Bytes| drop(std::hint::black_box(body))))
}

fn extracted() -> Router {
    Router::new().route("/hook", post(async |delivery: Extracted| drop(std::hint::black_box(delivery)))).with_state(on_tokio())
}

/// Around a service that does nothing.
fn layered(layer: &VerifyLayer, delivery: Delivery) -> Box<dyn FnMut()> {
    served(layer.layer(service_fn(answer)), delivery, Body::from)
}

async fn answer<B>(request: Request<B>) -> Result<Response, Infallible> {
    std::hint::black_box(request);
    Ok(Response::new(Body::empty()))
}

/// A body that is there when it is asked for again.
struct AskedForTwice {
    body: Option<Bytes>,
    asked: bool,
}

impl From<Bytes> for AskedForTwice {
    fn from(body: Bytes) -> Self {
        Self { body: Some(body), asked: false }
    }
}

impl HttpBody for AskedForTwice {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if std::mem::replace(&mut self.asked, true) {
            return Poll::Ready(self.body.take().map(Frame::data).map(Ok));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
