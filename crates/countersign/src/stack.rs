use zeroize::Zeroize as _;

/// Bytes of the stack that are overwritten. `tests/tests/secret_memory.rs` passes with 4 KiB where the code is optimised and with 8 KiB where it
/// is not, and fails with half as much (x86-64, Rust 1.95).
const SIZE: usize = 16 * 1024;

/// Returns what `work` returns, and overwrites the stack that it has used.
///
/// HMAC copies its key into a block of the hash, pads it, and feeds it to the hash (RFC 2104 §2). `hmac` and `sha2` leave those copies on the
/// stack, where they would outlive the wiped secret until another call happens to overwrite them. A thread of its own for the work would not
/// do: glibc keeps the stacks of threads that have ended.
pub(crate) fn wiping_stack<T>(work: impl FnOnce() -> T) -> T {
    let made = call(work);
    overwrite();
    made
}

// Frames of their own, which begin at the same place: inlined, the copies would stand in the frame of the caller.
#[inline(never)]
fn call<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite() {
    let mut stack = [0_u8; SIZE];
    stack.zeroize();
    // Nobody reads it, so that without this it might not be there at all.
    std::hint::black_box(&mut stack);
}
