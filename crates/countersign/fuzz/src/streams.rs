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
use crate::receiver::{self, LIMIT, PATIENCE};

/// The first bytes of an HTTP/2 client (RFC 9113 §3.4), and its empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Runs tasks of a connection on this thread.
#[derive(Clone, Copy)]
pub struct LocalExecutor;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, task: F) {
        spawn_local(task);
    }
}

/// Serves one connection, on which a client sends requests at the same time. Each answer is known, except of a stream that the client breaks off.
///
/// # Panics
/// If an answer is not the known one.
pub async fn judge<F: Future<Output = ()> + 'static>(input: &[u8], serve: impl FnOnce(DuplexStream) -> F) {
    receiver::forget();
    let mut choices = Choices::new(input);
    // Both sides begin with a frame, for which there has to be room.
    let (client, server) = duplex(choices.of(&[100, 1000, 70_000]));
    let server = spawn_local(serve(server));
    let handshake = timeout(PATIENCE, http2::handshake(LocalExecutor, TokioIo::new(client)));
    let (mut sender, connection) = handshake.await.expect("a handshake in time").expect("a connection");
    let connection = spawn_local(connection);
    let mut requests = Vec::new();
    while !choices.is_empty() && requests.len() < 8 {
        let (request, expected) = request(&mut choices);
        let shown = format!("{request:?}");
        timeout(PATIENCE, sender.ready()).await.expect("room in time").expect("room for a stream");
        let response = sender.send_request(request);
        requests.push(spawn_local(async move {
            let response = timeout(PATIENCE, response).await.expect("an answer in time");
            let Some(expected) = expected else { return 0 };
            let status = response.map(|response| response.status().as_u16());
            assert_eq!(status.ok(), Some(expected), "{shown}");
            usize::from(expected == 200)
        }));
    }
    let mut good = 0;
    for request in requests {
        good += request.await.expect("what is expected");
    }
    drop(sender);
    timeout(PATIENCE, server).await.expect("the connection ends").expect("no panic");
    let _ = timeout(PATIENCE, connection).await.expect("the client ends");
    let handled = receiver::forget();
    assert!(handled >= good, "{handled} of {good} handled");
    receiver::assert_budget_is_whole();
}

/// Serves one connection, on which a client writes what the input says, behind its preface: see [`receiver::judge`].
///
/// # Panics
/// If the connection goes on behind its end.
pub async fn judge_raw<F: Future<Output = ()>>(input: &[u8], serve: impl FnOnce(Pipe) -> F) {
    receiver::forget();
    let (pieces, stays_open) = receiver::raw_pieces(PREFACE, input);
    let ended = timeout(PATIENCE, serve(Pipe::new(pieces, stays_open))).await.is_ok();
    assert!(ended || stays_open, "it goes on behind the end");
    receiver::forget();
    // A stream runs in a task of its own, and ends with its connection.
    tokio::task::yield_now().await;
    receiver::assert_budget_is_whole();
}

/// A request, and the status of its answer, if the request comes to its end.
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
    (request.body(Chunks { chunks, breaks_off }).expect("a request"), (!breaks_off).then_some(expected))
}

/// A body in chunks, each perhaps behind a pause.
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
            None if self.breaks_off => Poll::Ready(Some(Err(io::Error::other("broken off")))),
            None => Poll::Ready(None),
        }
    }
}
