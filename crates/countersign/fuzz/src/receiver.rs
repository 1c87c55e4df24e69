use std::cell::RefCell;
use std::sync::LazyLock;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use countersign::scheme::Algorithm;
use countersign::{MemoryBudget, Secret, Verified, Verifier, providers};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;
use tokio::time::timeout;

use crate::answers::{Answer, read_answers};
use crate::choices::Choices;
use crate::hmac::hmac;
use crate::lines::Lines;
use crate::model::{Accepted, Key, Model};
use crate::pipe::{Pause, Piece, Pipe};
use crate::request::Request;
use crate::rows::ROWS;
use crate::written::encode;

/// The body limit of every receiver, in bytes.
pub(crate) const LIMIT: usize = 100;

/// The time limit for a server to finish a connection. A client pauses for at most 72 seconds, a body may take 30 seconds, and draining may
/// take five. The clock is paused and jumps ahead, so waiting takes no real time.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(120);

const KEYS: [(&str, &[u8]); 2] = [("jira", b"It's a Secret to Everybody"), ("github", b"another")];

static BUDGET: LazyLock<MemoryBudget> = LazyLock::new(|| MemoryBudget::new(100_000));

static MODELS: LazyLock<[Model; 2]> = LazyLock::new(|| {
    KEYS.map(|(name, key)| {
        let row = ROWS.iter().find(|row| row.scheme.name() == name).expect("the provider has a row");
        Model { keys: vec![Key { id: name.into(), bytes: key.to_vec(), expires: None }], ..Model::new(row.description) }
    })
});

thread_local! {
    static PROGRESS: RefCell<Progress> = RefCell::default();
}

/// The progress of the current connection.
#[derive(Default)]
struct Progress {
    /// For each request, whether the method was `HEAD`.
    heads: Vec<bool>,
    answered: usize,
    /// The waker of a client waiting for a response.
    client: Option<Waker>,
    handled: usize,
}

/// Builds the verifier of every receiver: GitHub's scheme for requests with GitHub's signature header, and Jira's scheme for all others.
#[must_use]
pub fn verifier() -> Verifier {
    let [jira, github] = [(providers::JIRA, KEYS[0]), (providers::GITHUB, KEYS[1])].map(|(scheme, (id, key))| {
        Verifier::builder(scheme).key(id, Secret::new(key)).body_limit(LIMIT).memory_budget(BUDGET.clone()).build().unwrap()
    });
    Verifier::any_of([github, jira]).unwrap()
}

/// Records a request. Each target calls `begin` outside the adapter.
pub fn begin(method: &str) {
    PROGRESS.with_borrow_mut(|progress| progress.heads.push(method == "HEAD"));
}

/// Records a response. Each target calls `end` outside the adapter.
pub fn end() {
    PROGRESS.with_borrow_mut(|progress| {
        progress.answered += 1;
        if let Some(client) = progress.client.take() {
            client.wake();
        }
    });
}

/// Returns whether the server has answered `count` requests of this connection. The next response wakes the task.
pub(crate) fn has_answered(count: usize, cx: &Context<'_>) -> bool {
    PROGRESS.with_borrow_mut(|progress| {
        progress.client = Some(cx.waker().clone());
        progress.answered >= count
    })
}

/// Handles a delivery verified by the adapter.
///
/// # Panics
/// If the model disagrees with the adapter.
#[must_use]
pub fn handle<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>, body: &Bytes, verified: &Verified) -> String {
    PROGRESS.with_borrow_mut(|progress| progress.handled += 1);
    let request = Request { method: "POST", target: "/", headers: headers.collect() };
    let [jira, github] = &*MODELS;
    let model = if request.values("x-hub-signature-256").next().is_some() { github } else { jira };
    assert!(body.len() <= LIMIT);
    assert_eq!(model.verify(&request, body, 0), Some(Accepted::of(verified)), "the model disagrees on {request:?} {body:?}");
    format!("{} bytes by {}", body.len(), verified.key_id())
}

/// Whether the client of a list of requests may write a request before the response to the previous request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipelining {
    /// The input decides.
    Allowed,
    /// The client always waits. A server that has read ahead may close the connection before handling the next request.
    Never,
}

/// Creates a runtime for all executions, with a paused clock. The runtime is never dropped: at the end of the process,
/// tasks could outlive the runtime.
#[must_use]
pub fn runtime() -> &'static (Runtime, LocalSet) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    Box::leak(Box::new((runtime, LocalSet::new())))
}

/// Serves one connection.
///
/// An input after `=` is a list of requests with known responses. Any other input has these parts:
/// - A line with one character for each piece: see [`pieces`]. If the last character is `.`, the connection stays open.
/// - A line with the signed body.
/// - The bytes written by the client. `$j` and `$g` become the signatures of Jira and GitHub, and `$x` becomes a wrong signature.
///
/// # Panics
/// If the server leaves a request without a response, sends a wrong response, or keeps bytes charged to the memory budget.
pub async fn judge<F: Future<Output = ()>>(input: &[u8], pipelining: Pipelining, serve: impl FnOnce(Pipe) -> F) {
    PROGRESS.take();
    let connection = input.strip_prefix(b"=").map_or_else(|| Connection::raw(input), |rest| Connection::of_requests(rest, pipelining));
    let pipe = Pipe::new(connection.pieces.clone(), connection.stays_open);
    let answered = pipe.answered();
    // A connection dropped at the time limit also releases the budget.
    let ended = timeout(TIME_LIMIT, serve(pipe)).await.is_ok();
    assert!(ended || connection.stays_open, "the server continues after the end of the connection: {connection:?}");
    assert_eq!(BUDGET.used(), 0, "bytes are still charged to the budget: {connection:?}");

    let Progress { heads, answered: calls_answered, handled, .. } = PROGRESS.take();
    assert!(ended || calls_answered == heads.len(), "a request has no response: {connection:?}");
    if pipelining == Pipelining::Never && connection.expected.is_none() && heads.contains(&true) {
        return;
    }
    let answered = answered.lock().unwrap();
    let answers = read_answers(&answered, &heads, !connection.stays_open);
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 400 | 401 | 404 | 405 | 408 | 413 | 414 | 431 | 505), "wrong {answer:?} to {connection:?}");
    }
    let good = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(good == handled || (good < handled && !connection.stays_open), "{good} good, {handled} handled: {answers:?} to {connection:?}");
    if let Some(expected) = &connection.expected {
        check(&answers, expected, &connection);
        let most = expected.iter().filter(|(status, _)| *status == 200).count();
        assert!(handled <= most, "the handler ran {handled} times, not at most {most} times: {connection:?}");
    }
}

/// The writes of a client.
#[derive(Debug)]
struct Connection {
    pieces: Vec<Piece>,
    stays_open: bool,
    /// The status of each response, and whether the server may close the connection after the response.
    expected: Option<Vec<(u16, bool)>>,
}

impl Connection {
    fn raw(input: &[u8]) -> Self {
        let (pieces, stays_open) = raw_pieces(&[], input);
        Self { pieces, stays_open, expected: None }
    }
    fn of_requests(input: &[u8], pipelining: Pipelining) -> Self {
        let mut choices = Choices::new(input);
        let pauses = choices.bytes(20);
        let (waits, breaks_off) = choices.of(&[(false, false), (true, false), (true, true)]);
        let waits = waits || pipelining == Pipelining::Never;
        let (mut bytes, mut written, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        while !choices.is_empty() && expected.len() < 8 {
            expected.push(request(&mut choices, &mut bytes));
            if waits {
                let mut next = pieces(std::mem::take(&mut bytes), pauses, false);
                next[0].pause = Pause::Answers(expected.len() - 1);
                written.extend(next);
            }
        }
        written.extend(pieces(bytes, pauses, false));
        if breaks_off {
            let body = choices.bytes(LIMIT - 1);
            written.push(Piece { bytes: broken_off(body, choices.flag()), pause: Pause::Answers(expected.len()) });
            expected.push((400, true));
        }
        Self { pieces: written, stays_open: !breaks_off, expected: Some(expected) }
    }
}

/// Reads an input of [`judge`] into pieces. `start` becomes the first piece, unless `start` is empty. Returns whether the connection stays
/// open.
pub(crate) fn raw_pieces(start: &[u8], input: &[u8]) -> (Vec<Piece>, bool) {
    let mut lines = Lines::new(input);
    let pauses = lines.next().unwrap_or_default();
    let body = lines.next().unwrap_or_default();
    let mut rest = lines.rest();
    let mut bytes = Vec::with_capacity(rest.len() + 200);
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'$', [which @ (b'j' | b'g' | b'x'), after @ ..]) => {
                bytes.extend(signature(*which, body).as_bytes());
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    let mut pieces = pieces(bytes, pauses, true);
    if !start.is_empty() {
        pieces.insert(0, Piece { bytes: start.to_vec(), pause: Pause::None });
    }
    (pieces, pauses.last() == Some(&b'.'))
}

/// Resets the progress, and returns the number of handled deliveries.
pub(crate) fn reset_progress() -> usize {
    PROGRESS.take().handled
}

pub(crate) fn assert_budget_is_unused() {
    assert_eq!(BUDGET.used(), 0);
}

/// Writes a request. Returns the expected status, and whether the server may close the connection after the response.
fn request(choices: &mut Choices<'_>, bytes: &mut Vec<u8>) -> (u16, bool) {
    let len = choices.below(LIMIT + 3);
    let first = choices.byte();
    let body: Vec<u8> = (0..len).map(|place| first.wrapping_add(place as u8)).collect();
    let which = choices.of(b"jjggxm2-");
    let header = match which {
        b'j' | b'x' => format!("X-Hub-Signature: {}\r\n", signature(which, &body)),
        b'g' => format!("x-hub-signature-256: {}\r\nX-Hub-Signature: sha1=00\r\n", signature(which, &body)),
        b'm' => format!("X-Hub-Signature: {}0\r\n", signature(b'j', &body)),
        b'2' => format!("X-Hub-Signature: {0}\r\nX-HUB-SIGNATURE: {0}\r\n", signature(b'j', &body)),
        _ => String::new(),
    };
    bytes.extend(format!("POST /hook HTTP/1.1\r\nHost: h\r\n{header}").as_bytes());
    if choices.flag() {
        bytes.extend(format!("Content-Length: {len}\r\n\r\n").as_bytes());
        bytes.extend(&body);
    } else {
        bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n");
        let mut rest = &*body;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at((1 + choices.below(40)).min(rest.len()));
            bytes.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend([chunk, b"\r\n"].concat());
            rest = after;
        }
        bytes.extend(b"0\r\n\r\n");
    }
    let status = match which {
        b'm' | b'2' | b'-' => 401,
        _ if len > LIMIT => 413,
        b'x' => 401,
        _ => 200,
    };
    // The server need not read a body over the limit, and may close the connection.
    (status, len > LIMIT)
}

/// Writes a request that breaks off before the end. The signature matches the part of the body already written.
fn broken_off(body: &[u8], chunked: bool) -> Vec<u8> {
    let len = body.len();
    let head = format!("POST / HTTP/1.1\r\nHost: h\r\nX-Hub-Signature: {}\r\n", signature(b'j', body));
    let framing = match chunked {
        true if len > 0 => format!("Transfer-Encoding: chunked\r\n\r\n{len:x}\r\n"),
        _ => format!("Content-Length: {}\r\n\r\n", len + 1),
    };
    [head.as_bytes(), framing.as_bytes(), body].concat()
}

fn check(mut answers: &[Answer], expected: &[(u16, bool)], connection: &Connection) {
    // A server may answer 408 at the end of the wait for another request.
    if let [before @ .., Answer { status: 408, closes: true }] = answers
        && before.len() == expected.len()
    {
        answers = before;
    }
    for (place, answer) in answers.iter().enumerate() {
        let (status, may_close) = *expected.get(place).unwrap_or_else(|| panic!("too many responses: {answers:?} to {connection:?}"));
        assert_eq!(answer.status, status, "response {place} of {answers:?}, not {expected:?}, to {connection:?}");
        assert!(may_close || !answer.closes, "response {place} of {answers:?} closes the connection: {connection:?}");
    }
    let closed = answers.last().is_some_and(|answer| answer.closes);
    // A server need not answer a request that breaks off.
    let unanswered = usize::from(!connection.stays_open);
    assert!(closed || answers.len() + unanswered >= expected.len(), "too few responses, {answers:?}, not {expected:?}, to {connection:?}");
}

pub(crate) fn signature(which: u8, body: &[u8]) -> String {
    let (_, key) = KEYS[usize::from(which == b'g')];
    let mut tag = hmac(Algorithm::Sha256, key, body);
    tag[31] ^= u8::from(which == b'x');
    format!("sha256={}", encode(countersign::scheme::Encoding::Hex, &tag))
}

/// Cuts the bytes into pieces. Each character of `pauses` sets the length of a piece and the pause before the piece. The rest of the bytes
/// is the last piece. With `long`, two of the characters set pauses of 4 and of 40 seconds.
fn pieces(mut bytes: Vec<u8>, pauses: &[u8], long: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    // A client makes at most one pause of 40 seconds. No long pause follows.
    let mut long = long;
    for (place, how) in pauses.iter().enumerate() {
        if bytes.is_empty() {
            break;
        }
        let rest = bytes.split_off((1 + usize::from(how >> 1) * 2).min(bytes.len()));
        let pause = match how {
            b'!' if long => {
                long = false;
                Pause::For(Duration::from_secs(40))
            }
            b'"' if long && place < 8 => Pause::For(Duration::from_secs(4)),
            how if how & 1 == 1 => Pause::Yield,
            _ => Pause::None,
        };
        pieces.push(Piece { bytes, pause });
        bytes = rest;
    }
    pieces.extend((!bytes.is_empty()).then_some(Piece { bytes, pause: Pause::Yield }));
    pieces
}
