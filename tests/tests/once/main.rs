//! Facts about the guard `Once`, through every adapter with a guard.

mod apps;
mod log;
mod stores;
mod torture;

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use conformance::Delivery;
use countersign::identity::Identity;
use countersign::{Secret, Signer, Verifier, providers};
use countersign_once::{GuardEvent, MemoryStore, Once, OnceBuilder, WhenDown};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Notify;
use tracing::Instrument as _;

use crate::apps::{ActixWeb, App, AppFuture, Axum, Framework, Parts, Script, Warp};
use crate::stores::{Down, Marks};

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

fn jira() -> Verifier {
    Verifier::builder(providers::JIRA).key("k", secret()).build().unwrap()
}

async fn setup<F: Framework>() -> Setup {
    setup_with::<F>(|builder| builder, |parts| F::app(parts)).await
}

async fn setup_with<F: Framework>(
    change: impl FnOnce(OnceBuilder) -> OnceBuilder,
    start: impl FnOnce(Parts<Arc<Script>>) -> AppFuture,
) -> Setup {
    conformance::log::subscribe();
    let once = change(Once::builder("jira", MemoryStore::new(1000))).build(&jira()).unwrap();
    let script = Arc::new(Script::default());
    script.answer(200);
    let parts =
        Parts { verifiers: jira().into(), once: once.clone(), handler: Arc::clone(&script), names_tenant: false, report_only: false };
    Setup { app: start(parts).await, once, script }
}

/// Awaits a future. Returns a panic of the future as an error.
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
    assert_eq!((script.runs(), once.count(GuardEvent::Claimed), once.count(GuardEvent::Repeated)), (1, 1, 3));
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
    assert_eq!(once.count(GuardEvent::Running), 1);
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
    assert_eq!((script.runs(), once.count(GuardEvent::Claimed), once.count(GuardEvent::Unguarded)), (0, 0, 0));
    assert_eq!(app(signed()).await, (200, None));
}

async fn delivery_in_other_chunks_or_by_another_key_is_a_repeat<F: Framework>() {
    let verifier = Verifier::builder(providers::JIRA).key("old", secret()).key("new", Secret::new("another secret of some length"));
    let verifier = verifier.build().unwrap();
    let Setup { app, once, script } = setup_with::<F>(|b| b, |parts| F::app(Parts { verifiers: verifier.into(), ..parts })).await;
    let body = "a longer body, in several chunks".repeat(100);
    let sign = |secret| Delivery::signed(&Signer::new(providers::JIRA, secret).unwrap(), &body);
    let whole = sign(secret());
    assert_eq!(app(whole.clone()).await, (200, None));
    assert_eq!(app(whole.clone().chunks(body.as_bytes().chunks(7))).await, (200, None));
    assert_eq!(app(sign(Secret::new("another secret of some length"))).await, (200, None));
    assert_eq!((script.runs(), once.count(GuardEvent::Repeated)), (1, 2));
    // The digest taken while the body arrived equals the digest of the whole body.
    let verified = jira().verify(&whole.headers, body.as_bytes()).unwrap();
    let (key, _) = Identity::BODY.keys("jira", &verified, body.as_bytes()).unwrap();
    assert_eq!(script.last_claim().key(), key);
}

async fn delivery_without_an_identity_is_handled_each_time<F: Framework>() {
    let Setup { app, once, script } = setup_with::<F>(|builder| builder.identity(Identity::member("id")), F::app).await;
    assert_eq!(app(signed()).await, (200, None));
    let first = script.last_claim();
    assert_eq!(app(signed()).await, (200, None));
    assert_eq!((script.runs(), once.count(GuardEvent::Unguarded), once.count(GuardEvent::Claimed)), (2, 2, 0));
    assert!(!first.is_guarded() && first.key() != script.last_claim().key(), "no two deliveries share a random key");
}

async fn silent_store_puts_off_deliveries_under_when_down_refuse<F: Framework>() {
    let down = |_| Once::builder("jira", Down).patience(Duration::from_millis(10)).when_down(WhenDown::Refuse);
    let Setup { app, once, script } = setup_with::<F>(down, F::app).await;
    assert_eq!(app(signed()).await, (503, Some("30".into())));
    assert_eq!((script.runs(), once.count(GuardEvent::Unavailable), once.count(GuardEvent::Unguarded)), (0, 1, 0));
}

async fn silent_store_lets_the_handler_run_under_when_down_run<F: Framework>() {
    let down = |_| Once::builder("jira", Down).patience(Duration::from_millis(10)).when_down(WhenDown::Run);
    let Setup { app, once, script } = setup_with::<F>(down, F::app).await;
    for _ in 0..2 {
        assert_eq!(app(signed()).await, (200, None));
    }
    assert_eq!((script.runs(), once.count(GuardEvent::Unavailable), once.count(GuardEvent::Unguarded)), (2, 2, 2));
    // The claim still has the key of the delivery, for a transaction of the handler.
    let verified = jira().verify(&signed().headers, b"body").unwrap();
    let (key, _) = Identity::BODY.keys("jira", &verified, b"body").unwrap();
    assert_eq!((script.last_claim().key(), script.last_claim().is_guarded()), (key, false));
}

async fn response_waits_for_the_mark_and_stays_2xx_after_a_failed_mark<F: Framework>() {
    let store = Marks::default();
    let (marks, fails) = (Arc::clone(&store.written), Arc::clone(&store.fails));
    let Setup { app, once, script } = setup_with::<F>(|_| Once::builder("jira", store), F::app).await;
    assert_eq!(app(signed()).await, (200, None));
    assert_eq!(marks.load(Ordering::SeqCst), 1, "the mark is written before the response");
    fails.store(true, Ordering::SeqCst);
    let other = Delivery::signed(&Signer::new(providers::JIRA, secret()).unwrap(), "other").header("Content-Type", "text/plain");
    assert_eq!(app(other.clone()).await, (200, None), "a 5xx would run the handler again");
    assert_eq!((marks.load(Ordering::SeqCst), once.count(GuardEvent::Unavailable)), (1, 1));
    fails.store(false, Ordering::SeqCst);
    once.idle().await;
    assert_eq!(app(other).await, (200, None));
    assert_eq!((script.runs(), marks.load(Ordering::SeqCst)), (2, 2));
}

async fn equal_bodies_of_two_tenants_are_both_handled<F: Framework>() {
    let tenants = conformance::facts::tenants_from_application();
    let start = |parts| F::app(Parts { verifiers: tenants.into(), names_tenant: true, ..parts });
    let Setup { app, script, .. } = setup_with::<F>(|builder| builder, start).await;
    for tenant in ["acme", "globex", "acme"] {
        let signer = Signer::new(providers::JIRA, Secret::new(format!("new of {tenant}"))).unwrap();
        let delivery = Delivery::signed(&signer, "body").header("X-Tenant", tenant).header("Content-Type", "text/plain");
        assert_eq!(app(delivery).await, (200, None), "{tenant}");
    }
    assert_eq!(script.runs(), 2);
}

async fn handler_keeps_its_span<F: Framework>() {
    let Setup { app, .. } = setup::<F>().await;
    let ((), log) = conformance::log::log_of(async {
        let span = tracing::info_span!(target: "conformance", "span_of_the_request");
        assert_eq!(app(signed()).instrument(span).await, (200, None));
    })
    .await;
    let line = log.lines().find(|line| line.contains("the handler runs")).unwrap();
    assert!(line.contains("span_of_the_request"), "{line}");
}

async fn extractor_and_guard_handle_a_delivery_once<F: Framework>() {
    let Setup { app, once, script } = setup_with::<F>(|builder| builder, F::extracting_app).await;
    script.answer(500);
    assert_eq!(app(signed()).await.0, 500);
    script.answer(202);
    for _ in 0..2 {
        assert_eq!(app(signed()).await.0, 202);
    }
    assert_eq!((script.runs(), once.count(GuardEvent::Claimed), once.count(GuardEvent::Repeated)), (2, 2, 1));
    assert_eq!(app(signed().body("forged")).await.0, 401);
    // A sender that disconnects drops the handler, and the claim with the handler.
    script.waits.store(true, Ordering::SeqCst);
    let other = Delivery::signed(&Signer::new(providers::JIRA, secret()).unwrap(), "other");
    let sent = tokio::time::timeout(Duration::from_millis(20), app(other.clone())).await;
    assert!(sent.is_err());
    script.gate.notify_one();
    assert_eq!(app(other).await.0, 202);
    assert_eq!(script.runs(), 4);
}

async fn unverified_delivery_in_report_only_mode_claims_nothing<F: Framework>() {
    let start = |parts| F::app(Parts { report_only: true, ..parts });
    let Setup { app, once, script } = setup_with::<F>(|builder| builder, start).await;
    let forged = Delivery::unsigned("body").header("Content-Type", "text/plain");
    for _ in 0..2 {
        assert_eq!(app(forged.clone()).await, (200, None));
    }
    assert_eq!((script.runs(), once.count(GuardEvent::Claimed), once.count(GuardEvent::Unguarded)), (2, 0, 2));
    assert!(!script.last_claim().is_guarded());
    assert_eq!(app(signed()).await, (200, None));
    assert!(script.last_claim().is_guarded());
    assert_eq!((script.runs(), once.count(GuardEvent::Claimed)), (3, 1));
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
    delivery_in_other_chunks_or_by_another_key_is_a_repeat,
    delivery_without_an_identity_is_handled_each_time,
    silent_store_puts_off_deliveries_under_when_down_refuse,
    silent_store_lets_the_handler_run_under_when_down_run,
    response_waits_for_the_mark_and_stays_2xx_after_a_failed_mark,
    equal_bodies_of_two_tenants_are_both_handled,
    handler_keeps_its_span,
    extractor_and_guard_handle_a_delivery_once,
}

// A filter of warp in report-only mode hands out an `Outcome`, and takes no guard.
#[test]
fn unverified_delivery_in_report_only_mode_claims_nothing_under_axum() {
    conformance::run(async {
        tokio::task::LocalSet::new().run_until(unverified_delivery_in_report_only_mode_claims_nothing::<Axum>()).await;
    });
}

#[test]
fn unverified_delivery_in_report_only_mode_claims_nothing_under_actix_web() {
    conformance::run(async {
        tokio::task::LocalSet::new().run_until(unverified_delivery_in_report_only_mode_claims_nothing::<ActixWeb>()).await;
    });
}

/// A stopped worker of actix-web drops the handlers of disconnected senders, so this test needs a real server.
#[test]
fn handlers_of_disconnected_senders_end_before_an_actix_server_stops() {
    use actix_web::{App as Application, HttpResponse, HttpServer, rt, web};

    // Other tests of this file capture the events of this guard.
    conformance::log::subscribe();
    rt::System::new().block_on(async {
        let once = Once::builder("jira", MemoryStore::new(100)).build(&jira()).unwrap();
        let (guard, gate, began, ended) =
            (once.clone(), Arc::<Notify>::default(), Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let counts = (Arc::clone(&gate), Arc::clone(&began), Arc::clone(&ended));
        let server = HttpServer::new(move || {
            let (gate, began, ended) = counts.clone();
            let on_event = move || {
                let (gate, began, ended) = (Arc::clone(&gate), Arc::clone(&began), Arc::clone(&ended));
                async move {
                    began.fetch_add(1, Ordering::SeqCst);
                    gate.notified().await;
                    ended.fetch_add(1, Ordering::SeqCst);
                    HttpResponse::Ok().finish()
                }
            };
            let verify = countersign_actix_web::Verify::new(jira()).once(guard.clone());
            Application::new().service(web::resource("/hook").route(web::post().to(on_event)).wrap(verify))
        });
        let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let (address, server) = (server.addrs()[0], server.run());
        let handle = server.handle();
        rt::spawn(server);
        let line = |(name, value): &(String, Vec<u8>)| [name.as_bytes(), b": ", value, b"\r\n"].concat();
        let head = String::from_utf8(signed().headers.iter().flat_map(line).collect()).unwrap();
        let request = format!("POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n{head}\r\nbody");
        let mut sender = tokio::net::TcpStream::connect(address).await.unwrap();
        sender.write_all(request.as_bytes()).await.unwrap();
        while began.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(sender);
        // Gives the server time to notice the end of the connection. The server still accepts other connections.
        tokio::time::sleep(Duration::from_millis(50)).await;
        once.close();
        gate.notify_one();
        once.idle().await;
        handle.stop(true).await;
        assert_eq!(ended.load(Ordering::SeqCst), 1);
    });
}
