//! A test on actix-web's own limits, which apply after the limit of the verifier. The test has a separate process, because the warning is
//! logged once per process.

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, web};
use conformance::log::log_of;
use conformance::vectors::{signer, verifier};
use countersign::providers;
use countersign_actix_web::Verify;
use serde_json::Value;

#[test]
fn verified_body_over_a_limit_of_actix_web_is_logged_once() {
    conformance::run(async {
        let handler = |_: web::Json<Value>| async { HttpResponse::Ok().finish() };
        let limit = || web::JsonConfig::default().limit(4);
        let strict =
            init_service(App::new().app_data(limit()).route("/hook", web::post().to(handler)).wrap(Verify::new(verifier(providers::JIRA))))
                .await;
        let lenient = Verify::new(verifier(providers::JIRA)).insecure_report_only();
        let lenient = init_service(App::new().app_data(limit()).route("/hook", web::post().to(handler)).wrap(lenient)).await;
        let body = r#"{"a":1}"#;
        let signed = || signer(providers::JIRA).sign(body.as_bytes()).remove(0);
        let request = || TestRequest::post().uri("/hook").append_header(("content-type", "application/json")).set_payload(body);

        let (response, log) = log_of(call_service(&lenient, request().to_request())).await;
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert!(!log.contains("JsonConfig"), "the delivery was not verified: {log}");

        let (response, log) = log_of(call_service(&strict, request().append_header(signed()).to_request())).await;
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let warnings: Vec<_> = log.lines().filter(|line| line.contains("JsonConfig")).collect();
        assert!(matches!(warnings[..], [line] if line.contains("WARN")), "{log}");

        let (_, log) = log_of(call_service(&strict, request().append_header(signed()).to_request())).await;
        assert!(!log.contains("JsonConfig"), "the warning is not repeated: {log}");
    });
}
