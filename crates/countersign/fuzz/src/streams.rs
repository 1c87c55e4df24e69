use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request};
use http_body::{Body, Frame};
use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;
use tokio::io::{DuplexStream, duplex};
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::choices::Choices;
use crate::pipe::Pipe;
use crate::receiver::{self, LIMIT, TIME_LIMIT};

/// The connection preface of an HTTP/2 client: the first bytes, and an empty SETTINGS frame (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Runs the tasks of a connection on the current thread.
#[derive(Clone, Copy)]
pub struct LocalExecutor;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, task: F) {
        spawn_local(task);
    }
}

/// Serves one connection with concurrent requests. The response to each request is known, unless the client breaks off the stream.
///
/// # Panics
/// If the server sends a wrong response, sends no response in time, or keeps bytes charged to the memory budget.
pub async fn judge<F: Future<Output = ()> + 'static>(input: &[u8], serve: impl FnOnce(DuplexStream) -> F) {
    receiver::reset_progress();
    let mut choices = Choices::new(input);
    // Each side starts with a frame, so the pipe must have room for a frame.
    let (client, server) = duplex(choices.of(&[100, 1000, 70_000]));
    let server = spawn_local(serve(server));
    let handshake = timeout(TIME_LIMIT, http2::handshake(LocalExecutor, TokioIo::new(client)));
    let (mut sender, connection) = handshake.await.expect("the handshake ends in time").expect("the handshake succeeds");
    let connection = spawn_local(connection);
    let mut requests = Vec::new();
    while !choices.is_empty() && requests.len() < 8 {
        let (request, expected) = request(&mut choices);
        let shown = format!("{request:?}");
        timeout(TIME_LIMIT, sender.ready()).await.expect("room for a stream in time").expect("an open connection");
        let response = sender.send_request(request);
        requests.push(spawn_local(async move {
            let response = timeout(TIME_LIMIT, response).await.expect("the response arrives in time");
            let Some(expected) = expected else { return 0 };
            let status = response.map(|response| response.status().as_u16());
            assert_eq!(status.ok(), Some(expected), "wrong response to {shown}");
            usize::from(expected == 200)
        }));
    }
    let mut good = 0;
    for request in requests {
        good += request.await.expect("the task does not panic");
    }
    drop(sender);
    timeout(TIME_LIMIT, server).await.expect("the server ends in time").expect("the server does not panic");
    let _ = timeout(TIME_LIMIT, connection).await.expect("the client ends in time");
    let handled = receiver::reset_progress();
    assert!(handled >= good, "{good} good responses, but {handled} handled deliveries");
    receiver::assert_budget_is_unused();
}

/// Serves one connection with raw frames: the connection preface, and then the bytes of the input. See [`receiver::judge`] for the input.
///
/// # Panics
/// If the server continues after the end of the connection, or keeps bytes charged to the memory budget.
pub async fn judge_raw<F: Future<Output = ()>>(input: &[u8], serve: impl FnOnce(Pipe) -> F) {
    receiver::reset_progress();
    let (pieces, stays_open) = receiver::raw_pieces(PREFACE, input);
    let ended = timeout(TIME_LIMIT, serve(Pipe::new(pieces, stays_open))).await.is_ok();
    assert!(ended || stays_open, "the server continues after the end of the connection");
    receiver::reset_progress();
    // Each stream runs in a separate task. The task ends shortly after the connection.
    tokio::task::yield_now().await;
    receiver::assert_budget_is_unused();
}

/// Creates a request. Returns the expected status, or `None` for a request that breaks off.
fn request(choices: &mut Choices<'_>) -> (Request<Chunks>, Option<u16>) {
    let len = choices.below(LIMIT + 3);
    let first = choices.byte();
    let body: Vec<u8> = (0..len).map(|place| first.wrapping_add(place as u8)).collect();
    let which = choices.of(b"jjggxm2-");
    let mut request = Request::builder().method(Method::POST).uri("http://h/hook");
    let signature = |which| receiver::signature(which, &body);
    request = match which {
        b'j' | b'x' => request.header("x-hub-signature", signature(which)),
        b'g' => request.header("x-hub-signature-256", signature(which)).header("x-hub-signature", "sha1=00"),
        b'm' => request.header("x-hub-signature", format!("{}0", signature(b'j'))),
        b'2' => request.header("x-hub-signature", signature(b'j')).header("x-hub-signature", signature(b'j')),
        _ => request,
    };
    if choices.flag() {
        request = request.header("content-length", len);
    }
    let breaks_off = choices.rarely(|_| ()).is_some();
    let mut chunks = VecDeque::new();
    let mut rest = &*body;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at((1 + choices.below(40)).min(rest.len()));
        chunks.push_back((choices.flag(), Bytes::copy_from_slice(chunk)));
        rest = after;
    }
    let expected = match which {
        b'm' | b'2' | b'-' => 401,
        _ if len > LIMIT => 413,
        b'x' => 401,
        _ => 200,
    };
    (request.body(Chunks { chunks, breaks_off }).expect("the request is valid"), (!breaks_off).then_some(expected))
}

/// A body in chunks. The flag of a chunk adds a pause of one poll before the chunk.
#[derive(Debug)]
struct Chunks {
    chunks: VecDeque<(bool, Bytes)>,
    breaks_off: bool,
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some((pauses @ true, _)) = self.chunks.front_mut() {
            *pauses = false;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.chunks.pop_front() {
            Some((_, chunk)) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            None if self.breaks_off => Poll::Ready(Some(Err(io::Error::other("the client breaks off the stream")))),
            None => Poll::Ready(None),
        }
    }
}
