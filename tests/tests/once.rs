//! Facts of the guard `Once`, through every adapter with a guard.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use actix_web::dev::Service as _;
use conformance::Delivery;
use countersign::{Secret, Signer, Verifier, providers};
use countersign_once::{Event, MemoryStore, Once};
use tokio::sync::Notify;

/// What the handler of a test does, and how often the handler ran.
#[derive(Default)]
struct Script {
    status: AtomicU16,
    runs: AtomicUsize,
    /// Whether the handler waits for `gate`.
    waits: AtomicBool,
    gate: Notify,
    panics: AtomicBool,
}

impl Script {
    async fn handle(&self) -> u16 {
        self.runs.fetch_add(1, Ordering::SeqCst);
        if self.waits.load(Ordering::SeqCst) {
            self.gate.notified().await;
        }
        assert!(!self.panics.load(Ordering::SeqCst), "as the test wants");
        self.status.load(Ordering::SeqCst)
    }

    fn answer(&self, status: u16) -> &Self {
        self.status.store(status, Ordering::SeqCst);
        self
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }
}

/// Status and `Retry-After` of a response.
type Answer = (u16, Option<String>);
type Answering = Pin<Box<dyn Future<Output = Answer>>>;
type App = Box<dyn Fn(Delivery) -> Answering>;

/// An application with a guard around the handler of a script.
trait Framework {
    fn app(verifier: Verifier, once: Once, script: Arc<Script>) -> Pin<Box<dyn Future<Output = App>>>;
}

struct Axum;

impl Framework for Axum {
    fn app(verifier: Verifier, once: Once, script: Arc<Script>) -> Pin<Box<dyn Future<Output = App>>> {
        use axum::http::StatusCode;
        use tower::ServiceExt as _;

        let handler = move |axum::Extension(claim): axum::Extension<countersign_once::ClaimInfo>, body: String| async move {
            assert!(!claim.is_lost() && body == "body");
            StatusCode::from_u16(script.handle().await).unwrap()
        };
        let layer = countersign_tower::VerifyLayer::new(verifier).once(once);
        let app = axum::Router::new().route("/hook", axum::routing::post(handler)).route_layer(layer);
        Box::pin(async move {
            Box::new(move |delivery: Delivery| {
                let request = delivery.into_request().map(axum::body::Body::new);
                let app = app.clone();
                Box::pin(async move {
                    let response = app.oneshot(request).await.unwrap();
                    (response.status().as_u16(), response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned()))
                }) as Answering
            }) as App
        })
    }
}

struct ActixWeb;

impl Framework for ActixWeb {
    fn app(verifier: Verifier, once: Once, script: Arc<Script>) -> Pin<Box<dyn Future<Output = App>>> {
        use actix_web::http::StatusCode;
        use actix_web::test::{TestRequest, init_service};
        use actix_web::{App as Application, HttpResponse, web};

        let handler = move |claim: web::ReqData<countersign_once::ClaimInfo>, body: String| {
            let script = Arc::clone(&script);
            async move {
                assert!(!claim.is_lost() && body == "body");
                HttpResponse::new(StatusCode::from_u16(script.handle().await).unwrap())
            }
        };
        Box::pin(async move {
            let verify = countersign_actix_web::Verify::new(verifier).once(once);
            // Routing below the guard needs the only handle of the request.
            let hook = web::scope("").service(web::resource("/hook").route(web::post().to(handler))).wrap(verify);
            let app = std::rc::Rc::new(init_service(Application::new().service(hook)).await);
            Box::new(move |delivery: Delivery| {
                let app = std::rc::Rc::clone(&app);
                let mut request = TestRequest::post().uri("/hook").set_payload(delivery.whole_body());
                for (name, value) in &delivery.headers {
                    request = request.append_header((name.as_str(), &value[..]));
                }
                Box::pin(async move {
                    let response = app.call(request.to_request()).await.unwrap();
                    (response.status().as_u16(), response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned()))
                }) as Answering
            }) as App
        })
    }
}

struct Warp;

impl Framework for Warp {
    fn app(verifier: Verifier, once: Once, script: Arc<Script>) -> Pin<Box<dyn Future<Output = App>>> {
        use tower::ServiceExt as _;
        use warp::Filter as _;
        use warp::http::StatusCode;

        let handler = move |delivery: countersign_warp::Delivery| {
            let script = Arc::clone(&script);
            async move {
                assert!(delivery.body == "body" && !delivery.claim.unwrap().is_lost());
                StatusCode::from_u16(script.handle().await).unwrap()
            }
        };
        let verify = countersign_warp::Verify::new(verifier).once(once).then(handler);
        let service = warp::service(warp::path!("hook").and(warp::post()).and(verify));
        Box::pin(async move {
            Box::new(move |delivery: Delivery| {
                let request = delivery.into_request().map(conformance::SyncBody::new);
                let service = service.clone();
                Box::pin(async move {
                    let response = service.oneshot(request).await.unwrap();
                    (response.status().as_u16(), response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned()))
                }) as Answering
            }) as App
        })
    }
}

fn secret() -> Secret {
    Secret::new("a secret of some length")
}

fn signed() -> Delivery {
    Delivery::signed(&Signer::new(providers::JIRA, secret()).unwrap(), "body").header("Content-Type", "text/plain")
}

struct Setup {
    app: App,
    once: Once,
    script: Arc<Script>,
}

async fn setup<F: Framework>() -> Setup {
    let verifier = Verifier::builder(providers::JIRA).key("k", secret()).build().unwrap();
    let once = Once::builder("jira", MemoryStore::new(1000)).build(&verifier).unwrap();
    let script = Arc::new(Script::default());
    script.answer(200);
    let app = F::app(verifier, once.clone(), Arc::clone(&script)).await;
    Setup { app, once, script }
}

/// Polls a future, with its panic as an error.
async fn caught<T>(mut future: Pin<Box<dyn Future<Output = T>>>) -> Result<T, ()> {
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(Err(())),
    })
    .await
}

async fn handled_delivery_gets_its_stored_status<F: Framework>() {
    let Setup { app, once, script } = setup::<F>().await;
    script.answer(202);
    assert_eq!(app(signed()).await, (202, None));
    script.answer(200);
    for _ in 0..3 {
        assert_eq!(app(signed()).await, (202, None));
    }
    assert_eq!((script.runs(), once.count(Event::Claimed), once.count(Event::Repeated)), (1, 1, 3));
}

async fn failed_delivery_is_handled_again<F: Framework>() {
    let Setup { app, script, .. } = setup::<F>().await;
    for status in [500, 404, 302] {
        script.answer(status);
        assert_eq!(app(signed()).await, (status, None));
    }
    script.answer(200);
    assert_eq!(app(signed()).await, (200, None));
    assert_eq!(app(signed()).await, (200, None));
    assert_eq!(script.runs(), 4);
}

async fn concurrent_repeat_gets_503_and_is_handled_later<F: Framework>() {
    let Setup { app, once, script } = setup::<F>().await;
    script.waits.store(true, Ordering::SeqCst);
    let first = tokio::task::spawn_local(app(signed()));
    while script.runs() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(app(signed()).await, (503, Some("30".into())));
    assert_eq!(once.count(Event::Running), 1);
    script.gate.notify_one();
    assert_eq!(first.await.unwrap(), (200, None));
    assert_eq!(app(signed()).await, (200, None));
    assert_eq!(script.runs(), 1);
}

async fn handler_runs_on_after_its_sender_disconnects<F: Framework>() {
    let Setup { app, once, script } = setup::<F>().await;
    script.waits.store(true, Ordering::SeqCst);
    let sent = tokio::time::timeout(Duration::from_millis(20), app(signed())).await;
    assert!(sent.is_err() && script.runs() == 1, "the sender disconnects while the handler runs");
    script.gate.notify_one();
    once.idle().await;
    assert_eq!(app(signed()).await, (200, None));
    assert_eq!(script.runs(), 1);
}

async fn panic_of_the_handler_releases_the_delivery<F: Framework>() {
    let Setup { app, script, .. } = setup::<F>().await;
    script.panics.store(true, Ordering::SeqCst);
    assert_eq!(caught(app(signed())).await, Err(()), "the panic goes on");
    script.panics.store(false, Ordering::SeqCst);
    assert_eq!(app(signed()).await, (200, None));
    assert_eq!(script.runs(), 2);
}

async fn forged_delivery_claims_nothing<F: Framework>() {
    let Setup { app, once, script } = setup::<F>().await;
    assert_eq!(app(signed().body("forged")).await.0, 401);
    assert_eq!(app(Delivery::unsigned("body")).await.0, 401);
    assert_eq!((script.runs(), once.count(Event::Claimed), once.count(Event::Unguarded)), (0, 0, 0));
    assert_eq!(app(signed()).await, (200, None));
}

macro_rules! once_suite {
    ($($framework:ident: $module:ident),+ $(,)?; $($fact:ident),+ $(,)?) => {
        once_suite!(@each [$($framework: $module),+] [$($fact),+]);
    };
    (@each [$($framework:ident: $module:ident),+] $facts:tt) => {
        $(mod $module { once_suite!(@facts $framework $facts); })+
    };
    (@facts $framework:ident [$($fact:ident),+]) => {
        $(
            #[test]
            fn $fact() {
                conformance::run(async { tokio::task::LocalSet::new().run_until(super::$fact::<super::$framework>()).await });
            }
        )+
    };
}

once_suite! {
    Axum: under_axum, ActixWeb: under_actix_web, Warp: under_warp;
    handled_delivery_gets_its_stored_status,
    failed_delivery_is_handled_again,
    concurrent_repeat_gets_503_and_is_handled_later,
    handler_runs_on_after_its_sender_disconnects,
    panic_of_the_handler_releases_the_delivery,
    forged_delivery_claims_nothing,
}
