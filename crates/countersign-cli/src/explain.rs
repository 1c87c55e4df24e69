mod bodies;
mod cause;
mod keys;
mod readings;
mod search;
mod time_limit;

use std::time::Duration;

use anstyle::Style;
use clap::Args;
use countersign::RejectionKind;
use serde_json::json;

use crate::case::{Case, Input, describe, proof};
pub(crate) use crate::explain::cause::Cause;
pub(crate) use crate::explain::search::{Diagnosis, Search};
use crate::failure::Failure;
use crate::output::{self, BAD, DOUBTFUL, GOOD, Verbosity, styled};
use crate::secrets::NamedSecret;

/// Time limit of a search in `listen`. Anybody can send deliveries there.
const STRANGER_TIME_LIMIT: Duration = Duration::from_secs(6);

/// Find out why a delivery does not verify
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  countersign sign --secret-file jira.secret event.json >headers\n  countersign explain --secret-file jira.secret \\\n    --header \"$(cat headers)\" event.json\n  countersign explain --secret-file jira.secret --request captured.http\n\nThe output never shows the secret or the correct signature, except with --reveal.\n\nExit status: 0 if the delivery verifies, 1 if not."
)]
pub(crate) struct Explain {
    #[command(flatten)]
    case: Case,
    #[command(flatten)]
    options: ExplainOptions,
}

/// Options of the search, and of the output.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExplainOptions {
    /// Also try the body in this file: the body of another request, or of this request before a
    /// change
    #[arg(long, value_name = "FILE", help_heading = "Explaining")]
    other_body: Vec<String>,
    /// Time limit of the search, such as 6s or 500ms
    #[arg(long, value_name = "TIME", default_value = "6s", value_parser = humantime::parse_duration, help_heading = "Explaining")]
    try_for: Duration,
    /// Also print the correct signature. Anybody with the correct signature can forge this
    /// delivery. For a static token, the correct signature is the secret itself
    #[arg(long, help_heading = "Explaining")]
    reveal: bool,
}

impl Explain {
    pub(crate) fn run(self, verbosity: Verbosity) -> Result<bool, Failure> {
        let input = self.case.load(verbosity)?;
        answer(&input, &self.options, self.case.json, verbosity)
    }
}

/// Verifies the delivery and prints the result, with the cause of a rejection. Returns whether the
/// delivery verifies.
pub(crate) fn answer(input: &Input, options: &ExplainOptions, json: bool, verbosity: Verbosity) -> Result<bool, Failure> {
    let verdict = input.judge();
    if let Ok(Ok(verified)) = &verdict {
        output::line(if json { proof(verified).to_string() } else { describe(verified, input) });
        return Ok(true);
    }
    let kind = verdict.as_ref().ok().and_then(|verdict| verdict.as_ref().err()).map(countersign::Rejection::kind);
    let text = match &verdict {
        Ok(Ok(_)) => String::new(),
        Ok(Err(rejection)) => rejection.to_string(),
        Err(failure) => failure.to_string(),
    };
    let mut others = Vec::new();
    for file in &options.other_body {
        others.push(crate::delivery_options::read(file)?);
    }
    let Search { diagnosis, ruled_out, left_out } = search::search(input, kind, &others, options.try_for);
    if json {
        let causes: Vec<_> =
            diagnosis.causes().iter().map(|cause| json!({ "id": cause.id, "what": cause.what, "fix": cause.fix })).collect();
        let found = matches!(diagnosis, Diagnosis::Found(_));
        let cause = kind.map(RejectionKind::as_str);
        let mut answer = json!({ "verified": false, "cause": cause, "text": text, "found": found, "causes": causes, "ruled_out": ruled_out, "left_out": left_out });
        if options.reveal
            && let Some(answer) = answer.as_object_mut()
        {
            answer.insert(
                "expected".to_owned(),
                expected(input)?.into_iter().map(|(key, headers)| json!({ "key": key, "headers": headers })).collect(),
            );
        }
        output::line(answer);
        return Ok(false);
    }
    output::line(format!("{}: {text}", styled(BAD, "not verified")));
    tell(&diagnosis, &ruled_out, verbosity);
    if !left_out.is_empty() {
        heading(DOUBTFUL, "Left out:");
        for left_out in &left_out {
            output::item(left_out);
        }
    }
    if options.reveal {
        for (key, headers) in expected(input)? {
            let warning = if input.provider.scheme.covers_body() { "" } else { " (a static token: this is the secret itself)" };
            output::line("");
            output::text(0, &format!("Correct headers with the secret {key}{warning}:"));
            for (name, value) in &headers {
                output::line(format!("  {name}: {value}"));
            }
        }
    }
    Ok(false)
}

/// Searches for the cause of a rejection in `listen`, for at most `STRANGER_TIME_LIMIT`.
pub(crate) fn search_for_stranger(input: &Input, kind: Option<RejectionKind>) -> Search {
    search::search(input, kind, &[], STRANGER_TIME_LIMIT)
}

fn tell(diagnosis: &Diagnosis, ruled_out: &[&str], verbosity: Verbosity) {
    let tell = |causes: &[Cause]| {
        for Cause { what, fix, .. } in causes {
            output::line("");
            output::text(2, &output::shown(what));
            output::text(2, &format!("{} {fix}", styled(GOOD, "do:")));
        }
    };
    match diagnosis {
        Diagnosis::Found(causes) => {
            let number = if causes.len() == 1 {
                "The cause, confirmed by a successful verification:"
            } else {
                "The causes, confirmed together by a successful verification:"
            };
            heading(GOOD, number);
            tell(causes);
        }
        Diagnosis::Suspected(causes) => {
            heading(DOUBTFUL, "No cause confirmed. Suspicious:");
            tell(causes);
            rule_out(ruled_out, verbosity);
        }
        Diagnosis::Unknown => {
            heading(DOUBTFUL, "No cause found. Most likely, the sender has another secret, or the body was changed beyond recovery.");
            rule_out(ruled_out, verbosity);
        }
    }
}

fn heading(style: Style, text: &str) {
    output::line("");
    output::text(0, &styled(style, text));
}

fn rule_out(ruled_out: &[&str], verbosity: Verbosity) {
    if verbosity > Verbosity::Quiet && !ruled_out.is_empty() {
        output::line("");
        output::text(
            0,
            "Ruled out, alone and in combinations of one problem each of the secret, the body and the head (for bodies over 64 KiB, only the likelier pairs):",
        );
        for ruled_out in ruled_out {
            output::item(ruled_out);
        }
    }
}

type Headers = Vec<(String, String)>;

/// Returns the correct headers for each secret.
fn expected(input: &Input) -> Result<Vec<(String, Headers)>, Failure> {
    let id = search::signed_id(input);
    let (at, body) = (search::signed_at(input).unwrap_or(input.now), &input.delivery.body);
    let of = |secret: &NamedSecret| {
        let signer = input.provider.signer(secret.secret(), None).build()?;
        Ok((secret.id.clone(), signer.sign_as(id.as_deref().unwrap_or("msg_0"), body, at)))
    };
    input.secrets.iter().map(of).collect()
}
