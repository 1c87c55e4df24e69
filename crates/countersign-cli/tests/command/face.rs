//! Tests of the help and of short messages.

use super::common::{Folder, countersign};

const COMMANDS: [&str; 6] = ["secret", "sign", "send", "listen", "verify", "explain"];

fn help(command: &str) -> String {
    let told = countersign(&[command, "--help"], b"");
    assert_eq!(told.code, 0, "{told:?}");
    told.stdout
}

#[test]
fn options_stand_under_their_own_heading() {
    let own = [
        ("Provider:", &["--provider", "--signed-url", "--allow-sha1"][..]),
        ("Secret (", &["--secret-file", "--secret-env", "--secret "]),
        ("Output:", &["--color", "--quiet", "--verbose", "--json"]),
        ("Explaining:", &["--explain", "--other-body", "--try-for", "--reveal"]),
        ("Arguments:", &["[FILE]", "<URL>"]),
        ("Options:", &["--file", "--help"]),
    ];
    for command in COMMANDS {
        let help = help(command);
        let mut heading = "";
        for line in help.lines().take_while(|line| *line != "Examples:") {
            if !line.starts_with(' ') && !line.is_empty() {
                heading = line;
            }
            let Some((option, _)) = line.trim_start().split_once("  ").or(Some((line.trim(), ""))) else { continue };
            if !option.starts_with(['-', '[', '<']) {
                continue;
            }
            for (section, options) in own {
                // `listen` has options of its own with these names.
                let of_listen = command == "listen" && (option.contains("--explain") || option.contains("--json"));
                let named =
                    |own: &&&str| if own.starts_with('-') { format!("{option} ").contains(**own) } else { option.starts_with(**own) };
                let belongs = !of_listen && options.iter().any(|own| named(&own));
                assert!(!belongs || heading.starts_with(section), "{command}: {option} stands under {heading}");
            }
        }
    }
}

/// An example broken by the terminal would be two wrong commands.
#[test]
fn examples_can_be_pasted() {
    for command in COMMANDS {
        let help = help(command);
        let Some((_, examples)) = help.split_once("Examples:\n") else { continue };
        let examples: Vec<&str> = examples.lines().take_while(|line| !line.trim().is_empty()).collect();
        for line in &examples {
            assert!(line.chars().count() <= 80 && !line.contains('\u{2026}'), "{command}: {line}");
        }
        for example in examples.join("\n").replace("\\\n", " ").lines() {
            let example = example.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                example.starts_with(&format!("countersign {command}")) || example.starts_with("countersign sign"),
                "{command}: {example}"
            );
        }
    }
}

#[test]
fn secret_offers_only_what_it_uses() {
    let help = help("secret");
    assert!(help.contains("--provider") && !help.contains("--signed-url") && !help.contains("--allow-sha1"), "{help}");
}

#[test]
fn delivery_without_a_header_is_told_both_ways_to_give_one() {
    for command in ["verify", "explain"] {
        let told = countersign(&[command, "--secret", "swordfish"], b"{}");
        assert_eq!((told.code, told.stderr.contains("-H ") && told.stderr.contains("--request")), (2, true), "{told:?}");
    }
}

#[test]
fn empty_standard_input_is_called_by_its_name() {
    let told = countersign(&["verify", "--secret", "swordfish", "--request", "-"], b"");
    assert_eq!((told.code, told.stderr.contains("standard input is not a captured request")), (2, true), "{told:?}");
}

#[test]
fn receiver_that_is_not_there_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jira", listener.local_addr().unwrap());
    drop(listener);
    let told = countersign(&["send", "--secret", "swordfish", &url], b"{}");
    assert_eq!((told.code, told.stdout.contains(&url), told.stdout.contains("client error")), (1, true, false), "{told:?}");
}

#[test]
fn table_without_a_row_has_no_heading() {
    let told = countersign(&["providers", "nobody"], b"");
    assert_eq!((told.code, told.stdout.as_str()), (1, ""), "{told:?}");
    assert!(told.stderr.contains("nobody"), "{told:?}");
}

#[test]
fn port_is_not_read_as_a_provider() {
    let told = countersign(&["listen", "-p", "0", "--secret-file", "/nowhere/secret"], b"");
    assert_eq!((told.code, told.stderr.contains("/nowhere/secret")), (2, true), "{told:?}");
    let told = countersign(&["listen", "-p", "http"], b"");
    assert!(told.stderr.contains("--port"), "{told:?}");
}

#[test]
fn url_without_a_scheme_is_told_what_it_lacks() {
    for url in ["127.0.0.1:3000/jira", "localhost:3000", "hooks.example.com/jira", "ftp://127.0.0.1/", "http:///jira"] {
        let told = countersign(&["send", "--secret", "swordfish", url], b"{}");
        assert_eq!((told.code, told.stderr.contains("begins with http:// or https://")), (2, true), "{url}: {told:?}");
        let told = countersign(&["listen", "--forward", url], b"");
        assert!(told.stderr.contains("begins with http:// or https://"), "{url}: {told:?}");
    }
}

#[test]
fn hashes_that_have_to_be_asked_for_are_told_as_such() {
    let told = countersign(&["providers", "--json", "websub"], b"");
    let value: serde_json::Value = serde_json::from_str(told.stdout.trim()).unwrap();
    assert_eq!(value["hashes"], serde_json::json!(["sha256", "sha384", "sha512"]));
    assert_eq!(value["hashes_on_demand"], serde_json::json!(["sha1"]));
    let table = countersign(&["providers", "trello"], b"").stdout;
    assert!(table.contains("(sha1)"), "{table}");
}

#[test]
fn token_is_said_to_be_revealed() {
    let folder = Folder::new();
    let (secret, body) = (folder.write("secret", "swordfish"), folder.write("body", "{}"));
    let arguments = ["explain", "--provider", "gitlab-token", "--secret-file", &secret, "--header", "X-Gitlab-Token: other", &body];
    let hidden = countersign(&arguments, b"");
    assert!(!hidden.stdout.contains("swordfish"), "{hidden:?}");
    let explain = help("explain").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(explain.contains("For a static token, the correct signature is the secret itself"));
}
