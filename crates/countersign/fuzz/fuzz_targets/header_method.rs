//! Heads with a tag after a name, such as `method=signature`.
#![no_main]

use std::sync::LazyLock;

use countersign_fuzz::description::Shape;
use countersign_fuzz::heads::Heads;
use libfuzzer_sys::fuzz_target;

static HEADS: LazyLock<Heads> = LazyLock::new(|| Heads::of(Shape::Method));

fuzz_target!(|input: &[u8]| {
    HEADS.judge(input);
});
