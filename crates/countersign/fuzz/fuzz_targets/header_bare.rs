//! Heads with one tag alone in a header, in hex or in base64.
#![no_main]

use std::sync::LazyLock;

use countersign_fuzz::description::Shape;
use countersign_fuzz::heads::Heads;
use libfuzzer_sys::fuzz_target;

static HEADS: LazyLock<Heads> = LazyLock::new(|| Heads::of(Shape::Bare));

fuzz_target!(|input: &[u8]| {
    HEADS.judge(input);
});
