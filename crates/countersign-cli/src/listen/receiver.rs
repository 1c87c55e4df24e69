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

/// Time limit for running deliveries at shutdown.
const PATIENCE: Duration = Duration::from_secs(30);

/// Delay before a note about the running shutdown.
const SHORT_WAIT: Duration = Duration::from_millis(300);

/// Time limit for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Limit of a body to explain, in bytes.
const MAX_EXPLAINED: usize = 4 * 1024 * 1024;

/// Limit of deliveries waiting for an explanation. The delivery being explained counts.
pub(crate) const MAX_WAITING: usize = 8;

/// Limit of a request head, in bytes. hyper reads up to twice the limit before the 431.
const LARGEST_HEAD: usize = 32 * 1024;

/// Limit of deliveries received but not printed yet. At the limit, no further delivery is received.
/// This happens if nobody reads the output.
pub(crate) const MAX_UNPRINTED: usize = 256;

/// Limit of simultaneous connections. Further connections wait in the queue of the system.
const MAX_CONNECTIONS: usize = 256;

pub(crate) struct Receiver {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) client: Client,
    pub(crate) forward_timeout: Duration,
    pub(crate) folder: Option<Folder>,
    pub(crate) explain: bool,
    pub(crate) journal: Journal,
    /// A permit for each delivery waiting for an explanation.
    pub(crate) waiting: Semaphore,
    /// Locked during an explanation.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// A permit for each delivery not printed yet.
    pub(crate) unprinted: Arc<Semaphore>,
}

/// The result of a delivery with a complete body, for the journal.
#[derive(Clone)]
struct HandledDelivery {
    verdict: Result<Verified, Rejection>,
    body: Bytes,
    forwarded: Option<Result<(), String>>,
}

impl Receiver {
    /// Serves until Ctrl-C or SIGTERM. Then finishes the running deliveries.
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
                // The process has too many open files, or the client has disconnected. Both are
                // temporary.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let receiver = Arc::clone(&self);
            let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let receiver = Arc::clone(&receiver);
                // A task of its own finishes after the sender has disconnected, so every delivery
                // is printed.
                let received = tokio::spawn(receiver.receive(request.map(Body::new)));
                async { Ok::<_, Infallible>(received.await.unwrap_or_else(|_| of_status(StatusCode::INTERNAL_SERVER_ERROR))) }
            });
            let mut server = http1::Builder::new();
            server.preserve_header_case(true).auto_date_header(false).timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
            // One request per connection: a client sending many requests without reading a response
            // would hold the connection forever.
            server.keep_alive(false).max_buf_size(LARGEST_HEAD);
            let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                // An error means a disconnected client. Nothing is left to do.
                let _ = connection.await;
                drop(permit);
            });
        }
        drop(listener);
        let finish = async {
            graceful.shutdown().await;
            // Each running delivery holds a clone. The last reference is that of this function.
            while Arc::strong_count(&self) > 1 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        // A second signal stops at once.
        let stop_again = stop();
        let tell = async {
            tokio::time::sleep(SHORT_WAIT).await;
            self.journal.note("Finishing the running deliveries. Another Ctrl-C stops at once.").await;
            std::future::pending::<bool>().await
        };
        let finished = tokio::select! {
            finished = tokio::time::timeout(PATIENCE, finish) => finished.is_ok(),
            () = stop_again => false,
            finished = tell => finished,
        };
        if !finished {
            // Printing blocks while nobody reads. The command must end in any case.
            let warned = tokio::task::spawn_blocking(|| output::warn("some deliveries were not finished"));
            let _ = tokio::time::timeout(SHORT_WAIT, warned).await;
        }
    }

    async fn receive(self: Arc<Self>, request: Request) -> Response {
        let unprinted = Arc::clone(&self.unprinted).acquire_owned().await;
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
        // Report-only mode passes rejected deliveries to `handle`, with the whole body for the
        // journal. `handle` answers 401.
        let layer = VerifyLayer::new(endpoint.verifier.clone()).insecure_report_only();
        let receiver = Arc::clone(&self);
        let handler = service_fn(move |request: Request<VerifiedBody>| {
            let receiver = Arc::clone(&receiver);
            async move { Ok::<_, Infallible>(receiver.handle(place, request).await) }
        });
        let Ok(mut response) = layer.layer(handler).oneshot(Request::from_parts(parts, body)).await;
        let (handled, rejection) = (response.extensions_mut().remove::<HandledDelivery>(), response.extensions_mut().remove::<Rejection>());
        let (receiver, status) = (Arc::clone(&self), response.status().as_u16());
        let print = async move {
            receiver.tell(place, head, received, status, handled, rejection).await;
            drop(unprinted);
        };
        // The sender need not wait for the explanation.
        if self.explain {
            drop(tokio::spawn(print));
        } else {
            print.await;
        }
        response
    }

    /// Answers a delivery with a complete body.
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

    /// Explains a rejection. Searches run one at a time, and few deliveries wait, however many
    /// forgeries arrive. The bodies stay charged to the memory budget meanwhile.
    async fn explain(&self, endpoint: &Endpoint, head: &Delivery, body: &Bytes, rejection: &Rejection, now: SystemTime) -> Explanation {
        if body.len() > MAX_EXPLAINED {
            return Explanation::TooLarge;
        }
        let Ok(_waiting) = self.waiting.try_acquire() else { return Explanation::TooMany };
        let _turn = self.turn.lock().await;
        let delivery = Delivery { body: body.to_vec(), ..head.clone() };
        let (provider, secrets) = (endpoint.provider.clone(), endpoint.secrets.clone());
        let kind = rejection.kind();
        // The search blocks for a while, so it runs on a thread of its own.
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
            // A body too large, too slow or broken off is not kept, and cannot be saved.
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
        // A static token is the secret itself.
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

/// Returns the kind of event named in the body, for providers without an event header, such as
/// Jira. The name is unauthenticated.
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

/// Waits for Ctrl-C, or for SIGTERM, the signal of service managers.
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
