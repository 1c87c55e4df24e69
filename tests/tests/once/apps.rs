//! Applications with a guard, under each adapter with a guard.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use actix_web::dev::{Payload, Service as _};
use actix_web::error::PayloadError;
use actix_web::{HttpMessage as _, web};
use axum::http::StatusCode;
use bytes::Bytes;
use conformance::{Delivery, Step};
use countersign::Verified;
use countersign::adapter::VerifierSource;
use countersign_once::{ClaimInfo, Once};
use futures_core::Stream;
use tokio::sync::Notify;

/// The behaviour of a handler, and the runs so far.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) status: AtomicU16,
    pub(crate) runs: AtomicUsize,
    /// Whether the handler waits for `gate`.
    pub(crate) waits: AtomicBool,
    pub(crate) gate: Notify,
    pub(crate) panics: AtomicBool,
    /// The claim of each run.
    pub(crate) claims: Mutex<Vec<ClaimInfo>>,
}

/// A handler of a test. Returns the status of the response.
pub(crate) trait Handler: Clone + Send + Sync + 'static {
    fn handle(&self, claim: ClaimInfo) -> impl Future<Output = u16> + Send;
}

impl Handler for Arc<Script> {
    async fn handle(&self, claim: ClaimInfo) -> u16 {
        self.claims.lock().unwrap().push(claim);
        tracing::info!(target: "conformance", "the handler runs");
        self.runs.fetch_add(1, Ordering::SeqCst);
        if self.waits.load(Ordering::SeqCst) {
            self.gate.notified().await;
        }
        assert!(!self.panics.load(Ordering::SeqCst), "a deliberate panic of this test");
        self.status.load(Ordering::SeqCst)
    }
}

impl Script {
    pub(crate) fn answer(&self, status: u16) -> &Self {
        self.status.store(status, Ordering::SeqCst);
        self
    }

    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    pub(crate) fn last_claim(&self) -> ClaimInfo {
        self.claims.lock().unwrap().last().unwrap().clone()
    }
}

/// The status and the `Retry-After` of a response.
pub(crate) type Answer = (u16, Option<String>);
pub(crate) type AnswerFuture = Pin<Box<dyn Future<Output = Answer>>>;
pub(crate) type App = Box<dyn Fn(Delivery) -> AnswerFuture>;
pub(crate) type AppFuture = Pin<Box<dyn Future<Output = App>>>;

/// The parts of an application with a guard around a handler.
pub(crate) struct Parts<H> {
    pub(crate) verifiers: VerifierSource,
    pub(crate) once: Once,
    pub(crate) handler: H,
    /// Whether the application names the tenant, by the header `X-Tenant`.
    pub(crate) names_tenant: bool,
    pub(crate) report_only: bool,
}

/// An extension of the request, set outside of the guard. The handlers under axum and actix-web fail without this extension.
#[derive(Clone)]
pub(crate) struct Outside;

pub(crate) trait Framework {
    /// Starts an application. The guard is a part of the layer, the middleware or the filter.
    fn app<H: Handler>(parts: Parts<H>) -> AppFuture;

    /// Starts an application. The handler receives the delivery from an extractor or a filter, and asks the guard.
    fn extracting_app<H: Handler>(parts: Parts<H>) -> AppFuture;
}

/// Asks the guard, and runs the handler of a claimed delivery. Returns the status of the response.
pub(crate) async fn ask(once: &Once, verified: &Verified, body: &[u8], handler: &impl Handler) -> u16 {
    match once.begin(verified, body).await.claim() {
        Ok(claim) => {
            let status = handler.handle(claim.info()).await;
            claim.complete(status).await;
            status
        }
        Err(status) => status,
    }
}

pub(crate) struct Axum;

impl Axum {
    fn start(app: axum::Router) -> AppFuture {
        use tower::ServiceExt as _;

        Box::pin(async move {
            Box::new(move |delivery: Delivery| {
                let request = delivery.into_request().map(axum::body::Body::new);
                let app = app.clone();
                Box::pin(async move {
                    let response = app.oneshot(request).await.unwrap();
                    (response.status().as_u16(), response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned()))
                }) as AnswerFuture
            }) as App
        })
    }
}

impl Framework for Axum {
    fn app<H: Handler>(parts: Parts<H>) -> AppFuture {
        type Extensions = (axum::Extension<ClaimInfo>, axum::Extension<Outside>);

        let Parts { verifiers, once, handler, names_tenant, report_only } = parts;
        let on_event = move |(axum::Extension(claim), axum::Extension(Outside)): Extensions, _body: String| async move {
            StatusCode::from_u16(handler.handle(claim).await).unwrap()
        };
        let mut layer = countersign_tower::VerifyLayer::new(verifiers);
        if names_tenant {
            layer = layer.tenant_by(|parts| parts.headers.get("x-tenant").and_then(|name| name.to_str().ok().map(str::to_owned)));
        }
        if report_only {
            layer = layer.insecure_report_only();
        }
        let app = axum::Router::new().route("/hook", axum::routing::post(on_event)).route_layer(layer.once(once));
        Self::start(app.layer(axum::Extension(Outside)))
    }

    fn extracting_app<H: Handler>(Parts { verifiers, once, handler, .. }: Parts<H>) -> AppFuture {
        let on_event = move |delivery: countersign_tower::Delivery| async move {
            StatusCode::from_u16(ask(&once, &delivery.verified, &delivery.body, &handler).await).unwrap()
        };
        let layer = countersign_tower::VerifyLayer::new(verifiers);
        Self::start(axum::Router::new().route("/hook", axum::routing::post(on_event)).with_state(layer))
    }
}

pub(crate) struct ActixWeb;

impl ActixWeb {
    fn start(hook: impl actix_web::dev::HttpServiceFactory + 'static) -> AppFuture {
        use actix_web::App as Application;
        use actix_web::test::{TestRequest, init_service};

        Box::pin(async move {
            let app = std::rc::Rc::new(init_service(Application::new().service(hook)).await);
            Box::new(move |delivery: Delivery| {
                let app = std::rc::Rc::clone(&app);
                let mut request = TestRequest::post().uri("/hook");
                for (name, value) in &delivery.headers {
                    request = request.append_header((name.as_str(), &value[..]));
                }
                let (request, _) = request.to_request().replace_payload(Chunks::payload(delivery));
                Box::pin(async move {
                    let response = app.call(request).await.unwrap();
                    (response.status().as_u16(), response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned()))
                }) as AnswerFuture
            }) as App
        })
    }

    fn respond(status: u16) -> actix_web::HttpResponse {
        actix_web::HttpResponse::new(actix_web::http::StatusCode::from_u16(status).unwrap())
    }
}

/// The chunks of a body.
struct Chunks(VecDeque<Bytes>);

impl Chunks {
    fn payload(delivery: Delivery) -> Payload {
        let chunks = delivery.steps.into_iter().filter_map(|step| if let Step::Chunk(chunk) = step { Some(chunk) } else { None });
        Payload::Stream { payload: Box::pin(Self(chunks.collect())) as _ }
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

impl Framework for ActixWeb {
    fn app<H: Handler>(parts: Parts<H>) -> AppFuture {
        let Parts { verifiers, once, handler, names_tenant, report_only } = parts;
        let on_event = move |claim: web::ReqData<ClaimInfo>, _outside: web::ReqData<Outside>, _body: String| {
            let handler = handler.clone();
            async move { Self::respond(handler.handle(claim.into_inner()).await) }
        };
        let mut verify = countersign_actix_web::Verify::new(verifiers);
        if names_tenant {
            verify = verify.tenant_by(|request| Some(request.headers().get("x-tenant")?.to_str().ok()?.to_owned()));
        }
        if report_only {
            verify = verify.insecure_report_only();
        }
        // The guard wraps a scope, so actix-web routes the request behind the guard. Routing needs the only handle of the request.
        let hook = web::resource("/hook").route(web::post().to(on_event));
        let guarded = web::scope("").service(hook).wrap(verify.once(once));
        Self::start(guarded.wrap_fn(|request, service| {
            request.extensions_mut().insert(Outside);
            service.call(request)
        }))
    }

    fn extracting_app<H: Handler>(Parts { verifiers, once, handler, .. }: Parts<H>) -> AppFuture {
        let on_event = move |delivery: countersign_actix_web::Delivery| {
            let (once, handler) = (once.clone(), handler.clone());
            async move { Self::respond(ask(&once, &delivery.verified, &delivery.body, &handler).await) }
        };
        let verify = countersign_actix_web::Verify::new(verifiers);
        Self::start(web::resource("/hook").app_data(verify).route(web::post().to(on_event)))
    }
}

pub(crate) struct Warp;

impl Warp {
    fn start(filter: warp::filters::BoxedFilter<(warp::reply::Response,)>) -> AppFuture {
        use tower::ServiceExt as _;
        use warp::Filter as _;

        let service = warp::service(warp::path!("hook").and(warp::post()).and(filter));
        Box::pin(async move {
            Box::new(move |delivery: Delivery| {
                let request = delivery.into_request().map(conformance::SyncBody::new);
                let service = service.clone();
                Box::pin(async move {
                    let response = service.oneshot(request).await.unwrap();
                    (response.status().as_u16(), response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned()))
                }) as AnswerFuture
            }) as App
        })
    }
}

impl Framework for Warp {
    fn app<H: Handler>(parts: Parts<H>) -> AppFuture {
        let Parts { verifiers, once, handler, names_tenant, .. } = parts;
        let on_event = move |delivery: countersign_warp::Delivery| {
            let handler = handler.clone();
            async move { StatusCode::from_u16(handler.handle(delivery.claim.unwrap()).await).unwrap() }
        };
        let verify = countersign_warp::Verify::new(verifiers);
        let guarded = if names_tenant { verify.tenant_by(warp::header::optional("x-tenant")).once(once) } else { verify.once(once) };
        Self::start(guarded.then(on_event))
    }

    fn extracting_app<H: Handler>(Parts { verifiers, once, handler, .. }: Parts<H>) -> AppFuture {
        use warp::{Filter as _, Reply as _};

        let on_event = move |delivery: countersign_warp::Delivery| {
            let (once, handler) = (once.clone(), handler.clone());
            async move { StatusCode::from_u16(ask(&once, &delivery.verified, &delivery.body, &handler).await).unwrap().into_response() }
        };
        let deliveries = countersign_warp::Verify::new(verifiers).delivery();
        Self::start(deliveries.then(on_event).recover(countersign_warp::recover).unify().boxed())
    }
}
