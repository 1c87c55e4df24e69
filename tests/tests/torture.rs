//! Every poll goes wrong once, under every adapter: of a lookup, the body, the service and the handler. It fails, it takes longer, or the
//! whole delivery is dropped there. Whatever it is, the handler runs for a verified body alone, the budget is given back, and nothing that
//! belongs to the request stays behind.

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

/// The polls of body, service and handler, counted through, and what comes of one of them.
struct Script {
    fault: Fault,
    polls: AtomicUsize,
    hit: Mutex<Option<Hit>>,
    /// How many bytes of the body have been handed out.
    given: AtomicUsize,
    handled: Mutex<Vec<Vec<u8>>>,
    budget: MemoryBudget,
    /// The most that the budget was charged with at any of the polls.
    charged: AtomicUsize,
    marks: Marks,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Nothing,
    /// This poll fails.
    Error(usize),
    /// From this poll on, so many have nothing yet.
    Pending(usize, usize),
    /// The whole is dropped while this poll is pending.
    Drop(usize),
    /// The whole is dropped when it has been polled so often itself.
    DropAfter(usize),
}

/// Where the fault came about.
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

/// One for each thing that has to be dropped, which has a clone of it.
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

    /// What is still there.
    fn held(&self) -> Vec<&'static str> {
        let Marks { lookup, extension, body, chunk, service, handling } = &self.marks;
        let all =
            [("lookup", lookup), ("extension", extension), ("body", body), ("chunk", chunk), ("service", service), ("handling", handling)];
        all.into_iter().filter(|(_, mark)| Arc::strong_count(mark) > 1).map(|(name, _)| name).collect()
    }

    #[track_caller]
    fn assert_body_is_gone(&self) {
        let held = self.held();
        assert!(!held.contains(&"body") && !held.contains(&"chunk"), "{:?}: {held:?} are still there", self.fault);
    }
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Good,
    Forged,
    /// Rejected by its head.
    Unsigned,
    /// Grows past the limit, and there is more of it.
    TooLarge,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Good, Self::Forged, Self::Unsigned, Self::TooLarge];

    const fn ended(self) -> Ended {
        match self {
            Self::Good => Ended { status: 200, kind: None },
            Self::Forged => Ended { status: 401, kind: Some(RejectionKind::SignatureMismatch) },
            Self::Unsigned => Ended { status: 401, kind: Some(RejectionKind::MissingSignature) },
            Self::TooLarge => Ended { status: 413, kind: Some(RejectionKind::BodyTooLarge) },
        }
    }

    fn frames(self) -> Vec<&'static str> {
        match self {
            Self::Forged => [&FRAMES[..3], &["in forged frames"]].concat(),
            Self::TooLarge => [&FRAMES[..], &["and one too many", "and more", "and more"]].concat(),
            Self::Good | Self::Unsigned => FRAMES.to_vec(),
        }
    }

    /// Headers and all, but for the body.
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
struct Ended {
    status: u16,
    kind: Option<RejectionKind>,
}

impl Ended {
    const BROKEN: Self = Self { status: 500, kind: None };

    fn of<B>(response: &Response<B>) -> Self {
        Self { status: response.status().as_u16(), kind: response.extensions().get().map(Rejection::kind) }
    }

    fn of_actix<B>(response: &ServiceResponse<B>) -> Self {
        Self { status: response.status().as_u16(), kind: response.response().extensions().get().map(Rejection::kind) }
    }
}

/// Comes in frames, with a pause before each.
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

/// The same for actix-web.
impl Stream for ScriptedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let data = |frame: Frame<Bytes>| frame.into_data().unwrap_or_default();
        self.poll_frame(cx).map(|frame| frame.map(|frame| frame.map(data).map_err(PayloadError::Io)))
    }
}

/// What stands in the request's extensions.
#[derive(Clone)]
struct Extension(#[expect(dead_code, reason = "it is there to be dropped")] Arc<()>);

/// What stands behind the adapter.
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

    /// The handler, which takes a few polls, and has the body meanwhile.
    fn handle(&self, body: Bytes) -> Handling {
        self.script.assert_body_is_gone();
        self.script.handled.lock().unwrap().push(body.to_vec());
        Handling { script: Arc::clone(&self.script), left: 2, _body: body, _mark: Arc::clone(&self.script.marks.handling) }
    }
}

struct Handling {
    script: Arc<Script>,
    left: usize,
    _body: Bytes,
    _mark: Arc<()>,
}

impl Future for Handling {
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

/// As a service of actix-web's.
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

/// Finds the verifier after a while.
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
            assert!(Arc::strong_count(&mark) > 1, "it is there for as long as it is looked for");
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

/// What a lookup, a service or a handler fails with.
#[derive(Clone, Copy, Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken on purpose")
    }
}

impl Error for Broken {}

const fn status(handled: Result<(), Broken>) -> StatusCode {
    if handled.is_ok() { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }
}

/// One delivery that is to be tortured.
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

type Attempted = Pin<Box<dyn Future<Output = Ended>>>;

/// An adapter with a handler behind it.
trait Adapter {
    /// Whether the service behind it is asked first whether it is ready.
    const ASKS_INNER: bool = false;

    /// A delivery that is on its way and has not been polled.
    async fn begin(attempt: &Attempt) -> Attempted;
}

/// Ends, and has let go of the body by then, though the future is still there.
async fn letting_go<F: Future>(future: F, script: Arc<Script>) -> F::Output {
    let mut future = pin!(future);
    let output = future.as_mut().await;
    script.assert_body_is_gone();
    output
}

/// By the layer, around any service.
async fn layered<S, B>(mut service: S, request: Request<ScriptedBody>, script: Arc<Script>) -> Ended
where
    S: Service<Request<ScriptedBody>, Response = Response<B>>,
{
    if poll_fn(|cx| service.poll_ready(cx)).await.is_err() {
        return Ended::BROKEN;
    }
    letting_go(service.call(request), script).await.map_or(Ended::BROKEN, |response| Ended::of(&response))
}

struct Tower;

impl Adapter for Tower {
    const ASKS_INNER: bool = true;

    async fn begin(attempt: &Attempt) -> Attempted {
        Box::pin(layered(attempt.layer().layer(attempt.inner()), attempt.request(), Arc::clone(&attempt.script)))
    }
}

struct AxumExtractor;

impl Adapter for AxumExtractor {
    async fn begin(attempt: &Attempt) -> Attempted {
        let inner = attempt.inner();
        let handler = move |delivery: countersign_tower::Delivery| {
            let handling = inner.handle(delivery.body);
            async { status(handling.await) }
        };
        let app = Router::new().route("/hook", post(handler)).with_state(attempt.layer());
        let request = attempt.request().map(axum::body::Body::new);
        Box::pin(async { Ended::of(&app.oneshot(request).await.unwrap()) })
    }
}

/// What an application of actix-web makes of an attempt.
macro_rules! actix_ended {
    ($attempt:expr, $hook:expr) => {{
        let app = init_service(App::new().service($hook)).await;
        let request = $attempt.actix_request();
        Box::pin(async move {
            // As a server does: what the wrapped service fails with is answered too.
            Ended::of_actix(&app.call(request).await.unwrap())
        })
    }};
}

struct ActixMiddleware;

impl Adapter for ActixMiddleware {
    async fn begin(attempt: &Attempt) -> Attempted {
        let inner = attempt.inner();
        let handler = move |body: Bytes| {
            let handling = inner.handle(body);
            async { handling.await.map(|()| HttpResponse::Ok().finish()).map_err(ErrorInternalServerError) }
        };
        actix_ended!(attempt, web::resource("/hook").route(web::post().to(handler)).wrap(attempt.verify_actix()))
    }
}

/// Around a service of one's own, which is no route of actix-web's.
struct ActixService;

impl Adapter for ActixService {
    const ASKS_INNER: bool = true;

    async fn begin(attempt: &Attempt) -> Attempted {
        let middleware = attempt.verify_actix().new_transform(ActixInner(attempt.inner())).await.unwrap();
        let mut request = attempt.actix_head().to_srv_request();
        request.set_payload(attempt.actix_payload());
        request.extensions_mut().insert(Extension(Arc::clone(&attempt.script.marks.extension)));
        Box::pin(async move {
            if poll_fn(|cx| middleware.poll_ready(cx)).await.is_err() {
                return Ended::BROKEN;
            }
            middleware.call(request).await.map_or(Ended::BROKEN, |response| Ended::of_actix(&response))
        })
    }
}

struct ActixExtractor;

impl Adapter for ActixExtractor {
    async fn begin(attempt: &Attempt) -> Attempted {
        let inner = attempt.inner();
        let handler = move |delivery: countersign_actix_web::Delivery| {
            let handling = inner.handle(delivery.body);
            async { handling.await.map(|()| HttpResponse::Ok().finish()).map_err(ErrorInternalServerError) }
        };
        actix_ended!(attempt, web::resource("/hook").app_data(attempt.verify_actix()).route(web::post().to(handler)))
    }
}

struct WarpFilter;

impl Adapter for WarpFilter {
    async fn begin(attempt: &Attempt) -> Attempted {
        let inner = attempt.inner();
        let handler = move |delivery: countersign_warp::Delivery| {
            let handling = inner.handle(delivery.body);
            async { status(handling.await) }
        };
        let verify = countersign_warp::Verify::new(attempt.verifiers.clone()).drain(attempt.drain);
        let service = warp::service(warp::path("hook").and(verify.then(handler)));
        let request = attempt.request();
        Box::pin(async { Ended::of(&service.oneshot(request).await.unwrap()) })
    }
}

struct LayeredWarp;

impl Adapter for LayeredWarp {
    async fn begin(attempt: &Attempt) -> Attempted {
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

/// How a delivery is received.
#[derive(Clone, Copy, Debug)]
struct Variant {
    drain: Option<DrainPolicy>,
    looked_up: bool,
}

/// How often it was polled, inside and out, the most that the budget was charged with, and whether the fault came about.
struct Attempts {
    inside: usize,
    outside: usize,
    charged: usize,
    hit: bool,
}

async fn attempt<A: Adapter>(kind: Kind, Variant { drain, looked_up }: Variant, fault: Fault) -> Attempts {
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
    let (mut ended, mut outside, mut dropped) = (None, 0, false);
    while ended.is_none() && !dropped {
        if let Fault::DropAfter(polls) = fault
            && polls == outside
        {
            dropped = true;
            break;
        }
        assert!(woken.0.swap(false, Ordering::SeqCst), "{case}: nobody would poll it again");
        if let Poll::Ready(end) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            ended = Some(end);
        }
        outside += 1;
        dropped = matches!(fault, Fault::Drop(_)) && script.hit.lock().unwrap().is_some();
    }
    drop(future);

    assert_eq!(script.held(), [""; 0], "{case}: all is dropped");
    assert_eq!(script.budget.used(), 0, "{case}: the budget is given back");
    let handled = script.handled.lock().unwrap();
    let hit = *script.hit.lock().unwrap();
    for body in &*handled {
        assert!(kind == Kind::Good && body == FRAMES.concat().as_bytes(), "{case}: the handler ran for {body:?}");
    }
    let expected = match (fault, hit) {
        _ if dropped => None,
        (Fault::Error(_), Some(Hit { place: Place::Ready | Place::Handler, .. })) => Some(Ended::BROKEN),
        // A fault of the head comes first.
        (Fault::Error(_), Some(Hit { place: Place::Lookup, .. })) if kind != Kind::Unsigned => {
            Some(Ended { status: 503, kind: Some(RejectionKind::KeysUnavailable) })
        }
        // While the rest was being thrown away.
        (Fault::Error(_), Some(Hit { given, .. })) if kind == Kind::Unsigned || given > LIMIT => Some(kind.ended()),
        (Fault::Error(_), Some(_)) => Some(Ended { status: 400, kind: Some(RejectionKind::BodyUnreadable) }),
        _ => Some(kind.ended()),
    };
    assert_eq!(ended, expected, "{case}");
    let calls = match (fault, hit) {
        (Fault::Error(_) | Fault::Drop(_), Some(hit)) => (hit.place == Place::Handler).into(),
        (Fault::DropAfter(_), _) if dropped => handled.len().min(1),
        _ => (kind == Kind::Good).into(),
    };
    assert_eq!(handled.len(), calls, "{case}: the handler's calls");
    let charged = script.charged.load(Ordering::SeqCst);
    Attempts { inside: script.polls.load(Ordering::SeqCst), outside, charged, hit: dropped || hit.is_some() }
}

fn torture<A: Adapter>() {
    // tokio would have a task that never yields wait for its timers.
    conformance::run(tokio::task::unconstrained(async {
        let faults: [fn(usize) -> Fault; 5] =
            [Fault::Error, |at| Fault::Pending(at, 1), |at| Fault::Pending(at, 3), Fault::Drop, Fault::DropAfter];
        let terms = [None, Some(DrainPolicy::default())].map(|drain| [false, true].map(|looked_up| Variant { drain, looked_up })).concat();
        for (kind, terms) in Kind::ALL.into_iter().flat_map(|kind| terms.iter().map(move |terms| (kind, *terms))) {
            let whole = attempt::<A>(kind, terms, Fault::Nothing).await;
            for fault in faults {
                let mut polls = 0;
                while attempt::<A>(kind, terms, fault(polls)).await.hit {
                    polls += 1;
                }
                let all = if matches!(fault(0), Fault::DropAfter(_)) { whole.outside } else { whole.inside };
                assert_eq!(polls, all, "{kind:?}, {terms:?}, {:?}: each poll had its turn", fault(0));
            }
            // A pause and a chunk for each frame, and then the end; what is rejected by its head may do with none.
            let frames = kind.frames().len();
            let least = match kind {
                Kind::Good => 2 * frames + 1 + 3,
                Kind::Forged => 2 * frames + 1,
                Kind::Unsigned | Kind::TooLarge if terms.drain.is_some() => 2 * frames + 1,
                Kind::TooLarge => 10,
                Kind::Unsigned => 0,
            };
            let least = least + if terms.looked_up { 3 } else { 0 } + usize::from(A::ASKS_INNER);
            assert!(whole.inside >= least, "{kind:?}, {terms:?}: {} polls", whole.inside);
            assert_eq!(whole.charged > 0, kind != Kind::Unsigned, "{kind:?}, {terms:?}: what is kept is charged");
            println!("{kind:?}, {terms:?}: {} polls inside, {} outside", whole.inside, whole.outside);
        }
    }));
}

#[test]
fn the_tower_layer_stands_a_fault_at_every_poll() {
    torture::<Tower>();
}

#[test]
fn the_axum_extractor_stands_a_fault_at_every_poll() {
    torture::<AxumExtractor>();
}

#[test]
fn the_actix_middleware_stands_a_fault_at_every_poll() {
    torture::<ActixMiddleware>();
}

#[test]
fn the_actix_middleware_around_a_service_stands_a_fault_at_every_poll() {
    torture::<ActixService>();
}

#[test]
fn the_actix_extractor_stands_a_fault_at_every_poll() {
    torture::<ActixExtractor>();
}

#[test]
fn the_warp_filter_stands_a_fault_at_every_poll() {
    torture::<WarpFilter>();
}

#[test]
fn the_tower_layer_around_warp_stands_a_fault_at_every_poll() {
    torture::<LayeredWarp>();
}
