//! Signatures in several headers, with names or with numbers.
#![no_main]

use std::sync::LazyLock;

use countersign_fuzz::heads::Heads;
use libfuzzer_sys::fuzz_target;

const PROVIDERS: &[&str] = &["docusign", "box"];

static HEADS: LazyLock<Heads> = LazyLock::new(|| Heads::of(PROVIDERS));

fuzz_target!(|input: &[u8]| {
    HEADS.judge(input);
});
