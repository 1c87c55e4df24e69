//! Performs `n` deliveries of one case: `instructions <case> <n>`. Without arguments, the program lists the cases, each with the cases to
//! subtract.
//!
//! The script `check`, beside `Cargo.toml`, runs this program under callgrind.

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
    let number: u32 = arguments.next().and_then(|number| number.parse().ok()).expect("the number of deliveries is missing or malformed");
    let case = case::all().into_iter().find(|case| case.name == name).expect("no case has this name: run without arguments for a list");
    let mut deliver = (case.deliver)();
    (0..number).for_each(|_| deliver());
}
