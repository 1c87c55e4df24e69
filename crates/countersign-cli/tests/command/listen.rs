//! Tests of `countersign listen`.

#![expect(clippy::string_slice, reason = "the sliced text is ASCII, and a test may panic")]

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

/// A running `countersign listen`, stopped on drop.
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
        let mut notice = String::new();
        stderr.read_line(&mut notice).unwrap();
        let address =
            notice.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_else(|| panic!("{notice}")).to_owned();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let printed = Arc::clone(&lines);
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || stdout.lines().for_each(|line| printed.lock().unwrap().push(line.unwrap())));
        thread::spawn(move || drop(stderr.read_to_string(&mut String::new())));
        Self { child, address, lines, folder }
    }

    /// Sends the bytes, and returns the response.
    fn answer(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// Waits for this many printed lines.
    fn lines(&self, count: usize) -> Vec<String> {
        let began = Instant::now();
        while self.lines.lock().unwrap().len() < count && began.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(5));
        }
        self.lines.lock().unwrap().clone()
    }

    fn interrupt(&self) {
        interrupt(&self.child);
    }
}

/// Sends an interrupt by the shell. A small system has no program `kill`.
fn interrupt(child: &Child) {
    assert!(Command::new("sh").args(["-c", "kill -INT $0", &child.id().to_string()]).status().unwrap().success());
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

/// Returns a request with `Connection: close`, in a handwritten form.
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
fn genuine_delivery_is_forwarded_unchanged_and_its_response_returned() {
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
    assert_eq!(passed.remove(0), sent.remove(0), "path and query are unchanged");
    sent.sort_unstable();
    passed.sort_unstable();
    assert_eq!(passed, sent, "the headers are the same, except for connection fields");
}

#[test]
fn only_genuine_posts_are_forwarded() {
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
    assert_eq!(upstream.seen().len(), 1, "a genuine delivery is still forwarded");
}

#[test]
fn unreachable_service_is_502_and_slow_service_is_504() {
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
    // The head arrives, but not the whole body.
    let half = Upstream::new(|_| "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_owned());
    let receiver = Receiver::new(&["--forward", &half.url, "--forward-timeout", "200ms"]);
    assert!(receiver.answer(&good()).starts_with("HTTP/1.1 504 "));
}

#[test]
fn each_delivery_is_printed_and_saved() {
    let kept = Folder::new();
    let save = kept.0.join("captured");
    let receiver = Receiver::new(&["--json", "--explain", "--save", save.to_str().unwrap(), "--save-rejected"]);
    assert!(receiver.answer(&good()).starts_with("HTTP/1.1 200 "));
    receiver.answer(&request("/jira", &signature(BODY.as_bytes()), BODY.trim_end()));
    let lines: Vec<Value> = receiver.lines(2).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let values = |value: &Value, names: &[&str]| names.iter().map(|name| value[*name].clone()).collect::<Vec<_>>();
    let fields = ["provider", "path", "verified", "event", "bytes", "status", "cause"];
    assert_eq!(
        Value::from(values(&lines[0], &fields)),
        serde_json::json!(["jira", "/jira/x?a=%20b&c", true, "jira:issue_created", BODY.len(), 200, null])
    );
    assert_eq!(
        Value::from(values(&lines[1], &fields)),
        serde_json::json!(["jira", "/jira", false, "jira:issue_created", BODY.len() - 1, 401, "signature_mismatch"])
    );
    assert_eq!(lines[1]["causes"][0]["id"], "body_line_break_removed");
    let secret = receiver.folder.write("secret", SECRET);
    for (line, code) in lines.iter().zip([0, 1]) {
        let output = countersign(&["verify", "--secret-file", &secret, "--request", line["saved"].as_str().unwrap()], b"");
        assert_eq!(output.code, code, "{output:?}");
        #[cfg(unix)]
        for path in [save.as_path(), std::path::Path::new(line["saved"].as_str().unwrap())] {
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions());
            assert_eq!(mode & 0o077, 0, "nobody else may read {}", path.display());
        }
    }
}

#[test]
fn lines_hold_no_control_characters() {
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
    assert!(lines[1].contains("a\\u{1b}[31mb") && !lines[1].contains('\u{1b}'), "{lines:?}");
}

#[test]
fn delivery_of_a_disconnected_sender_is_printed() {
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
fn repeated_interrupt_does_not_wait_for_half_a_head() {
    let mut receiver = Receiver::new(&[]);
    let mut stream = TcpStream::connect(&receiver.address).unwrap();
    stream.write_all(b"POST /jira HTTP/1.1\r\nHost").unwrap();
    thread::sleep(Duration::from_millis(100));
    let began = Instant::now();
    while receiver.child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(5), "the command waits for half a head");
        receiver.interrupt();
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn path_selects_the_provider() {
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
fn mistakes_in_the_config_file_are_named() {
    let folder = Folder::new();
    let secret = folder.write("secret", SECRET);
    let table = |path: &str, provider: &str, rest: &str| format!("[[provider]]\npath = \"{path}\"\nprovider = \"{provider}\"\n{rest}\n");
    let of_secret = format!("secret-file = [\"{secret}\"]");
    let cases = [
        (String::new(), "has no [[provider]]"),
        ("provider = []".to_owned(), "has no [[provider]]"),
        (table("/a", "jiro", &of_secret), "no such provider"),
        (table("a", "jira", &of_secret), "must begin with /"),
        (table("/a", "jira", ""), "no secret given: set secret-file"),
        (table("/a", "jira", "secret-file = [\"/nowhere\"]"), "cannot read the secret: set secret-file to the name of a file"),
        (table("/a", "jira", "secret = \"swordfish\""), "unknown key, expected one of"),
        (table("/a", "square", &of_secret), "--signed-url"),
        (table("/a", "jira", &format!("{of_secret}\nforward = \"nowhere\"")), "forward is not a URL"),
        ([table("/a", "jira", &of_secret), table("/a", "github", &of_secret)].concat(), "two providers have this path"),
    ];
    for (text, fault) in cases {
        let config = folder.write("config.toml", &text);
        let output = countersign(&["listen", "--port", "0", "--config", &config], b"");
        assert_eq!((output.code, output.stderr.contains(fault)), (2, true), "{text}: {output:?}");
    }
}

#[test]
fn running_delivery_is_finished_at_shutdown() {
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

/// Returns an unsigned delivery with this body.
fn unsigned(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

#[test]
fn delivery_stays_on_one_line_whatever_a_stranger_sends() {
    let receiver = Receiver::new(&[]);
    let forged = "x\\n200 /jira jira jira:issue_created, 9 bytes, verified with the secret\\r\\t\\u202e\\u2066\\u2028\\u0085\\u001b[2J";
    let events = [forged.to_owned(), "y".repeat(100_000)];
    for event in &events {
        receiver.answer(&unsigned("/jira", &format!("{{\"webhookEvent\":\"{event}\"}}")));
    }
    receiver.answer(&unsigned(&format!("/{}", "z".repeat(5000)), "{}"));
    receiver.answer(&good());
    let lines = receiver.lines(4);
    thread::sleep(Duration::from_millis(100));
    assert_eq!(receiver.lines(4).len(), 4, "{lines:#?}");
    for line in &lines[..3] {
        assert!(line.starts_with("401 /") && line.ends_with("the signature header is absent or empty"), "{line}");
        assert!(line.len() < 700, "{} bytes", line.len());
        let moves = |character: char| character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!line.contains(moves), "{line:?}");
    }
    assert!(lines[3].starts_with("200 "), "{lines:#?}");
}

/// Returns the peak of the resident memory of a process, in MiB.
#[cfg(target_os = "linux")]
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() / 1024
}

#[cfg(target_os = "linux")]
#[test]
fn concurrent_uploads_stay_within_the_memory_budget() {
    const CONNECTIONS: usize = 30;
    const BODY: usize = 24 * 1024 * 1024;
    let receiver = Receiver::new(&["--explain"]);
    let uploads: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let address = receiver.address.clone();
            thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
                let head = format!("POST /jira HTTP/1.1\r\nHost: h\r\nContent-Length: {BODY}\r\n\r\n");
                stream.write_all(head.as_bytes()).unwrap();
                // Without the last byte, the receiver holds the body. A rejected client is cut off.
                let _ = stream.write_all(&vec![b'x'; BODY - 1]);
                stream
            })
        })
        .collect();
    let streams: Vec<TcpStream> = uploads.into_iter().map(|upload| upload.join().unwrap()).collect();
    let peak = peak(receiver.child.id());
    assert!(peak < 256, "{peak} MiB");
    drop(streams);
    assert!(receiver.answer(&good()).starts_with("HTTP/1.1 200 "), "a genuine delivery is received");
}

#[test]
fn rejected_deliveries_are_saved_on_request_and_within_limits() {
    let folder = Folder::new();
    let kept = |name: &str| {
        std::fs::read_dir(folder.0.join(name)).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).collect::<Vec<_>>()
    };
    let path = |name: &str| folder.0.join(name).to_str().unwrap().to_owned();
    let receiver = Receiver::new(&["--save", &path("genuine")]);
    receiver.answer(&unsigned("/jira", "{}"));
    receiver.answer(&good());
    receiver.lines(3);
    assert_eq!(kept("genuine").len(), 1);

    let receiver = Receiver::new(&["--save", &path("many"), "--save-rejected"]);
    for _ in 0..110 {
        receiver.answer(&unsigned("/jira", "{}"));
    }
    receiver.answer(&good());
    assert_eq!(kept("many").len(), 101);

    let receiver = Receiver::new(&["--save", &path("large"), "--save-rejected"]);
    let large = "x".repeat(3 * 1024 * 1024);
    for _ in 0..10 {
        receiver.answer(&unsigned("/jira", &large));
    }
    receiver.answer(&good());
    let bytes: u64 = kept("large").iter().sum();
    assert!((1..=16 * 1024 * 1024 + 10_000).contains(&bytes), "{bytes}");
}

#[test]
fn forgeries_past_the_queue_are_not_explained() {
    let receiver = Receiver::new(&["--explain", "--json"]);
    let body = "z".repeat(300 * 1024);
    let forgery = request("/jira", &signature(b"another body"), &body);
    let senders: Vec<_> = (0..24)
        .map(|_| {
            let (address, forgery) = (receiver.address.clone(), forgery.clone());
            thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.write_all(&forgery).unwrap();
                stream.read_to_end(&mut Vec::new()).unwrap();
            })
        })
        .collect();
    for sender in senders {
        sender.join().unwrap();
    }
    // A delivery beyond the queue is printed at once.
    let began = Instant::now();
    let not_explained = || receiver.lines.lock().unwrap().iter().filter(|line| line.contains("not explained: too many at once")).count();
    while not_explained() < 16 && began.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(5));
    }
    assert!((8..=16).contains(&not_explained()), "{}", not_explained());
}

#[test]
fn second_interrupt_ends_a_running_search() {
    let mut receiver = Receiver::new(&["--explain"]);
    // A search up to the time limit: JSON of 4 MiB has many forms.
    let body = format!("[{}]", vec![format!("\"{}\"", "\u{e4}/".repeat(14_000)); 95].join(", "));
    assert!(receiver.answer(&request("/jira", &signature(b"another body"), &body)).starts_with("HTTP/1.1 401 "));
    thread::sleep(Duration::from_millis(300));
    receiver.interrupt();
    thread::sleep(Duration::from_millis(300));
    assert!(receiver.child.try_wait().unwrap().is_none(), "the first interrupt lets the search finish");
    receiver.interrupt();
    let began = Instant::now();
    while receiver.child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(2), "the command still runs");
        thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn save_folder_need_not_be_unicode() {
    use std::os::unix::ffi::OsStrExt as _;

    let folder = Folder::new();
    let secret = folder.write("secret", SECRET);
    let odd = folder.0.join(std::ffi::OsStr::from_bytes(b"odd-\xff"));
    let mut command = command(&["listen", "--port", "0", "--secret-file", &secret, "--json", "--save"]);
    let mut child = command.arg(&odd).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut notice = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut notice).unwrap();
    let address = notice.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap().to_owned();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&good()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let value: Value = serde_json::from_str(&line).unwrap();
    assert!(value["saved"].as_str().unwrap().contains("odd-\u{fffd}"), "{line}");
    assert_eq!(std::fs::read_dir(&odd).unwrap().count(), 1);
}

/// Users may write the secret where a file or a variable belongs.
#[test]
fn secret_misplaced_in_the_config_file_is_not_shown() {
    const NEEDLE: &str = "whsec_needle";
    let folder = Folder::new();
    let secret = folder.write("secret", SECRET);
    let of_secret = format!("secret-file = \"{secret}\"");
    let rest = [
        format!("secret = \"{NEEDLE}\""),
        format!("secret-file = \"{NEEDLE}\""),
        format!("secret-file = [\"2026-11={NEEDLE}\"]"),
        format!("secret-env = \"{NEEDLE}\""),
        format!("{of_secret}\nallow-sha1 = \"{NEEDLE}\""),
        format!("{of_secret}\nforward = \"{NEEDLE}\""),
        format!("{of_secret}\nforward = \"http://user:{NEEDLE}@ /\""),
        format!("secret-file = \"{NEEDLE}"),
        format!("secret-file = {NEEDLE}"),
        format!("secret-file = {{ file = \"{NEEDLE}\" }}"),
    ];
    let tables = rest.iter().map(|rest| format!("[[provider]]\npath = \"/a\"\nprovider = \"jira\"\n{rest}\n"));
    let by_provider = format!("[[provider]]\npath = \"/a\"\nprovider = \"{NEEDLE}\"\n{of_secret}\n");
    let by_path = format!("[[provider]]\npath = \"{NEEDLE}\"\nprovider = \"jira\"\n{of_secret}\n");
    let by_key = format!("[[provider]]\npath = \"/a\"\nprovider = \"jira\"\n{of_secret}\n{NEEDLE} = 1\n");
    let by_table = format!("[{NEEDLE}]\npath = \"/a\"\n");
    let twice = format!("{by_path}{by_path}").replace(&format!("\"{NEEDLE}"), &format!("\"/{NEEDLE}"));
    for text in tables.chain([by_provider, by_path, by_key, by_table, twice]) {
        let config = folder.write("config.toml", &text);
        let output = countersign(&["listen", "--port", "0", "--config", &config], b"");
        assert_eq!(output.code, 2, "{text}: {output:?}");
        assert!(!output.stderr.contains("needle") && output.stderr.contains("config.toml"), "{text}: {output:?}");
    }
}

#[test]
fn attempts_left_out_are_printed() {
    let receiver = Receiver::new(&["--provider", "stripe", "--explain", "--json"]);
    let many = format!("t=1,{}", vec![format!("v1={}", "0".repeat(64)); 40].join(","));
    let length = BODY.len();
    let head = format!("POST / HTTP/1.1\r\nHost: h\r\nStripe-Signature: {many}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    receiver.answer(&[head.as_bytes(), BODY.as_bytes()].concat());
    let value: Value = serde_json::from_str(&receiver.lines(1)[0]).unwrap();
    assert_eq!(value["left_out"], serde_json::json!(["signatures past the first 16"]), "{value}");
}

#[test]
fn connection_serves_one_request() {
    let receiver = Receiver::new(&[]);
    let many = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n".repeat(1000);
    let mut stream = TcpStream::connect(&receiver.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The connection may close before the end of the write.
    let _ = stream.write_all(many.as_bytes());
    let mut answers = Vec::new();
    let _ = stream.read_to_end(&mut answers);
    assert_eq!(String::from_utf8_lossy(&answers).matches("HTTP/1.1 405").count(), 1);
}

#[test]
fn interrupt_stops_while_nobody_reads_the_output() {
    let folder = Folder::new();
    let secret = folder.write("secret", SECRET);
    let mut command = command(&["listen", "--port", "0", "--json", "--secret-file", &secret]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut notice = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut notice).unwrap();
    let address = notice.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap().to_owned();
    // More lines than a pipe holds.
    let forgery = unsigned("/jira", &format!("{{\"webhookEvent\":\"{}\"}}", "y".repeat(1000)));
    let senders: Vec<_> = (0..16)
        .map(|_| {
            let (address, forgery) = (address.clone(), forgery.clone());
            thread::spawn(move || {
                for _ in 0..16 {
                    let mut stream = TcpStream::connect(&address).unwrap();
                    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
                    stream.write_all(&forgery).unwrap();
                    // With a full pipe, there is no response.
                    if stream.read_to_end(&mut Vec::new()).is_err() {
                        return true;
                    }
                }
                false
            })
        })
        .collect();
    let stuck = senders.into_iter().map(|sender| sender.join().unwrap()).filter(|stuck| *stuck).count();
    assert!(stuck > 0, "the pipe is not full");
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(10), "no interrupt stops the command");
        interrupt(&child);
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn json_of_a_delivery_is_cut_and_escaped() {
    let receiver = Receiver::new(&["--json"]);
    receiver.answer(&unsigned("/jira", "{\"webhookEvent\":\"\\u202e\\u2066\\u2028\\u0085\\u009b31m\"}"));
    receiver.answer(&unsigned("/jira", &format!("{{\"webhookEvent\":\"{}\"}}", "y".repeat(100_000))));
    receiver.answer(&unsigned(&format!("/{}", "z".repeat(50_000)), "{}"));
    for line in receiver.lines(3) {
        let is_plain = line.chars().all(|character| character.is_ascii() || character == '\u{2026}');
        assert!(is_plain && line.len() < 3000, "{} bytes: {}", line.len(), &line[..100]);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["status"], 401);
    }
    let value: Value = serde_json::from_str(&receiver.lines(3)[0]).unwrap();
    assert_eq!(value["event"], "\u{202e}\u{2066}\u{2028}\u{85}\u{9b}31m", "the parsed value is the value as sent");
}

#[test]
fn method_and_header_names_are_cut() {
    let receiver = Receiver::new(&["--verbose"]);
    let long = "x".repeat(40_000);
    receiver.answer(format!("{long} / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").as_bytes());
    let head = format!("POST / HTTP/1.1\r\nHost: h\r\n{long}: 1\r\nConnection: close\r\nContent-Length: 2\r\n\r\n");
    receiver.answer(&[head.as_bytes(), b"{}"].concat());
    for line in receiver.lines(4) {
        assert!(line.len() < 400, "{} bytes", line.len());
    }
}

#[test]
fn too_large_head_is_answered_431() {
    let receiver = Receiver::new(&[]);
    let head = format!("POST / HTTP/1.1\r\nHost: h\r\nX-Pad: {}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n", "x".repeat(100_000));
    let mut stream = TcpStream::connect(&receiver.address).unwrap();
    let _ = stream.write_all(&[head.as_bytes(), b"{}"].concat());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
}
