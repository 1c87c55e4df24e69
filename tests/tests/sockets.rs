//! Receivers on real sockets on loopback, with a real client: under axum and under plain hyper, HTTP/1.1 and HTTP/2.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::routing::post;
use axum::{Extension, Router};
use bytes::Bytes;
use conformance::vectors::{builder, signer};
use conformance::{Delivery, ScriptedBody, Step};
use countersign::{Verified, providers};
use countersign_tower::{VerifiedBody, VerifyLayer};
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceBuilder;

const LIMIT: usize = 100_000;

/// A receiver, and how often its handler ran.
struct Receiver {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl Receiver {
    /// Under `axum::serve`.
    async fn axum() -> Self {
        let (listener, address, calls) = Self::listen().await;
        let count = Arc::clone(&calls);
        let handler = move |Extension(verified): Extension<Verified>, body: Bytes| {
            count.fetch_add(1, Ordering::SeqCst);
            async move { answer(&verified, &body) }
        };
        let app = Router::new().route("/hook", post(handler)).route_layer(layer());
        tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { address, calls }
    }

    /// Under plain hyper, HTTP/1.1 and HTTP/2 on one port.
    async fn hyper() -> Self {
        let (listener, address, calls) = Self::listen().await;
        let count = Arc::clone(&calls);
        let handler = tower::service_fn(move |request: Request<VerifiedBody>| {
            count.fetch_add(1, Ordering::SeqCst);
            let verified = request.extensions().get::<Verified>().unwrap().clone();
            let text = answer(&verified, &request.into_body().into_bytes());
            async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(text))) }
        });
        let service = ServiceBuilder::new().layer(layer()).service(handler);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(service.clone());
                tokio::spawn(async move {
                    // A connection that a test breaks on purpose ends in an error.
                    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, calls }
    }

    async fn listen() -> (TcpListener, SocketAddr, Arc<AtomicUsize>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address, Arc::default())
    }

    async fn both() -> [Self; 2] {
        [Self::axum().await, Self::hyper().await]
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// One connection, which is never made anew: a request on one that the server has closed fails.
    async fn connect(&self) -> http1::SendRequest<ScriptedBody> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    async fn connect_http2(&self) -> http2::SendRequest<ScriptedBody> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    /// Writes these bytes, and returns the head of the first answer.
    async fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let byte = tokio::time::timeout(Duration::from_secs(10), stream.read_u8()).await.expect("an answer in time");
            answer.push(byte.expect("an answer before the end"));
        }
        String::from_utf8(answer).unwrap()
    }
}

fn layer() -> VerifyLayer {
    VerifyLayer::new(builder(providers::JIRA).body_limit(LIMIT).build().unwrap())
}

fn answer(verified: &Verified, body: &[u8]) -> String {
    format!("{} bytes by {}", body.len(), verified.key_id())
}

fn signed(body: impl AsRef<[u8]>) -> Delivery {
    Delivery::signed(&signer(providers::JIRA), body).header("Host", "localhost")
}

fn forged() -> Delivery {
    signed("the body").body("a forgery")
}

fn announced(delivery: Delivery) -> Delivery {
    let length = delivery.whole_body().len();
    delivery.header("Content-Length", length.to_string())
}

async fn send(sender: &mut http1::SendRequest<ScriptedBody>, delivery: Delivery) -> (StatusCode, String) {
    sender.ready().await.expect("the connection is still usable");
    text(sender.send_request(delivery.into_request()).await.unwrap()).await
}

async fn text(response: Response<Incoming>) -> (StatusCode, String) {
    let (parts, body) = response.into_parts();
    (parts.status, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

fn good(len: usize) -> (StatusCode, String) {
    (StatusCode::OK, format!("{len} bytes by main"))
}

fn refused(status: u16) -> (StatusCode, String) {
    (StatusCode::from_u16(status).unwrap(), String::new())
}

#[test]
fn a_connection_goes_on_after_a_wrong_signature() {
    conformance::run(async {
        for receiver in Receiver::both().await {
            let mut sender = receiver.connect().await;
            for round in 1..=5 {
                assert_eq!(send(&mut sender, announced(signed("the body"))).await, good(8));
                assert_eq!(send(&mut sender, announced(forged())).await, refused(401));
                assert_eq!(send(&mut sender, forged()).await, refused(401));
                assert_eq!(send(&mut sender, signed(vec![b'x'; LIMIT])).await, good(LIMIT));
                assert_eq!(send(&mut sender, announced(Delivery::unsigned("").header("Host", "h"))).await, refused(401));
                assert_eq!(receiver.calls(), 2 * round);
            }
        }
    });
}

#[test]
fn chunked_bodies_verify_and_are_limited() {
    conformance::run(async {
        for receiver in Receiver::both().await {
            let mut sender = receiver.connect().await;
            let body = vec![b'x'; LIMIT];
            assert_eq!(send(&mut sender, signed(&body).chunks(body.chunks(999))).await, good(LIMIT));
            assert_eq!(send(&mut sender, signed("")).await, good(0));
            let over = vec![b'x'; LIMIT + 1];
            assert_eq!(send(&mut sender, signed(&over).chunks(over.chunks(999))).await, refused(413));
            assert_eq!(receiver.calls(), 2);
        }
    });
}

#[test]
fn http2_has_the_same_verdicts() {
    conformance::run(async {
        let receiver = Receiver::hyper().await;
        let mut sender = receiver.connect_http2().await;
        let mut send = async |delivery: Delivery| {
            let mut request = delivery.without("Host").into_request();
            *request.version_mut() = Version::HTTP_2;
            *request.uri_mut() = "http://localhost/hook".parse().unwrap();
            sender.ready().await.expect("the connection is still usable");
            match sender.send_request(request).await {
                Ok(response) => Ok(text(response).await),
                Err(error) => Err(error.to_string()),
            }
        };
        assert_eq!(send(signed("the body")).await, Ok(good(8)));
        assert_eq!(send(forged()).await, Ok(refused(401)));
        assert_eq!(send(Delivery::unsigned("").steps([])).await, Ok(refused(401)));
        assert_eq!(send(Delivery::unsigned("the body")).await, Ok(refused(401)));
        assert_eq!(send(signed(vec![b'x'; LIMIT + 1])).await, Ok(refused(413)));
        assert_eq!(send(signed(vec![b'x'; LIMIT])).await, Ok(good(LIMIT)));
        assert_eq!(receiver.calls(), 2);
    });
}

#[test]
fn an_announcement_over_the_limit_is_answered_without_waiting_for_a_body() {
    conformance::run(async {
        for receiver in Receiver::both().await {
            let (name, value) = signer(providers::JIRA).sign(b"the body").remove(0);
            for length in ["100001", "100000000000000"] {
                let head = format!("POST /hook HTTP/1.1\r\nHost: h\r\n{name}: {value}\r\nContent-Length: {length}\r\n\r\n");
                let answer = receiver.raw(head.as_bytes()).await;
                assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
            }
            let head = "POST /hook HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000000000\r\n\r\n";
            let answer = receiver.raw(head.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 401 "), "a fault of the head comes first: {answer}");
            assert!(answer.to_lowercase().contains("www-authenticate: webhooksignature\r\n"), "{answer}");
            assert_eq!(receiver.calls(), 0);
        }
    });
}

#[test]
fn nobody_is_told_to_continue_whose_head_is_refused() {
    conformance::run(async {
        for receiver in Receiver::both().await {
            let (name, value) = signer(providers::JIRA).sign(b"the body").remove(0);
            let head =
                |signature: &str| format!("POST /hook HTTP/1.1\r\nHost: h\r\n{signature}Expect: 100-continue\r\nContent-Length: 8\r\n\r\n");
            let answer = receiver.raw(head("").as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
            let answer = receiver.raw(head(&format!("{name}: {value}\r\n")).as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n"), "{answer}");
        }
    });
}

#[test]
fn a_sender_that_disconnects_in_the_middle_never_reaches_the_handler() {
    conformance::run(async {
        for receiver in Receiver::both().await {
            let (name, value) = signer(providers::JIRA).sign(b"the body").remove(0);
            let cut_off = [
                format!("POST /hook HTTP/1.1\r\nHost: h\r\n{name}: {value}\r\nContent-Length: 9\r\n\r\nthe body"),
                format!("POST /hook HTTP/1.1\r\nHost: h\r\n{name}: {value}\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nthe body\r\n"),
            ];
            for request in cut_off {
                let mut stream = TcpStream::connect(receiver.address).await.unwrap();
                stream.write_all(request.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
                let mut answer = Vec::new();
                let _ = stream.read_to_end(&mut answer).await;
                let answer = String::from_utf8_lossy(&answer);
                assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
            }
            assert_eq!(receiver.calls(), 0);
            assert_eq!(send(&mut receiver.connect().await, announced(signed("the body"))).await, good(8));
        }
    });
}

#[test]
fn a_sender_that_pauses_is_waited_for() {
    conformance::run(async {
        for receiver in Receiver::both().await {
            let steps = [Step::Chunk("the ".into()), Step::Pause, Step::Pause, Step::Chunk("body".into())];
            assert_eq!(send(&mut receiver.connect().await, signed("the body").steps(steps)).await, good(8));
        }
    });
}
