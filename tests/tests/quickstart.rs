//! The programs in README.md: each is the text of an example, which is compiled, and answers as the README says.

use actix_web::App;
use actix_web::test::{TestRequest, call_service, init_service};
use conformance::{Delivery, SyncBody};
use countersign::{Secret, Signer, providers};
use tower::ServiceExt as _;

#[path = "../../examples/actix/quickstart_actix.rs"]
mod quickstart_actix;

#[path = "../../examples/axum/quickstart_axum.rs"]
#[expect(dead_code, reason = "its `main` would listen on a fixed port")]
mod quickstart_axum;

#[path = "../../examples/warp/quickstart_warp.rs"]
#[expect(dead_code, reason = "its `main` would listen on a fixed port")]
mod quickstart_warp;

const README: &str = include_str!("../../README.md");

const PROGRAMS: [&str; 3] = [
    include_str!("../../examples/actix/quickstart_actix.rs"),
    include_str!("../../examples/axum/quickstart_axum.rs"),
    include_str!("../../examples/warp/quickstart_warp.rs"),
];

fn secret() -> Secret {
    Secret::new("It's a Secret to Everybody")
}

/// A delivery, the same forged, one that nobody signed, and what each is answered.
fn deliveries() -> [(Delivery, u16); 3] {
    let signer = Signer::new(providers::JIRA, secret()).unwrap();
    let json = |delivery: Delivery| delivery.header("Content-Type", "application/json; charset=utf-8");
    let good = json(Delivery::signed(&signer, r#"{"webhookEvent":"jira:issue_updated"}"#));
    let forged = good.clone().body(r#"{"webhookEvent":"jira:issue_deleted"}"#);
    [(good, 200), (forged, 401), (json(Delivery::unsigned("{}")), 401)]
}

fn to_jira(delivery: Delivery) -> http::Request<SyncBody> {
    let mut request = delivery.into_request().map(SyncBody::new);
    *request.uri_mut() = "/jira".parse().unwrap();
    request
}

#[test]
fn the_readme_shows_the_programs_as_they_are() {
    for program in PROGRAMS {
        // But for the first line, which says what the file is.
        let (title, program) = program.split_once("\n\n").unwrap();
        assert!(README.contains(&format!("```rust,no_run\n{program}```\n")), "README.md differs from the example: {title}");
    }
}

#[test]
fn the_program_for_axum_takes_a_delivery_and_rejects_a_forged_one() {
    conformance::run(async {
        for (delivery, status) in deliveries() {
            let app = quickstart_axum::app(secret()).unwrap();
            assert_eq!(app.oneshot(to_jira(delivery).map(axum::body::Body::new)).await.unwrap().status(), status);
        }
        assert!(quickstart_axum::app(Secret::new("")).is_err(), "an empty secret does not start");
    });
}

#[test]
fn the_program_for_actix_web_takes_a_delivery_and_rejects_a_forged_one() {
    conformance::run(async {
        let verifier = quickstart_actix::verifier(secret()).unwrap();
        let app = init_service(App::new().configure(quickstart_actix::routes(&verifier))).await;
        for (delivery, status) in deliveries() {
            let mut request = TestRequest::post().uri("/jira").set_payload(delivery.whole_body());
            for (name, value) in &delivery.headers {
                request = request.append_header((name.as_str(), &value[..]));
            }
            assert_eq!(call_service(&app, request.to_request()).await.status(), status);
        }
        assert!(quickstart_actix::verifier(Secret::new("")).is_err(), "an empty secret does not start");
    });
}

#[test]
fn the_program_for_warp_takes_a_delivery_and_rejects_a_forged_one() {
    conformance::run(async {
        for (delivery, status) in deliveries() {
            let routes = warp::service(quickstart_warp::routes(secret()).unwrap());
            assert_eq!(routes.oneshot(to_jira(delivery)).await.unwrap().status(), status);
        }
        assert!(quickstart_warp::routes(Secret::new("")).is_err(), "an empty secret does not start");
    });
}

#[test]
fn the_programs_listen_where_the_readme_posts_to() {
    for program in PROGRAMS {
        let here = program.contains("\"127.0.0.1:3000\"") || program.contains("[127, 0, 0, 1], 3000");
        assert!(here && (program.contains("(\"/jira\"") || program.contains("path!(\"jira\")")), "{program}");
    }
    assert!(README.contains("http://127.0.0.1:3000/jira"));
}
