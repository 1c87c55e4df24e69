//! Receivers on real sockets on loopback, one for each framework. Tests write any bytes to these sockets.

use std::convert::Infallible;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::{App, HttpServer, web};
use axum::routing::post;
use axum::{Extension, Router};
use bytes::Bytes;
use countersign::adapter::VerifierSource;
use countersign::{Deadline, DrainPolicy, Verified};
use countersign_tower::{VerifiedBody, VerifyLayer};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::{Service, ServiceBuilder};
use warp::Filter as _;

/// The settings of receivers.
#[derive(Clone)]
pub struct Setup {
    verifiers: VerifierSource,
    deadline: Option<Deadline>,
    /// The drain limits. `None` keeps the default of each adapter.
    #[expect(clippy::option_option, reason = "an adapter accepts `None` as a setting, too")]
    drain: Option<Option<DrainPolicy>>,
    on_body: Arc<dyn Fn(Bytes) + Send + Sync>,
}

impl Setup {
    /// Creates settings with the defaults of the adapters.
    #[must_use]
    pub fn new(verifiers: impl Into<VerifierSource>) -> Self {
        Self { verifiers: verifiers.into(), deadline: Some(Deadline::default()), drain: None, on_body: Arc::new(drop) }
    }

    /// Sets the time limit for a body.
    #[must_use]
    pub const fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets the limits for draining a body after an early rejection.
    #[must_use]
    pub const fn drain(mut self, drain: Option<DrainPolicy>) -> Self {
        self.drain = Some(drain);
        self
    }

    /// Sets a function that the handler calls with every body.
    #[must_use]
    pub fn on_body(mut self, on_body: impl Fn(Bytes) + Send + Sync + 'static) -> Self {
        self.on_body = Arc::new(on_body);
        self
    }

    /// Starts a receiver under each framework.
    ///
    /// Each receiver serves `/hook` and every path below.
    pub async fn all(&self) -> [Receiver; 5] {
        [self.axum().await, self.hyper().await, self.actix_web().await, self.warp().await, self.layered_warp().await]
    }

    fn layer(&self) -> VerifyLayer {
        let layer = VerifyLayer::new(self.verifiers.clone()).deadline(self.deadline);
        self.drain.iter().fold(layer, |layer, drain| layer.drain(*drain))
    }

    /// Starts a receiver under `axum::serve`.
    pub async fn axum(&self) -> Receiver {
        let (listener, receiver) = Receiver::listen("axum").await;
        let handle = self.handler(&receiver);
        let handler = move |Extension(verified): Extension<Verified>, body: Bytes| {
            let text = handle(&verified, body);
            async move { text }
        };
        let limit = axum::extract::DefaultBodyLimit::disable();
        let app = Router::new()
            .route("/hook", post(handler.clone()))
            .route("/hook/{*rest}", post(handler))
            .route_layer(self.layer())
            .layer(limit);
        tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        receiver
    }

    /// Starts a receiver under hyper alone.
    pub async fn hyper(&self) -> Receiver {
        let (listener, receiver) = Receiver::listen("hyper").await;
        let handle = self.handler(&receiver);
        let handler = tower::service_fn(move |request: Request<VerifiedBody>| {
            let verified = request.extensions().get::<Verified>().unwrap().clone();
            let text = handle(&verified, request.into_body().into_bytes());
            async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(text))) }
        });
        tokio::spawn(serve(listener, ServiceBuilder::new().layer(self.layer()).service(handler)));
        receiver
    }

    /// Starts a receiver under actix-web, on a separate thread.
    pub async fn actix_web(&self) -> Receiver {
        let verify = countersign_actix_web::Verify::new(self.verifiers.clone()).deadline(self.deadline);
        let verify = self.drain.iter().fold(verify, |verify, drain| verify.drain(*drain));
        self.actix_web_with(verify).await
    }

    /// Starts a receiver under actix-web, with this middleware.
    pub async fn actix_web_with(&self, verify: countersign_actix_web::Verify) -> Receiver {
        let (listener, receiver) = Receiver::listen("actix-web").await;
        let handle = self.handler(&receiver);
        let app = move || {
            let handle = handle.clone();
            let handler = move |verified: web::ReqData<Verified>, body: Bytes| {
                let text = handle(&verified, body);
                async move { text }
            };
            let hook = web::resource(["/hook", "/hook/{rest:.*}"]).route(web::post().to(handler)).wrap(verify.clone());
            App::new().app_data(web::PayloadConfig::new(usize::MAX)).service(hook)
        };
        let server = HttpServer::new(app).workers(1).disable_signals().backlog(4096);
        tokio::spawn(server.listen_auto_h2c(listener.into_std().unwrap()).unwrap().run());
        receiver
    }

    /// Starts a receiver under `warp::serve`, with the filter.
    pub async fn warp(&self) -> Receiver {
        let (listener, receiver) = Receiver::listen("warp").await;
        let handle = self.handler(&receiver);
        let handler = move |delivery: countersign_warp::Delivery| {
            let (verified, body) = (delivery.verified, delivery.body);
            let text = handle(&verified, body);
            async move { text }
        };
        let verify = countersign_warp::Verify::new(self.verifiers.clone()).deadline(self.deadline);
        let verify = self.drain.iter().fold(verify, |verify, drain| verify.drain(*drain));
        let hook = warp::path("hook").and(warp::post()).and(verify.then(handler));
        tokio::spawn(warp::serve(hook).incoming(listener).run());
        receiver
    }

    /// Starts a receiver with the tower layer around warp, under hyper-util.
    pub async fn layered_warp(&self) -> Receiver {
        let (listener, receiver) = Receiver::listen("warp behind the tower layer").await;
        let handle = self.handler(&receiver);
        let handler = move |verified: Verified, body: Bytes| handle(&verified, body);
        let hook = warp::path("hook").and(warp::post()).and(warp::ext::get()).and(warp::body::bytes()).map(handler);
        tokio::spawn(serve(listener, ServiceBuilder::new().layer(self.layer()).service(warp::service(hook))));
        receiver
    }

    /// Returns a handler that answers in the form `8 bytes by main`.
    fn handler(&self, receiver: &Receiver) -> impl Fn(&Verified, Bytes) -> String + Clone + Send + Sync + 'static {
        let (calls, on_body) = (Arc::clone(&receiver.calls), Arc::clone(&self.on_body));
        move |verified, body| {
            calls.fetch_add(1, Ordering::SeqCst);
            let text = format!("{} bytes by {}", body.len(), verified.key_id());
            on_body(body);
            text
        }
    }
}

/// A receiver, with a counter of handler calls.
#[derive(Clone)]
pub struct Receiver {
    /// The framework.
    pub framework: &'static str,
    /// The listening address.
    pub address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl Receiver {
    async fn listen(framework: &'static str) -> (TcpListener, Self) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, Self { framework, address, calls: Arc::default() })
    }

    /// Returns the number of handler calls.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Opens a connection.
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Writes these bytes to a new connection, and returns the head of the first response.
    pub async fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        read_head(&mut stream).await
    }
}

/// Reads the head of a response, up to the empty line.
pub async fn read_head(stream: &mut TcpStream) -> String {
    try_read_head(stream).await.expect("a response before the end of the connection")
}

/// Reads the head of a response as [`read_head`]. Returns `None` if the connection ends first.
pub async fn try_read_head(stream: &mut TcpStream) -> Option<String> {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(tokio::time::timeout(Duration::from_secs(20), stream.read_u8()).await.expect("a response in time").ok()?);
    }
    String::from_utf8(answer).ok()
}

/// Serves HTTP/1.1 and HTTP/2 on one port.
async fn serve<S, B>(listener: TcpListener, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send> + Clone + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            // Tests break connections on purpose, so errors are expected here.
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
