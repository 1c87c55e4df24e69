//! Tests of the help and of short messages.

use super::common::{Folder, countersign};

const COMMANDS: [&str; 6] = ["secret", "sign", "send", "listen", "verify", "explain"];

fn help(command: &str) -> String {
    let output = countersign(&[command, "--help"], b"");
    assert_eq!(output.code, 0, "{output:?}");
    output.stdout
}

#[test]
fn options_stand_under_their_heading() {
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
fn help_of_secret_lists_only_used_options() {
    let help = help("secret");
    assert!(help.contains("--provider") && !help.contains("--signed-url") && !help.contains("--allow-sha1"), "{help}");
}

#[test]
fn only_commands_that_verify_can_accept_sha1() {
    for command in COMMANDS {
        let verifies = matches!(command, "listen" | "verify" | "explain");
        assert_eq!(help(command).contains("--allow-sha1"), verifies, "{command}");
    }
}

#[test]
fn error_for_a_missing_header_names_both_options() {
    for command in ["verify", "explain"] {
        let output = countersign(&[command, "--secret", "swordfish"], b"{}");
        assert_eq!((output.code, output.stderr.contains("-H ") && output.stderr.contains("--request")), (2, true), "{output:?}");
    }
}

#[test]
fn error_names_empty_standard_input() {
    let output = countersign(&["verify", "--secret", "swordfish", "--request", "-"], b"");
    assert_eq!((output.code, output.stderr.contains("standard input is not a captured request")), (2, true), "{output:?}");
}

#[test]
fn unreachable_receiver_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jira", listener.local_addr().unwrap());
    drop(listener);
    let output = countersign(&["send", "--secret", "swordfish", &url], b"{}");
    assert_eq!((output.code, output.stdout.contains(&url), output.stdout.contains("client error")), (1, true, false), "{output:?}");
}

#[test]
fn table_without_a_row_has_no_heading() {
    let output = countersign(&["providers", "nobody"], b"");
    assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{output:?}");
    assert!(output.stderr.contains("nobody"), "{output:?}");
}

#[test]
fn short_option_p_is_the_port() {
    let output = countersign(&["listen", "-p", "0", "--secret-file", "/nowhere/secret"], b"");
    assert_eq!((output.code, output.stderr.contains("/nowhere/secret")), (2, true), "{output:?}");
    let output = countersign(&["listen", "-p", "http"], b"");
    assert!(output.stderr.contains("--port"), "{output:?}");
}

#[test]
fn error_for_an_unfit_url_shows_the_form() {
    for url in ["127.0.0.1:3000/jira", "localhost:3000", "hooks.example.com/jira", "ftp://127.0.0.1/", "http:///jira"] {
        let output = countersign(&["send", "--secret", "swordfish", url], b"{}");
        assert_eq!((output.code, output.stderr.contains("begins with http:// or https://")), (2, true), "{url}: {output:?}");
        let output = countersign(&["listen", "--forward", url], b"");
        assert!(output.stderr.contains("begins with http:// or https://"), "{url}: {output:?}");
    }
}

#[test]
fn hashes_on_demand_are_listed_apart() {
    let output = countersign(&["providers", "--json", "websub"], b"");
    let value: serde_json::Value = serde_json::from_str(output.stdout.trim()).unwrap();
    assert_eq!(value["hashes"], serde_json::json!(["sha256", "sha384", "sha512"]));
    assert_eq!(value["hashes_on_demand"], serde_json::json!(["sha1"]));
    let table = countersign(&["providers", "trello"], b"").stdout;
    assert!(table.contains("(sha1)"), "{table}");
}

#[test]
fn help_says_that_reveal_shows_a_token() {
    let folder = Folder::new();
    let (secret, body) = (folder.write("secret", "swordfish"), folder.write("body", "{}"));
    let arguments = ["explain", "--provider", "gitlab-token", "--secret-file", &secret, "--header", "X-Gitlab-Token: other", &body];
    let hidden = countersign(&arguments, b"");
    assert!(!hidden.stdout.contains("swordfish"), "{hidden:?}");
    let explain = help("explain").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(explain.contains("For a static token, the correct signature is the secret itself"));
}
