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

/// In bytes.
pub(crate) const LIMIT: usize = 100;

/// After which a server has to be done with whatever is unfinished: a client pauses for 72 seconds at most, a body has 30, and what is thrown
/// away five. The clock is stopped, so that this takes no time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

const KEYS: [(&str, &[u8]); 2] = [("jira", b"It's a Secret to Everybody"), ("github", b"another")];

static BUDGET: LazyLock<MemoryBudget> = LazyLock::new(|| MemoryBudget::new(100_000));

static MODELS: LazyLock<[Model; 2]> = LazyLock::new(|| {
    KEYS.map(|(name, key)| {
        let row = ROWS.iter().find(|row| row.scheme.name() == name).expect("a provider");
        Model { keys: vec![Key { id: name.into(), bytes: key.to_vec(), expires: None }], ..Model::new(row.description) }
    })
});

thread_local! {
    static SEEN: RefCell<Seen> = RefCell::default();
}

/// What happens behind a server.
#[derive(Default)]
struct Seen {
    /// Of each request that came, whether it was a `HEAD`.
    heads: Vec<bool>,
    answered: usize,
    /// The client, for an answer.
    waits: Option<Waker>,
    handled: usize,
}

/// What judges in every receiver: GitHub's scheme if that header is there, Jira's otherwise.
#[must_use]
pub fn verifier() -> Verifier {
    let [jira, github] = [(providers::JIRA, KEYS[0]), (providers::GITHUB, KEYS[1])].map(|(scheme, (id, key))| {
        Verifier::builder(scheme).key(id, Secret::new(key)).body_limit(LIMIT).memory_budget(BUDGET.clone()).build().unwrap()
    });
    Verifier::any_of([github, jira]).unwrap()
}

/// Called in front of the adapter with each request.
pub fn begin(method: &str) {
    SEEN.with_borrow_mut(|seen| seen.heads.push(method == "HEAD"));
}

/// Called in front of the adapter with each answer.
pub fn end() {
    SEEN.with_borrow_mut(|seen| {
        seen.answered += 1;
        if let Some(client) = seen.waits.take() {
            client.wake();
        }
    });
}

/// Whether so many requests of this connection have been answered. If not, the task is woken up when they are.
pub(crate) fn has_answered(count: usize, cx: &Context<'_>) -> bool {
    SEEN.with_borrow_mut(|seen| {
        seen.waits = Some(cx.waker().clone());
        seen.answered >= count
    })
}

/// The handler behind the adapter: only ever reached by what the model verifies.
#[must_use]
pub fn handle<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>, body: &Bytes, verified: &Verified) -> String {
    SEEN.with_borrow_mut(|seen| seen.handled += 1);
    let request = Request { method: "POST", target: "/", headers: headers.collect() };
    let [jira, github] = &*MODELS;
    let model = if request.values("x-hub-signature-256").next().is_some() { github } else { jira };
    assert!(body.len() <= LIMIT);
    assert_eq!(model.verify(&request, body, 0), Some(Accepted::of(verified)), "{request:?} {body:?}");
    format!("{} bytes by {}", body.len(), verified.key_id())
}

/// Whether the clients of the list write their next request before the last one is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    Some,
    /// All of them wait, for a server that has read ahead may end the connection before it comes to the next.
    All,
}

/// A runtime for all executions, with its clock stopped. It is never dropped: at the end of the process, what runs on it could outlive it.
#[must_use]
pub fn runtime() -> &'static (Runtime, LocalSet) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    Box::leak(Box::new((runtime, LocalSet::new())))
}

/// Serves one connection.
///
/// An input that begins with `=` is a list of requests, each of whose answers is known. Any other is what a client writes: a line that says
/// how it comes, a character for each piece; a line with the body that signatures are made of; and the bytes, in which `$j` and `$g` stand
/// for the signatures of Jira and GitHub, and `$x` for a wrong one.
pub async fn judge<F: Future<Output = ()>>(input: &[u8], patience: Patience, serve: impl FnOnce(Pipe) -> F) {
    SEEN.take();
    let connection = input.strip_prefix(b"=").map_or_else(|| Connection::raw(input), |rest| Connection::of_requests(rest, patience));
    let pipe = Pipe::new(connection.pieces.clone(), connection.stays_open);
    let answered = pipe.answered();
    // What is dropped at its end gives everything back.
    let ended = timeout(PATIENCE, serve(pipe)).await.is_ok();
    assert!(ended || connection.stays_open, "it goes on behind the end: {connection:?}");
    assert_eq!(BUDGET.used(), 0, "{connection:?}");

    let Seen { heads, answered: calls_answered, handled, .. } = SEEN.take();
    assert!(ended || calls_answered == heads.len(), "a request is never answered: {connection:?}");
    if patience == Patience::All && connection.expected.is_none() && heads.contains(&true) {
        return;
    }
    let answered = answered.lock().unwrap();
    let answers = read_answers(&answered, &heads, !connection.stays_open);
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 400 | 401 | 404 | 405 | 408 | 413 | 414 | 431 | 505), "{answer:?} to {connection:?}");
    }
    let good = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(good == handled || (good < handled && !connection.stays_open), "{good} of {handled}: {answers:?} to {connection:?}");
    if let Some(expected) = &connection.expected {
        check(&answers, expected, &connection);
        let most = expected.iter().filter(|(status, _)| *status == 200).count();
        assert!(handled <= most, "{handled} of {most} handled: {connection:?}");
    }
}

/// What a client writes.
#[derive(Debug)]
struct Connection {
    pieces: Vec<Piece>,
    stays_open: bool,
    /// The statuses, and whether the connection may end behind each.
    expected: Option<Vec<(u16, bool)>>,
}

impl Connection {
    fn raw(input: &[u8]) -> Self {
        let (pieces, stays_open) = raw_pieces(&[], input);
        Self { pieces, stays_open, expected: None }
    }
    fn of_requests(input: &[u8], patience: Patience) -> Self {
        let mut choices = Choices::new(input);
        let pauses = choices.bytes(20);
        let (waits, breaks_off) = choices.of(&[(false, false), (true, false), (true, true)]);
        let waits = waits || patience == Patience::All;
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

/// What a client writes behind a start that comes at once: see [`judge`]. Tells whether the connection stays open.
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

/// Forgets what has happened behind a server, and returns how often the handler was called.
pub(crate) fn forget() -> usize {
    SEEN.take().handled
}

pub(crate) fn assert_budget_is_whole() {
    assert_eq!(BUDGET.used(), 0);
}

/// Writes a request, and says how it has to be answered.
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
    // What is over the limit need not be read, so that the connection ends.
    (status, len > LIMIT)
}

/// A request that ends before its end, though what has come of the body is signed.
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
    // Of a server that has waited for long enough for another request.
    if let [before @ .., Answer { status: 408, closes: true }] = answers
        && before.len() == expected.len()
    {
        answers = before;
    }
    for (place, answer) in answers.iter().enumerate() {
        let (status, may_close) = *expected.get(place).unwrap_or_else(|| panic!("an answer to nothing: {answers:?} to {connection:?}"));
        assert_eq!(answer.status, status, "{place} of {answers:?}, not {expected:?}, to {connection:?}");
        assert!(may_close || !answer.closes, "{place} of {answers:?} to {connection:?}");
    }
    let closed = answers.last().is_some_and(|answer| answer.closes);
    // A server need not answer what breaks off.
    let unanswered = usize::from(!connection.stays_open);
    assert!(closed || answers.len() + unanswered >= expected.len(), "{answers:?}, not {expected:?}, to {connection:?}");
}

pub(crate) fn signature(which: u8, body: &[u8]) -> String {
    let (_, key) = KEYS[usize::from(which == b'g')];
    let mut tag = hmac(Algorithm::Sha256, key, body);
    tag[31] ^= u8::from(which == b'x');
    format!("sha256={}", encode(countersign::scheme::Encoding::Hex, &tag))
}

/// Cuts what is written into pieces, as the characters say; what is left comes at once.
fn pieces(mut bytes: Vec<u8>, pauses: &[u8], long: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    // Of which a server's patience is not tried more than once.
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
