use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::failure::Failure;
use crate::output::Verbosity;
use crate::{completions, explain, listen, providers, secret, send, sign, verify};

const EXAMPLES: &str = "\
Examples:
  countersign secret --file jira.secret
  countersign send --secret-file jira.secret \\
    http://127.0.0.1:3000/jira event.json
  countersign listen --secret-file jira.secret --port 3000 --explain
  countersign sign --secret-file jira.secret event.json >headers
  countersign verify --secret-file jira.secret \\
    --header \"$(cat headers)\" event.json
  countersign explain --secret-file jira.secret --request captured.http

Exit status: 0 on success; 1 if a delivery does not verify, a receiver does not accept a delivery, or no provider matches; 2 on an error.";

/// Signs, sends and verifies webhook deliveries, and explains why a signature does not match.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, about, after_help = EXAMPLES, arg_required_else_help = true, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) color: Color,
    /// Print results without additional notes
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    quiet: bool,
    /// Also print details, such as header fields
    #[arg(short, long, global = true, help_heading = "Output")]
    verbose: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Color {
    /// When to use colour; `auto` follows the terminal and `NO_COLOR`
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    color: When,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

impl Color {
    pub(crate) fn write_global(&self) {
        match self.color {
            When::Auto => {}
            When::Always => anstream::ColorChoice::Always.write_global(),
            When::Never => anstream::ColorChoice::Never.write_global(),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Secret(secret::Secret),
    Sign(sign::Sign),
    Send(send::Send),
    Listen(listen::Listen),
    Verify(verify::Verify),
    Explain(explain::Explain),
    Providers(providers::Providers),
    Completions(completions::Completions),
    Man(completions::Man),
}

impl Arguments {
    pub(crate) const fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::Verbose,
            (false, false) => Verbosity::Usual,
        }
    }
}

impl Command {
    /// Runs the command. Returns `false` for a negative result, such as a delivery that does not
    /// verify.
    pub(crate) fn run(self, verbosity: Verbosity) -> Result<bool, Failure> {
        match self {
            Self::Secret(secret) => secret.run(verbosity),
            Self::Sign(sign) => sign.run(verbosity),
            Self::Send(send) => send.run(verbosity),
            Self::Listen(listen) => listen.run(verbosity),
            Self::Verify(verify) => verify.run(verbosity),
            Self::Explain(explain) => explain.run(verbosity),
            Self::Providers(providers) => Ok(providers.run(verbosity)),
            Self::Completions(completions) => Ok(completions.run(Arguments::command())),
            Self::Man(man) => man.run(Arguments::command()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_do_not_contradict_each_other() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_is_no_wider_than_its_terminal() {
        let mut command = Arguments::command().term_width(80);
        command.build();
        for subcommand in command.get_subcommands_mut() {
            for help in [subcommand.render_help(), subcommand.render_long_help()] {
                let lines = help.to_string();
                let too_long = lines.lines().find(|line| line.chars().count() > 80);
                assert_eq!(too_long, None, "{}", subcommand.get_name());
            }
        }
    }
}
