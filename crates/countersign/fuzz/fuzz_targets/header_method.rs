//! `method=signature` and other tags with a name in front.
#![no_main]

use std::sync::LazyLock;

use countersign_fuzz::heads::Heads;
use libfuzzer_sys::fuzz_target;

const PROVIDERS: &[&str] = &[
    "jira",
    "jira-data-center",
    "bitbucket",
    "bitbucket-data-center",
    "confluence-data-center",
    "websub",
    "github",
    "meta",
    "notion",
    "intercom",
    "typeform",
    "airtable",
];

static HEADS: LazyLock<Heads> = LazyLock::new(|| Heads::of(PROVIDERS));

fuzz_target!(|input: &[u8]| {
    HEADS.judge(input);
});
