//! Checks whether the time of a rejection depends on the fault of the delivery. `cargo run --release` takes two million samples for each
//! case. `cargo run --release -- <samples>` takes another number of samples.
//!
//! The method is that of dudect (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?", 2017):
//!
//! - A case has two classes of header values. Each sample draws a class at random, and times the rejection of a value.
//! - Welch's t-test compares the mean times of the two classes. A |t| below 5 means that these samples show no difference.
//!
//! This result is evidence, and no proof: the result holds for this machine, this compiler and these classes. The program omits dudect's
//! tests of higher order.
//!
//! | case | the two classes |
//! |---|---|
//! | `itself` | the same class twice: shows a bias of the harness |
//! | `(a)` | the tag is wrong in its first byte, or in its last byte |
//! | `(b)` | the verifier has four keys, and the tag is nearly that of the first key, or nearly that of the last key |
//! | `(c)` | the tag is random, or fixed; the tag is all zeros, or all ones |
//! | `(d)` | a static token is wrong in its first byte, or in its last byte; the token is random, or fixed |
//! | `(e)` | the text of the tag is digits, or letters |
//! | `control` | as `(a)`, with a faulty comparison: t must be above 5 or below -5 here, or the other cases prove nothing |
//!
//! A case out of bounds is measured once more, with twice the samples. A case out of bounds twice fails, and so does the command. The
//! machine need not be quiet, because disturbances affect both classes alike. A quiet machine shows smaller differences.
//!
//! The sums are those of the crate `dudect-bencher`. The program computes the sums itself, because the command must fail by t.

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

/// Measures a case, prints its line, and returns whether the case is within its bounds.
fn measure(case: &mut Case, samples: usize) -> bool {
    let times = case.measure(samples);
    let (median, t) = (welch::median(&times), welch::greatest_t(times));
    let within = case.is_within(t);
    println!("{:<72}{samples:>12}{median:>10.0}{t:>10.2}{}", case.name(), if within { "" } else { "  out of bounds" });
    within
}
