//! The core gives the same answers as it did at an earlier commit: `run`, which gets that one and starts this, says how.
//!
//! Some hundred verifiers of all known schemes and some of our own are built on either side. Each case is a delivery that a signer of the
//! earlier core has signed, to which mostly something is done: `generate` says what. It goes into both sides in these ways, and all that the two
//! say of it has to be the same:
//!
//! | entry | |
//! |---|---|
//! | `verify_at` | head and body at once |
//! | `begin_at` | then `update` and `finish`, which has to be what `verify_at` says as well |
//! | `verify` | the same by the clock of the machine, by which the following judge as well |
//! | `head_fault` | the head alone; `announces_body`; `unverified_timestamp` |
//! | `poll` | `Receive`, with bodies that wait, break off, stall and are not what the head announces |
//! | `poll_head` | the same, the head first |
//!
//! A panic is a difference, whichever side has it. `meant` lists the differences that are meant.
//!
//! A seed and a number make the same case again, but for its clock: times of the present are those of the run.

#![forbid(unsafe_code)]
#![expect(clippy::duplicate_mod, reason = "what both sides have in common is written once, and compiled for each")]

mod answer;
mod before;
mod case;
mod compare;
mod generate;
mod layout;
mod meant;
mod now;
mod plan;
mod random;
mod request;
mod script;
mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::case::Case;
use crate::compare::{Compared, Difference, Sides};
use crate::generate::World;
use crate::table::Table;

/// After so many cases that differ it stops.
const MOST: usize = 10;

/// A case that took longer than this was interrupted, and may differ because the clock went on meanwhile: it is tried again.
const INTERRUPTED: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let arguments: Result<Vec<u64>, _> = std::env::args().skip(1).map(|argument| argument.parse()).collect();
    let (cases, seed, only) = match arguments.as_deref() {
        Ok([]) => (1_000_000, 1, None),
        Ok([cases]) => (*cases, 1, None),
        Ok([cases, seed]) => (*cases, *seed, None),
        Ok([cases, seed, only]) => (*cases, *seed, Some(*only)),
        _ => {
            eprintln!("usage: differential [cases] [seed] [number of one case]");
            return ExitCode::from(2);
        }
    };
    compare::keep_panics();
    let layouts = layout::layouts();
    let mut plans = plan::plans(&layouts);
    let (sides, differences) = Sides::build(&mut plans);
    println!("{} schemes, {} verifiers, seed {seed}", layouts.len(), plans.len());
    differences.iter().for_each(print_difference);
    if !differences.is_empty() {
        return ExitCode::FAILURE;
    }
    let world = World { layouts, plans };
    match only {
        Some(number) => one(&world, &sides, seed, number),
        None => all(&world, &sides, seed, cases),
    }
}

fn all(world: &World, sides: &Sides, seed: u64, cases: u64) -> ExitCode {
    let began = Instant::now();
    let (mut table, mut differ) = (Table::default(), 0);
    for number in 0..cases {
        let (case, compared) = compared(world, sides, seed, number);
        table.count(&compared);
        let differences = compare::differences(&compared);
        if !differences.is_empty() {
            print_case(world, seed, &case);
            differences.iter().for_each(print_difference);
            differ += 1;
        }
        if differ == MOST {
            println!("\nStopped after {MOST} cases that differ.");
            break;
        }
    }
    let left = if differ == 0 { sides.compare_summaries(&world.plans) } else { Vec::new() };
    left.iter().for_each(print_difference);
    let is_whole = table.print();
    println!("{} cases differ, {:.1} s", differ, began.elapsed().as_secs_f64());
    if differ == 0 && left.is_empty() && is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(world: &World, sides: &Sides, seed: u64, number: u64) -> ExitCode {
    let (case, compared) = compared(world, sides, seed, number);
    print_case(world, seed, &case);
    for Compared { entry, before, now, .. } in &compared {
        println!("  {}, before: {before:#?}\n  {}, now: {}", entry.name(), entry.name(), if before == now { "the same" } else { "" });
        if before != now {
            println!("{now:#?}");
        }
    }
    let differences = compare::differences(&compared);
    differences.iter().for_each(print_difference);
    if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn compared(world: &World, sides: &Sides, seed: u64, number: u64) -> (Case, Vec<Compared>) {
    loop {
        let began = Instant::now();
        let case = generate::case(world, seed, number);
        let compared = sides.compare(&case);
        if began.elapsed() < INTERRUPTED || compare::differences(&compared).is_empty() {
            return (case, compared);
        }
    }
}

fn print_case(world: &World, seed: u64, case: &Case) {
    println!("\n== case {0} of seed {seed}: tests/differential/run 1 {seed} {0}", case.number);
    println!("  verifier: {:?}", world.plans[case.plan]);
    print!("{case:?}");
}

fn print_difference(difference: &Difference) {
    let Difference { what, before, now } = difference;
    println!("  -- {what}\n  before: {before}\n  now: {now}");
}
