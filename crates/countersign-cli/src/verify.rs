use clap::Args;
use serde_json::json;

use crate::case::{Case, describe, proof};
use crate::explain;
use crate::failure::Failure;
use crate::output::{self, BAD, Verbosity, styled};

/// Verify a received delivery
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  countersign sign --secret-file jira.secret event.json >headers\n  countersign verify --secret-file jira.secret \\\n    --header \"$(cat headers)\" event.json\n  countersign verify --provider github --secret-env SECRET \\\n    --request captured.http\n\nExit status: 0 if the delivery verifies, 1 if not."
)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) case: Case,
    /// If the delivery does not verify, explain why, as `countersign explain` does
    #[arg(long, help_heading = "Explaining")]
    explain: bool,
    #[command(flatten)]
    options: explain::ExplainOptions,
}

impl Verify {
    pub(crate) fn run(self, verbosity: Verbosity) -> Result<bool, Failure> {
        let input = self.case.load(verbosity)?;
        if self.explain {
            return explain::answer(&input, &self.options, self.case.json, verbosity);
        }
        let verdict = input.judge()?;
        match &verdict {
            Ok(verified) if self.case.json => output::line(proof(verified)),
            Ok(verified) => output::line(describe(verified, &input)),
            Err(rejection) if self.case.json => {
                output::line(json!({ "verified": false, "cause": rejection.kind().as_str(), "text": rejection.to_string() }));
            }
            Err(rejection) => {
                output::line(format!("{}: {rejection}", styled(BAD, "not verified")));
                if verbosity > Verbosity::Quiet {
                    output::note("--explain searches for the cause");
                }
            }
        }
        Ok(verdict.is_ok())
    }
}
