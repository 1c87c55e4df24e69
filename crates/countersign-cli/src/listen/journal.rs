use std::path::Path;
use std::time::SystemTime;

use countersign::observe::one_line;
use countersign::{Rejection, Verified};
use serde_json::{Map, Value, json};

use crate::explain::{Cause, Diagnosis, Search};
use crate::output::{self, BAD, DOUBTFUL, FAINT, GOOD, Verbosity, for_json, in_line, quoting, styled};

/// Prints an entry for each delivery: a JSON object, or a line with indented details.
pub(crate) struct Journal {
    json: bool,
    verbosity: Verbosity,
}

/// The facts about a delivery.
pub(crate) struct Entry<'a> {
    pub(crate) provider: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) received: SystemTime,
    pub(crate) verdict: Result<&'a Verified, &'a Rejection>,
    pub(crate) event: Option<&'a str>,
    pub(crate) bytes: usize,
    pub(crate) status: u16,
    pub(crate) saved: Option<&'a Path>,
    pub(crate) headers: &'a [(String, Vec<u8>)],
    /// The explanation, if the delivery was rejected and `--explain` is given.
    pub(crate) explained: Option<&'a Explanation>,
    /// The result of forwarding, or `None` if the delivery was not forwarded.
    pub(crate) forwarded: Option<Result<(), &'a str>>,
}

/// The explanation of a rejection, or the reason for a missing explanation.
pub(crate) enum Explanation {
    Tried(Search),
    /// Too many other deliveries wait for an explanation.
    TooMany,
    TooLarge,
    /// The search panicked.
    Failed,
}

const TOO_MANY: &str = "not explained: too many at once";
const TOO_LARGE: &str = "not explained: the body is too large";
const FAILED: &str = "not explained: the search panicked, a bug in this command";

impl Explanation {
    /// Returns the reason for a missing explanation.
    const fn missing(&self) -> Option<&'static str> {
        match self {
            Self::Tried(_) => None,
            Self::TooMany => Some(TOO_MANY),
            Self::TooLarge => Some(TOO_LARGE),
            Self::Failed => Some(FAILED),
        }
    }
}

impl Journal {
    pub(crate) const fn new(json: bool, verbosity: Verbosity) -> Self {
        Self { json, verbosity }
    }

    /// Prints a note, unless the operator wants quiet.
    pub(crate) async fn note(&self, text: &'static str) {
        if self.verbosity > Verbosity::Quiet {
            let _ = tokio::task::spawn_blocking(move || output::note(text)).await;
        }
    }

    pub(crate) async fn tell(&self, entry: &Entry<'_>) {
        let text = if self.json { output::json(&Value::Object(as_json(entry))) } else { self.lines(entry).join("\n") };
        print(text).await;
    }

    /// Prints a request that is no delivery: wrong path or wrong method.
    pub(crate) async fn tell_of_stray(&self, method: &http::Method, path: &str, status: u16) {
        let text = if self.json {
            output::json(&json!({ "method": for_json(method.as_str()), "path": for_json(path), "status": status }))
        } else {
            let why = if status == 405 { "deliveries use POST" } else { "no provider has this path" };
            output::hanging(&format!("{status} {} {}: {why}", in_line(method.as_str()), in_line(path)))
        };
        print(text).await;
    }

    fn lines(&self, entry: &Entry<'_>) -> Vec<String> {
        let Entry { provider, path, event, bytes, status, .. } = entry;
        let verdict = match entry.verdict {
            Ok(verified) => format!("{} with {}", styled(GOOD, "verified"), verified.key_id()),
            Err(rejection) => format!("{}: {rejection}", styled(BAD, "rejected")),
        };
        let event = event.map(|event| format!(" {}", in_line(event))).unwrap_or_default();
        let unit = if *bytes == 1 { "byte" } else { "bytes" };
        let mut lines = vec![output::hanging(&format!("{status} {} {provider}{event}, {bytes} {unit}, {verdict}", in_line(path)))];
        let mut add = |text: &str| lines.push(output::indented(4, text));
        match entry.forwarded {
            Some(Err(error)) => add(&format!("{}: {}", styled(DOUBTFUL, "not forwarded"), in_line(error))),
            Some(Ok(())) if self.verbosity == Verbosity::Verbose => add(&styled(FAINT, "forwarded")),
            _ => {}
        }
        if self.verbosity == Verbosity::Verbose {
            for (name, value) in entry.headers {
                add(&styled(FAINT, format!("{}: {}", in_line(name), in_line(&String::from_utf8_lossy(value)))));
            }
        }
        match entry.explained {
            Some(Explanation::Tried(Search { diagnosis, left_out, .. })) => {
                match diagnosis {
                    Diagnosis::Suspected(_) => add(&styled(DOUBTFUL, "no cause confirmed; suspicious:")),
                    Diagnosis::Unknown if left_out.is_empty() => {
                        add(&styled(DOUBTFUL, "no cause found: probably another secret"));
                    }
                    Diagnosis::Found(_) | Diagnosis::Unknown => {}
                }
                for Cause { what, fix, .. } in diagnosis.causes() {
                    // This text may quote the sender. The other texts are fixed.
                    add(&quoting(what));
                    add(&format!("{} {fix}", styled(GOOD, "do:")));
                }
                for left_out in left_out {
                    add(&format!("{} {left_out}", styled(DOUBTFUL, "left out:")));
                }
            }
            Some(missing) => add(&styled(DOUBTFUL, missing.missing().unwrap_or_default())),
            None => {}
        }
        if let Some(saved) = entry.saved.filter(|_| self.verbosity > Verbosity::Quiet) {
            add(&styled(FAINT, format!("saved as {}", one_line(&saved.to_string_lossy()))));
        }
        lines
    }
}

/// Prints on another thread. A reader of the output may pause, and signals must still be handled.
async fn print(text: String) {
    let _ = tokio::task::spawn_blocking(move || output::line(text)).await;
}

fn as_json(entry: &Entry<'_>) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    add("time", json!(humantime::format_rfc3339_millis(entry.received).to_string()));
    add("provider", json!(entry.provider));
    add("method", json!(for_json(entry.method)));
    add("path", json!(for_json(entry.path)));
    add("verified", json!(entry.verdict.is_ok()));
    add("key", json!(entry.verdict.ok().map(|verified| verified.key_id().as_str())));
    add("cause", json!(entry.verdict.err().map(|rejection| rejection.kind().as_str())));
    add("text", json!(entry.verdict.err().map(ToString::to_string)));
    add("event", json!(entry.event.map(for_json)));
    add("bytes", json!(entry.bytes));
    add("status", json!(entry.status));
    if let Some(forwarded) = entry.forwarded {
        add("forwarded", json!(forwarded.is_ok()));
        add("forward_error", json!(forwarded.err()));
    }
    if let Some(missing) = entry.explained.and_then(Explanation::missing) {
        add("not_explained", json!(missing));
    }
    if let Some(Explanation::Tried(Search { diagnosis, left_out, .. })) = entry.explained {
        if !left_out.is_empty() {
            add("left_out", json!(left_out));
        }
        add("found", json!(matches!(diagnosis, Diagnosis::Found(_))));
        let causes: Vec<_> =
            diagnosis.causes().iter().map(|cause| json!({ "id": cause.id, "what": for_json(&cause.what), "fix": cause.fix })).collect();
        add("causes", json!(causes));
    }
    if let Some(saved) = entry.saved {
        // A path may not be Unicode. JSON must be.
        add("saved", json!(saved.to_string_lossy()));
    }
    fields
}
