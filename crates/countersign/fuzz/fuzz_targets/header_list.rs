//! Lists of tags, perhaps with the time among them.
#![no_main]

use std::sync::LazyLock;

use countersign_fuzz::heads::Heads;
use libfuzzer_sys::fuzz_target;

const PROVIDERS: &[&str] = &["stripe", "pagerduty", "circleci", "paddle", "calendly", "sanity", "workos"];

static HEADS: LazyLock<Heads> = LazyLock::new(|| Heads::of(PROVIDERS));

fuzz_target!(|input: &[u8]| {
    HEADS.judge(input);
});
