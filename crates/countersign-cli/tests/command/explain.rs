//! Tests each cause known to `explain`, and pairs of causes, with deliveries really signed and then
//! changed.

#![expect(clippy::string_slice, reason = "the sliced text is ASCII, and a test may panic")]

use std::time::{Duration, SystemTime};

use super::common::{Folder, countersign};
use countersign::scheme::{Algorithm, Part, Scheme, TimestampFormat};
use countersign::{Secret, Signer, providers};
use serde_json::Value;

const SECRET: &str = "c2VjcmV0LW9mLXRoaXMtdGVzdA==";
const HEX_SECRET: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const BODY: &str =
    "{\"webhookEvent\":\"jira:issue_updated\",\"issue\":{\"key\":\"PROJ-1\",\"summary\":\"K\u{e4}se & 1/2\",\"votes\":1.50}}";

/// A delivery given to `explain`: signed in one way, and received in another.
struct Case {
    provider: &'static str,
    secret: Vec<u8>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    arguments: Vec<String>,
}

impl Case {
    /// Returns a delivery of Jira.
    fn jira(secret: impl AsRef<[u8]>, signed: impl AsRef<[u8]>) -> Self {
        Self::of("jira", &Signer::new(providers::JIRA, Secret::new(secret.as_ref())).unwrap(), secret, signed)
    }

    fn of(provider: &'static str, signer: &Signer, secret: impl AsRef<[u8]>, signed: impl AsRef<[u8]>) -> Self {
        let signed = signed.as_ref();
        Self { provider, secret: secret.as_ref().to_vec(), headers: signer.sign(signed), body: signed.to_vec(), arguments: Vec::new() }
    }

    fn secret(mut self, secret: impl AsRef<[u8]>) -> Self {
        self.secret = secret.as_ref().to_vec();
        self
    }

    fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    fn header(mut self, change: impl Fn(&str) -> String) -> Self {
        let (_, value) = self.headers.last_mut().unwrap();
        *value = change(value);
        self
    }

    fn renamed(mut self, name: &str) -> Self {
        name.clone_into(&mut self.headers.last_mut().unwrap().0);
        self
    }

    fn and(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn argument(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Runs `explain`, and returns the JSON. Asserts that no output shows the secret.
    fn explain(&self) -> Value {
        let folder = Folder::new();
        let secret = folder.write("secret", [&self.secret[..], b"\n"].concat());
        let body = folder.write("body", &self.body);
        let mut arguments = vec!["explain", "--provider", self.provider, "--secret-file", &secret];
        let headers: Vec<String> = self.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        for header in &headers {
            arguments.extend(["-H", header]);
        }
        arguments.extend(self.arguments.iter().map(String::as_str));
        // The text has the age of the delivery in seconds, so both runs get the same time.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().to_string();
        if !arguments.contains(&"--at") {
            arguments.extend(["--at", &now]);
        }
        let output = countersign(&[&arguments[..], &[&body]].concat(), b"");
        let json = countersign(&[&arguments[..], &["--json", &body]].concat(), b"");
        assert_eq!(output.code, 1, "{output:?}");
        let shown = output.stdout.clone() + &output.stderr + &json.stdout + &json.stderr;
        let secret = String::from_utf8_lossy(&self.secret);
        assert!(
            !shown.contains(secret.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\u{feff}')),
            "the secret is shown: {shown}"
        );
        let value: Value = serde_json::from_str(&json.stdout).unwrap();
        for cause in value["causes"].as_array().unwrap() {
            assert!(
                output.stdout.contains(cause["what"].as_str().unwrap()) && output.stdout.contains(cause["fix"].as_str().unwrap()),
                "{output:?}"
            );
        }
        value
    }

    /// Asserts that `explain` finds exactly these causes.
    #[track_caller]
    fn assert_found(&self, causes: &[&str]) {
        let value = self.explain();
        let ids: Vec<&str> = value["causes"].as_array().unwrap().iter().map(|cause| cause["id"].as_str().unwrap()).collect();
        assert_eq!((value["found"].as_bool(), &ids[..]), (Some(true), causes), "{value}");
    }
}

fn jira() -> Case {
    Case::jira(SECRET, BODY)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn by(scheme: &Scheme, secret: &str) -> Signer {
    Signer::new(*scheme, Secret::new(secret)).unwrap()
}

fn upper_hex(value: &str) -> String {
    let (name, tag) = value.split_once('=').unwrap();
    format!("{name}={}", tag.to_uppercase())
}

#[test]
fn explain_reports_a_valid_delivery_as_verified() {
    let folder = Folder::new();
    let (secret, body) = (folder.write("secret", SECRET), folder.write("body", BODY));
    let header = format!("X-Hub-Signature: {}", jira().headers[0].1);
    let output = countersign(&["explain", "--secret-file", &secret, "-H", &header, &body], b"");
    assert_eq!((output.code, output.stdout.contains("verified: signed with the secret")), (0, true), "{output:?}");
    // The case of hex digits does not matter.
    let upper = format!("X-Hub-Signature: {}", upper_hex(&jira().headers[0].1));
    assert_eq!(countersign(&["explain", "--secret-file", &secret, "-H", &upper, &body], b"").code, 0);
}

#[test]
fn older_secret_is_named() {
    let folder = Folder::new();
    let (old, new) = (folder.write("old", SECRET), folder.write("new", "another"));
    let header = format!("X-Hub-Signature: {}", jira().headers[0].1);
    let (old, new, body) = (format!("2026-05={old}"), format!("2026-11={new}"), folder.write("body", BODY));
    let output = countersign(&["explain", "--secret-file", &new, "--secret-file", &old, "-H", &header, &body], b"");
    assert_eq!((output.code, output.stdout.contains("signed with the secret 2026-05")), (0, true), "{output:?}");
}

#[test]
fn secret_with_stray_characters_is_found() {
    for stray in [format!("{SECRET}\n"), format!("{SECRET} "), format!("\t{SECRET}"), format!("{SECRET}\r\n"), format!(" {SECRET} \n\n")] {
        jira().secret(stray).assert_found(&["secret_white_space"]);
    }
    Case::jira("with spaces in it", BODY).secret("with spaces in it\n").assert_found(&["secret_white_space"]);
    for quoted in [format!("\"{SECRET}\""), format!("'{SECRET}'"), format!("\"{SECRET}\"\n")] {
        jira().secret(quoted).assert_found(&["secret_quotes"]);
    }
    jira().secret(format!("\u{feff}{SECRET}")).assert_found(&["secret_bom"]);
    jira().secret(format!("{}\n{}", &SECRET[..10], &SECRET[10..])).assert_found(&["secret_white_space"]);
    jira().secret(format!("JIRA_SECRET={SECRET}")).assert_found(&["secret_variable"]);
    jira().secret(format!("export JIRA_SECRET=\"{SECRET}\"")).assert_found(&["secret_variable"]);
    jira().secret(format!("{SECRET} # of Jira")).assert_found(&["secret_comment"]);
    jira().secret(format!("whsec_{SECRET}")).assert_found(&["secret_prefix"]);
    Case::jira(format!("whsec_{SECRET}"), BODY).secret(SECRET).assert_found(&["secret_prefix"]);
    // HMAC pads a short key with NULs, so only a longer secret and a static token differ by a NUL.
    let token = Signer::new(providers::GITLAB_TOKEN, Secret::new(SECRET)).unwrap();
    Case::of("gitlab-token", &token, SECRET, BODY).secret(format!("{SECRET}\0")).assert_found(&["secret_nul"]);
    let long = "x".repeat(65);
    Case::jira(&long, BODY).secret(format!("{long}\0")).assert_found(&["secret_nul"]);
    for sender in [format!("{SECRET}\n"), format!("{SECRET}\r\n"), format!("{SECRET} "), format!(" {SECRET}")] {
        Case::jira(sender, BODY).secret(SECRET).assert_found(&["secret_white_space_at_sender"]);
    }
    Case::jira(format!("\"{SECRET}\""), BODY).secret(SECRET).assert_found(&["secret_quotes_at_sender"]);
    Case::jira(format!("\u{feff}{SECRET}"), BODY).secret(SECRET).assert_found(&["secret_bom_at_sender"]);
    Case::jira(HEX_SECRET, BODY).secret(HEX_SECRET.to_uppercase()).assert_found(&["secret_case"]);
}

#[test]
fn secret_decoded_on_one_side_only_is_found() {
    let as_jira = |scheme: Scheme, secret: &str| Case::of("jira", &by(&scheme, secret), secret, BODY);
    as_jira(providers::JIRA.base64_secret(""), SECRET).assert_found(&["secret_is_base64"]);
    as_jira(providers::JIRA.base64_secret("whsec_"), &format!("whsec_{SECRET}")).assert_found(&["secret_is_base64"]);
    as_jira(providers::JIRA.hex_secret(), HEX_SECRET).assert_found(&["secret_is_hex"]);
    let whsec = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let text = providers::STANDARD_WEBHOOKS.text_secret();
    Case::of("standard-webhooks", &by(&text, whsec), whsec, BODY).assert_found(&["secret_is_text"]);
}

#[test]
fn changed_line_breaks_of_a_body_are_found() {
    Case::jira(SECRET, "{}").body("{}\n").assert_found(&["body_line_break_added"]);
    Case::jira(SECRET, "text").body("text\r\n").assert_found(&["body_line_break_added"]);
    Case::jira(SECRET, "text\n").body("text").assert_found(&["body_line_break_removed"]);
    Case::jira(SECRET, "text\r\n").body("text").assert_found(&["body_line_break_removed"]);
    Case::jira(SECRET, "a\nb\n").body("a\r\nb\r\n").assert_found(&["body_line_breaks_converted"]);
    Case::jira(SECRET, "a\r\nb\r\n").body("a\nb\n").assert_found(&["body_line_breaks_converted"]);
    Case::jira(SECRET, "text").body("  text  ").assert_found(&["body_white_space_added"]);
    Case::jira(SECRET, "").body("text").assert_found(&["body_empty"]);
}

#[test]
fn changed_charset_or_byte_order_mark_is_found() {
    Case::jira(SECRET, "\u{feff}text").body("text").assert_found(&["body_bom_removed"]);
    Case::jira(SECRET, "text").body("\u{feff}text").assert_found(&["body_bom_added"]);
    Case::jira(SECRET, b"K\xe4se").body("K\u{e4}se").assert_found(&["body_charset"]);
    Case::jira(SECRET, "K\u{e4}se").body(b"K\xe4se").assert_found(&["body_charset"]);
    Case::jira(SECRET, "K\u{e4}se").body("K\u{c3}\u{a4}se").assert_found(&["body_charset"]);
    for mark in ["", "\u{feff}"] {
        let text = format!("{mark}K\u{e4}se");
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for utf16 in [little, big] {
            Case::jira(SECRET, &utf16).body("K\u{e4}se").assert_found(&["body_charset"]);
            Case::jira(SECRET, "K\u{e4}se").body(utf16).assert_found(&["body_charset"]);
        }
    }
}

#[test]
fn reserialized_json_is_found() {
    let value = json(BODY);
    let compact = serde_json::to_string(&value).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let four = pretty.replace("\n  ", "\n    ").replace("      \"", "        \"");
    let go = BODY.replace('&', "\\u0026");
    Case::jira(SECRET, go).body(BODY).assert_found(&["body_json"]);
    // The body holds no character that Go escapes.
    let value = Case::jira(SECRET, r#"{"a":1,"b":2}"#).body("{\n  \"a\": 1,\n  \"b\": 2\n}").explain();
    assert_eq!(value["causes"][0]["what"], "The JSON was parsed and re-serialized. The sender signed JSON without white space.");
    let python = r#"{"webhookEvent": "jira:issue_updated", "issue": {"key": "PROJ-1", "summary": "K\u00e4se & 1/2", "votes": 1.50}}"#;
    let php = r#"{"webhookEvent":"jira:issue_updated","issue":{"key":"PROJ-1","summary":"K\u00e4se & 1\/2","votes":1.50}}"#;
    let sorted = "{\"issue\":{\"key\":\"PROJ-1\",\"summary\":\"K\u{e4}se & 1/2\",\"votes\":1.50},\"webhookEvent\":\"jira:issue_updated\"}";
    assert_eq!(compact, BODY, "the numbers keep their digits");
    for signed in [&pretty[..], &four, python, php, sorted, &pretty.replace("  ", "\t")] {
        Case::jira(SECRET, signed).body(BODY).assert_found(&["body_json"]);
    }
    for received in [&pretty[..], &four, python, php] {
        jira().body(received).assert_found(&["body_json"]);
    }
    Case::jira(SECRET, format!("{BODY}\n")).body(&pretty).assert_found(&["body_json"]);
    Case::jira(SECRET, BODY).body("payload=%7B%22webhookEvent%22%3A%22jira%3Aissue_updated%22%2C%22issue%22%3A%7B%22key%22%3A%22PROJ-1%22%2C%22summary%22%3A%22K%C3%A4se+%26+1%2F2%22%2C%22votes%22%3A1.50%7D%7D").assert_found(&["body_form"]);
}

#[test]
fn compressed_or_decompressed_body_is_found() {
    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(BODY.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(BODY.as_bytes()).unwrap();
    jira().body(&gzip).assert_found(&["body_compressed"]);
    jira().body(zlib.finish().unwrap()).assert_found(&["body_compressed"]);
    Case::jira(SECRET, &gzip).body(BODY).assert_found(&["body_decompressed"]);
    // A compressor with other bytes cannot be reproduced.
    let mut other = gzip;
    other[4] = 1;
    let value = Case::jira(SECRET, &other).body(BODY).and("Content-Encoding", "gzip").explain();
    assert_eq!((value["found"].as_bool(), value["causes"][0]["id"].as_str()), (Some(false), Some("content_encoding")), "{value}");
}

#[test]
fn other_body_names_the_change() {
    let folder = Folder::new();
    let other = folder.write("other", BODY);
    let received = |body: &str| jira().body(body).argument(&["--other-body", &other]);
    received("{\"another\":1}").assert_found(&["other_body"]);
    received("").assert_found(&["other_body"]);
    received(&BODY[..BODY.len() - 20]).assert_found(&["body_cut_short"]);
    // No reproducible form: keys in another order, and white space of no usual kind.
    let reordered =
        "{\"issue\" :{\"votes\":1.50,\"key\":\"PROJ-1\",\"summary\":\"K\u{e4}se & 1/2\"},\"webhookEvent\":\"jira:issue_updated\"}";
    received(reordered).assert_found(&["body_json"]);
    received(&reordered.replace("PROJ-1", "PROJ-2")).assert_found(&["other_body"]);
}

#[test]
fn other_signed_text_is_found() {
    const DOT: &[Part] = &[Part::Timestamp, Part::Literal(".")];
    const COLON: &[Part] = &[Part::Timestamp, Part::Literal(":")];
    const NOTHING: &[Part] = &[Part::Timestamp];
    let cases: [(_, _, &[&[Part]]); 3] =
        [("stripe", providers::STRIPE, &[COLON, NOTHING]), ("slack", providers::SLACK, &[DOT, COLON]), ("svix", providers::SVIX, &[])];
    for (name, scheme, prefixes) in cases {
        let own = || Case::of(name, &by(&scheme, SECRET), SECRET, BODY);
        for prefix in prefixes {
            Case::of(name, &by(&scheme.prefix(prefix), SECRET), SECRET, BODY).assert_found(&["signed_text"]);
        }
        let alone = Scheme::new("x", "X").bare(Algorithm::Sha256).encoding(scheme.signature_encoding());
        let alone = if name == "svix" { alone.base64_secret("whsec_") } else { alone };
        let bare = by(&alone, SECRET).sign(BODY.as_bytes());
        let signed = |value: &str| value[..value.len() - bare[0].1.len()].to_owned() + &bare[0].1;
        own().header(signed).assert_found(&["signed_text"]);
        own().header(signed).body(format!("{BODY}\n")).assert_found(&["signed_text", "body_line_break_added"]);
        let value = own().header(signed).explain();
        assert!(value["causes"][0]["what"].as_str().unwrap().contains("the body alone"), "{value}");
    }
}

#[test]
fn other_hash_is_found_and_named() {
    let signed_by = |algorithm| {
        let signer = Signer::builder(providers::JIRA, Secret::new(SECRET)).algorithm(algorithm).build().unwrap();
        Case::of("jira", &signer, SECRET, BODY)
    };
    for algorithm in [Algorithm::Sha1, Algorithm::Sha384, Algorithm::Sha512] {
        signed_by(algorithm).assert_found(&["hash"]);
        let value = signed_by(algorithm).explain();
        assert!(value["causes"][0]["what"].as_str().unwrap().contains(algorithm.name()), "{value}");
    }
    signed_by(Algorithm::Sha512).header(|value| value.replace("sha512", "sha256")).assert_found(&["hash_name"]);
    let named = |value: &str| format!("sha512={value}");
    Case::of("github", &by(&providers::GITEA.bare(Algorithm::Sha512), SECRET), SECRET, BODY)
        .renamed("X-Hub-Signature-256")
        .header(named)
        .assert_found(&["hash"]);
    let bare = by(&providers::GITEA.bare(Algorithm::Sha512), SECRET);
    Case::of("gitea", &bare, SECRET, BODY).assert_found(&["hash"]);
    // The header of another provider, with a hash not accepted there either: GitHub's older header.
    let sha1 = Signer::builder(providers::JIRA, Secret::new(SECRET)).algorithm(Algorithm::Sha1).build().unwrap();
    let older = || Case::of("github", &sha1, SECRET, BODY);
    older().assert_found(&["hash", "other_provider"]);
    older().argument(&["--allow-sha1"]).assert_found(&["other_provider"]);
}

#[test]
fn signature_header_in_another_form_is_found() {
    let tag = |value: &str| value.split_once('=').unwrap().1.to_owned();
    let bytes = |value: &str| data_encoding::HEXLOWER.decode(tag(value).as_bytes()).unwrap();
    jira().header(tag).assert_found(&["header_prefix"]);
    jira().header(|value| format!("\"{value}\"")).assert_found(&["header_prefix"]);
    jira().header(|value| value.replace('=', ":")).assert_found(&["header_prefix"]);
    let gitea = || Case::of("gitea", &by(&providers::GITEA, SECRET), SECRET, BODY);
    gitea().header(|value| format!("sha256={value}")).assert_found(&["header_prefix"]);
    jira().header(|value| format!("sha256={}", data_encoding::BASE64.encode(&bytes(value)))).assert_found(&["signature_encoding"]);
    jira().header(|value| data_encoding::BASE64.encode(&bytes(value))).assert_found(&["signature_encoding"]);
    let shopify = Case::of("shopify", &by(&providers::SHOPIFY, SECRET), SECRET, BODY);
    let hex = |value: &str| data_encoding::HEXLOWER.encode(&data_encoding::BASE64.decode(value.as_bytes()).unwrap());
    shopify.header(hex).assert_found(&["signature_encoding"]);
    for cut in [30, 50, 70] {
        jira().header(|value| value[..cut].to_owned()).assert_found(&["header_cut_short"]);
    }
    for cut in 1..20 {
        Case::of("shopify", &by(&providers::SHOPIFY, SECRET), SECRET, BODY)
            .header(|value| value[..value.len() - cut].to_owned())
            .assert_found(&["header_cut_short"]);
    }
    // Cut at the start, to the length of another hash's signature. The output must not show the
    // missing part.
    for (scheme, name, length) in
        [(&providers::LINEAR, "linear", 40), (&providers::SHOPIFY, "shopify", 28), (&providers::SLACK, "slack", 40)]
    {
        let case = Case::of(name, &by(scheme, SECRET), SECRET, BODY);
        let right = case.headers.last().unwrap().1.clone();
        let case = case.header(|value| value[value.len() - length..].to_owned());
        let missing = &right[right.len() - length - 12..right.len() - length];
        let value = case.explain();
        assert!(!value.to_string().contains(missing), "{value}");
        case.assert_found(&["header_cut_short"]);
    }
    jira().and("X-Hub-Signature", "sha256=00").assert_found(&["header_twice"]);
    jira().renamed("HTTP_X_HUB_SIGNATURE").assert_found(&["header_name"]);
    jira().renamed("X-Signature-Of-A-Proxy").assert_found(&["header_name"]);
}

#[test]
fn delivery_of_another_provider_is_found() {
    for (scheme, name) in
        [(providers::GITHUB, "github"), (providers::SHOPIFY, "shopify"), (providers::STRIPE, "stripe"), (providers::SLACK, "slack")]
    {
        let case = Case::of("jira", &by(&scheme, SECRET), SECRET, BODY);
        case.assert_found(&["other_provider"]);
        assert!(case.explain()["causes"][0]["fix"].as_str().unwrap().contains(name));
    }
}

#[test]
fn stale_timestamp_or_other_unit_is_found() {
    let stripe = by(&providers::STRIPE, SECRET);
    let (at, hours) = (SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000), Duration::from_secs(3 * 60 * 60));
    for at in [at - hours, at + hours] {
        let headers = stripe.sign_at(BODY.as_bytes(), at);
        // A fixed clock: the text holds the age of the delivery, and `explain` runs twice.
        let case = Case { headers, ..Case::of("stripe", &stripe, SECRET, BODY) }.argument(&["--at", "2023-11-14T22:13:20Z"]);
        case.assert_found(&["timestamp_stale"]);
    }
    let millis = by(&providers::STRIPE.timestamp_format(TimestampFormat::Milliseconds), SECRET);
    Case::of("stripe", &millis, SECRET, BODY).assert_found(&["timestamp_unit"]);
    let seconds = by(&providers::SLACK.timestamp_format(TimestampFormat::Rfc3339), SECRET);
    Case::of("slack", &seconds, SECRET, BODY).assert_found(&["timestamp_unit"]);
    // At the time of receipt, the delivery is not stale.
    let headers = stripe.sign_at(BODY.as_bytes(), at);
    let case = Case { headers, ..Case::of("stripe", &stripe, SECRET, BODY) }.body(format!("{BODY}\n"));
    case.argument(&["--at", "2023-11-14T22:14:00Z"]).assert_found(&["body_line_break_added"]);
}

#[test]
fn url_in_another_spelling_is_found() {
    let signed_at = |url: &str| {
        let signer = Signer::builder(providers::SQUARE, Secret::new(SECRET)).url(url).build().unwrap();
        Case::of("square", &signer, SECRET, BODY)
    };
    let cases = [
        ("https://h.example/hook", "https://h.example/hook/"),
        ("https://h.example/hook/", "https://h.example/hook"),
        ("https://h.example/hook", "http://h.example/hook"),
        ("http://h.example/hook", "https://h.example/hook"),
        ("https://h.example/hook", "https://h.example:443/hook"),
        ("https://h.example:443/hook", "https://h.example/hook"),
        ("https://h.example/hook", "https://h.example/hook?a=b"),
        ("https://h.example/hook", "http://h.example/hook/"),
    ];
    for (signed, given) in cases {
        let value = signed_at(signed).argument(&["--signed-url", given]).explain();
        let causes = value["causes"].as_array().unwrap();
        assert!(!causes.is_empty() && causes.iter().all(|cause| cause["id"] == "url"), "{value}");
    }
    let host = signed_at("https://h.example/hook").and("Host", "h.example");
    host.argument(&["--signed-url", "https://other.example/hook"]).assert_found(&["url"]);
}

#[test]
fn combined_causes_are_found() {
    let pretty = serde_json::to_string_pretty(&json(BODY)).unwrap();
    jira().secret(format!("{SECRET}\n")).body(&pretty).assert_found(&["secret_white_space", "body_json"]);
    jira().secret(format!("\"{SECRET}\"")).body(format!("{BODY}\n")).assert_found(&["secret_quotes", "body_line_break_added"]);
    jira().body(&pretty).header(|value| value.replace("sha256=", "")).assert_found(&["header_prefix", "body_json"]);
    jira().secret(format!("{SECRET} ")).header(|value| value.replace("sha256=", "")).assert_found(&["secret_white_space", "header_prefix"]);
    jira().secret(format!("{SECRET}\n")).header(|value| value[..60].to_owned()).assert_found(&["secret_white_space", "header_cut_short"]);
    jira().body(&pretty).header(|value| value[..60].to_owned()).assert_found(&["body_json", "header_cut_short"]);
    Case::of("jira", &by(&providers::GITHUB, SECRET), SECRET, BODY).body(&pretty).assert_found(&["other_provider", "body_json"]);
    Case::of("jira", &by(&providers::JIRA.hex_secret(), HEX_SECRET), HEX_SECRET, BODY)
        .body(&pretty)
        .assert_found(&["secret_is_hex", "body_json"]);
    let stripe = by(&providers::STRIPE, SECRET);
    let headers = stripe.sign_at(BODY.as_bytes(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    Case { headers, ..Case::of("stripe", &stripe, SECRET, BODY) }.body(&pretty).assert_found(&["body_json", "timestamp_stale"]);
    // Three causes, for a small body.
    let three = jira().secret(format!("{SECRET}\n")).body(&pretty).header(|value| value.replace("sha256=", ""));
    three.assert_found(&["secret_white_space", "header_prefix", "body_json"]);
}

#[test]
fn unconfirmed_causes_are_suspected_or_ruled_out() {
    let value = jira().secret("quite another secret").explain();
    assert_eq!((value["found"].as_bool(), value["causes"].as_array().unwrap().len()), (Some(false), 0), "{value}");
    let ruled_out = value["ruled_out"].to_string();
    assert!(ruled_out.contains("re-serialized JSON") && !ruled_out.contains("timestamp") && !ruled_out.contains("URL"), "{ruled_out}");
    let value = Case { headers: vec![("Authorization".into(), "JWT eyJ0eXAiOiJKV1QifQ.e30.x".into())], ..jira() }.explain();
    assert_eq!(value["causes"][0]["id"], "jwt", "{value}");
    let value = Case { headers: vec![("Content-Type".into(), "application/json".into())], ..jira() }.explain();
    assert_eq!(value["causes"][0]["id"], "no_signature", "{value}");
    assert_eq!(value["ruled_out"].as_array().unwrap().len(), 0, "there was nothing to try");
    let value = Case::of("jira", &by(&providers::STRIPE, SECRET), SECRET, BODY).secret("quite another secret").explain();
    assert_eq!(value["causes"][0]["id"], "other_provider_perhaps", "{value}");
    let value = Case::jira(SECRET, "{\"d\":1,\"c\":2,\"b\":3,\"a\":4}").body("{\"a\":4,\"b\":3,\"c\":2,\"d\":1}").explain();
    assert_eq!(value["causes"][0]["id"], "json_sorted", "{value}");
    let value = jira().body("{\"webhookEvent\":").explain();
    assert_eq!(value["causes"][0]["id"], "body_cut_short", "{value}");
    let value = jira().body("{'webhookEvent': 1}").explain();
    assert_eq!(value["causes"][0]["id"], "body_is_no_json", "{value}");
    let value = jira().body("K\u{fffd}se").explain();
    assert_eq!(value["causes"][0]["id"], "body_replacement_characters", "{value}");
}

#[test]
fn correct_signature_is_shown_only_with_reveal() {
    let folder = Folder::new();
    let (secret, body) = (folder.write("secret", SECRET), folder.write("body", BODY));
    let right = jira().headers[0].1.clone();
    let arguments = ["explain", "--secret-file", &secret, "-H", "X-Hub-Signature: sha256=00", &body];
    let output = countersign(&arguments, b"");
    assert!(!output.stdout.contains(&right) && !output.stderr.contains(&right));
    assert!(countersign(&[&arguments[..], &["--reveal"]].concat(), b"").stdout.contains(&right));
}

/// Returns id and text of the only cause of a case.
fn only_cause(case: &Case) -> (String, String) {
    let value = case.explain();
    let causes = value["causes"].as_array().unwrap();
    assert_eq!((value["found"].as_bool(), causes.len()), (Some(true), 1), "{value}");
    (causes[0]["id"].as_str().unwrap().to_owned(), causes[0]["what"].as_str().unwrap().to_owned())
}

#[test]
fn html_escaped_body_is_found() {
    let escaped = BODY.replace('&', "&amp;").replace('"', "&quot;");
    let (id, what) = only_cause(&Case::jira(SECRET, BODY).body(&escaped));
    assert_eq!(id, "body_html_escaped", "{what}");
    // With another secret, no cause is confirmed, but the suspicion is not `repr`.
    let value = Case::jira("another secret", BODY).secret(SECRET).body(format!("{{{escaped}")).explain();
    let text = value["causes"].to_string();
    assert!(text.contains("HTML escapes") && !text.contains("repr"), "{value}");
    let repr = Case::jira("another secret", BODY).secret(SECRET).body("{'webhookEvent': 'jira:issue_updated', 'a': None}").explain();
    assert!(repr["causes"].to_string().contains("repr"), "{repr}");
}

#[test]
fn headers_joined_by_a_comma_are_found() {
    for separator in [",", ", "] {
        let (id, what) = only_cause(&Case::jira(SECRET, BODY).header(|value| format!("{value}{separator}{value}")));
        assert_eq!(id, "header_joined", "{what}");
        let (id, what) = only_cause(&Case::jira(SECRET, BODY).header(|value| format!("sha256={}{separator}{value}", "0".repeat(64))));
        assert_eq!(id, "header_joined", "{what}");
    }
}

#[test]
fn style_of_json_escapes_is_named() {
    let signed = [
        ("{\"a\":\"\\u00fc\",\"b\":[1,2]}", "with `\\u` escapes"),
        ("{\"a\":\"\u{fc}\\/\",\"b\":[1,2]}", "with `\\/`"),
        ("{\"a\":\"\\u003c\",\"b\":[1,2]}", "with `\\u0026` and the like, as Go writes it"),
        ("{\"a\":\"\\u00fc\\/\",\"b\":[1,2]}", "with `\\u` escapes and with `\\/`"),
    ];
    for (escaped, style) in signed {
        let plain: Value = serde_json::from_str(escaped).unwrap();
        let plain = plain.to_string();
        let (id, what) = only_cause(&Case::jira(SECRET, escaped).body(&plain));
        assert_eq!(
            (id.as_str(), what.as_str()),
            ("body_json", &*format!("The JSON was parsed and re-serialized. The sender signed JSON {style}."))
        );
        let (id, what) = only_cause(&Case::jira(SECRET, &plain).body(escaped));
        let characters = "The JSON was parsed and re-serialized. The sender signed JSON with plain characters instead of escapes.";
        assert_eq!((id.as_str(), what.as_str()), ("body_json", characters), "{escaped}");
    }
}

/// Returns the result of a command, the duration, and the peak of memory in MiB.
#[cfg(target_os = "linux")]
fn measured(arguments: &[&str]) -> (super::common::CommandOutput, Duration, u64) {
    let program = env!("CARGO_BIN_EXE_countersign");
    let mut command = std::process::Command::new(program);
    command.args(arguments).env_remove("COUNTERSIGN_SECRET");
    let began = std::time::Instant::now();
    let mut child = command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id();
    let watch = std::thread::spawn(move || {
        let mut peak = 0;
        while let Ok(status) = std::fs::read_to_string(format!("/proc/{id}/status")) {
            let Some(line) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) else { break };
            peak = peak.max(line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() / 1024);
            std::thread::sleep(Duration::from_millis(2));
        }
        peak
    });
    let (mut stdout, mut stderr) = (String::new(), String::new());
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut stdout).unwrap();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut stderr).unwrap();
    let code = child.wait().unwrap().code().unwrap();
    let took = began.elapsed();
    (super::common::CommandOutput { code, stdout, stderr }, took, watch.join().unwrap())
}

/// `explain` stays under 256 MiB and ten seconds for every delivery, and lists the attempts left
/// out.
#[cfg(target_os = "linux")]
#[test]
fn hostile_deliveries_are_explained_within_bounds() {
    const MIB: usize = 1024 * 1024;
    let folder = Folder::new();
    let secret = folder.write("secret", SECRET);
    let tag = "0".repeat(64);
    let many = format!("t=1,{}", vec![format!("v1={tag}"); 200].join(","));
    let nested = format!("[{}]", vec!["[]"; 4 * MIB / 3].join(","));
    let objects = format!("[{}]", vec!["{\"a\":1}"; 4 * MIB / 8].join(","));
    let bomb = {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut writer, &vec![0; 512 * MIB]).unwrap();
        writer.finish().unwrap()
    };
    // Random letters take the longest to compress.
    let mut state = 1_u64;
    let letters: Vec<u8> = (0..4 * MIB)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            b"abcd"[usize::try_from(state >> 62).unwrap()]
        })
        .collect();
    // Indented, each number follows hundreds of spaces.
    let deep = format!("{}{}{}", "[".repeat(120), vec!["1"; 190_000].join(","), "]".repeat(120));
    let cases: [(&str, &str, &str, Vec<u8>, &str); 9] = [
        ("letters", "jira", "X-Hub-Signature: sha256=TAG", letters, ""),
        ("deep JSON", "jira", "X-Hub-Signature: sha256=TAG", deep.into_bytes(), ""),
        ("nested arrays, unsigned", "jira", "X-Other: 1", nested.clone().into_bytes(), "too many values"),
        ("nested arrays", "jira", "X-Hub-Signature: sha256=TAG", nested.into_bytes(), "too many values"),
        ("objects", "jira", "X-Hub-Signature: sha256=TAG", objects.into_bytes(), "too many values"),
        (
            "two hundred signatures",
            "stripe",
            "Stripe-Signature: MANY",
            b"{\"a\": [1, 2, {\"b\": \"c\"}]}".to_vec(),
            "signatures past the first 16",
        ),
        ("two hundred signatures of a large body", "stripe", "Stripe-Signature: MANY", vec![b'x'; 4 * MIB], "signatures past the first 16"),
        ("a bomb", "jira", "X-Hub-Signature: sha256=TAG", bomb, ""),
        ("four MiB of text", "jira", "X-Hub-Signature: sha256=TAG", "\u{e4}\r\n".repeat(MIB).into_bytes(), ""),
    ];
    for (case, provider, header, body, left_out) in cases {
        let file = folder.write("body", &body);
        let header = header.replace("TAG", &tag).replace("MANY", &many);
        let arguments = ["explain", "--provider", provider, "--secret-file", &secret, "--header", &header, &file];
        let (output, took, peak) = measured(&arguments);
        assert_eq!(output.code, 1, "{case}: {output:?}");
        assert!(took < Duration::from_secs(10), "{case}: {took:?}");
        assert!(peak < 256, "{case}: {peak} MiB");
        assert!(output.stdout.contains(left_out), "{case}: {}", output.stdout);
    }
}

/// Each reading holds a copy of the head.
#[cfg(target_os = "linux")]
#[test]
fn hostile_head_is_explained_within_bounds() {
    let folder = Folder::new();
    let secret = folder.write("secret", SECRET);
    let items = vec!["00"; 16].join(",");
    let fields = format!("X-Hub-Signature: {items}\r\n").repeat(92);
    let pad = "x".repeat(380_000);
    let request = format!("POST / HTTP/1.1\r\n{fields}X-Pad: {pad}\r\nContent-Length: 7\r\n\r\n{{\"a\":1}}");
    let file = folder.write("request", &request);
    let (output, took, peak) = measured(&["explain", "--secret-file", &secret, "--request", &file]);
    assert_eq!(output.code, 1, "{output:?}");
    assert!(took < Duration::from_secs(10) && peak < 256, "{took:?}, {peak} MiB");
    assert!(
        output.stdout.contains("headers past the first 64 KiB") && output.stdout.contains("signatures past the first 16"),
        "{output:?}"
    );
}

#[test]
fn only_signatures_past_the_limit_are_left_out() {
    let by = by(&providers::STRIPE, SECRET);
    let case = Case::of("stripe", &by, SECRET, BODY).secret("quite another secret");
    for (count, left_out) in [(6, false), (16, false), (17, true)] {
        let tag = format!(",v1={}", "0".repeat(64));
        let more =
            Case { headers: case.headers.clone(), body: case.body.clone(), arguments: Vec::new(), secret: case.secret.clone(), ..case };
        let value = more.header(|value| format!("{value}{}", tag.repeat(count - 1))).explain();
        assert_eq!(value["left_out"].to_string().contains("signatures past"), left_out, "{count}: {value}");
    }
    let value = jira().body(format!("a{}", ",".repeat(300_000))).explain();
    assert_eq!(value["left_out"], serde_json::json!([]), "a body outside JSON has no values to count: {value}");
}

#[test]
fn json_escapes_are_not_called_white_space() {
    let large = |text: &str| format!("{{\"a\":[\"{text}\"{}]}}", ",\"bb\"".repeat(20_000));
    let cases = [
        ("{\"a\":\"\\u00FC\"}".to_owned(), "{\"a\":\"\u{fc}\"}".to_owned()),
        ("{\"a\":\"\\u00fc\",\"b\":\"\u{e4}\"}".to_owned(), "{\"a\":\"\u{fc}\",\"b\":\"\u{e4}\"}".to_owned()),
        ("{\"a\":\"\\/\",\"b\":\"x/y\"}".to_owned(), "{\"a\":\"/\",\"b\":\"x/y\"}".to_owned()),
        ("{\"a\":\"\\u0041\"}".to_owned(), "{\"a\":\"A\"}".to_owned()),
        (large("\\u00fc"), large("\u{fc}")),
        (large("\u{fc}"), large("\\u00fc")),
    ];
    for (received, signed) in cases {
        let value = Case::jira(SECRET, &signed).body(&received).explain();
        let what = value["causes"][0]["what"].as_str().unwrap();
        assert!(what.contains("escapes") && !what.contains("white space"), "{}: {what}", &received[..20]);
    }
}

#[test]
fn revealed_token_is_called_a_secret() {
    let folder = Folder::new();
    let (secret, body) = (folder.write("secret", "swordfish"), folder.write("body", "{}"));
    let arguments = ["explain", "--reveal", "--provider", "gitlab-token", "--secret-file", &secret, "-H", "X-Gitlab-Token: other", &body];
    let output = countersign(&arguments, b"");
    assert!(output.stdout.contains("X-Gitlab-Token: swordfish") && output.stdout.contains("this is the secret itself"), "{output:?}");
}

#[test]
fn search_past_its_time_limit_lists_attempts_left_out() {
    let folder = Folder::new();
    let secret = folder.write("secret", SECRET);
    let body = folder.write("body", vec![b'x'; 2 * 1024 * 1024]);
    let header = format!("X-Hub-Signature: sha256={}", "0".repeat(64));
    let output = countersign(&["explain", "--secret-file", &secret, "--try-for", "50ms", "--json", "--header", &header, &body], b"");
    assert_eq!(output.code, 1, "{output:?}");
    let value = json(&output.stdout);
    assert_eq!(value["left_out"], serde_json::json!(["attempts beyond the time limit of 50ms"]), "{output:?}");
    assert_eq!(value["ruled_out"], serde_json::json!([]), "attempts left out are not ruled out: {output:?}");
}
