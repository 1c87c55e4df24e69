#![doc = include_str!("../README.md")]

mod arguments;
mod capture;
mod case;
mod client;
mod completions;
mod delivery;
mod delivery_options;
mod explain;
mod failure;
mod listen;
mod output;
mod provider;
mod providers;
mod secret;
mod secrets;
mod send;
mod sign;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return output::misuse(&error),
    };
    arguments.color.write_global();
    let verbosity = arguments.verbosity();
    match arguments.command.run(verbosity) {
        Ok(_) if !output::is_complete() => {
            output::fault(&"cannot write to standard output");
            ExitCode::from(2)
        }
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            output::fault(&failure);
            ExitCode::from(2)
        }
    }
}
