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

use crate::case::{Case, FixedResolver, deadline, guard_of_new, guard_of_repeats, verifier, verifier_with_budget, verifier_with_observer};
use crate::delivery::{Delivery, served};

const BARE_0: &[&str] = &["axum/bare/0", "core/hmac/0"];
const BARE_0_UNHASHED: &[&str] = &["axum/bare/0"];
const BARE_1024: &[&str] = &["axum/bare/1024", "core/hmac/1024"];
const EMPTY_0: &[&str] = &["tower/bare/0", "core/hmac/0"];
const EMPTY_1024: &[&str] = &["tower/bare/1024", "core/hmac/1024"];
const EMPTY_1024_UNHASHED: &[&str] = &["tower/bare/1024"];

pub fn cases() -> Vec<Case> {
    vec![
        Case { name: "tower/bare/0", over: &[], deliver: || served(service_fn(answer), Delivery::signed(0), Body::from) },
        Case { name: "tower/bare/1024", over: &[], deliver: || served(service_fn(answer), Delivery::signed(1024), Body::from) },
        Case { name: "tower/layer/0", over: EMPTY_0, deliver: || layered(&new(), Delivery::signed(0)) },
        Case { name: "tower/layer/1024", over: EMPTY_1024, deliver: || layered(&new(), Delivery::signed(1024)) },
        Case { name: "tower/layer/1024/rejected", over: EMPTY_1024, deliver: || layered(&new(), Delivery::forged()) },
        // Some servers return even a body that arrived with its head only at the second poll.
        Case {
            name: "tower/layer/0/asked-for-twice",
            over: EMPTY_0,
            deliver: || served(new().layer(service_fn(answer)), Delivery::signed(0), PendingOnce::from),
        },
        Case { name: "tower/layer/1024/unsigned", over: EMPTY_1024_UNHASHED, deliver: || layered(&new(), Delivery::unsigned()) },
        Case {
            name: "tower/layer/0/clock/off",
            over: EMPTY_0,
            deliver: || layered(&VerifyLayer::without_clock(verifier()), Delivery::signed(0)),
        },
        Case {
            name: "tower/layer/0/clock/on",
            over: EMPTY_0,
            deliver: || layered(&VerifyLayer::without_clock(verifier()).deadline(deadline()), Delivery::signed(0)),
        },
        Case {
            name: "tower/layer/0/budget/on",
            over: EMPTY_0,
            deliver: || layered(&VerifyLayer::new(verifier_with_budget()), Delivery::signed(0)),
        },
        Case {
            name: "tower/layer/0/observer/on",
            over: EMPTY_0,
            deliver: || layered(&VerifyLayer::new(verifier_with_observer()), Delivery::signed(0)),
        },
        Case {
            name: "tower/layer/0/resolver/on",
            over: EMPTY_0,
            deliver: || layered(&VerifyLayer::new(FixedResolver(verifier())), Delivery::signed(0)),
        },
        Case {
            name: "tower/layer/1024/once/new",
            over: EMPTY_1024,
            deliver: || served(new().once(guard_of_new()).layer(service_fn(answer)), Delivery::signed(1024), Body::from),
        },
        Case {
            name: "tower/layer/1024/once/repeated",
            over: EMPTY_1024,
            deliver: || served(new().once(guard_of_repeats()).layer(service_fn(answer)), Delivery::signed(1024), Body::from),
        },
        Case { name: "axum/bare/1024", over: &[], deliver: || served(bare(), Delivery::signed(1024), Body::from) },
        Case { name: "axum/Router::layer/0", over: BARE_0, deliver: || served(bare().layer(new()), Delivery::signed(0), Body::from) },
        Case {
            name: "axum/Router::layer/1024",
            over: BARE_1024,
            deliver: || served(bare().layer(new()), Delivery::signed(1024), Body::from),
        },
        Case {
            name: "axum/Router::layer/1024/rejected",
            over: BARE_1024,
            deliver: || served(bare().layer(new()), Delivery::forged(), Body::from),
        },
        Case { name: "axum/bare/0", over: &[], deliver: || served(bare(), Delivery::signed(0), Body::from) },
        Case { name: "axum/around-Router/0", over: BARE_0, deliver: || served(new().layer(bare()), Delivery::signed(0), Body::from) },
        Case { name: "axum/extractor/0", over: BARE_0, deliver: || served(extracted(), Delivery::signed(0), Body::from) },
        Case {
            name: "axum/extractor/0/unsigned",
            over: BARE_0_UNHASHED,
            deliver: || served(extracted(), Delivery::unsigned(), Body::from),
        },
    ]
}

fn new() -> VerifyLayer {
    VerifyLayer::new(verifier())
}

fn bare() -> Router {
    Router::new().route("/hook", post(async |body: Bytes| drop(std::hint::black_box(body))))
}

fn extracted() -> Router {
    Router::new().route("/hook", post(async |delivery: Extracted| drop(std::hint::black_box(delivery)))).with_state(new())
}

/// Returns a closure that serves one delivery with the layer around an empty service.
fn layered(layer: &VerifyLayer, delivery: Delivery) -> Box<dyn FnMut()> {
    served(layer.layer(service_fn(answer)), delivery, Body::from)
}

async fn answer<B>(request: Request<B>) -> Result<Response, Infallible> {
    std::hint::black_box(request);
    Ok(Response::new(Body::empty()))
}

/// A body that is pending at the first poll, and complete at the second poll.
struct PendingOnce {
    body: Option<Bytes>,
    polled: bool,
}

impl From<Bytes> for PendingOnce {
    fn from(body: Bytes) -> Self {
        Self { body: Some(body), polled: false }
    }
}

impl HttpBody for PendingOnce {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if std::mem::replace(&mut self.polled, true) {
            return Poll::Ready(self.body.take().map(Frame::data).map(Ok));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
