use zeroize::Zeroize as _;

/// Bytes of stack to overwrite. `tests/tests/secret_memory.rs` passes with 4 KiB in optimised
/// builds and with 8 KiB in other builds, and fails with half as much (x86-64, Rust 1.95).
const WIPED_BYTES: usize = 16 * 1024;

/// Runs `work`, then overwrites the stack that `work` used.
///
/// HMAC copies the key into a block of the hash, pads the block, and hashes the block (RFC 2104
/// §2). `hmac` and `sha2` leave these copies on the stack. The copies would outlive the wiped
/// secret until another call happens to overwrite the stack. A separate thread does not help: glibc
/// reuses the stacks of ended threads without clearing the memory.
pub(crate) fn wiping_stack<T>(work: impl FnOnce() -> T) -> T {
    let result = run(work);
    overwrite();
    result
}

// `inline(never)` makes both frames start at the same address. Inlined, `work` would leave copies
// in the caller's frame, out of reach of `overwrite`.
#[inline(never)]
fn run<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite() {
    let mut stack = [0_u8; WIPED_BYTES];
    stack.zeroize();
    // The compiler could remove an array that is never read.
    std::hint::black_box(&mut stack);
}
