//! Heads with the secret in plain text.
#![no_main]

use std::sync::LazyLock;

use countersign_fuzz::description::Shape;
use countersign_fuzz::heads::Heads;
use libfuzzer_sys::fuzz_target;

static HEADS: LazyLock<Heads> = LazyLock::new(|| Heads::of(Shape::Token));

fuzz_target!(|input: &[u8]| {
    HEADS.judge(input);
});
