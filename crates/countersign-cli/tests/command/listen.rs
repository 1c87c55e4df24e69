//! A receiver to point a provider at.

#![expect(clippy::string_slice, reason = "what is sliced is ASCII, and a test may panic")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use countersign::{Secret, Signer, providers};
use serde_json::Value;

use super::common::{Folder, Upstream, answer_of, command, countersign};

const SECRET: &str = "swordfish";
const BODY: &str = "{\"webhookEvent\":\"jira:issue_created\",  \"a\":\"\u{e4}\"}\n";

/// `countersign listen`, until it is dropped.
struct Receiver {
    child: Child,
    address: String,
    lines: Arc<Mutex<Vec<String>>>,
    folder: Folder,
}

impl Receiver {
    fn new(arguments: &[&str]) -> Self {
        let folder = Folder::new();
        let secret = folder.write("secret", SECRET);
        let secret: &[&str] = if arguments.contains(&"--config") { &[] } else { &["--secret-file", &secret] };
        let mut command = command(&[&["listen", "--port", "0"], secret, arguments].concat());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        stderr.read_line(&mut said).unwrap();
        let address = said.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_else(|| panic!("{said}")).to_owned();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&lines);
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || stdout.lines().for_each(|line| told.lock().unwrap().push(line.unwrap())));
        thread::spawn(move || drop(stderr.read_to_string(&mut String::new())));
        Self { child, address, lines, folder }
    }

    /// What is answered to these bytes.
    fn answer(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// Waits until so many lines have been printed.
    fn lines(&self, count: usize) -> Vec<String> {
        let began = Instant::now();
        while self.lines.lock().unwrap().len() < count && began.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(5));
        }
        self.lines.lock().unwrap().clone()
    }

    fn interrupt(&self) {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signature(body: &[u8]) -> String {
    Signer::new(providers::JIRA, Secret::new(SECRET)).unwrap().sign(body).remove(0).1
}

/// A request on a connection that is closed after it, as its lines would be written by hand.
fn request(path: &str, signature: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: example.org\r\nX-HUB-Signature: {signature}\r\nx-Custom-THING: a  b\r\nAccept: one\r\nAccept: two\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

fn good() -> Vec<u8> {
    request("/jira/x?a=%20b&c", &signature(BODY.as_bytes()), BODY)
}

fn forgeries() -> Vec<Vec<u8>> {
    let right = signature(BODY.as_bytes());
    let chunked = format!(
        "POST /jira HTTP/1.1\r\nHost: h\r\nX-Hub-Signature: {right}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwrong\r\n0\r\n\r\n"
    );
    vec![
        request("/jira", &right, "another body"),
        request("/jira", &right[..30], BODY),
        request("/jira", "", BODY),
        request("/jira", &right.replace("sha256", "sha1"), BODY),
        b"POST /jira HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}".to_vec(),
        chunked.into_bytes(),
    ]
}

#[test]
fn what_is_genuine_is_passed_on_byte_for_byte_and_its_answer_comes_back() {
    let upstream = Upstream::new(|_| answer_of("299 Well", "all of the answer"));
    let receiver = Receiver::new(&["--forward", &upstream.url]);
    let answer = receiver.answer(&good());
    assert!(answer.starts_with("HTTP/1.1 299 ") && answer.ends_with("\r\n\r\nall of the answer"), "{answer}");
    assert!(answer.to_lowercase().contains("x-answer: yes\r\n"), "{answer}");
    let seen = String::from_utf8(upstream.seen().remove(0)).unwrap();
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, BODY);
    let sent = String::from_utf8(good()).unwrap();
    let mut sent: Vec<&str> = sent.split_once("\r\n\r\n").unwrap().0.split("\r\n").filter(|line| !line.starts_with("Connection")).collect();
    let mut passed: Vec<&str> = head.split("\r\n").collect();
    assert_eq!(passed.remove(0), sent.remove(0), "path and query are the same");
    sent.sort_unstable();
    passed.sort_unstable();
    assert_eq!(passed, sent, "so are the headers, but for those of the connection");
}

#[test]
fn nothing_that_is_not_genuine_is_passed_on() {
    let upstream = Upstream::new(|_| answer_of("200 OK", ""));
    let receiver = Receiver::new(&["--forward", &upstream.url, "--explain", "--json", "--body-limit", "100"]);
    for forgery in forgeries() {
        let answer = receiver.answer(&forgery);
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(answer.to_lowercase().contains("www-authenticate: webhooksignature\r\n"), "{answer}");
    }
    let long = "x".repeat(101);
    assert!(receiver.answer(&request("/jira", &signature(long.as_bytes()), &long)).starts_with("HTTP/1.1 413 "));
    assert_eq!(upstream.seen().len(), 0);
    let genuine_but_no_post = String::from_utf8(request("/admin", &signature(BODY.as_bytes()), BODY)).unwrap().replace("POST", "DELETE");
    assert!(receiver.answer(genuine_but_no_post.as_bytes()).starts_with("HTTP/1.1 405 "));
    assert_eq!(upstream.seen().len(), 0);
    for line in receiver.lines(8) {
        let value: Value = serde_json::from_str(&line).unwrap();
        if value["status"] == 405 {
            continue;
        }
        assert_eq!((value["verified"].as_bool(), value["forwarded"].as_bool()), (Some(false), None), "{line}");
        assert!(!line.contains(SECRET), "{line}");
    }
    assert!(receiver.answer(&good()).starts_with("HTTP/1.1 200 "));
    assert_eq!(upstream.seen().len(), 1, "and what is, still is");
}

#[test]
fn a_service_that_is_down_is_502_and_one_that_is_slow_504() {
    let receiver = Receiver::new(&["--forward", "http://127.0.0.1:1", "--json"]);
    assert!(receiver.answer(&good()).starts_with("HTTP/1.1 502 "));
    let value: Value = serde_json::from_str(&receiver.lines(1)[0]).unwrap();
    assert_eq!((value["verified"].as_bool(), value["forwarded"].as_bool(), value["status"].as_u64()), (Some(true), Some(false), Some(502)));
    let slow = Upstream::new(|_| {
        thread::sleep(Duration::from_secs(5));
        answer_of("200 OK", "")
    });
    let receiver = Receiver::new(&["--forward", &slow.url, "--forward-timeout", "200ms"]);
    assert!(receiver.answer(&good()).starts_with("HTTP/1.1 504 "));
    // Slow after its head.
    let half = Upstream::new(|_| "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_owned());
    let receiver = Receiver::new(&["--forward", &half.url, "--forward-timeout", "200ms"]);
    assert!(receiver.answer(&good()).starts_with("HTTP/1.1 504 "));
}

#[test]
fn each_delivery_is_told_of_and_kept_if_asked_for() {
    let kept = Folder::new();
    let save = kept.0.join("captured");
    let receiver = Receiver::new(&["--json", "--explain", "--save", save.to_str().unwrap()]);
    assert!(receiver.answer(&good()).starts_with("HTTP/1.1 200 "));
    receiver.answer(&request("/jira", &signature(BODY.as_bytes()), BODY.trim_end()));
    let lines: Vec<Value> = receiver.lines(2).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |value: &Value, names: &[&str]| names.iter().map(|name| value[*name].clone()).collect::<Vec<_>>();
    let fields = ["provider", "path", "verified", "event", "bytes", "status", "cause"];
    assert_eq!(
        Value::from(told(&lines[0], &fields)),
        serde_json::json!(["jira", "/jira/x?a=%20b&c", true, "jira:issue_created", BODY.len(), 200, null])
    );
    assert_eq!(
        Value::from(told(&lines[1], &fields)),
        serde_json::json!(["jira", "/jira", false, "jira:issue_created", BODY.len() - 1, 401, "mismatch"])
    );
    assert_eq!(lines[1]["causes"][0]["id"], "body_line_break_removed");
    let secret = receiver.folder.write("secret", SECRET);
    for (line, code) in lines.iter().zip([0, 1]) {
        let told = countersign(&["verify", "--secret-file", &secret, "--request", line["saved"].as_str().unwrap()], b"");
        assert_eq!(told.code, code, "{told:?}");
        #[cfg(unix)]
        for path in [save.as_path(), std::path::Path::new(line["saved"].as_str().unwrap())] {
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions());
            assert_eq!(mode & 0o077, 0, "nobody else reads it");
        }
    }
}

#[test]
fn lines_are_for_people_and_hold_nothing_that_a_terminal_obeys() {
    let receiver = Receiver::new(&[]);
    receiver.answer(&good());
    let body = "{\"webhookEvent\":\"a\\u001b[31mb\"}";
    receiver.answer(&request("/jira", &signature(body.as_bytes()), body));
    let lines = receiver.lines(2);
    assert_eq!(
        lines[0],
        format!(
            "200 /jira/x?a=%20b&c jira jira:issue_created, {} bytes, verified with {}",
            BODY.len(),
            receiver.folder.0.join("secret").display()
        )
    );
    assert!(lines[1].contains("a\u{fffd}[31mb") && !lines[1].contains('\u{1b}'), "{lines:?}");
}

#[test]
fn a_delivery_whose_sender_is_gone_is_told_of() {
    let slow = Upstream::new(|_| {
        thread::sleep(Duration::from_millis(500));
        answer_of("200 OK", "late")
    });
    let receiver = Receiver::new(&["--json", "--forward", &slow.url]);
    let mut stream = TcpStream::connect(&receiver.address).unwrap();
    stream.write_all(&good()).unwrap();
    while slow.seen().is_empty() {
        thread::sleep(Duration::from_millis(5));
    }
    drop(stream);
    let value: Value = serde_json::from_str(&receiver.lines(1)[0]).unwrap();
    assert_eq!((value["verified"].as_bool(), value["status"].as_u64()), (Some(true), Some(200)));
}

#[test]
fn who_asks_twice_does_not_wait() {
    let mut receiver = Receiver::new(&[]);
    let mut stream = TcpStream::connect(&receiver.address).unwrap();
    stream.write_all(b"POST /jira HTTP/1.1\r\nHost").unwrap();
    thread::sleep(Duration::from_millis(100));
    let began = Instant::now();
    while receiver.child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(5), "it waits for half a head");
        receiver.interrupt();
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn several_providers_are_told_apart_by_path() {
    let upstream = Upstream::new(|_| answer_of("200 OK", ""));
    let folder = Folder::new();
    let (jira, github) = (folder.write("jira", SECRET), folder.write("github", "another"));
    let config = folder.write(
        "config.toml",
        format!("[[provider]]\npath = \"/jira\"\nprovider = \"jira\"\nsecret-file = [\"2026-11={jira}\"]\nforward = \"{}/base\"\n\n[[provider]]\npath = \"/github\"\nprovider = \"github\"\nsecret-file = \"{github}\"\n", upstream.url),
    );
    let receiver = Receiver::new(&["--config", &config, "--json"]);
    assert!(receiver.answer(&request("/jira?q", &signature(BODY.as_bytes()), BODY)).starts_with("HTTP/1.1 200 "));
    assert!(upstream.seen()[0].starts_with(b"POST /base?q HTTP/1.1\r\n"));
    let by_github = Signer::new(providers::GITHUB, Secret::new("another")).unwrap().sign(BODY.as_bytes()).remove(0);
    let signed = String::from_utf8(request("/github", "-", BODY))
        .unwrap()
        .replace("X-HUB-Signature: -", &format!("{}: {}", by_github.0, by_github.1));
    assert!(receiver.answer(signed.as_bytes()).starts_with("HTTP/1.1 200 "));
    assert!(receiver.answer(signed.replace("/github", "/jira").as_bytes()).starts_with("HTTP/1.1 401 "));
    assert!(receiver.answer(&request("/elsewhere", "-", BODY)).starts_with("HTTP/1.1 404 "));
    let of_nobody: Value = serde_json::from_str(&receiver.lines(4)[3]).unwrap();
    assert_eq!(of_nobody, serde_json::json!({ "method": "POST", "path": "/elsewhere", "status": 404 }));
    let keys: Vec<Value> = receiver.lines(4)[..3].iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["key"].clone()).collect();
    assert_eq!(keys, [Value::from("2026-11"), Value::from(github), Value::Null]);
}

#[test]
fn mistakes_in_the_file_are_named() {
    let folder = Folder::new();
    let secret = folder.write("secret", SECRET);
    let table = |path: &str, provider: &str, rest: &str| format!("[[provider]]\npath = \"{path}\"\nprovider = \"{provider}\"\n{rest}\n");
    let of_secret = format!("secret-file = [\"{secret}\"]");
    let cases = [
        (String::new(), "has no [[provider]]"),
        ("provider = []".to_owned(), "has no [[provider]]"),
        (table("/a", "jiro", &of_secret), "there is no provider jiro"),
        (table("a", "jira", &of_secret), "begins with /"),
        (table("/a", "jira", ""), "there is no secret"),
        (table("/a", "jira", "secret-file = [\"/nowhere\"]"), "cannot read the secret"),
        (table("/a", "jira", "secret = \"swordfish\""), "unknown field"),
        (table("/a", "square", &of_secret), "--signed-url"),
        (table("/a", "jira", &format!("{of_secret}\nforward = \"nowhere\"")), "no URL to forward to"),
        ([table("/a", "jira", &of_secret), table("/a", "github", &of_secret)].concat(), "two providers have this path"),
    ];
    for (text, fault) in cases {
        let config = folder.write("config.toml", &text);
        let told = countersign(&["listen", "--port", "0", "--config", &config], b"");
        assert_eq!((told.code, told.stderr.contains(fault)), (2, true), "{text}: {told:?}");
    }
}

#[test]
fn what_is_in_flight_is_finished_when_it_is_stopped() {
    let slow = Upstream::new(|_| {
        thread::sleep(Duration::from_millis(700));
        answer_of("200 OK", "late")
    });
    let mut receiver = Receiver::new(&["--forward", &slow.url]);
    let address = receiver.address.clone();
    let waiting = thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&good()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    while slow.seen().is_empty() {
        thread::sleep(Duration::from_millis(5));
    }
    receiver.interrupt();
    assert!(waiting.join().unwrap().ends_with("late"));
    assert!(receiver.child.wait().unwrap().success());
}
