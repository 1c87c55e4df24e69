//! Whether the time that a rejection takes tells how wrong the delivery was: `cargo run --release`, and `cargo run --release -- <samples>`
//! for another number of samples than two million a case.
//!
//! As dudect does it (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?", 2017): a case has two classes of a header's value, of
//! which one is drawn for each sample, at random; rejecting it is timed; and Welch's t-test asks whether the times of the two classes have one
//! mean. A |t| below 5 says that these samples show no difference. That is evidence and no proof: it holds for this machine, this compiler and
//! these classes. The tests of higher order that dudect has are not done.
//!
//! | case | its two classes |
//! |---|---|
//! | `itself` | the same: whether the harness has a bias |
//! | `(a)` | the tag is wrong in its first byte, or in its last |
//! | `(b)` | of four keys, the tag is nearly that of the first, or nearly that of the last |
//! | `(c)` | the tag is random, or a fixed one; it is all zeros, or all ones |
//! | `(d)` | a static token is wrong in its first byte, or in its last; it is random, or a fixed one |
//! | `(e)` | the text of the tag is digits, or letters |
//! | `control` | as `(a)`, compared as it should not be: here |t| has to be above 5, or the others prove nothing |
//!
//! A case that is out of bounds is measured once more with twice the samples, and fails if it is out of bounds then as well. If one fails, the
//! command does. The machine need not be quiet, for what disturbs it meets both classes alike, but a quiet one sees smaller differences.
//!
//! The sums are those of the crate `dudect-bencher`, done here because this command is to fail by its t.

#![forbid(unsafe_code)]

mod case;
mod cases;
mod controls;
mod value;
mod welch;

use std::process::ExitCode;

use crate::case::Case;

const SAMPLES: usize = 2_000_000;

fn main() -> ExitCode {
    let samples = match std::env::args().nth(1).map(|samples| samples.parse()) {
        None => SAMPLES,
        Some(Ok(samples)) => samples,
        Some(Err(_)) => {
            eprintln!("usage: constant-time [samples]");
            return ExitCode::from(2);
        }
    };
    let seed = fastrand::u64(..);
    fastrand::seed(seed);
    println!("seed {seed}\n\n{:<72}{:>12}{:>10}{:>10}", "case", "samples", "ns", "t");
    let mut failed = 0;
    for mut case in cases::all().into_iter().chain(controls::all()) {
        if !measure(&mut case, samples) && !measure(&mut case, samples.saturating_mul(2)) {
            failed += 1;
        }
    }
    println!("\n{failed} out of bounds");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a line, and tells whether the case is within its bounds.
fn measure(case: &mut Case, samples: usize) -> bool {
    let times = case.measure(samples);
    let (median, t) = (welch::median(&times), welch::greatest_t(times));
    let within = case.is_within(t);
    println!("{:<72}{samples:>12}{median:>10.0}{t:>10.2}{}", case.name(), if within { "" } else { "  out of bounds" });
    within
}
