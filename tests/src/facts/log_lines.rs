//! Facts about the log: one event is one line, with any text from a sender or a library.

use std::error::Error;
use std::fmt;

use countersign::{RejectionKind, RequestHead, Secret, Signer, Verifier, providers};
use countersign_tenants::Tenants;

use crate::log::{log_of, values_of};
use crate::{Delivery, Harness, Step};

/// Text that forges a log line without escaping: line breaks of every kind, a terminal escape, and characters for right-to-left text.
const FORGED_LINE: &str =
    "a\nINFO countersign: delivery verified\r\t\u{85}\u{2028}\u{2029}\u{1b}[2J\u{0}\u{7f}\u{202e}\u{2066}\u{200f}\u{61c}b";

/// Returns whether a character can end a line, move the cursor or change the direction of text.
fn is_dangerous(character: char) -> bool {
    character.is_control() || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[track_caller]
fn assert_plain(values: &[(String, String)], case: &str) {
    assert!(!values.is_empty(), "{case}: the log is empty");
    for (field, value) in values {
        assert!(!value.contains(is_dangerous), "{case}: {field} is {value:?}");
    }
}

/// An error of a key source, with several lines of text.
#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORGED_LINE)
    }
}

impl Error for Broken {}

pub async fn log_lines_cannot_be_forged_by_errors<H: Harness>() {
    let jira = || Verifier::builder(providers::JIRA);
    let signer = Signer::new(providers::JIRA, Secret::new("a secret for the log")).unwrap();
    let delivery = || Delivery::signed(&signer, "body");

    let tenants = Tenants::builder(jira()).by(|_: &dyn RequestHead| Some("acme".to_owned()));
    let tenants = tenants.build(|_| async { Err::<Option<Vec<(String, Secret)>>, _>(Broken) }).unwrap();
    let (outcome, values) = values_of(H::deliver(tenants, delivery())).await;
    outcome.assert_rejected(RejectionKind::KeysUnavailable, "a failing key source");
    assert_plain(&values, "a failing key source");
    // The escaped text still contains the message of the key source.
    assert!(
        values.iter().any(|(field, value)| field == "source" && value.contains("a\\nINFO countersign: delivery verified\\r\\t")),
        "{values:?}"
    );

    let verifier = jira().key("k", Secret::new("a secret for the log")).build().unwrap();
    let broken = delivery().steps([Step::Fault(FORGED_LINE)]);
    let (outcome, values) = values_of(H::deliver(verifier.clone(), broken.clone())).await;
    outcome.assert_rejected(RejectionKind::BodyUnreadable, "a failing body");
    assert_plain(&values, "a failing body");
    // The formatted log also has one line for the event.
    let (_, log) = log_of(H::deliver(verifier, broken)).await;
    let count_our_lines = |log: &str| log.lines().filter(|line| line.contains("countersign: ")).count();
    assert_eq!(count_our_lines(&log), 1, "{log}");
}

pub async fn log_lines_cannot_be_forged_by_a_tenants_name<H: Harness>() {
    let lookup = |tenant: String| async move {
        // A store may let tenants choose the ids of keys.
        Ok::<_, std::io::Error>((tenant == FORGED_LINE).then(|| vec![(FORGED_LINE.to_owned(), Secret::new("a secret for the log"))]))
    };
    let tenants =
        Tenants::builder(Verifier::builder(providers::JIRA)).by(|_: &dyn RequestHead| Some(FORGED_LINE.to_owned())).build(lookup).unwrap();
    let signer = Signer::new(providers::JIRA, Secret::new("a secret for the log")).unwrap();
    let cases = [
        ("verified", Delivery::signed(&signer, "body")),
        ("forged", Delivery::signed(&signer, "body").body("forged")),
        ("unsigned", Delivery::unsigned("body")),
        ("let through", Delivery::signed(&signer, "body").body("forged").report_only()),
    ];
    for (case, delivery) in cases {
        let (outcome, values) = values_of(H::deliver(tenants.clone(), delivery)).await;
        assert_plain(&values, case);
        let tenants: Vec<_> = values.iter().filter(|(field, _)| field == "tenant").collect();
        assert!(case == "unsigned" || !tenants.is_empty(), "{case}: the tenant is logged");
        assert_eq!(outcome.handled.len(), usize::from(case == "verified"), "{case}");
        // Only the log is escaped. The application receives the original name.
        for handled in &outcome.handled {
            assert_eq!(handled.verified.tenant(), Some(FORGED_LINE));
        }
    }
}
