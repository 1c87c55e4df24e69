use clap::Args;
use countersign::{Encoding, Evidence, Scheme, providers};
use serde_json::{Value, json};

use crate::output::{self, FAINT, GOOD, styled};

/// List the providers that are known, and on what that rests
#[derive(Debug, Args)]
pub(crate) struct Providers {
    /// One JSON object a line, in place of the table
    #[arg(long)]
    json: bool,
    /// Only those whose name holds this
    filter: Option<String>,
}

impl Providers {
    pub(crate) fn run(self) -> bool {
        let wanted = |scheme: &&Scheme| self.filter.as_ref().is_none_or(|text| scheme.name().contains(text.as_str()));
        let mut found = false;
        if !self.json {
            output::line(row(["NAME", "HEADER", "ENCODING", "HASH", "TOLERANCE"], "CONFIRMED"));
        }
        for scheme in providers::ALL.iter().filter(wanted) {
            found = true;
            let hash = hashes(scheme).join(",");
            let tolerance = scheme.tolerance().map(|tolerance| humantime::format_duration(tolerance).to_string());
            let (mark, encoding) = (confirmed(scheme.evidence()), encoding(scheme));
            if self.json {
                output::line(as_json(scheme));
            } else {
                let cells = [scheme.name(), scheme.header(), encoding, &hash, tolerance.as_deref().unwrap_or("-")];
                output::line(row(cells, &mark));
            }
        }
        if let (false, Some(filter)) = (found, &self.filter) {
            output::note(format!("no provider has {filter:?} in its name"));
        }
        found
    }
}

fn row([name, header, encoding, hash, tolerance]: [&str; 5], confirmed: &str) -> String {
    format!("{name:<22} {header:<34} {encoding:<10} {hash:<26} {tolerance:<9} {confirmed}")
}

fn confirmed(evidence: Evidence) -> String {
    if evidence == Evidence::Confirmed { styled(GOOD, "yes") } else { styled(FAINT, format!("no: {evidence}")) }
}

fn hashes(scheme: &Scheme) -> Vec<&'static str> {
    if scheme.covers_body() { scheme.algorithms().map(countersign::Algorithm::name).collect() } else { Vec::new() }
}

fn encoding(scheme: &Scheme) -> &'static str {
    if !scheme.covers_body() {
        return "token";
    }
    match scheme.tag_encoding() {
        Encoding::Hex => "hex",
        Encoding::Base64 => "base64",
        Encoding::Base64Url => "base64url",
        _ => "other",
    }
}

fn as_json(scheme: &Scheme) -> Value {
    json!({
        "name": scheme.name(),
        "header": scheme.header(),
        "encoding": encoding(scheme),
        "hashes": hashes(scheme),
        "tolerance_seconds": scheme.tolerance().map(|tolerance| tolerance.as_secs()),
        "signs_body": scheme.covers_body(),
        "signs_url": scheme.signs_url(),
        "confirmed": scheme.evidence() == Evidence::Confirmed,
        "evidence": scheme.evidence().to_string(),
        "documentation": scheme.documentation(),
    })
}
