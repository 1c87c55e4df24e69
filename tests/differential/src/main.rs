//! Compares the answers of the core with the answers at an earlier commit. `run` checks out the earlier core, starts this program, and
//! describes the arguments.
//!
//! Each side builds several hundred verifiers of all known schemes and of some custom schemes. Each case is a delivery signed by a signer
//! of the earlier core, mostly with a change from `generate`. Each case enters both sides in these ways, and all answers must be the same:
//!
//! | entry | |
//! |---|---|
//! | `verify_at` | head and body at once |
//! | `begin_at` | with `update` and `finish`; the result must also be that of `verify_at` |
//! | `verify` | head and body at once, by the clock of the machine; the following entries also use this clock |
//! | `head_fault` | the head alone, with `announces_body` and `unverified_timestamp` |
//! | `poll` | `Receive`, with bodies that wait, break off, stall, or differ from the length in the head |
//! | `poll_head` | `Receive`, with the head first |
//!
//! A panic on either side is a difference. `meant` lists the intended differences.
//!
//! The same seed and number give the same case, except for present times, read from the clock.

#![forbid(unsafe_code)]
#![expect(clippy::duplicate_mod, reason = "the common code of both sides is written once, and compiled for each side")]

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

/// The run stops after this number of differing cases.
const MOST: usize = 10;

/// A case that takes longer was interrupted. Such a case may differ because the clock advanced, and so runs again.
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
            println!("\nStopped after {MOST} differing cases.");
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
