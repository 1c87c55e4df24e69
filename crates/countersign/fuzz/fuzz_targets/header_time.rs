//! Timestamps in a header of their own, in each format.
#![no_main]

use std::sync::LazyLock;

use countersign_fuzz::heads::Heads;
use libfuzzer_sys::fuzz_target;

const PROVIDERS: &[&str] = &["slack", "zoom", "hubspot-v3", "zendesk", "twitch"];

static HEADS: LazyLock<Heads> = LazyLock::new(|| Heads::of(PROVIDERS));

fuzz_target!(|input: &[u8]| {
    HEADS.judge(input);
});
