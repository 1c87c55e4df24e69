use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use countersign::{Rejection, Verified};
use countersign_tower::{VerifiedBody, VerifyLayer};
use http::header::{ALLOW, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::case::Input;
use crate::client::Client;
use crate::delivery::Delivery;
use crate::listen::config::Endpoint;
use crate::listen::forward::forward;
use crate::listen::journal::{Entry, Explanation, Journal};
use crate::listen::saved::Folder;
use crate::{explain, output};

/// How long deliveries that are in flight may take when it is stopped.
const PATIENCE: Duration = Duration::from_secs(30);

/// After so long, the operator is told why the command has not ended.
const SHORT_WAIT: Duration = Duration::from_millis(300);

/// How long the head of a request may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a body of which it is found out why.
const MAX_EXPLAINED: usize = 4 * 1024 * 1024;

/// Deliveries that wait until it is found out why they are not genuine, the one that is looked at among them.
pub(crate) const MAX_WAITING: usize = 8;

/// Bytes of a request's head. hyper reads up to twice as many before it answers 431.
const LARGEST_HEAD: usize = 32 * 1024;

/// Deliveries that are not told of yet. While there are so many, as when nobody reads what the command prints, no further one is received.
pub(crate) const MAX_UNTOLD: usize = 256;

/// Connections at once. More wait in the system's own queue.
const MAX_CONNECTIONS: usize = 256;

pub(crate) struct Receiver {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) client: Client,
    pub(crate) forward_timeout: Duration,
    pub(crate) folder: Option<Folder>,
    pub(crate) explain: bool,
    pub(crate) journal: Journal,
    /// A permit for each delivery that waits until it is found out why.
    pub(crate) waiting: Semaphore,
    /// Held while it is found out why.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// A permit for each delivery that is not told of yet.
    pub(crate) untold: Arc<Semaphore>,
}

/// What came of a delivery whose body is there, for whoever tells of it.
#[derive(Clone)]
struct HandledDelivery {
    verdict: Result<Verified, Rejection>,
    body: Bytes,
    forwarded: Option<Result<(), String>>,
}

impl Receiver {
    /// Serves until Ctrl-C or SIGTERM, and then what is in flight.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let graceful = GracefulShutdown::new();
        let mut stopped = std::pin::pin!(stop());
        let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let accept = async {
                let permit = Arc::clone(&connections).acquire_owned().await;
                listener.accept().await.map(|(stream, _)| (stream, permit))
            };
            let accepted = tokio::select! {
                accepted = accept => accepted,
                () = &mut stopped => break,
            };
            let Ok((stream, permit)) = accepted else {
                // No more files, or the client has gone already: neither lasts.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let receiver = Arc::clone(&self);
            let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let receiver = Arc::clone(&receiver);
                // It goes on when its sender is gone, so that every delivery is told of.
                let received = tokio::spawn(receiver.receive(request.map(Body::new)));
                async { Ok::<_, Infallible>(received.await.unwrap_or_else(|_| of_status(StatusCode::INTERNAL_SERVER_ERROR))) }
            });
            let mut server = http1::Builder::new();
            server.preserve_header_case(true).auto_date_header(false).timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
            // One request for each connection: a client that sends many and never reads an answer would hold its connection for good.
            server.keep_alive(false).max_buf_size(LARGEST_HEAD);
            let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                // A client that breaks off ends in an error, which is its own affair.
                let _ = connection.await;
                drop(permit);
            });
        }
        drop(listener);
        let finish = async {
            graceful.shutdown().await;
            // This one is left when all that was begun is done.
            while Arc::strong_count(&self) > 1 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        // Whoever asks twice means it.
        let stop_again = stop();
        let tell = async {
            tokio::time::sleep(SHORT_WAIT).await;
            self.journal.note("Finishing what is in flight. Ctrl-C again stops at once.").await;
            std::future::pending::<bool>().await
        };
        let finished = tokio::select! {
            finished = tokio::time::timeout(PATIENCE, finish) => finished.is_ok(),
            () = stop_again => false,
            finished = tell => finished,
        };
        if !finished {
            // Nobody need read what is printed, and the command ends all the same.
            let warned = tokio::task::spawn_blocking(|| output::warn("some deliveries were not finished"));
            let _ = tokio::time::timeout(SHORT_WAIT, warned).await;
        }
    }

    async fn receive(self: Arc<Self>, request: Request) -> Response {
        let untold = Arc::clone(&self.untold).acquire_owned().await;
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let place = self.endpoints.iter().position(|endpoint| endpoint.path.as_ref().is_none_or(|own| *own == path));
        let Some((place, endpoint)) = place.and_then(|place| Some((place, self.endpoints.get(place)?))) else {
            self.journal.tell_of_stray(&parts.method, &path, 404).await;
            return of_status(StatusCode::NOT_FOUND);
        };
        if parts.method != Method::POST {
            self.journal.tell_of_stray(&parts.method, &path, 405).await;
            let mut response = of_status(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        let (received, head) = (SystemTime::now(), head(&parts));
        // It lets deliveries through that are not genuine, for they are to be told of in full. `handle` answers them.
        let layer = VerifyLayer::new(endpoint.verifier.clone()).insecure_report_only();
        let receiver = Arc::clone(&self);
        let handler = service_fn(move |request: Request<VerifiedBody>| {
            let receiver = Arc::clone(&receiver);
            async move { Ok::<_, Infallible>(receiver.handle(place, request).await) }
        });
        let Ok(mut response) = layer.layer(handler).oneshot(Request::from_parts(parts, body)).await;
        let (handled, rejection) = (response.extensions_mut().remove::<HandledDelivery>(), response.extensions_mut().remove::<Rejection>());
        let (receiver, status) = (Arc::clone(&self), response.status().as_u16());
        let told = async move {
            receiver.tell(place, head, received, status, handled, rejection).await;
            drop(untold);
        };
        // The sender need not wait until it is found out why.
        if self.explain {
            drop(tokio::spawn(told));
        } else {
            told.await;
        }
        response
    }

    /// Answers a delivery whose body is there.
    async fn handle(&self, place: usize, request: Request<VerifiedBody>) -> Response {
        let (mut parts, body) = request.into_parts();
        let body = body.into_bytes();
        let Some(verified) = parts.extensions.remove::<Verified>() else {
            let mut response = of_status(StatusCode::UNAUTHORIZED);
            if let Some(rejection) = parts.extensions.remove::<Rejection>() {
                response.extensions_mut().insert(HandledDelivery { verdict: Err(rejection), body, forwarded: None });
            }
            return response;
        };
        let to = self.endpoints.get(place).and_then(|endpoint| endpoint.forward.as_ref());
        let (mut response, forwarded) = match to {
            None => (of_status(StatusCode::OK), None),
            Some(to) => {
                let (response, outcome) = forward(&self.client, to, parts, body.clone(), self.forward_timeout).await;
                (response, Some(outcome))
            }
        };
        response.extensions_mut().insert(HandledDelivery { verdict: Ok(verified), body, forwarded });
        response
    }

    /// Finds out why a delivery is not genuine: one at a time, and a few that wait for it, however many forgeries come. Their bodies are charged
    /// to the budget meanwhile.
    async fn explain(&self, endpoint: &Endpoint, head: &Delivery, body: &Bytes, rejection: &Rejection, now: SystemTime) -> Explanation {
        if body.len() > MAX_EXPLAINED {
            return Explanation::TooLarge;
        }
        let Ok(_waiting) = self.waiting.try_acquire() else { return Explanation::TooMany };
        let _turn = self.turn.lock().await;
        let delivery = Delivery { body: body.to_vec(), ..head.clone() };
        let (provider, secrets) = (endpoint.provider.clone(), endpoint.secrets.clone());
        let kind = rejection.kind();
        // The search takes a while, and has a thread of its own.
        let search = move || {
            let input = Input { provider, delivery, secrets, now, others: Vec::new() };
            explain::search_for_stranger(&input, Some(kind))
        };
        match tokio::task::spawn_blocking(search).await {
            Ok(search) => Explanation::Tried(search),
            Err(_) => Explanation::Failed,
        }
    }

    async fn tell(
        &self,
        place: usize,
        head: Delivery,
        received: SystemTime,
        status: u16,
        handled: Option<HandledDelivery>,
        rejected: Option<Rejection>,
    ) {
        let Some(endpoint) = self.endpoints.get(place) else { return };
        let (verdict, body, forwarded) = match (handled, rejected) {
            (Some(HandledDelivery { verdict, body, forwarded }), _) => (verdict, Some(body), forwarded),
            // Of what is too large, too slow or broken off there is no body to be kept.
            (None, Some(rejection)) => (Err(rejection), None, None),
            (None, None) => return,
        };
        let saved = match (&self.folder, &body) {
            (Some(folder), Some(body)) => folder.keep(&head, body, received, verdict.is_ok()).unwrap_or_else(|failure| {
                output::warn(failure);
                None
            }),
            _ => None,
        };
        let explained = match (&verdict, &body) {
            (Err(rejection), Some(body)) if self.explain => Some(self.explain(endpoint, &head, body, rejection, received).await),
            _ => None,
        };
        let body = body.unwrap_or_default();
        let event = endpoint.provider.scheme.unsigned_event_header().and_then(|name| head.text_of(name)).map(str::to_owned);
        let event = event.or_else(|| event_in(&body));
        // A token is the secret itself.
        let is_token = |name: &str| !endpoint.provider.scheme.covers_body() && name.eq_ignore_ascii_case(endpoint.provider.scheme.header());
        let hidden =
            |(name, value): &(String, Vec<u8>)| (name.clone(), if is_token(name) { b"(not shown)".to_vec() } else { value.clone() });
        let headers: Vec<_> = head.headers.iter().map(hidden).collect();
        let entry = Entry {
            provider: endpoint.provider.scheme.name(),
            method: &head.method,
            path: &head.target,
            received,
            verdict: verdict.as_ref(),
            event: event.as_deref(),
            bytes: body.len(),
            status,
            saved: saved.as_deref(),
            headers: &headers,
            explained: explained.as_ref(),
            forwarded: forwarded.as_ref().map(|outcome| outcome.as_ref().map(drop).map_err(String::as_str)),
        };
        self.journal.tell(&entry).await;
    }
}

/// What Jira, and others that have no header for it, call the kind of event. Nobody need have signed it.
fn event_in(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Event {
        #[serde(rename = "webhookEvent", alias = "type", alias = "event")]
        name: String,
    }
    serde_json::from_slice::<Event>(body).ok().map(|event| event.name)
}

fn head(parts: &Parts) -> Delivery {
    Delivery {
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: fields(&parts.headers),
        body: Vec::new(),
    }
}

fn fields(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

fn of_status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if let Some((name, value)) = Rejection::required_header(status.as_u16()) {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// Returns at Ctrl-C or, as service managers ask for it, at SIGTERM.
async fn stop() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
