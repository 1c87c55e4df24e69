//! Tests of `secret`, `sign`, `verify` and `providers`.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::common::{Folder, command, countersign, run};

const BODY: &str = "{\"webhookEvent\":\"jira:issue_created\"}";

fn sign(arguments: &[&str]) -> String {
    let output = countersign(&[&["sign"], arguments].concat(), BODY.as_bytes());
    assert_eq!(output.code, 0, "{output:?}");
    output.stdout
}

#[test]
fn signature_equals_the_published_value() {
    let folder = Folder::new();
    // From Atlassian's page on securing webhooks.
    let secret = folder.write("secret", "It's a Secret to Everybody\n");
    let body = folder.write("body", "Hello World!");
    let output = countersign(&["sign", "--secret-file", &secret, "--header-only", &body], b"");
    assert_eq!(output.stdout, "X-Hub-Signature: sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9\n");
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
}

#[test]
fn signed_delivery_verifies_for_every_provider() {
    let list = countersign(&["providers", "--json"], b"");
    let rows: Vec<Value> = list.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() > 50);
    let folder = Folder::new();
    for row in rows {
        let name = row["name"].as_str().unwrap();
        let secret = folder.write("secret", countersign(&["secret", "--provider", name], b"").stdout);
        let url: &[&str] = if row["signs_url"] == true { &["--signed-url", "https://h.example/hook"] } else { &[] };
        let sha1: &[&str] = if row["hashes"] == serde_json::json!([]) && row["hashes_on_demand"] == serde_json::json!(["sha1"]) {
            &["--allow-sha1"]
        } else {
            &[]
        };
        let options = [&["--provider", name, "--secret-file", &secret], url].concat();
        let output = countersign(&[&["sign", "--header-only"], &options[..]].concat(), BODY.as_bytes());
        assert_eq!(output.code, 0, "{name}: {output:?}");
        let headers: Vec<&str> = output.stdout.lines().flat_map(|header| ["-H", header]).collect();
        let output = countersign(&[&["verify", "--json"], &options[..], sha1, &headers].concat(), BODY.as_bytes());
        assert_eq!(output.code, 0, "{name}: {output:?}");
        let value: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!((value["verified"].as_bool(), value["provider"].as_str()), (Some(true), Some(name)));
        // All headers in a single option, with the other output of `sign`.
        let all = countersign(&[&["sign"], &options[..]].concat(), BODY.as_bytes()).stdout.replace('\n', "\r\n");
        let output = countersign(&[&["verify"], &options[..], sha1, &["-H", &all]].concat(), BODY.as_bytes());
        assert_eq!((output.code, all.lines().count() > 1), (0, true), "{name}: {output:?}");
        if row["signs_body"] == true {
            let output = countersign(&[&["verify"], &options[..], sha1, &headers].concat(), b"another body");
            assert_eq!(
                (output.code, output.stdout.contains("not verified: the signature does not match")),
                (1, true),
                "{name}: {output:?}"
            );
        }
    }
}

#[test]
fn secret_is_new_each_time_and_readable_by_its_owner_alone() {
    let folder = Folder::new();
    let file = folder.0.join("secret");
    let path = file.to_str().unwrap();
    assert_eq!(countersign(&["secret", "--file", path], b"").code, 0);
    let first = fs::read_to_string(&file).unwrap();
    assert_eq!((first.len(), first.trim_end().bytes().all(|byte| byte.is_ascii_hexdigit())), (65, true));
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions()) & 0o777, 0o600);
    let output = countersign(&["secret", "--file", path], b"");
    assert_eq!(output.code, 2, "an existing file is not overwritten: {output:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), first);
    assert_ne!(countersign(&["secret"], b"").stdout, first);
}

#[test]
fn secret_comes_from_a_file_a_variable_or_an_argument() {
    let folder = Folder::new();
    let secret = folder.write("secret", "swordfish\n");
    let by_file = sign(&["--secret-file", &secret]);
    let with_variable = |name: &str, arguments: &[&str]| {
        let mut command = command(&[&["sign"], arguments].concat());
        command.env(name, "swordfish");
        run(command, BODY.as_bytes())
    };
    assert_eq!(with_variable("MY_SECRET", &["--secret-env", "MY_SECRET"]).stdout, by_file);
    assert_eq!(with_variable("COUNTERSIGN_SECRET", &[]).stdout, by_file);
    let output = countersign(&["sign", "--secret", "swordfish"], BODY.as_bytes());
    assert_eq!((output.stdout, output.stderr.contains("warning: other users")), (by_file, true));
    let output = countersign(&["providers", "--quiet", "no-such-provider"], b"");
    assert_eq!((output.code, output.stdout.as_str(), output.stderr.as_str()), (1, "", ""));
    assert_eq!(countersign(&["sign", "--quiet", "--secret", "swordfish"], BODY.as_bytes()).stderr, "");

    // An id selects a secret among several.
    let other = format!("2026-11={}", folder.write("other", "another"));
    let own = format!("2026-05={secret}");
    let of_id = |id| sign(&["--secret-file", &other, "--secret-file", &own, "--key-id", id]);
    assert_ne!(of_id("2026-11"), of_id("2026-05"));
    assert_eq!(of_id("2026-05"), sign(&["--secret-file", &secret]));

    let faults = [
        (&[][..], "no secret given: use --secret-file FILE"),
        (&["--secret-file", "/nowhere/secret"], "cannot read the secret from /nowhere/secret"),
        (&["--secret-env", "COUNTERSIGN_NOT_SET"], "the variable COUNTERSIGN_NOT_SET is not set"),
        (&["--secret", ""], "is empty"),
        (&["--secret-file", &format!("a={secret}"), "--secret-file", &format!("a={secret}")], "two secrets have the id a"),
        (&["--secret-file", &secret, "--key-id", "2026-11"], "no secret has that id"),
        (&["--secret-file", &secret, "--provider", "square"], "give the URL of the receiver as --signed-url"),
        (&["--secret-file", &secret, "--signed-url", "https://h"], "leave --signed-url out"),
        (&["--secret-file", &secret, "--provider", "standard-webhooks"], "has the wrong form: expected padded base64"),
        (&["--secret-file", &secret, "--at", "yesterday"], "2026-11-24T17:30:00Z"),
        (&["--secret-file", &secret, "--provider", "jiro"], "jira"),
        (&["--secret-file", &secret, "/nowhere/body"], "cannot read /nowhere/body"),
    ];
    for (arguments, text) in faults {
        let output = countersign(&[&["sign"], arguments].concat(), BODY.as_bytes());
        assert_eq!((output.code, output.stdout.as_str(), output.stderr.contains(text)), (2, "", true), "{arguments:?}: {output:?}");
        assert!(!output.stderr.contains("swordfish"), "{output:?}");
    }
}

#[test]
fn options_set_time_and_id() {
    let folder = Folder::new();
    let secret = folder.write("secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let options = ["--provider", "standard-webhooks", "--secret-file", &secret];
    let at = |time| sign(&[&options[..], &["--header-only", "--at", time, "--id", "msg_1"]].concat());
    let signed = at("1700000000");
    assert_eq!(signed, at("2023-11-14T22:13:20Z"));
    assert!(signed.contains("webhook-id: msg_1\n") && signed.contains("webhook-timestamp: 1700000000\n"), "{signed}");
    let headers: Vec<&str> = signed.lines().flat_map(|header| ["-H", header]).collect();
    let verify = |at: &[&str]| countersign(&[&["verify"], &options[..], &headers, at].concat(), BODY.as_bytes());
    assert_eq!(verify(&["--at", "1700000100"]).code, 0);
    let stale = verify(&[]);
    assert_eq!((stale.code, stale.stdout.contains("too long ago")), (1, true), "{stale:?}");
}

#[test]
fn curl_command_survives_the_shell() {
    let folder = Folder::new();
    let secret = folder.write("secret", "swordfish");
    let body = folder.write("it's a body", BODY);
    let output = countersign(&["sign", "--secret-file", &secret, "--curl", "http://127.0.0.1:1/a?b&c", &body], b"");
    // The shell parses the line, without running `curl`.
    let shell = Command::new("sh").args(["-c", &output.stdout.replacen("curl ", "printf '<%s>' ", 1)]).output().unwrap();
    let words = String::from_utf8(shell.stdout).unwrap();
    let signature = sign(&["--secret-file", &secret, "--header-only"]);
    assert!(words.starts_with("<-i><-H><Content-Type: application/json><-H><X-Hub-Signature: sha256="), "{words}");
    assert!(words.contains(&format!("<{}>", signature.trim_end())), "{words}");
    assert!(words.ends_with(&format!("<--data-binary><@{body}><http://127.0.0.1:1/a?b&c>")), "{words}");
}

#[test]
fn colour_adds_only_escape_codes() {
    let folder = Folder::new();
    let secret = folder.write("secret", "swordfish");
    let verify = |options: &[&str]| {
        countersign(&[&["verify", "--secret-file", &secret, "-H", "X-Hub-Signature: sha256=00"], options].concat(), b"").stdout
    };
    let plain = verify(&[]);
    assert!(!plain.contains('\x1b'), "{plain:?}");
    let coloured = verify(&["--color", "always"]);
    assert!(coloured.contains('\x1b'), "{coloured:?}");
    let stripped: String = coloured
        .split('\x1b')
        .map(|part| part.split_once('m').filter(|(code, _)| code.starts_with('[')).map_or(part, |(_, text)| text))
        .collect();
    assert_eq!(stripped, plain);
    let mut command = command(&["verify", "--secret-file", &secret, "-H", "X-Hub-Signature: sha256=00"]);
    command.env("NO_COLOR", "1");
    assert_eq!(run(command, b"").stdout, plain);
}

#[test]
fn providers_are_listed() {
    let table = countersign(&["providers"], b"").stdout;
    assert!(table.lines().any(|line| line.starts_with("jira ") && line.contains("X-Hub-Signature") && line.contains(" yes ")), "{table}");
    assert!(table.lines().any(|line| line.starts_with("stripe ") && line.contains("5m")), "{table}");
    assert_eq!(countersign(&["providers", "no-such"], b"").code, 1);
}

#[cfg(target_os = "linux")]
#[test]
fn unwritable_output_is_an_error() {
    let mut command = command(&["providers"]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_eq!(command.stdout(full).status().unwrap().code(), Some(2));
}

#[test]
fn completions_and_man_pages_are_made() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = countersign(&["completions", shell], b"");
        assert!(output.code == 0 && output.stdout.contains("countersign") && output.stdout.contains("secret-file"), "{shell}");
    }
    let folder = Folder::new();
    assert!(countersign(&["man"], b"").stdout.contains(".TH countersign 1"));
    assert_eq!(countersign(&["man", folder.0.to_str().unwrap()], b"").code, 0);
    for page in ["countersign.1", "countersign-explain.1", "countersign-listen.1"] {
        assert!(folder.0.join(page).exists(), "{page}");
    }
}

#[test]
fn help_has_examples_and_the_exit_status() {
    for command in ["sign", "send", "listen", "verify", "explain"] {
        let output = countersign(&[command, "--help"], b"");
        assert!(output.code == 0 && output.stdout.contains("Examples:"), "{command}: {output:?}");
    }
    let output = countersign(&["--help"], b"");
    assert!(output.stdout.contains("Exit status: 0"), "{output:?}");
    assert_eq!(countersign(&[], b"").code, 2);
}
