//! Hostile clients on real sockets, against a receiver under every framework. Each case lists the allowed statuses.
//!
//! - No case may cause a panic or a 5xx.
//! - No unsigned body may reach the handler.
//! - A good delivery still gets 200 afterwards.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use bytes::Bytes;
use conformance::receiver::{Receiver, Setup, try_read_head};
use conformance::vectors::{SECRET, builder, signer};
use conformance::{Delivery, ScriptedBody, Step};
use countersign::{Deadline, providers};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Version};
use http_body_util::BodyExt as _;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const LIMIT: usize = 100_000;

/// The only body allowed in a handler.
const BODY: &str = "the body";
/// The signed body of a request hidden in another body. No handler may see this body.
const HIDDEN: &str = "a hidden body";

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Counts panics anywhere in the process. A framework may catch a panic, and answer 500 or close the connection.
fn count_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            before(panic);
        }));
    });
}

/// Starts receivers. Also returns the bodies seen by the handlers.
async fn receivers() -> ([Receiver; 5], Arc<Mutex<Vec<Bytes>>>) {
    count_panics();
    let seen: Arc<Mutex<Vec<Bytes>>> = Arc::default();
    let log = Arc::clone(&seen);
    let verifier = builder(providers::JIRA).body_limit(LIMIT).build().unwrap();
    let setup = Setup::new(verifier).deadline(Deadline::new(Duration::from_secs(2))).on_body(move |body| log.lock().unwrap().push(body));
    (setup.all().await, seen)
}

fn signature(body: impl AsRef<[u8]>) -> String {
    signer(providers::JIRA).sign(body.as_ref()).remove(0).1
}

/// Returns the header line `X-Hub-Signature: …` for the body, with the line break.
fn signed() -> String {
    format!("X-Hub-Signature: {}\r\n", signature(BODY))
}

fn request(headers: impl AsRef<str>, body: impl AsRef<[u8]>) -> Vec<u8> {
    [format!("POST /hook HTTP/1.1\r\nHost: h\r\n{}\r\n", headers.as_ref()).as_bytes(), body.as_ref()].concat()
}

/// Returns a request with a `Content-Length`.
fn announced(headers: impl AsRef<str>, body: impl AsRef<[u8]>) -> Vec<u8> {
    request(format!("{}Content-Length: {}\r\n", headers.as_ref(), body.as_ref().len()), body)
}

fn chunked(headers: impl AsRef<str>, chunks: impl AsRef<[u8]>) -> Vec<u8> {
    request(format!("{}Transfer-Encoding: chunked\r\n", headers.as_ref()), chunks)
}

fn good() -> Vec<u8> {
    announced(signed(), BODY)
}

/// The action of a client after writing.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    /// Wait for the response.
    Wait,
    /// Close the client's side.
    End,
    /// Reset the connection.
    Reset,
}

struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    then: Then,
    /// The allowed statuses, in any number.
    allowed: &'static [u16],
    /// Whether the server may close the connection without a response.
    may_close: bool,
}

impl Case {
    fn or_closes(self) -> Self {
        Self { may_close: true, ..self }
    }
}

/// Returns a case with a client waiting for the response.
fn case(name: &'static str, bytes: Vec<u8>, allowed: &'static [u16]) -> Case {
    Case { name, bytes, then: Then::Wait, allowed, may_close: false }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    let tag = signature(BODY);
    let header = |name: &str, value: &str| announced(format!("{name}: {value}\r\n"), BODY);
    let raw_value =
        |value: &[u8]| [b"POST /hook HTTP/1.1\r\nHost: h\r\nX-Hub-Signature: ", value, b"\r\nContent-Length: 8\r\n\r\nthe body"].concat();
    let length = |value: &str| request(format!("{}Content-Length: {value}\r\n", signed()), BODY);
    let gzip = {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![0; 50 * 1024 * 1024]).unwrap();
        encoder.finish().unwrap()
    };
    let hidden = announced(format!("X-Hub-Signature: {}\r\n", signature(HIDDEN)), HIDDEN);
    let one_byte_chunks = BODY.chars().map(|byte| format!("1\r\n{byte}\r\n")).collect::<Vec<_>>().concat();
    let whole = "8\r\nthe body\r\n0\r\n\r\n";
    vec![
        // The signature header.
        case("twice", announced(format!("{0}{0}", signed()), BODY), &[401]),
        case("right, then wrong", announced(format!("{}X-Hub-Signature: sha256=00\r\n", signed()), BODY), &[401]),
        case("joined by a comma", header("X-Hub-Signature", &format!("{tag}, {tag}")), &[401]),
        case("folded", header("X-Hub-Signature", &format!("sha256=\r\n {}", &tag[7..])), &[400, 401]),
        case("folded by a tab", header("X-Hub-Signature", &format!("\r\n\t{tag}")), &[400, 401]),
        case("100 KB long", header("X-Hub-Signature", &"a".repeat(100_000)), &[400, 401, 431]),
        case("2 MB long", header("X-Hub-Signature", &"a".repeat(2_000_000)), &[400, 401, 413, 431]),
        case("not ASCII", raw_value("sha256=é".as_bytes()), &[400, 401]),
        case("all bytes over 0x7F", raw_value(&(0x80..=0xff).collect::<Vec<u8>>()), &[400, 401]),
        case("with a NUL", raw_value(&[&tag.as_bytes()[..20], b"\0", &tag.as_bytes()[21..]].concat()), &[400, 401]),
        case("with a bare CR", raw_value(&[tag.as_bytes(), b"\rX: y"].concat()), &[400, 401]),
        case("with a bare LF", raw_value(&[tag.as_bytes(), b"\nX: y"].concat()), &[200, 400, 401]),
        case("a space before the colon", header("X-Hub-Signature ", &tag), &[400, 401]),
        case("with an underscore", header("X-Hub_Signature", &tag), &[401]),
        case("GitHub's name", header("X-Hub-Signature-256", &tag), &[401]),
        case("a longer name", header("X-Hub-Signature2", &tag), &[401]),
        case("a non-ASCII name", header("X-Hub-Sign\u{e4}ture", &tag), &[400, 401]),
        case("an empty name", header("", &tag), &[400, 401]),
        case("in a cookie", header("Cookie", &format!("X-Hub-Signature={tag}")), &[401]),
        case("200 other headers", announced(signed() + &"X-Other: y\r\n".repeat(200), BODY), &[200, 400, 431]),
        case(
            "in the query",
            String::from_utf8(announced("", BODY)).unwrap().replace("/hook", &format!("/hook?X-Hub-Signature={tag}")).into(),
            &[401],
        ),
        case("in a trailer", chunked("Trailer: X-Hub-Signature\r\n", format!("8\r\nthe body\r\n0\r\n{}\r\n", signed())), &[400, 401]),
        // Chunks.
        case("one-byte chunks", chunked(signed(), format!("{one_byte_chunks}0\r\n\r\n")), &[200]),
        case("chunk extensions", chunked(signed(), "8;a=b;c=\"d\"\r\nthe body\r\n0;e\r\n\r\n"), &[200, 400]),
        case("200 KB of a chunk extension", chunked(signed(), format!("8;{}\r\nthe body\r\n0\r\n\r\n", "a".repeat(200_000))), &[200, 400]),
        case("trailers", chunked(signed(), "8\r\nthe body\r\n0\r\nX-Other: y\r\n\r\n"), &[200, 400]),
        case("many trailers", chunked(signed(), format!("8\r\nthe body\r\n0\r\n{}\r\n", "X: y\r\n".repeat(10_000))), &[200, 400]),
        case("a size without a number", chunked(signed(), "zz\r\nthe body\r\n0\r\n\r\n"), &[400]),
        case("a negative size", chunked(signed(), "-8\r\nthe body\r\n0\r\n\r\n"), &[400]),
        case("an empty size", chunked(signed(), "\r\nthe body\r\n0\r\n\r\n"), &[400]),
        case("a size of 2^64", chunked(signed(), "10000000000000000\r\nthe body\r\n0\r\n\r\n"), &[400, 408, 413]),
        case("a size of 2^64 - 1", chunked(signed(), "ffffffffffffffff\r\nthe body\r\n0\r\n\r\n"), &[400, 401, 408, 413]),
        case("a chunk longer than its size", chunked(signed(), "4\r\nthe body\r\n0\r\n\r\n"), &[400]),
        case("a chunk shorter than its size", chunked(signed(), "9\r\nthe body\r\n0\r\n\r\n"), &[400, 401, 408]),
        case("no end", chunked(signed(), "8\r\nthe body\r\n"), &[408]),
        Case {
            name: "no end, and the client's side closed",
            then: Then::End,
            ..case("", chunked(signed(), "8\r\nthe body\r\n"), &[400, 408])
        },
        case("chunked, but not last", request(signed() + "Transfer-Encoding: chunked, identity\r\n", whole), &[400, 401]),
        case("chunked twice", request(signed() + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", whole), &[200, 400]),
        case("another coding", request(signed() + "Transfer-Encoding: gzip, chunked\r\n", whole), &[200, 400]),
        case("an unknown coding", request(signed() + "Transfer-Encoding: xchunked\r\n", whole), &[400]),
        // Lengths.
        case("a length and chunks", chunked(signed() + "Content-Length: 8\r\n", whole), &[200, 400]),
        case("a lying length and chunks", chunked(signed() + "Content-Length: 3\r\n", whole), &[200, 400]),
        case("chunks and a length", request(signed() + "Transfer-Encoding: chunked\r\nContent-Length: 8\r\n", whole), &[200, 400]),
        case("a high length", length("9"), &[408]),
        Case { name: "a high length, and the client's side closed", then: Then::End, ..case("", length("100"), &[400, 408]) },
        case("a low length", length("4"), &[400, 401]),
        case("a length at the limit, without a body", request(format!("{}Content-Length: {LIMIT}\r\n", signed()), ""), &[408]),
        case("over the limit", length("100001"), &[413]),
        case("a negative length", length("-8"), &[400]),
        case("a length with a sign", length("+8"), &[400]),
        case("a length in hex", length("0x8"), &[400]),
        case("a length with a comma", length("8, 8"), &[200, 400]),
        case("two equal lengths", length("8\r\nContent-Length: 8"), &[200, 400]),
        case("two different lengths", length("8\r\nContent-Length: 9"), &[400]),
        case("a length of 2^63", length("9223372036854775808"), &[400, 413]),
        // hyper reserves the two largest numbers for other purposes, and answers 431.
        case("a length of 2^64 - 1", length("18446744073709551615"), &[400, 413, 431]),
        case("a length of 2^64", length("18446744073709551616"), &[400, 413]),
        case("a length of a thousand digits", length(&"9".repeat(1000)), &[400, 413]),
        case("unsigned, of 2^64 - 1", request("Content-Length: 18446744073709551615\r\n", ""), &[400, 401, 431]),
        // `Expect`, and requests after or inside other requests.
        case("expects 100 Continue", announced("Expect: 100-continue\r\n", ""), &[100, 401]),
        case("expects something else", announced("Expect: a-miracle\r\n", BODY), &[401, 417]),
        case("one rejected, then one good", [announced("", BODY), good()].concat(), &[200, 401]),
        case("ten rejected", announced("", BODY).repeat(10), &[401]),
        case("a request hidden in a rejected body", announced("", &hidden), &[401]),
        case(
            "a request hidden in a rejected chunk",
            chunked("", [format!("{:x}\r\n", hidden.len()).as_bytes(), &hidden, b"\r\n0\r\n\r\n"].concat()),
            &[401],
        ),
        case("a request hidden in a forged body", announced(signed(), &hidden), &[401]),
        case("a request hidden behind an early end", chunked("", [b"0\r\n\r\n", &good()[..]].concat()), &[200, 401]),
        // Other requests.
        case("HTTP/1.0", String::from_utf8(good()).unwrap().replace("HTTP/1.1", "HTTP/1.0").into(), &[200]),
        case("HTTP/1.0, unsigned", b"POST /hook HTTP/1.0\r\n\r\n".to_vec(), &[400, 401]),
        Case {
            name: "HTTP/1.0 without a length",
            then: Then::End,
            ..case("", format!("POST /hook HTTP/1.0\r\n{}\r\n{BODY}", signed()).into(), &[400, 401, 408])
        },
        case("HTTP/0.9", b"GET /hook\r\n\r\n".to_vec(), &[400]),
        case("HTTP/3.0", String::from_utf8(good()).unwrap().replace("HTTP/1.1", "HTTP/3.0").into(), &[400]),
        case("without a host", format!("POST /hook HTTP/1.1\r\n{}Content-Length: 8\r\n\r\n{BODY}", signed()).into(), &[200, 400]),
        case(
            "a long target",
            String::from_utf8(good()).unwrap().replace("/hook", &format!("/hook?{}", "a".repeat(100_000))).into(),
            &[200, 400, 404, 414, 431],
        ),
        case("an absolute target", String::from_utf8(good()).unwrap().replace("/hook", "http://h/hook").into(), &[200, 400, 404]),
        case("the target `*`", b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(), &[400, 401, 404, 405]),
        case("a tunnel", b"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n".to_vec(), &[400, 401, 404, 405]),
        case("an upgrade", announced("Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", ""), &[400, 401]),
        case("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(50), &[400]),
        case("noise", (0..10_000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect(), &[400]),
        case("line breaks", b"\r\n".repeat(10_000), &[400]).or_closes(),
        case("a gzip bomb, unsigned", announced("Content-Encoding: gzip\r\n", &gzip), &[401]),
        case("a gzip bomb, forged", announced(signed() + "Content-Encoding: gzip\r\n", &gzip), &[401]),
        case("a false Content-Encoding", announced(signed() + "Content-Encoding: gzip\r\n", BODY), &[200, 400]),
        // The server decides the end of a partial head. actix-web waits five seconds.
        case("half a head", b"POST /hook HTTP/1.1\r\nHost: h\r\nX-Hub-Sig".to_vec(), &[408]).or_closes(),
        // Disconnecting clients.
        Case { name: "resets in the head", then: Then::Reset, ..case("", b"POST /hook HT".to_vec(), &[]) },
        Case { name: "resets in the body", then: Then::Reset, ..case("", length("9"), &[]) },
        Case { name: "resets after a rejection", then: Then::Reset, ..case("", request("Content-Length: 50000\r\n", "x"), &[]) },
    ]
}

/// Runs a case, and returns the received statuses.
async fn attempt(receiver: &Receiver, case: &Case) -> Vec<u16> {
    let mut stream = receiver.connect().await;
    let mut answers = Vec::new();
    let (mut reader, mut writer) = stream.split();
    // A server may answer and close before the end of the request.
    let talk = async {
        let write = async {
            let _ = writer.write_all(&case.bytes).await;
            if case.then == Then::End {
                let _ = writer.shutdown().await;
            }
        };
        let read = async {
            if case.then == Then::Reset {
                return;
            }
            // Four seconds are longer than the deadline of a body. A still silent server waits for the rest of a head.
            while let Ok(Ok(1..)) = tokio::time::timeout(Duration::from_secs(4), reader.read_buf(&mut answers)).await {}
        };
        tokio::join!(write, read);
    };
    talk.await;
    if case.then == Then::Reset {
        stream.set_zero_linger().unwrap();
    }
    let text = String::from_utf8_lossy(&answers);
    text.split("\r\n")
        .filter_map(|line| line.strip_prefix("HTTP/1.").or(line.strip_prefix("8 bytes by mainHTTP/1.")))
        .map(|line| line[2..5].parse().unwrap())
        .collect()
}

#[test]
fn hostile_http1_requests_get_only_expected_responses() {
    conformance::run(async {
        let (receivers, seen) = receivers().await;
        let cases = cases();
        let mut faults = Vec::new();
        for receiver in &receivers {
            // All cases run at once, because most of the time is spent waiting for the end of a response.
            let attempts = cases.iter().map(async |case| (case, attempt(receiver, case).await));
            for (case, statuses) in join_all(attempts).await {
                let unexpected: Vec<_> = statuses.iter().filter(|status| !case.allowed.contains(status)).collect();
                let silent = statuses.is_empty() && !case.may_close && case.then != Then::Reset;
                if !unexpected.is_empty() || silent {
                    faults.push(format!("{}: {} was answered {statuses:?}", receiver.framework, case.name));
                }
            }
            for body in seen.lock().unwrap().drain(..) {
                assert_eq!(body, BODY, "{}", receiver.framework);
            }
            assert!(receiver.raw(&good()).await.starts_with("HTTP/1.1 200 "), "{}", receiver.framework);
        }
        assert!(faults.is_empty(), "{faults:#?}");
        assert_eq!(PANICS.load(Ordering::SeqCst), 0);
    });
}

/// Polls all futures on this thread, until all are ready.
async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in all.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(cx) {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[test]
fn hostile_http2_requests_get_only_expected_responses() {
    conformance::run(async {
        let (receivers, seen) = receivers().await;
        let tag = signature(BODY);
        let plain = || Delivery::unsigned(BODY);
        let right = || plain().header("X-Hub-Signature", &tag);
        let mut trailers = HeaderMap::new();
        trailers.insert("x-hub-signature", HeaderValue::from_str(&tag).unwrap());
        let in_query: &'static str = format!("/hook?X-Hub-Signature={tag}").leak();
        let mut query = plain();
        query.target = in_query;
        // `None` allows a reset of the stream.
        let cases: Vec<(&str, Delivery, &[Option<u16>])> = vec![
            ("twice", right().header("X-Hub-Signature", &tag), &[Some(401)]),
            ("joined by a comma", plain().header("X-Hub-Signature", format!("{tag}, {tag}")), &[Some(401)]),
            ("10 KB long", plain().header("X-Hub-Signature", "a".repeat(10_000)), &[Some(401), Some(431), None]),
            ("not ASCII", plain().header("X-Hub-Signature", b"\xff\xfe"), &[Some(401), Some(400), None]),
            ("with an underscore", plain().header("X-Hub_Signature", &tag), &[Some(401)]),
            ("GitHub's name", plain().header("X-Hub-Signature-256", &tag), &[Some(401)]),
            ("in a cookie", plain().header("Cookie", format!("X-Hub-Signature={tag}")), &[Some(401)]),
            ("in the query", query, &[Some(401)]),
            ("in a trailer", plain().steps([Step::Chunk(BODY.into()), Step::Trailers(trailers.clone())]), &[Some(401)]),
            ("a second one in a trailer", right().steps([Step::Chunk(BODY.into()), Step::Trailers(trailers)]), &[Some(200)]),
            ("single bytes", right().chunks(BODY.as_bytes().chunks(1)), &[Some(200)]),
            ("empty frames", right().steps([Step::Chunk(Bytes::new()), Step::Chunk(BODY.into()), Step::Chunk(Bytes::new())]), &[Some(200)]),
            ("a high length", right().header("Content-Length", "9"), &[Some(400), Some(408), None]),
            ("a low length", right().header("Content-Length", "4"), &[Some(400), Some(401), None]),
            ("over the limit", right().header("Content-Length", "100001"), &[Some(413), None]),
            ("over the limit without a length", right().body(vec![b'x'; LIMIT + 1]), &[Some(413)]),
            ("a length of 2^64", right().header("Content-Length", "18446744073709551616"), &[Some(413), Some(400), None]),
            ("stalls", right().steps([Step::Chunk("the ".into()), Step::Stall]), &[Some(408)]),
            ("breaks off", right().steps([Step::Chunk("the ".into()), Step::Error]), &[Some(400), None]),
            ("forged", right().body("forged"), &[Some(401)]),
            ("a false Content-Encoding", right().header("Content-Encoding", "gzip"), &[Some(200), Some(400)]),
        ];
        for receiver in &receivers {
            let connect = async || {
                let io = TokioIo::new(receiver.connect().await);
                let (sender, connection) = http2::handshake::<_, _, ScriptedBody>(TokioExecutor::new(), io).await.unwrap();
                tokio::spawn(connection);
                sender
            };
            let mut sender = connect().await;
            for (name, delivery, allowed) in &cases {
                if sender.ready().await.is_err() {
                    sender = connect().await;
                }
                let target = delivery.target;
                let mut request = delivery.clone().into_request();
                *request.version_mut() = Version::HTTP_2;
                *request.uri_mut() = format!("http://localhost{target}").parse().unwrap();
                let response =
                    tokio::time::timeout(Duration::from_secs(20), sender.send_request(request)).await.expect("a response in time");
                let status = match response {
                    Ok(response) => {
                        let status = response.status().as_u16();
                        let _ = response.into_body().collect().await;
                        Some(status)
                    }
                    Err(_) => None,
                };
                assert!(allowed.contains(&status), "{}: {name} was answered {status:?}", receiver.framework);
            }
            for body in seen.lock().unwrap().drain(..) {
                assert_eq!(body, BODY, "{}", receiver.framework);
            }
            assert!(receiver.raw(&good()).await.starts_with("HTTP/1.1 200 "), "{}", receiver.framework);
        }
        assert_eq!(PANICS.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn good_delivery_passes_after_ten_thousand_hostile_connections() {
    conformance::run(async {
        let (receivers, _) = receivers().await;
        for receiver in &receivers {
            for place in 0..10_000 {
                let mut stream = receiver.connect().await;
                let bytes = match place % 6 {
                    0 => Vec::new(),
                    1 => b"\x00\xff nonsense\r\n\r\n".to_vec(),
                    2 => request("Content-Length: 50000\r\n", "x"),
                    3 => request(format!("{}Content-Length: 50000\r\n", signed()), vec![b'x'; 1000]),
                    4 => chunked(signed(), "ff\r\nxx"),
                    _ => announced("", BODY),
                };
                let _ = stream.write_all(&bytes).await;
                if place % 6 == 5 {
                    let answer = try_read_head(&mut stream).await.unwrap_or_default();
                    assert!(answer.starts_with("HTTP/1.1 401 "), "{}: {answer}", receiver.framework);
                }
                // The reset avoids a port in TIME-WAIT on the client's side.
                stream.set_zero_linger().unwrap();
            }
            let answer = receiver.raw(&good()).await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{}: {answer}", receiver.framework);
            assert_eq!(receiver.calls(), 1, "{}", receiver.framework);
        }
        assert_eq!(PANICS.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn good_delivery_passes_beside_a_thousand_slow_clients() {
    rlimit::increase_nofile_limit(8192).unwrap();
    conformance::run(async {
        count_panics();
        for place in 0..5 {
            // On a busy machine, connecting all clients can take longer than the grace period. The test then repeats with a longer period.
            let mut grace = Duration::from_secs(2);
            while !good_deliveries_pass_beside_slow_clients(place, grace).await {
                grace *= 2;
                assert!(grace < Duration::from_secs(20), "this machine is too slow for the test");
            }
        }
        assert_eq!(PANICS.load(Ordering::SeqCst), 0);
    });
}

/// Returns `false` if half of the slow clients were gone before the responses to the good deliveries. The run then proves nothing.
async fn good_deliveries_pass_beside_slow_clients(place: usize, grace: Duration) -> bool {
    const CLIENTS: usize = 1000;
    let deadline = Deadline::new(Duration::from_secs(120)).minimum_pace(1000, grace);
    let setup = Setup::new(builder(providers::JIRA).build().unwrap()).deadline(deadline);
    let receiver = setup.all().await.into_iter().nth(place).unwrap();
    let (connected, active) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let start = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (receiver, connected, active) = (receiver.clone(), Arc::clone(&connected), Arc::clone(&active));
        clients.spawn(async move {
            let mut stream = receiver.connect().await;
            connected.fetch_add(1, Ordering::SeqCst);
            active.fetch_add(1, Ordering::SeqCst);
            stream.write_all(&request(format!("{}Content-Length: 1000\r\n", signed()), "x")).await.unwrap();
            let (mut reader, mut writer) = stream.split();
            let drip = async {
                while writer.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                std::future::pending::<()>().await;
            };
            let mut answer = Vec::new();
            tokio::select! {
                () = drip => unreachable!("the client never stops writing"),
                _ = reader.read_to_end(&mut answer) => {},
            }
            active.fetch_sub(1, Ordering::SeqCst);
            // Closing a connection with unread bytes resets the connection, and this client then misses the 408.
            String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 408 ")
        });
    }
    while connected.load(Ordering::SeqCst) < CLIENTS {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Good deliveries in between.
    for _ in 0..20 {
        let answer = tokio::time::timeout(Duration::from_secs(10), receiver.raw(&good())).await.expect("in time");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{}: {answer}", receiver.framework);
    }
    let meaningful = active.load(Ordering::SeqCst) > CLIENTS / 2;
    let mut saw_408 = 0;
    while let Some(ended) = clients.join_next().await {
        saw_408 += usize::from(ended.unwrap());
    }
    // The slow pace ends each delivery after the grace period, long before the whole time.
    let took = start.elapsed();
    assert!(took >= grace && took < Duration::from_secs(100), "{}: {took:?}", receiver.framework);
    // The other clients had unread bytes, and got a reset.
    assert!(saw_408 > CLIENTS / 20, "{}: {saw_408} clients saw the 408", receiver.framework);
    assert_eq!(receiver.calls(), 20, "{}", receiver.framework);
    meaningful
}

/// The HTTP clients of Python and Node write the whole request before reading.
#[test]
fn client_writing_before_reading_sees_its_rejection() {
    conformance::run(async {
        let verifier = builder(providers::JIRA).build().unwrap();
        for receiver in Setup::new(verifier).all().await {
            for len in [1024, 64 * 1024, 256 * 1024, 5_000_000] {
                for _ in 0..8 {
                    let mut stream = receiver.connect().await;
                    let written = stream.write_all(&announced("", vec![b'x'; len])).await;
                    assert!(written.is_ok(), "{} {len}: {written:?}", receiver.framework);
                    let answer = try_read_head(&mut stream).await.unwrap_or_default();
                    assert!(answer.starts_with("HTTP/1.1 401 "), "{} {len}: {answer}", receiver.framework);
                }
            }
        }
    });
}

#[test]
fn responses_contain_no_secret() {
    conformance::run(async {
        let (receivers, _) = receivers().await;
        for receiver in &receivers {
            for (headers, body, status) in [(signed(), BODY, "200"), (String::new(), BODY, "401"), (signed(), "forged", "401")] {
                let mut stream: TcpStream = receiver.connect().await;
                stream.write_all(&announced(headers + "Connection: close\r\n", body)).await.unwrap();
                let mut answer = String::new();
                tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer))
                    .await
                    .expect("the server closes in time")
                    .unwrap();
                assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains("\r\n\r\n"), "{answer}");
                assert!(!answer.contains(SECRET) && !answer.contains(&signature(BODY)[7..]) && !answer.contains("forged"), "{answer}");
            }
        }
    });
}
