//! Every poll of a lookup, a body, a service and a handler gets a fault once, under every adapter. A fault is an error, a delay, or the
//! drop of the whole delivery. With any fault:
//!
//! - The handler runs only for a verified body.
//! - The memory budget is released.
//! - Every value of the request is dropped.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use actix_web::dev::{Payload, Service as _, ServiceRequest, ServiceResponse, Transform as _};
use actix_web::error::{ErrorInternalServerError, PayloadError};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpMessage as _, HttpResponse, web};
use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use conformance::Delivery;
use conformance::vectors::{secrets, signer};
use countersign::adapter::VerifierSource;
use countersign::tenant::{ResolveFuture, Resolver};
use countersign::{DrainPolicy, MemoryBudget, Rejection, RejectionKind, RequestHead, Verifier, providers};
use countersign_tower::{VerifiedBody, VerifyLayer};
use futures_core::Stream;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::Full;
use tower::{Layer as _, Service, ServiceExt as _};
use warp::Filter as _;

const FRAMES: [&str; 4] = ["the body ", "of a delivery ", "", "in frames"];
const LIMIT: usize = 40;

/// The fault of one attempt. The script numbers the polls of lookup, body, service and handler.
struct Script {
    fault: Fault,
    polls: AtomicUsize,
    hit: Mutex<Option<Hit>>,
    /// The number of body bytes returned so far.
    given: AtomicUsize,
    handled: Mutex<Vec<Vec<u8>>>,
    budget: MemoryBudget,
    /// The highest charge of the budget at any poll.
    charged: AtomicUsize,
    marks: Marks,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Nothing,
    /// The poll with this number fails.
    Error(usize),
    /// Some polls are pending. The fields are the number of the first such poll, and the count.
    Pending(usize, usize),
    /// The delivery is dropped while the poll with this number is pending.
    Drop(usize),
    /// The delivery is dropped after this number of its own polls.
    DropAfter(usize),
}

/// The place of the fault, and the body bytes returned before the fault.
#[derive(Clone, Copy, Debug)]
struct Hit {
    place: Place,
    given: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Lookup,
    Body,
    Ready,
    Handler,
}

enum Turn {
    Go,
    Wait,
    Fail,
}

/// One mark for each value of the request. A clone of the mark lives as long as the value.
#[derive(Default)]
struct Marks {
    lookup: Arc<()>,
    extension: Arc<()>,
    body: Arc<()>,
    chunk: Arc<()>,
    service: Arc<()>,
    handling: Arc<()>,
}

impl Script {
    fn new(fault: Fault) -> Arc<Self> {
        Arc::new(Self {
            fault,
            polls: AtomicUsize::new(0),
            hit: Mutex::new(None),
            given: AtomicUsize::new(0),
            handled: Mutex::default(),
            budget: MemoryBudget::new(1000),
            charged: AtomicUsize::new(0),
            marks: Marks::default(),
        })
    }

    fn turn(&self, place: Place, cx: &Context<'_>) -> Turn {
        let poll = self.polls.fetch_add(1, Ordering::SeqCst);
        self.charged.fetch_max(self.budget.used(), Ordering::SeqCst);
        let turn = match self.fault {
            Fault::Error(at) if poll == at => Turn::Fail,
            Fault::Pending(at, times) if (at..at + times).contains(&poll) => {
                cx.waker().wake_by_ref();
                Turn::Wait
            }
            Fault::Drop(at) if poll == at => Turn::Wait,
            _ => return Turn::Go,
        };
        self.hit.lock().unwrap().get_or_insert(Hit { place, given: self.given.load(Ordering::SeqCst) });
        turn
    }

    /// Returns the names of the values still alive.
    fn held(&self) -> Vec<&'static str> {
        let Marks { lookup, extension, body, chunk, service, handling } = &self.marks;
        let all =
            [("lookup", lookup), ("extension", extension), ("body", body), ("chunk", chunk), ("service", service), ("handling", handling)];
        all.into_iter().filter(|(_, mark)| Arc::strong_count(mark) > 1).map(|(name, _)| name).collect()
    }

    #[track_caller]
    fn assert_body_is_gone(&self) {
        let held = self.held();
        assert!(!held.contains(&"body") && !held.contains(&"chunk"), "{:?}: {held:?} are still alive", self.fault);
    }
}

/// The kind of delivery.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Good,
    Forged,
    /// A delivery rejected by the head.
    Unsigned,
    /// A delivery with several frames over the limit.
    TooLarge,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Good, Self::Forged, Self::Unsigned, Self::TooLarge];

    const fn answer(self) -> Answer {
        match self {
            Self::Good => Answer { status: 200, kind: None },
            Self::Forged => Answer { status: 401, kind: Some(RejectionKind::SignatureMismatch) },
            Self::Unsigned => Answer { status: 401, kind: Some(RejectionKind::MissingSignature) },
            Self::TooLarge => Answer { status: 413, kind: Some(RejectionKind::BodyTooLarge) },
        }
    }

    fn frames(self) -> Vec<&'static str> {
        match self {
            Self::Forged => [&FRAMES[..3], &["in forged frames"]].concat(),
            Self::TooLarge => [&FRAMES[..], &["and one too many", "and more", "and more"]].concat(),
            Self::Good | Self::Unsigned => FRAMES.to_vec(),
        }
    }

    /// Returns the delivery without the frames of the body.
    fn delivery(self) -> Delivery {
        let delivery = match self {
            Self::Unsigned => Delivery::unsigned(""),
            _ => Delivery::signed(&signer(providers::JIRA), FRAMES.concat()),
        };
        match self {
            Self::TooLarge => delivery.header("Transfer-Encoding", "chunked"),
            _ => delivery.header("Content-Length", self.frames().concat().len().to_string()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Answer {
    status: u16,
    kind: Option<RejectionKind>,
}

impl Answer {
    const BROKEN: Self = Self { status: 500, kind: None };

    fn of<B>(response: &Response<B>) -> Self {
        Self { status: response.status().as_u16(), kind: response.extensions().get().map(Rejection::kind) }
    }

    fn of_actix<B>(response: &ServiceResponse<B>) -> Self {
        Self { status: response.status().as_u16(), kind: response.response().extensions().get().map(Rejection::kind) }
    }
}

/// A body in frames, with a pause before each frame.
struct ScriptedBody {
    script: Arc<Script>,
    steps: VecDeque<Option<Bytes>>,
    over: bool,
    _mark: Arc<()>,
}

impl ScriptedBody {
    fn new(script: &Arc<Script>, kind: Kind) -> Self {
        let chunk = |frame: &str| Bytes::from_owner(Chunk { bytes: frame.into(), _mark: Arc::clone(&script.marks.chunk) });
        let steps = kind.frames().into_iter().flat_map(|frame| [None, Some(chunk(frame))]).collect();
        Self { script: Arc::clone(script), steps, over: false, _mark: Arc::clone(&script.marks.body) }
    }
}

struct Chunk {
    bytes: Vec<u8>,
    _mark: Arc<()>,
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        assert!(!self.over, "{:?}: polled after its end", self.script.fault);
        match self.script.turn(Place::Body, cx) {
            Turn::Go => {}
            Turn::Wait => return Poll::Pending,
            Turn::Fail => {
                self.over = true;
                return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
            }
        }
        match self.steps.pop_front() {
            Some(None) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Some(chunk)) => {
                self.script.given.fetch_add(chunk.len(), Ordering::SeqCst);
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            None => {
                self.over = true;
                Poll::Ready(None)
            }
        }
    }
}

/// The same body for actix-web.
impl Stream for ScriptedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let data = |frame: Frame<Bytes>| frame.into_data().unwrap_or_default();
        self.poll_frame(cx).map(|frame| frame.map(|frame| frame.map(data).map_err(PayloadError::Io)))
    }
}

/// A value in the request's extensions.
#[derive(Clone)]
struct Extension(#[expect(dead_code, reason = "only the drop of the value matters")] Arc<()>);

/// The service behind the adapter.
#[derive(Clone)]
struct Inner {
    script: Arc<Script>,
    _mark: Arc<()>,
}

impl Inner {
    fn new(script: &Arc<Script>) -> Self {
        Self { script: Arc::clone(script), _mark: Arc::clone(&script.marks.service) }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Result<(), Broken>> {
        match self.script.turn(Place::Ready, cx) {
            Turn::Go => Poll::Ready(Ok(())),
            Turn::Wait => Poll::Pending,
            Turn::Fail => Poll::Ready(Err(Broken)),
        }
    }

    /// Starts the handler. The handler takes a few polls, and keeps the body meanwhile.
    fn handle(&self, body: Bytes) -> Handle {
        self.script.assert_body_is_gone();
        self.script.handled.lock().unwrap().push(body.to_vec());
        Handle { script: Arc::clone(&self.script), left: 2, _body: body, _mark: Arc::clone(&self.script.marks.handling) }
    }
}

struct Handle {
    script: Arc<Script>,
    left: usize,
    _body: Bytes,
    _mark: Arc<()>,
}

impl Future for Handle {
    type Output = Result<(), Broken>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        match self.script.turn(Place::Handler, cx) {
            Turn::Go if self.left == 0 => Poll::Ready(Ok(())),
            Turn::Go => {
                self.left -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Turn::Wait => Poll::Pending,
            Turn::Fail => Poll::Ready(Err(Broken)),
        }
    }
}

impl Service<Request<VerifiedBody>> for Inner {
    type Response = Response<Full<Bytes>>;
    type Error = Broken;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Broken>>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        self.poll(cx)
    }

    fn call(&mut self, request: Request<VerifiedBody>) -> Self::Future {
        let handling = self.handle(request.into_body().into_bytes());
        Box::pin(async { handling.await.map(|()| Response::default()) })
    }
}

/// The same service for actix-web.
struct ActixInner(Inner);

impl actix_web::dev::Service<ServiceRequest> for ActixInner {
    type Response = ServiceResponse;
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<ServiceResponse, actix_web::Error>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), actix_web::Error>> {
        self.0.poll(cx).map_err(ErrorInternalServerError)
    }

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let inner = self.0.clone();
        Box::pin(async move {
            let body = request.extract::<Bytes>().await?;
            inner.handle(body).await.map_err(ErrorInternalServerError)?;
            Ok(request.into_response(HttpResponse::Ok().finish()))
        })
    }
}

/// A resolver with a few polls.
struct Tenants {
    decoy: Verifier,
    verifier: Verifier,
    script: Arc<Script>,
}

impl Resolver for Tenants {
    fn decoy(&self) -> &Verifier {
        &self.decoy
    }

    fn resolve(&self, _: &dyn RequestHead) -> ResolveFuture {
        let (verifier, script, mark) = (self.verifier.clone(), Arc::clone(&self.script), Arc::clone(&self.script.marks.lookup));
        let mut left = 2;
        ResolveFuture::new(poll_fn(move |cx| {
            assert!(Arc::strong_count(&mark) > 1, "the mark lives until the end of the lookup");
            match script.turn(Place::Lookup, cx) {
                Turn::Go if left == 0 => Poll::Ready(Ok(Some(verifier.clone()))),
                Turn::Go => {
                    left -= 1;
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Turn::Wait => Poll::Pending,
                Turn::Fail => Poll::Ready(Err(Broken)),
            }
        }))
    }
}

/// The error of a failing lookup, service or handler.
#[derive(Clone, Copy, Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a deliberate error of this test")
    }
}

impl Error for Broken {}

const fn status(handled: Result<(), Broken>) -> StatusCode {
    if handled.is_ok() { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }
}

/// One delivery with a fault.
struct Attempt {
    verifiers: VerifierSource,
    drain: Option<DrainPolicy>,
    kind: Kind,
    script: Arc<Script>,
}

impl Attempt {
    fn layer(&self) -> VerifyLayer {
        VerifyLayer::new(self.verifiers.clone()).drain(self.drain)
    }

    fn verify_actix(&self) -> countersign_actix_web::Verify {
        countersign_actix_web::Verify::new(self.verifiers.clone()).drain(self.drain)
    }

    fn inner(&self) -> Inner {
        Inner::new(&self.script)
    }

    fn request(&self) -> Request<ScriptedBody> {
        let mut request = self.kind.delivery().into_request().map(|_| ScriptedBody::new(&self.script, self.kind));
        request.extensions_mut().insert(Extension(Arc::clone(&self.script.marks.extension)));
        request
    }

    fn actix_head(&self) -> TestRequest {
        let delivery = self.kind.delivery();
        let request = TestRequest::with_uri(delivery.target).method(actix_web::http::Method::POST);
        delivery.headers.iter().fold(request, |request, (name, value)| request.append_header((name.as_str(), &value[..])))
    }

    fn actix_payload(&self) -> Payload {
        Payload::Stream { payload: Box::pin(ScriptedBody::new(&self.script, self.kind)) as _ }
    }

    fn actix_request(&self) -> actix_http::Request {
        let request = self.actix_head().to_request().replace_payload(self.actix_payload()).0;
        request.extensions_mut().insert(Extension(Arc::clone(&self.script.marks.extension)));
        request
    }
}

type AttemptFuture = Pin<Box<dyn Future<Output = Answer>>>;

/// An adapter with a handler behind the adapter.
trait Adapter {
    /// Whether the adapter polls the service behind the adapter ready, before the delivery.
    const ASKS_INNER: bool = false;

    /// Returns the future of a delivery, before the first poll.
    async fn begin(attempt: &Attempt) -> AttemptFuture;
}

/// Awaits the future. Asserts that the body is dropped before the future.
async fn assert_drops_body<F: Future>(future: F, script: Arc<Script>) -> F::Output {
    let mut future = pin!(future);
    let output = future.as_mut().await;
    script.assert_body_is_gone();
    output
}

/// Sends the request through the layer, around any service.
async fn layered<S, B>(mut service: S, request: Request<ScriptedBody>, script: Arc<Script>) -> Answer
where
    S: Service<Request<ScriptedBody>, Response = Response<B>>,
{
    if poll_fn(|cx| service.poll_ready(cx)).await.is_err() {
        return Answer::BROKEN;
    }
    assert_drops_body(service.call(request), script).await.map_or(Answer::BROKEN, |response| Answer::of(&response))
}

struct Tower;

impl Adapter for Tower {
    const ASKS_INNER: bool = true;

    async fn begin(attempt: &Attempt) -> AttemptFuture {
        Box::pin(layered(attempt.layer().layer(attempt.inner()), attempt.request(), Arc::clone(&attempt.script)))
    }
}

struct AxumExtractor;

impl Adapter for AxumExtractor {
    async fn begin(attempt: &Attempt) -> AttemptFuture {
        let inner = attempt.inner();
        let handler = move |delivery: countersign_tower::Delivery| {
            let handling = inner.handle(delivery.body);
            async { status(handling.await) }
        };
        let app = Router::new().route("/hook", post(handler)).with_state(attempt.layer());
        let request = attempt.request().map(axum::body::Body::new);
        Box::pin(async { Answer::of(&app.oneshot(request).await.unwrap()) })
    }
}

/// Runs an attempt in an application of actix-web.
macro_rules! actix_answer {
    ($attempt:expr, $hook:expr) => {{
        let app = init_service(App::new().service($hook)).await;
        let request = $attempt.actix_request();
        Box::pin(async move {
            // Like a server, `init_service` also turns errors of the wrapped service into responses.
            Answer::of_actix(&app.call(request).await.unwrap())
        })
    }};
}

struct ActixMiddleware;

impl Adapter for ActixMiddleware {
    async fn begin(attempt: &Attempt) -> AttemptFuture {
        let inner = attempt.inner();
        let handler = move |body: Bytes| {
            let handling = inner.handle(body);
            async { handling.await.map(|()| HttpResponse::Ok().finish()).map_err(ErrorInternalServerError) }
        };
        actix_answer!(attempt, web::resource("/hook").route(web::post().to(handler)).wrap(attempt.verify_actix()))
    }
}

/// The middleware around a custom service instead of a route.
struct ActixService;

impl Adapter for ActixService {
    const ASKS_INNER: bool = true;

    async fn begin(attempt: &Attempt) -> AttemptFuture {
        let middleware = attempt.verify_actix().new_transform(ActixInner(attempt.inner())).await.unwrap();
        let mut request = attempt.actix_head().to_srv_request();
        request.set_payload(attempt.actix_payload());
        request.extensions_mut().insert(Extension(Arc::clone(&attempt.script.marks.extension)));
        Box::pin(async move {
            if poll_fn(|cx| middleware.poll_ready(cx)).await.is_err() {
                return Answer::BROKEN;
            }
            middleware.call(request).await.map_or(Answer::BROKEN, |response| Answer::of_actix(&response))
        })
    }
}

struct ActixExtractor;

impl Adapter for ActixExtractor {
    async fn begin(attempt: &Attempt) -> AttemptFuture {
        let inner = attempt.inner();
        let handler = move |delivery: countersign_actix_web::Delivery| {
            let handling = inner.handle(delivery.body);
            async { handling.await.map(|()| HttpResponse::Ok().finish()).map_err(ErrorInternalServerError) }
        };
        actix_answer!(attempt, web::resource("/hook").app_data(attempt.verify_actix()).route(web::post().to(handler)))
    }
}

struct WarpFilter;

impl Adapter for WarpFilter {
    async fn begin(attempt: &Attempt) -> AttemptFuture {
        let inner = attempt.inner();
        let handler = move |delivery: countersign_warp::Delivery| {
            let handling = inner.handle(delivery.body);
            async { status(handling.await) }
        };
        let verify = countersign_warp::Verify::new(attempt.verifiers.clone()).drain(attempt.drain);
        let service = warp::service(warp::path("hook").and(verify.then(handler)));
        let request = attempt.request();
        Box::pin(async { Answer::of(&service.oneshot(request).await.unwrap()) })
    }
}

struct LayeredWarp;

impl Adapter for LayeredWarp {
    async fn begin(attempt: &Attempt) -> AttemptFuture {
        let inner = attempt.inner();
        let handler = move |body: Bytes| {
            let handling = inner.handle(body);
            async { status(handling.await) }
        };
        let service = warp::service(warp::path("hook").and(warp::body::bytes()).then(handler));
        Box::pin(layered(attempt.layer().layer(service), attempt.request(), Arc::clone(&attempt.script)))
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The settings of the receiver.
#[derive(Clone, Copy, Debug)]
struct Variant {
    drain: Option<DrainPolicy>,
    looked_up: bool,
}

/// The results of an attempt: the polls inside the delivery, the polls of the delivery itself, the highest charge of the budget, and
/// whether the fault happened.
struct AttemptResult {
    inside: usize,
    outside: usize,
    charged: usize,
    hit: bool,
}

async fn attempt<A: Adapter>(kind: Kind, Variant { drain, looked_up }: Variant, fault: Fault) -> AttemptResult {
    let case = format!("{kind:?}, {drain:?}, looked up: {looked_up}, {fault:?}");
    let script = Script::new(fault);
    let builder = Verifier::builder(providers::JIRA).body_limit(LIMIT).memory_budget(script.budget.clone());
    let [secret, _] = secrets(providers::JIRA);
    let verifiers = if looked_up {
        let template = builder.build_template().unwrap();
        let verifier = template.for_tenant("acme", [("main", secret)]).unwrap();
        Tenants { decoy: template.decoy().clone(), verifier, script: Arc::clone(&script) }.into()
    } else {
        builder.key("main", secret).build().unwrap().into()
    };
    let attempt = Attempt { verifiers, drain, kind, script };
    let mut future = A::begin(&attempt).await;
    let Attempt { script, .. } = attempt;
    assert_eq!(script.held(), ["extension", "body", "chunk", "service"], "{case}");

    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&woken));
    let (mut answer, mut outside, mut dropped) = (None, 0, false);
    while answer.is_none() && !dropped {
        if let Fault::DropAfter(polls) = fault
            && polls == outside
        {
            dropped = true;
            break;
        }
        assert!(woken.0.swap(false, Ordering::SeqCst), "{case}: the pending delivery has no wake-up");
        if let Poll::Ready(end) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            answer = Some(end);
        }
        outside += 1;
        dropped = matches!(fault, Fault::Drop(_)) && script.hit.lock().unwrap().is_some();
    }
    drop(future);

    assert_eq!(script.held(), [""; 0], "{case}: every value is dropped");
    assert_eq!(script.budget.used(), 0, "{case}: the budget is released");
    let handled = script.handled.lock().unwrap();
    let hit = *script.hit.lock().unwrap();
    for body in &*handled {
        assert!(kind == Kind::Good && body == FRAMES.concat().as_bytes(), "{case}: the handler ran for {body:?}");
    }
    let expected = match (fault, hit) {
        _ if dropped => None,
        (Fault::Error(_), Some(Hit { place: Place::Ready | Place::Handler, .. })) => Some(Answer::BROKEN),
        // A fault of the head takes precedence.
        (Fault::Error(_), Some(Hit { place: Place::Lookup, .. })) if kind != Kind::Unsigned => {
            Some(Answer { status: 503, kind: Some(RejectionKind::KeysUnavailable) })
        }
        // The body failed during the drain.
        (Fault::Error(_), Some(Hit { given, .. })) if kind == Kind::Unsigned || given > LIMIT => Some(kind.answer()),
        (Fault::Error(_), Some(_)) => Some(Answer { status: 400, kind: Some(RejectionKind::BodyUnreadable) }),
        _ => Some(kind.answer()),
    };
    assert_eq!(answer, expected, "{case}");
    let calls = match (fault, hit) {
        (Fault::Error(_) | Fault::Drop(_), Some(hit)) => (hit.place == Place::Handler).into(),
        (Fault::DropAfter(_), _) if dropped => handled.len().min(1),
        _ => (kind == Kind::Good).into(),
    };
    assert_eq!(handled.len(), calls, "{case}: the handler's calls");
    let charged = script.charged.load(Ordering::SeqCst);
    AttemptResult { inside: script.polls.load(Ordering::SeqCst), outside, charged, hit: dropped || hit.is_some() }
}

fn torture<A: Adapter>() {
    // tokio's cooperative budget would make timers pending in a task that never yields.
    conformance::run(tokio::task::unconstrained(async {
        let faults: [fn(usize) -> Fault; 5] =
            [Fault::Error, |at| Fault::Pending(at, 1), |at| Fault::Pending(at, 3), Fault::Drop, Fault::DropAfter];
        let variants =
            [None, Some(DrainPolicy::default())].map(|drain| [false, true].map(|looked_up| Variant { drain, looked_up })).concat();
        for (kind, variant) in Kind::ALL.into_iter().flat_map(|kind| variants.iter().map(move |variant| (kind, *variant))) {
            let whole = attempt::<A>(kind, variant, Fault::Nothing).await;
            for fault in faults {
                let mut polls = 0;
                while attempt::<A>(kind, variant, fault(polls)).await.hit {
                    polls += 1;
                }
                let all = if matches!(fault(0), Fault::DropAfter(_)) { whole.outside } else { whole.inside };
                assert_eq!(polls, all, "{kind:?}, {variant:?}, {:?}: each poll had the fault once", fault(0));
            }
            // The body has a pause and a chunk for each frame, and then the end. A delivery rejected by the head may poll no frame.
            let frames = kind.frames().len();
            let least = match kind {
                Kind::Good => 2 * frames + 1 + 3,
                Kind::Forged => 2 * frames + 1,
                Kind::Unsigned | Kind::TooLarge if variant.drain.is_some() => 2 * frames + 1,
                Kind::TooLarge => 10,
                Kind::Unsigned => 0,
            };
            let least = least + if variant.looked_up { 3 } else { 0 } + usize::from(A::ASKS_INNER);
            assert!(whole.inside >= least, "{kind:?}, {variant:?}: {} polls", whole.inside);
            assert_eq!(whole.charged > 0, kind != Kind::Unsigned, "{kind:?}, {variant:?}: a kept body is charged");
            println!("{kind:?}, {variant:?}: {} polls inside, {} outside", whole.inside, whole.outside);
        }
    }));
}

#[test]
fn tower_layer_survives_a_fault_at_every_poll() {
    torture::<Tower>();
}

#[test]
fn axum_extractor_survives_a_fault_at_every_poll() {
    torture::<AxumExtractor>();
}

#[test]
fn actix_middleware_survives_a_fault_at_every_poll() {
    torture::<ActixMiddleware>();
}

#[test]
fn actix_middleware_around_a_service_survives_a_fault_at_every_poll() {
    torture::<ActixService>();
}

#[test]
fn actix_extractor_survives_a_fault_at_every_poll() {
    torture::<ActixExtractor>();
}

#[test]
fn warp_filter_survives_a_fault_at_every_poll() {
    torture::<WarpFilter>();
}

#[test]
fn tower_layer_around_warp_survives_a_fault_at_every_poll() {
    torture::<LayeredWarp>();
}
