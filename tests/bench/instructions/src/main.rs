//! Performs so many deliveries of one case: `instructions <case> <n>`. Without arguments it lists the cases, each with those that it is
//! compared with.
//!
//! It is run under a tool that counts, by `check` beside `Cargo.toml`.

#![forbid(unsafe_code)]

mod actix;
mod axum;
mod case;
mod core;
mod delivery;
mod floor;
mod warp;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        case::all().iter().for_each(|case| println!("{} {}", case.name, case.over.join(" ")));
        return;
    };
    let number: u32 = arguments.next().and_then(|number| number.parse().ok()).expect("how many");
    let case = case::all().into_iter().find(|case| case.name == name).expect("one of the cases that are listed without arguments");
    let mut deliver = (case.deliver)();
    (0..number).for_each(|_| deliver());
}
