use std::path::Path;
use std::time::SystemTime;

use countersign::{Rejection, Verified, one_line};
use serde_json::{Map, Value, json};

use crate::explain::Cause;
use crate::output::{self, BAD, DOUBTFUL, FAINT, GOOD, Verbosity, in_line, styled};

/// Tells of deliveries, one line each.
pub(crate) struct Journal {
    json: bool,
    verbosity: Verbosity,
}

/// What is told of one.
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
    /// If it was to be found out why it is not genuine.
    pub(crate) explained: Option<&'a Explained>,
    /// Whether it was passed on, and what went wrong with that.
    pub(crate) forwarded: Option<Result<(), &'a str>>,
}

/// What came of finding out why a delivery is not genuine.
pub(crate) enum Explained {
    Tried {
        causes: Vec<Cause>,
        /// In words for the operator.
        left_out: Vec<String>,
    },
    /// Other deliveries wait for it.
    TooMany,
    TooLarge,
}

const TOO_MANY: &str = "not explained: too many at once";
const TOO_LARGE: &str = "not explained: the body is too large";

impl Journal {
    pub(crate) const fn new(json: bool, verbosity: Verbosity) -> Self {
        Self { json, verbosity }
    }

    pub(crate) fn tell(&self, entry: &Entry<'_>) {
        if self.json {
            output::line(Value::Object(as_json(entry)));
        } else {
            self.say(entry);
        }
    }

    /// What comes to a path where nobody is expected.
    pub(crate) fn tell_of_nobody(&self, method: &http::Method, path: &str, status: u16) {
        if self.json {
            output::line(json!({ "method": method.as_str(), "path": path, "status": status }));
        } else {
            let why = if status == 405 { "deliveries are posted" } else { "no provider has this path" };
            output::line(format!("{status} {method} {}: {why}", in_line(path)));
        }
    }

    fn say(&self, entry: &Entry<'_>) {
        let Entry { provider, path, event, bytes, status, .. } = entry;
        let verdict = match entry.verdict {
            Ok(verified) => format!("{} with {}", styled(GOOD, "verified"), verified.key_id()),
            Err(rejection) => format!("{}: {rejection}", styled(BAD, "refused")),
        };
        let event = event.map(|event| format!(" {}", in_line(event))).unwrap_or_default();
        output::line(format!("{status} {} {provider}{event}, {bytes} bytes, {verdict}", in_line(path)));
        match entry.forwarded {
            Some(Err(error)) => output::line(format!("    {}: {}", styled(DOUBTFUL, "not passed on"), in_line(error))),
            Some(Ok(())) if self.verbosity == Verbosity::Verbose => output::line(styled(FAINT, "    passed on")),
            _ => {}
        }
        if self.verbosity == Verbosity::Verbose {
            for (name, value) in entry.headers {
                output::line(styled(FAINT, format!("    {name}: {}", in_line(&String::from_utf8_lossy(value)))));
            }
        }
        match entry.explained {
            Some(Explained::TooMany) => output::line(format!("    {}", styled(DOUBTFUL, TOO_MANY))),
            Some(Explained::TooLarge) => output::line(format!("    {}", styled(DOUBTFUL, TOO_LARGE))),
            Some(Explained::Tried { causes, left_out }) => {
                if causes.is_empty() && left_out.is_empty() {
                    output::line(format!("    {}", styled(DOUBTFUL, "not found by trying: probably another secret")));
                }
                for Cause { what, fix, .. } in causes {
                    let what = one_line(what);
                    output::text(4, &what);
                    output::text(4, &format!("{} {fix}", styled(GOOD, "do:")));
                }
                for left_out in left_out {
                    output::text(4, &format!("{} {left_out}", styled(DOUBTFUL, "left out:")));
                }
            }
            None => {}
        }
        if let Some(saved) = entry.saved.filter(|_| self.verbosity > Verbosity::Quiet) {
            output::line(styled(FAINT, format!("    kept as {}", one_line(&saved.to_string_lossy()))));
        }
    }
}

fn as_json(entry: &Entry<'_>) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    add("time", json!(humantime::format_rfc3339_millis(entry.received).to_string()));
    add("provider", json!(entry.provider));
    add("method", json!(entry.method));
    add("path", json!(entry.path));
    add("verified", json!(entry.verdict.is_ok()));
    add("key", json!(entry.verdict.ok().map(|verified| verified.key_id().as_str())));
    add("cause", json!(entry.verdict.err().map(|rejection| rejection.kind().as_str())));
    add("text", json!(entry.verdict.err().map(ToString::to_string)));
    add("event", json!(entry.event));
    add("bytes", json!(entry.bytes));
    add("status", json!(entry.status));
    if let Some(forwarded) = entry.forwarded {
        add("forwarded", json!(forwarded.is_ok()));
        add("forward_error", json!(forwarded.err()));
    }
    match entry.explained {
        Some(Explained::TooMany) => add("not_explained", json!(TOO_MANY)),
        Some(Explained::TooLarge) => add("not_explained", json!(TOO_LARGE)),
        _ => {}
    }
    if let Some(Explained::Tried { causes, left_out }) = entry.explained {
        if !left_out.is_empty() {
            add("left_out", json!(left_out));
        }
        let causes: Vec<_> = causes.iter().map(|cause| json!({ "id": cause.id, "what": cause.what, "fix": cause.fix })).collect();
        add("causes", json!(causes));
    }
    if let Some(saved) = entry.saved {
        // A path need not be Unicode, and JSON is.
        add("saved", json!(saved.to_string_lossy()));
    }
    fields
}
