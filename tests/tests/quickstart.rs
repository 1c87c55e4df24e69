//! Tests of the programs in the guides to axum, actix-web and warp: each program is the text of an example, and responds as described in
//! the guide. All tests and guides named by the README exist.

use std::fs;
use std::path::Path;

use actix_web::App;
use actix_web::test::{TestRequest, call_service, init_service};
use conformance::{Delivery, SyncBody};
use countersign::{Secret, Signer, providers};
use tower::ServiceExt as _;

#[path = "../../examples/actix/quickstart_actix.rs"]
mod quickstart_actix;

#[path = "../../examples/axum/quickstart_axum.rs"]
#[expect(dead_code, reason = "the `main` of the example would listen on a fixed port")]
mod quickstart_axum;

#[path = "../../examples/warp/quickstart_warp.rs"]
#[expect(dead_code, reason = "the `main` of the example would listen on a fixed port")]
mod quickstart_warp;

const README: &str = include_str!("../../README.md");

/// Each program, and the guide that shows the program.
const PROGRAMS: [(&str, &str); 3] = [
    (include_str!("../../examples/actix/quickstart_actix.rs"), include_str!("../../crates/countersign/src/manual/actix_web.md")),
    (include_str!("../../examples/axum/quickstart_axum.rs"), include_str!("../../crates/countersign/src/manual/axum.md")),
    (include_str!("../../examples/warp/quickstart_warp.rs"), include_str!("../../crates/countersign/src/manual/warp.md")),
];

fn secret() -> Secret {
    Secret::new("It's a Secret to Everybody")
}

/// Returns a good, a forged and an unsigned delivery, each with the expected status.
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
fn guides_show_the_programs_word_for_word() {
    for (program, guide) in PROGRAMS {
        // The first line of an example is the title of the file.
        let (title, program) = program.split_once("\n\n").unwrap();
        assert!(guide.contains(&format!("```rust,no_run\n{program}```\n")), "the guide differs from the example: {title}");
    }
}

/// The excerpts in the guide to adding a framework are the code of the example for Rocket.
#[test]
fn framework_guide_shows_the_rocket_example_word_for_word() {
    let guide = include_str!("../../crates/countersign/src/manual/adding_a_framework.md");
    let example = include_str!("../../examples/frameworks/rocket/src/delivery.rs");
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let example = squeezed(example);
    let excerpts: Vec<&str> = guide.split("```text\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(excerpts.len() >= 3, "{}", excerpts.len());
    for excerpt in excerpts {
        assert!(example.contains(&squeezed(excerpt)), "not in the example: {excerpt}");
    }
}

#[test]
fn files_and_tests_named_by_the_readme_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let links: Vec<(&str, &str)> = README.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ")).collect();
    assert!(links.len() > 30, "{}", links.len());
    for (text, path) in links {
        assert!(root.join(path).exists(), "{path}");
        let name = text.trim_matches('`');
        if path.starts_with("tests/") && !name.starts_with("tests/") {
            assert!(fs::read_to_string(root.join(path)).unwrap().contains(&format!("fn {name}")), "{name} is not in {path}");
        }
    }
}

#[test]
fn tests_named_by_the_threat_model_exist() {
    fn read(folder: &Path, sources: &mut String) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                read(&entry.path(), sources);
            } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
                sources.push_str(&fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    let model = include_str!("../../crates/countersign/src/manual/threat_model.md");
    let spans = model.split('`').skip(1).step_by(2);
    let names = spans
        .filter(|span| span.contains('_') && span.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut sources = String::new();
    for folder in fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path()).chain([root.join("tests")]) {
        for folder in ["src", "tests"].map(|name| folder.join(name)).iter().filter(|folder| folder.exists()) {
            read(folder, &mut sources);
        }
    }
    let mut count = 0;
    for name in names {
        count += 1;
        assert!(sources.contains(&format!("fn {name}(")) || sources.contains(&format!("fn {name}<")), "no function is named {name}");
    }
    assert!(count > 30, "{count}");
}

#[test]
fn axum_program_takes_a_delivery_and_rejects_a_forgery() {
    conformance::run(async {
        for (delivery, status) in deliveries() {
            let app = quickstart_axum::app(secret()).unwrap();
            assert_eq!(app.oneshot(to_jira(delivery).map(axum::body::Body::new)).await.unwrap().status(), status);
        }
        assert!(quickstart_axum::app(Secret::new("")).is_err(), "the program does not start with an empty secret");
    });
}

#[test]
fn actix_web_program_takes_a_delivery_and_rejects_a_forgery() {
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
        assert!(quickstart_actix::verifier(Secret::new("")).is_err(), "the program does not start with an empty secret");
    });
}

#[test]
fn warp_program_takes_a_delivery_and_rejects_a_forgery() {
    conformance::run(async {
        for (delivery, status) in deliveries() {
            let routes = warp::service(quickstart_warp::routes(secret()).unwrap());
            assert_eq!(routes.oneshot(to_jira(delivery)).await.unwrap().status(), status);
        }
        assert!(quickstart_warp::routes(Secret::new("")).is_err(), "the program does not start with an empty secret");
    });
}

#[test]
fn programs_listen_at_the_address_of_the_guides() {
    for (program, guide) in PROGRAMS {
        let here = program.contains("\"127.0.0.1:3000\"") || program.contains("[127, 0, 0, 1], 3000");
        assert!(here && (program.contains("(\"/jira\"") || program.contains("path!(\"jira\")")), "{program}");
        assert!(guide.contains("127.0.0.1:3000"));
    }
}

#[test]
fn responses_guide_names_every_cause() {
    let guide = include_str!("../../crates/countersign/src/manual/responses.md");
    let kinds = include_str!("../../crates/countersign/src/verdict/rejection_kind.rs");
    // A row is `Kind = 401, "label", "text";`.
    let rows = kinds.lines().filter(|line| line.starts_with("    ") && line[4..].starts_with(char::is_uppercase));
    let labels: Vec<&str> = rows.filter_map(|line| line.split_once(" = ")?.1.split_once(", \"")?.1.split('"').next()).collect();
    assert_eq!(labels.len(), 26);
    for label in labels {
        assert!(guide.contains(&format!("`{label}`")), "{label}");
    }
}
