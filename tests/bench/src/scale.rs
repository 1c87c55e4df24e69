//! Growth of the cost. Each table goes from small to large, and each ratio compares with the first row.
//!
//! The allocations and bytes include the request, and the memory of each chunk.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use ::axum::body::Body;
use ::warp::service;
use countersign::{Secret, Verifier, providers};
use countersign_actix_web::Verify as VerifyActix;
use countersign_tenants::Tenants;
use countersign_tower::VerifyLayer;
use countersign_warp::Verify as VerifyWarp;
use futures_util::future::join_all;
use http::{HeaderMap, HeaderName, Request, StatusCode};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::application::{Application, of_actix};
use crate::delivery::{LIMIT, SECRET, SIGNATURE, body, signature_of, verifier, verifier_of_keys};
use crate::runtime::block_on;
use crate::table::{Row, bytes, print_rows};
use crate::upload::Upload;
use crate::{actix, axum, warp};

const CHUNK: usize = 16 * 1024;

pub fn run() {
    let applications = [
        Application::of_axum("axum, Router::layer", axum::verified()),
        of_actix!("actix-web, wrap", actix::bare().wrap(VerifyActix::new(verifier()))),
        Application::of_warp("warp, then", service(warp::verified(VerifyWarp::new(verifier())))),
    ];
    print_rows("The body, in one piece", "core, verify", SIZES.map(core_of_size).into());
    for application in &applications {
        let rows = SIZES.map(|size| Row::new(bytes(size), delivered(application, headers_of(size, 0), size)));
        print_rows("The body, in chunks of 16 KiB", application.name, rows.into());
    }
    for size in [0, 1024, 65_536] {
        print_rows("Keys, only the last key matches", &bytes(size), [1, 2, 10].map(|keys| core_of_keys(size, keys)).into());
    }
    let shared = verifier();
    let rows = vec![
        on_threads("one thread", vec![verifier()]),
        on_threads("two threads, one verifier", vec![shared.clone(), shared]),
        on_threads("two threads, a verifier each", vec![verifier(), verifier()]),
    ];
    print_rows("Threads, no body", "core, verify", rows);
    let bare = [
        Application::of_axum("axum, bare handler", axum::bare()),
        of_actix!("actix-web, bare handler", actix::bare()),
        Application::of_warp("warp, bare handler", service(warp::bare())),
    ];
    for application in bare.iter().zip(&applications).flat_map(<[&Application; 2]>::from) {
        let rows =
            [10, 100].map(|others| Row::new(format!("{others} other headers"), delivered(application, headers_of(1024, others), 1024)));
        print_rows("Headers before the signature, 1 KiB; includes the creation of the request", application.name, rows.into());
    }
    for application in bare[..1].iter().chain(&applications) {
        let rows = [1, 10, 100, 1000, 10_000].map(|at_once| interleaved(application, at_once));
        print_rows("Deliveries at once on one thread, 4 KiB in four chunks, taking turns", application.name, rows.into());
    }
    let rows = [10, 10_000, 1_000_000].map(tenants);
    print_rows("Cached tenants, one after another, no body", "tower layer around an empty handler", rows.into());
}

const SIZES: [usize; 6] = [0, 1024, 16_384, 65_536, 1_048_576, 10_485_760];

fn core_of_size(size: usize) -> Row<'static> {
    verified(bytes(size), verifier(), size)
}

fn core_of_keys(size: usize, keys: usize) -> Row<'static> {
    verified(format!("keys: {keys}"), verifier_of_keys(keys), size)
}

/// Verifies on one thread for each of `verifiers`. The figure is the time of the slowest thread for one delivery, with the start of the threads.
fn on_threads(name: &str, verifiers: Vec<Verifier>) -> Row<'static> {
    const DELIVERIES_OF_EACH_THREAD: u32 = 10_000;
    let headers = [(SIGNATURE, signature_of(b""))];
    Row::of_many(name, DELIVERIES_OF_EACH_THREAD, move || {
        std::thread::scope(|scope| {
            for verifier in &verifiers {
                scope.spawn(|| {
                    for _ in 0..DELIVERIES_OF_EACH_THREAD {
                        black_box(verifier.verify(black_box(&headers), black_box(b"")).unwrap());
                    }
                });
            }
        });
    })
}

fn verified(name: String, verifier: Verifier, size: usize) -> Row<'static> {
    let body = body(size);
    let headers = [(SIGNATURE, signature_of(&body))];
    Row::new(name, move || {
        black_box(verifier.verify(black_box(&headers), black_box(&body)).unwrap());
    })
}

/// Returns this number of other headers, followed by the signature.
fn headers_of(size: usize, others: usize) -> HeaderMap {
    let before = (0..others).map(|place| (format!("x-header-{place}").parse::<HeaderName>().unwrap(), "value".parse().unwrap()));
    before.chain([(SIGNATURE.parse().unwrap(), signature_of(&body(size)).parse().unwrap())]).collect()
}

fn delivered(application: &Application, headers: HeaderMap, size: usize) -> impl FnMut() {
    let body = body(size);
    move || assert_eq!(block_on(application.send(&headers, Upload::in_chunks(body.clone(), CHUNK))), 200)
}

fn interleaved(application: &Application, at_once: u32) -> Row<'_> {
    let (headers, body) = (headers_of(4096, 0), body(4096));
    Row::of_many(format!("{at_once} at once"), at_once, move || {
        let sent = (0..at_once).map(|_| application.send(&headers, Upload::in_chunks(body.clone(), 1024).pausing()));
        assert!(block_on(join_all(sent)).into_iter().all(|status| status == 200));
    })
}

fn tenants(held: u32) -> Row<'static> {
    let source = async |_tenant| Ok::<_, Infallible>(Some([("key", Secret::new(SECRET))]));
    let builder = Tenants::builder(Verifier::builder(providers::GITHUB).body_limit(LIMIT)).by_path("/hook/{tenant}");
    let builder = builder.capacity(2 * u64::from(held)).time_to_live(Duration::from_secs(24 * 60 * 60));
    let tenants = builder.build(source).unwrap();
    let layer = VerifyLayer::new(tenants.clone());
    let answer = layer.layer(service_fn(async |_request| Ok::<_, Infallible>(http::Response::new(Body::empty()))));
    let signature = signature_of(b"");
    let deliver = move |tenant: u32| {
        let request = Request::post(format!("/hook/{tenant}")).header(SIGNATURE, signature.as_str()).body(Body::empty()).unwrap();
        assert_eq!(block_on(answer.clone().oneshot(request)).unwrap().status(), StatusCode::OK);
    };
    (0..held).for_each(&deliver);
    assert_eq!(tenants.cached(), u64::from(held));
    let mut tenant = 0_u32;
    Row::new(format!("{held} tenants"), move || {
        // The step is a prime, so every tenant gets deliveries. With many tenants, consecutive deliveries are never of neighbours.
        tenant = (tenant + 7919) % held;
        deliver(tenant);
    })
}
