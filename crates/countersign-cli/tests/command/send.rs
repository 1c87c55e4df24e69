//! Tests of `countersign send`.

use std::time::Duration;

use super::common::{CommandOutput, Folder, Upstream, answer_of, countersign};

const BODY: &str = "{\"webhookEvent\":\"jira:issue_created\"}";

fn send(url: &str, arguments: &[&str]) -> CommandOutput {
    let folder = Folder::new();
    let (secret, body) = (folder.write("secret", "swordfish"), folder.write("body", BODY));
    countersign(&[&["send", "--secret-file", &secret, url, &body], arguments].concat(), b"")
}

fn text(request: &[u8]) -> String {
    String::from_utf8(request.to_vec()).unwrap()
}

#[test]
fn delivery_has_the_form_of_the_provider() {
    let upstream = Upstream::new(|_| answer_of("200 OK", "thanks"));
    let output = send(&format!("{}/jira?a=b", upstream.url), &["-H", "X-Extra: 1"]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stdout.starts_with("200 OK in ") && output.stdout.ends_with("thanks\n"), "{output:?}");
    let request = text(&upstream.seen()[0]);
    assert!(request.starts_with("POST /jira?a=b HTTP/1.1\r\n") && request.ends_with(&format!("\r\n\r\n{BODY}")), "{request}");
    for header in ["Content-Type: application/json\r\n", "X-Hub-Signature: sha256=", "X-Atlassian-Webhook-Identifier: ", "X-Extra: 1\r\n"] {
        assert!(request.contains(header), "{header} in {request}");
    }
    assert!(!request.contains("Retry"), "{request}");
}

#[test]
fn exit_status_tells_whether_the_receiver_accepted() {
    for (status, code) in
        [("204 No Content", 0), ("401 Unauthorized", 1), ("302 Found", 1), ("404 Not Found", 1), ("500 Internal Server Error", 1)]
    {
        let upstream = Upstream::new(move |_| answer_of(status, ""));
        let output = send(&upstream.url, &[]);
        assert_eq!((output.code, output.stdout.starts_with(status)), (code, true), "{output:?}");
        assert_eq!(send(&upstream.url, &["--forge", "body"]).code == 0, status.starts_with("401"), "{status}");
    }
    let output = send("http://127.0.0.1:1/", &[]);
    assert_eq!((output.code, output.stdout.starts_with("no response from http://127.0.0.1:1/ in ")), (1, true), "{output:?}");
    let silent = Upstream::new(|_| String::new());
    let output = send(&silent.url, &["--timeout", "100ms"]);
    assert_eq!((output.code, output.stdout.contains("no response within 100ms")), (1, true), "{output:?}");
    assert_eq!(send("ftp://127.0.0.1/", &[]).code, 2);
}

#[test]
fn temporary_failure_is_retried_with_the_same_id() {
    let upstream = Upstream::new(|number| answer_of(if number < 3 { "503 Service Unavailable" } else { "200 OK" }, ""));
    let output = send(&upstream.url, &["--retries", "5", "--fast"]);
    assert_eq!((output.code, output.stdout.contains("at attempt 3")), (0, true), "{output:?}");
    let line = |request: &[u8], name: &str| text(request).lines().find(|line| line.starts_with(name)).map(str::to_owned);
    let seen = upstream.seen();
    let retries: Vec<_> = seen.iter().map(|request| line(request, "X-Atlassian-Webhook-Retry: ")).collect();
    assert_eq!(retries, [None, Some("X-Atlassian-Webhook-Retry: 1".into()), Some("X-Atlassian-Webhook-Retry: 2".into())]);
    let ids: Vec<_> = seen.iter().map(|request| line(request, "X-Atlassian-Webhook-Identifier: ").unwrap()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");

    let rejected = Upstream::new(|_| answer_of("401 Unauthorized", ""));
    assert_eq!(send(&rejected.url, &["--retries", "5", "--fast"]).code, 1);
    assert_eq!(rejected.seen().len(), 1, "a final response is not retried");
}

#[test]
fn each_attempt_is_signed_again_with_the_same_id() {
    let upstream = Upstream::new(|_| answer_of("503 Service Unavailable", ""));
    let folder = Folder::new();
    let (secret, body) = (folder.write("secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"), folder.write("body", BODY));
    let options = ["--provider", "standard-webhooks", "--secret-file", &secret];
    countersign(&[&["send"], &options[..], &["--retries", "12", "--fast", &upstream.url, &body]].concat(), b"");
    let headers =
        |request: &[u8]| -> Vec<String> { text(request).lines().filter(|line| line.starts_with("Webhook-")).map(str::to_owned).collect() };
    let (seen, of) =
        (upstream.seen(), |headers: &[String], name: &str| headers.iter().find(|header| header.starts_with(name)).unwrap().clone());
    let (first, last) = (headers(&seen[0]), headers(seen.last().unwrap()));
    assert_eq!(seen.len(), 13);
    assert_eq!(of(&first, "Webhook-Id"), of(&last, "Webhook-Id"));
    assert_ne!(of(&first, "Webhook-Timestamp"), of(&last, "Webhook-Timestamp"));
    let headers: Vec<&str> = last.iter().flat_map(|header| ["-H", header]).collect();
    assert_eq!(countersign(&[&["verify"], &options[..], &headers, &[&body]].concat(), b"").code, 0);
}

#[test]
fn many_deliveries_are_counted_and_timed() {
    let upstream = Upstream::new(|number| {
        std::thread::sleep(Duration::from_millis(2));
        answer_of(if number % 10 == 0 { "401 Unauthorized" } else { "200 OK" }, "")
    });
    let output = send(&upstream.url, &["--count", "100", "--concurrency", "10"]);
    assert_eq!(output.code, 1, "some deliveries were rejected: {output:?}");
    for line in ["      90  200 OK", "      10  401 Unauthorized"] {
        assert!(output.stdout.lines().any(|other| other == line), "{output:?}");
    }
    assert!(output.stdout.contains("p50 ") && output.stdout.contains("p99 ") && output.stderr.is_empty(), "{output:?}");
    let seen = upstream.seen();
    let ids: std::collections::BTreeSet<_> = seen
        .iter()
        .map(|request| text(request).lines().find(|line| line.starts_with("X-Atlassian-Webhook-Id")).unwrap().to_owned())
        .collect();
    assert_eq!((seen.len(), ids.len()), (100, 100), "each delivery has a new id");
}

#[test]
fn same_delivery_is_sent_again_whatever_the_response() {
    let folder = Folder::new();
    let secret = folder.write("secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let body = folder.write("body", BODY);
    let upstream = Upstream::new(|number| answer_of(if number == 2 { "503 Service Unavailable" } else { "200 OK" }, ""));
    let options = ["send", "--provider", "standard-webhooks", "--secret-file", &secret, "--repeat", "3", &upstream.url, &body];
    let output = countersign(&options, b"");
    let lines: Vec<_> = output.stdout.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!((output.code, lines), (1, vec!["200", "503", "200", "200"]), "{output:?}");
    let ids: std::collections::BTreeSet<_> = upstream
        .seen()
        .iter()
        .map(|request| text(request).lines().find(|line| line.starts_with("Webhook-Id")).unwrap().to_owned())
        .collect();
    assert_eq!((upstream.seen().len(), ids.len()), (4, 1));
    let together = Upstream::new(|_| answer_of("200 OK", ""));
    assert_eq!(send(&together.url, &["--repeat", "9", "--concurrency", "10"]).code, 0);
    assert_eq!(together.seen().len(), 10);
    let busy = Upstream::new(|number| answer_of(if number == 1 { "200 OK" } else { "503 Service Unavailable" }, ""));
    assert_eq!(send(&busy.url, &["--repeat", "2", "--concurrency", "3"]).code, 0, "concurrent repeats are put off");
    let down = Upstream::new(|_| answer_of("503 Service Unavailable", ""));
    assert_eq!(send(&down.url, &["--repeat", "2", "--concurrency", "3"]).code, 1);
    assert_eq!(send(&together.url, &["--repeat", "1", "--count", "2"]).code, 2, "--repeat excludes --count");
    let named = Upstream::new(|_| answer_of("200 OK", ""));
    send(&named.url, &["--id", "the-id"]);
    assert!(text(&named.seen()[0]).contains("X-Atlassian-Webhook-Identifier: the-id\r\n"));
}

#[test]
fn each_forgery_has_its_named_defect() {
    let upstream = Upstream::new(|_| answer_of("401 Unauthorized", ""));
    for forgery in ["signature", "missing", "truncated", "body"] {
        assert_eq!(send(&upstream.url, &["--forge", forgery]).code, 0, "{forgery}");
    }
    let good = Upstream::new(|_| answer_of("200 OK", ""));
    send(&good.url, &[]);
    let signature = |request: &[u8]| text(request).lines().find_map(|line| line.strip_prefix("X-Hub-Signature: ").map(str::to_owned));
    let right = signature(&good.seen()[0]).unwrap();
    let [wrong, missing, truncated, body] = <[Vec<u8>; 4]>::try_from(upstream.seen()).unwrap();
    assert_eq!((signature(&wrong).unwrap().len(), signature(&wrong) != Some(right.clone())), (right.len(), true));
    assert_eq!(signature(&missing), None);
    assert!(signature(&truncated).is_some_and(|cut| cut.len() < right.len() && right.starts_with(&cut)));
    assert_eq!(signature(&body), Some(right));
    assert!(text(&body).ends_with(&format!("{BODY} ")) && text(&wrong).ends_with(BODY));
}
