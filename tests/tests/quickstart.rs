//! The program in README.md: its text is that of the example, which is compiled, and answers as the README says.

use conformance::Delivery;
use countersign::{Secret, Signer, providers};
use http::StatusCode;
use quickstart::app;
use tower::ServiceExt as _;

#[path = "../../examples/quickstart.rs"]
#[expect(dead_code, reason = "its `main` would listen on a fixed port")]
mod quickstart;

#[test]
fn the_readme_shows_the_program_as_it_is() {
    let program = include_str!("../../examples/quickstart.rs");
    // But for the first line, which says what the file is.
    let (_, program) = program.split_once("\n\n").unwrap();
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&format!("```rust,no_run\n{program}```\n")), "README.md and examples/quickstart.rs differ");
}

#[test]
fn the_program_takes_a_delivery_and_refuses_a_forged_one() {
    conformance::run(async {
        let receiver = || app(Secret::new("It's a Secret to Everybody")).unwrap();
        let signer = Signer::new(providers::JIRA, Secret::new("It's a Secret to Everybody")).unwrap();
        let delivery = Delivery::signed(&signer, r#"{"webhookEvent":"jira:issue_updated"}"#).header("Content-Type", "application/json");
        let request = |delivery: Delivery| {
            let mut request = delivery.into_request().map(axum::body::Body::new);
            *request.uri_mut() = "/jira".parse().unwrap();
            request
        };
        assert_eq!(receiver().oneshot(request(delivery.clone())).await.unwrap().status(), StatusCode::OK);
        let forged = delivery.body(r#"{"webhookEvent":"jira:issue_deleted"}"#);
        assert_eq!(receiver().oneshot(request(forged)).await.unwrap().status(), StatusCode::UNAUTHORIZED);
        assert!(app(Secret::new("")).is_err(), "an empty secret does not start");
    });
}

#[test]
fn the_program_listens_where_the_readme_posts_to() {
    let program = include_str!("../../examples/quickstart.rs");
    assert!(program.contains("bind(\"127.0.0.1:3000\")") && program.contains("route(\"/jira\""));
    assert!(include_str!("../../README.md").contains("http://127.0.0.1:3000/jira"));
}
