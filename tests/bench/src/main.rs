//! What a verified delivery costs: `cargo run --release -- core` and `cargo run --release -- axum`.
//!
//! Each row is measured in rounds that take turns, each of some milliseconds; the figure is the median of the rounds, and the ratio is to the
//! first row of the table. Ratios of one run can be compared with those of another; times cannot.

mod axum;
mod core;
mod table;

fn main() {
    let what = std::env::args().nth(1);
    match what.as_deref() {
        Some("core") => core::run(),
        Some("axum") => axum::run(),
        _ => {
            eprintln!("usage: bench core|axum");
            std::process::exit(2);
        }
    }
}
