//! Tests with real clients on real sockets on loopback: every framework, over HTTP/1.1 and HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use conformance::facts::{Source, acme_delivery};
use conformance::receiver::{Receiver, Setup, read_head, try_read_head};
use conformance::vectors::{builder, signer};
use conformance::{Delivery, ScriptedBody, Step};
use countersign::{Deadline, DrainPolicy, Secret, Signer, Verifier, providers};
use http::{Response, StatusCode, Version};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const LIMIT: usize = 100_000;

fn verifier() -> Verifier {
    builder(providers::JIRA).body_limit(LIMIT).build().unwrap()
}

fn setup() -> Setup {
    Setup::new(verifier())
}

/// Opens one connection, without reconnecting: a request fails after the server has closed the connection.
async fn connect(receiver: &Receiver) -> http1::SendRequest<ScriptedBody> {
    let (sender, connection) = http1::handshake(TokioIo::new(receiver.connect().await)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn connect_http2(receiver: &Receiver) -> http2::SendRequest<ScriptedBody> {
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(receiver.connect().await)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn says_close(answer: &str) -> bool {
    answer.to_lowercase().contains("connection: close\r\n")
}

/// Asserts that the server closes the connection without further bytes.
async fn assert_ends(stream: &mut TcpStream, case: &str) {
    let rest = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut Vec::new())).await;
    assert_eq!(rest.expect("the server closes in time").unwrap(), 0, "{case}");
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

fn rejected(status: u16) -> (StatusCode, String) {
    (StatusCode::from_u16(status).unwrap(), String::new())
}

#[test]
fn connection_stays_open_after_a_wrong_signature() {
    conformance::run(async {
        for receiver in setup().all().await {
            let mut sender = connect(&receiver).await;
            for round in 1..=5 {
                assert_eq!(send(&mut sender, announced(signed("the body"))).await, good(8));
                assert_eq!(send(&mut sender, announced(forged())).await, rejected(401));
                assert_eq!(send(&mut sender, forged()).await, rejected(401));
                assert_eq!(send(&mut sender, signed(vec![b'x'; LIMIT])).await, good(LIMIT));
                assert_eq!(send(&mut sender, announced(Delivery::unsigned("").header("Host", "h"))).await, rejected(401));
                assert_eq!(receiver.calls(), 2 * round);
            }
        }
    });
}

#[test]
fn chunked_bodies_verify_and_are_limited() {
    conformance::run(async {
        for receiver in setup().all().await {
            let mut sender = connect(&receiver).await;
            let body = vec![b'x'; LIMIT];
            assert_eq!(send(&mut sender, signed(&body).chunks(body.chunks(999))).await, good(LIMIT));
            assert_eq!(send(&mut sender, signed("")).await, good(0));
            let over = vec![b'x'; LIMIT + 1];
            assert_eq!(send(&mut sender, signed(&over).chunks(over.chunks(999))).await, rejected(413));
            assert_eq!(receiver.calls(), 2);
        }
    });
}

#[test]
fn http2_has_the_same_verdicts() {
    conformance::run(async {
        for receiver in setup().all().await {
            let mut sender = connect_http2(&receiver).await;
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
            let case = receiver.framework;
            assert_eq!(send(signed("the body")).await, Ok(good(8)), "{case}");
            assert_eq!(send(forged()).await, Ok(rejected(401)), "{case}");
            assert_eq!(send(Delivery::unsigned("").steps([])).await, Ok(rejected(401)), "{case}");
            assert_eq!(send(Delivery::unsigned("the body")).await, Ok(rejected(401)), "{case}");
            assert_eq!(send(signed(vec![b'x'; LIMIT + 1])).await, Ok(rejected(413)), "{case}");
            assert_eq!(send(signed(vec![b'x'; LIMIT])).await, Ok(good(LIMIT)), "{case}");
            assert_eq!(receiver.calls(), 2, "{case}");
        }
    });
}

#[test]
fn content_length_over_the_limit_is_rejected_without_waiting() {
    conformance::run(async {
        for receiver in setup().all().await {
            let (name, value) = signer(providers::JIRA).sign(b"the body").remove(0);
            for length in ["100001", "100000000000000"] {
                let head = format!("POST /hook HTTP/1.1\r\nHost: h\r\n{name}: {value}\r\nContent-Length: {length}\r\n\r\n");
                let answer = receiver.raw(head.as_bytes()).await;
                assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
            }
            let head = "POST /hook HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000000000\r\n\r\n";
            let answer = receiver.raw(head.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 401 "), "a fault of the head takes precedence: {answer}");
            assert!(answer.to_lowercase().contains("www-authenticate: webhooksignature\r\n"), "{answer}");
            assert_eq!(receiver.calls(), 0);
        }
    });
}

#[test]
fn rejected_head_gets_no_100_continue() {
    conformance::run(async {
        for receiver in setup().all().await {
            let (name, value) = signer(providers::JIRA).sign(b"the body").remove(0);
            let head =
                |signature: &str| format!("POST /hook HTTP/1.1\r\nHost: h\r\n{signature}Expect: 100-continue\r\nContent-Length: 8\r\n\r\n");
            let answer = receiver.raw(head("").as_bytes()).await;
            // actix-web sends 100 Continue to every client, before any middleware.
            let expected = if receiver.framework == "actix-web" { "HTTP/1.1 100 Continue\r\n" } else { "HTTP/1.1 401 " };
            assert!(answer.starts_with(expected), "{}: {answer}", receiver.framework);
            let answer = receiver.raw(head(&format!("{name}: {value}\r\n")).as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n"), "{answer}");
            assert_eq!(receiver.calls(), 0);
        }
    });
}

/// The rest of the body is drained, and the connection stays open.
#[test]
fn connection_stays_open_after_an_early_rejection() {
    conformance::run(async {
        let chunked = |len: usize| format!("Transfer-Encoding: chunked\r\n\r\n{len:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(len));
        let announced = |len: usize| format!("Content-Length: {len}\r\n\r\n{}", "x".repeat(len));
        for receiver in setup().all().await {
            let case = receiver.framework;
            for rest in [announced(0), announced(1024), chunked(5), announced(60_000), chunked(60_000)] {
                let mut stream = TcpStream::connect(receiver.address).await.unwrap();
                for _ in 0..3 {
                    stream.write_all(format!("POST /hook HTTP/1.1\r\nHost: h\r\n{rest}").as_bytes()).await.unwrap();
                    let answer = read_head(&mut stream).await;
                    assert!(answer.starts_with("HTTP/1.1 401 ") && !says_close(&answer), "{case}: {answer}");
                }
            }
            assert_eq!(receiver.calls(), 0);
        }
    });
}

/// Without a drain policy, the response does not wait for the body, and announces the end of the connection.
#[test]
fn early_rejection_without_drain_closes_the_connection() {
    conformance::run(async {
        for receiver in setup().drain(None).all().await {
            let case = receiver.framework;
            for rest in ["Content-Length: 1024\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n5\r\nxxxxx\r\n"] {
                let mut stream = TcpStream::connect(receiver.address).await.unwrap();
                stream.write_all(format!("POST /hook HTTP/1.1\r\nHost: h\r\n{rest}").as_bytes()).await.unwrap();
                let answer = read_head(&mut stream).await;
                assert!(answer.starts_with("HTTP/1.1 401 ") && says_close(&answer), "{case}: {answer}");
                assert_ends(&mut stream, case).await;
            }
            let mut stream = TcpStream::connect(receiver.address).await.unwrap();
            for _ in 0..2 {
                stream.write_all(b"POST /hook HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").await.unwrap();
                let answer = read_head(&mut stream).await;
                assert!(answer.starts_with("HTTP/1.1 401 ") && !says_close(&answer), "{case}: without a body: {answer}");
            }
        }
    });
}

/// A client that falls silent before the end of the body does not wait for the whole time of the drain.
#[test]
fn silent_client_sees_its_rejection_soon() {
    conformance::run(async {
        let drain = DrainPolicy::new(100_000, Duration::from_secs(60));
        for receiver in setup().drain(Some(drain)).all().await {
            for rest in
                ["Content-Length: 1024\r\n\r\n", "Content-Length: 1024\r\n\r\nxxxxx", "Transfer-Encoding: chunked\r\n\r\n5\r\nxxxxx\r\n"]
            {
                let request = format!("POST /hook HTTP/1.1\r\nHost: h\r\n{rest}");
                let answer = tokio::time::timeout(Duration::from_secs(15), receiver.raw(request.as_bytes())).await;
                let answer = answer.unwrap_or_else(|_| panic!("{}: no answer to {rest:?}", receiver.framework));
                assert!(answer.starts_with("HTTP/1.1 401 ") && says_close(&answer), "{}: {answer}", receiver.framework);
            }
            // Over HTTP/2, waiting is unnecessary. warp's filter cannot see the HTTP version, and waits anyway.
            let mut sender = connect_http2(&receiver).await;
            let steps = [Step::Chunk("xxxxx".into()), Step::Stall];
            let mut request = Delivery::unsigned("").header("Content-Length", "1024").steps(steps).into_request();
            *request.version_mut() = Version::HTTP_2;
            *request.uri_mut() = "http://localhost/hook".parse().unwrap();
            let response = tokio::time::timeout(Duration::from_secs(15), sender.send_request(request)).await;
            let response = response.unwrap_or_else(|_| panic!("{}: no answer over HTTP/2", receiver.framework)).unwrap();
            assert_eq!(response.status(), 401, "{}", receiver.framework);
        }
    });
}

/// actix-web reads the body of such a request as an endless stream, with any announced length.
#[test]
fn websocket_upgrade_is_verified_like_any_other_delivery() {
    conformance::run(async {
        let drain = DrainPolicy::new(100_000, Duration::from_secs(60)).silence(Duration::from_secs(60));
        let setup = setup().drain(Some(drain)).deadline(Deadline::new(Duration::from_secs(60)));
        let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
        for receiver in setup.all().await {
            let case = receiver.framework;
            let answer = async |head: String| {
                let answer = tokio::time::timeout(Duration::from_secs(15), receiver.raw(head.as_bytes())).await;
                answer.unwrap_or_else(|_| panic!("{case}: no answer to {head:?}"))
            };
            let unsigned = answer(format!("POST /hook HTTP/1.1\r\nHost: h\r\n{upgrade}Content-Length: 8\r\n\r\nthe body")).await;
            assert!(unsigned.starts_with("HTTP/1.1 401 "), "{case}: {unsigned}");
            let (name, value) = signer(providers::JIRA).sign(b"the body").remove(0);
            let head = |rest: &str| format!("POST /hook HTTP/1.1\r\nHost: h\r\n{name}: {value}\r\n{upgrade}{rest}");
            let whole = answer(head("Content-Length: 8\r\n\r\nthe body")).await;
            assert!(whole.starts_with("HTTP/1.1 200 "), "{case}: {whole}");
            let chunked = answer(head("Transfer-Encoding: chunked\r\n\r\n8\r\nthe body\r\n0\r\n\r\n")).await;
            assert!(chunked.starts_with("HTTP/1.1 200 "), "{case}: {chunked}");
            assert_eq!(receiver.calls(), 2, "{case}");
            for rest in ["Content-Length: 8\r\n\r\nthe bodY", "Content-Length: 0\r\n\r\n", "\r\n"] {
                let forged = answer(head(rest)).await;
                assert!(forged.starts_with("HTTP/1.1 401 "), "{case}: {forged}");
            }
            let (name, value) = signer(providers::JIRA).sign(b"").remove(0);
            for rest in ["Content-Length: 0\r\n\r\n", "\r\n"] {
                let empty = answer(format!("POST /hook HTTP/1.1\r\nHost: h\r\n{name}: {value}\r\n{upgrade}{rest}")).await;
                assert!(empty.starts_with("HTTP/1.1 200 "), "{case}: {empty}");
            }
            assert_eq!(receiver.calls(), 4, "{case}");
        }
    });
}

/// actix-web reads the body of such a request as an endless stream, unless a length is announced.
#[test]
fn connect_request_is_verified_like_any_other_delivery() {
    conformance::run(async {
        for receiver in setup().deadline(Deadline::new(Duration::from_secs(60))).all().await {
            let case = receiver.framework;
            // The receiver under hyper has no routes. A filter of warp looks at the method first.
            let unsigned = if case == "warp" { "405" } else { "401" };
            let signed = if case == "hyper" { "200" } else { "405" };
            let (name, value) = signer(providers::JIRA).sign(b"").remove(0);
            let (_, value_of_body) = signer(providers::JIRA).sign(b"the body").remove(0);
            for (status, rest) in [
                (unsigned, "\r\n".to_owned()),
                (signed, format!("{name}: {value}\r\n\r\n")),
                (signed, format!("{name}: {value}\r\nContent-Length: 0\r\n\r\n")),
                (signed, format!("{name}: {value_of_body}\r\nContent-Length: 8\r\n\r\nthe body")),
            ] {
                let request = format!("CONNECT /hook HTTP/1.1\r\nHost: h\r\n{rest}");
                let answer = tokio::time::timeout(Duration::from_secs(15), receiver.raw(request.as_bytes())).await;
                let answer = answer.unwrap_or_else(|_| panic!("{case}: no answer to {rest:?}"));
                assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{case}: {answer}");
            }
        }
    });
}

/// After a rejection by the head or by the limit, a client cannot write forever.
#[test]
fn endless_chunked_body_is_not_read_after_a_rejection() {
    conformance::run(async {
        // actix-web sends a response with a body through other code.
        let with_body = countersign_actix_web::Verify::new(verifier()).with_rejection_response(|rejection| {
            let status = actix_web::http::StatusCode::from_u16(rejection.status_code()).unwrap();
            actix_web::HttpResponse::build(status).body("no")
        });
        for receiver in setup().all().await.into_iter().chain([setup().actix_web_with(with_body).await]) {
            let case = receiver.framework;
            let (name, value) = signer(providers::JIRA).sign(b"the body").remove(0);
            let chunk = format!("{:x}\r\n{}\r\n", 50_000, "x".repeat(50_000));
            for (signature, status) in [(String::new(), "401"), (format!("{name}: {value}\r\n"), "413")] {
                let mut stream = TcpStream::connect(receiver.address).await.unwrap();
                let head = format!("POST /hook HTTP/1.1\r\nHost: h\r\n{signature}Transfer-Encoding: chunked\r\n\r\n");
                let rejected = [head.as_bytes(), &chunk.repeat(6).into_bytes()].concat();
                // A closed connection may be reset with bytes in flight, including the response.
                if stream.write_all(&rejected).await.is_ok()
                    && let Some(answer) = try_read_head(&mut stream).await
                {
                    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{case}: {answer}");
                }
                // actix-web reads for one more second, so the client can see the response.
                let write_on = async { while stream.write_all(chunk.as_bytes()).await.is_ok() {} };
                assert!(tokio::time::timeout(Duration::from_secs(10), write_on).await.is_ok(), "{case} {status}: the server still reads");
            }
            assert_eq!(receiver.calls(), 0);
        }
    });
}

#[test]
fn disconnecting_sender_never_reaches_the_handler() {
    conformance::run(async {
        for receiver in setup().all().await {
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
            assert_eq!(send(&mut connect(&receiver).await, announced(signed("the body"))).await, good(8));
        }
    });
}

#[test]
fn body_with_pauses_verifies() {
    conformance::run(async {
        for receiver in setup().all().await {
            let steps = [Step::Chunk("the ".into()), Step::Pause, Step::Pause, Step::Chunk("body".into())];
            assert_eq!(send(&mut connect(&receiver).await, signed("the body").steps(steps)).await, good(8));
        }
    });
}

/// A new key is added every few milliseconds. Deliveries signed with a valid key are accepted. Deliveries signed with a retired key are
/// rejected. The handler runs only for accepted deliveries.
#[test]
fn keys_rotate_under_load() {
    const DELIVERIES: usize = 20_000;
    const CONNECTIONS: usize = 4;
    fn secret(generation: usize) -> Secret {
        Secret::new(format!("the secret of generation {generation}"))
    }
    conformance::run(async {
        let verifier = Verifier::builder(providers::JIRA).key("4", secret(4)).key("3", secret(3)).build().unwrap();
        let keys = verifier.keys();
        for receiver in Setup::new(verifier).all().await {
            keys.replace([("4", secret(4)), ("3", secret(3))]).unwrap();
            // The two newest keys are valid. The counter is updated before the old key is retired.
            let newest = Arc::new(AtomicUsize::new(4));
            let (rotating, newest_added) = (keys.clone(), Arc::clone(&newest));
            let rotation = tokio::spawn(async move {
                for generation in 5.. {
                    tokio::time::sleep(Duration::from_millis(3)).await;
                    rotating.add(generation.to_string(), secret(generation)).unwrap();
                    newest_added.store(generation, Ordering::SeqCst);
                    rotating.retire(&(generation - 2).to_string()).unwrap();
                }
            });
            let mut clients = tokio::task::JoinSet::new();
            for _ in 0..CONNECTIONS {
                let (receiver, newest) = (receiver.clone(), Arc::clone(&newest));
                clients.spawn(async move {
                    let mut sender = connect(&receiver).await;
                    let (mut accepted, mut certain) = (0, 0);
                    for place in 0..DELIVERIES / CONNECTIONS {
                        let generation = newest.load(Ordering::SeqCst);
                        // Every tenth delivery is signed with a retired key.
                        let retired = place % 10 == 0;
                        let signer = Signer::new(providers::JIRA, secret(if retired { generation - 3 } else { generation })).unwrap();
                        let delivery = Delivery::signed(&signer, "the body").header("Host", "h").header("Content-Length", "8");
                        let (status, _) = send(&mut sender, delivery).await;
                        let valid_all_the_while = newest.load(Ordering::SeqCst) <= generation + 1;
                        if retired {
                            assert_eq!(status, 401, "{}: a retired key", receiver.framework);
                        } else if valid_all_the_while {
                            assert_eq!(status, 200, "{}: a valid key", receiver.framework);
                            certain += 1;
                        }
                        accepted += usize::from(status == StatusCode::OK);
                    }
                    (accepted, certain)
                });
            }
            let (mut accepted, mut certain) = (0, 0);
            while let Some(client) = clients.join_next().await {
                let (more, surely) = client.unwrap();
                (accepted, certain) = (accepted + more, certain + surely);
            }
            rotation.abort();
            assert_eq!(receiver.calls(), accepted, "{}", receiver.framework);
            assert!(certain > DELIVERIES / 2, "{}: {certain} were certain", receiver.framework);
            assert!(newest.load(Ordering::SeqCst) > 50, "{}: {newest:?} changes", receiver.framework);
        }
    });
}

#[test]
fn failing_key_source_affects_no_other_tenant() {
    conformance::run(async {
        let tenants = Source::default().tenants(Verifier::builder(providers::JIRA).body_limit(LIMIT));
        for receiver in Setup::new(tenants).all().await {
            let to = |target| {
                let mut delivery = announced(acme_delivery().header("Host", "localhost"));
                delivery.target = target;
                delivery
            };
            let mut waiting = tokio::task::JoinSet::new();
            for target in ["/hook/slow/event", "/hook/broken/event", "/hook/down/event"] {
                for _ in 0..20 {
                    let mut sender = connect(&receiver).await;
                    let delivery = to(target);
                    waiting.spawn(async move { sender.send_request(delivery.into_request()).await.unwrap() });
                }
            }
            let mut sender = connect(&receiver).await;
            for _ in 0..50 {
                let (status, text) = send(&mut sender, to("/hook/acme/event")).await;
                assert_eq!((status, &text[..]), (StatusCode::OK, "4 bytes by new"), "{}", receiver.framework);
            }
            while let Some(response) = waiting.join_next().await {
                let response = response.unwrap();
                assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{}", receiver.framework);
                assert_eq!(response.headers()["retry-after"], "30", "{}", receiver.framework);
            }
            assert_eq!(send(&mut sender, to("/hook/initech/event")).await, rejected(401), "{}", receiver.framework);
            assert_eq!(receiver.calls(), 50, "{}", receiver.framework);
        }
    });
}
