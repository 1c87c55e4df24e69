use crate::delivery::Delivery;
use crate::failure::Failure;
use crate::{capture, output};
use clap::Args;
use clap::builder::Resettable;
use std::fs;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::PathBuf;

/// Options for a received delivery.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Delivery")]
pub(crate) struct DeliveryOptions {
    /// File with the body as received; `-` for standard input
    #[arg(default_value = "-", value_name = "FILE", help_heading = Resettable::Reset)]
    file: String,
    /// Header field as received, or several fields, one on each line. All fields used by the
    /// signature are needed
    #[arg(long, short = 'H', value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Method, for providers signing the method
    #[arg(long, value_name = "METHOD", default_value = "POST")]
    method: String,
    /// File with the whole request, instead of FILE, --header and --method: raw HTTP, the output of
    /// `curl --trace`, or a HAR file; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "header", "method"])]
    request: Option<PathBuf>,
    /// Number of the request in a HAR file or trace, from 1. Default: the first request with a body
    #[arg(long, value_name = "NUMBER", requires = "request")]
    entry: Option<usize>,
}

impl DeliveryOptions {
    /// Loads the delivery, and the bodies of the other requests in the same capture.
    pub(crate) fn load(&self) -> Result<(Delivery, Vec<Vec<u8>>), Failure> {
        let Some(request) = &self.request else {
            if self.header.is_empty() {
                return Err(Failure::new("no header given: give each as -H 'NAME: VALUE', or the whole request as --request FILE"));
            }
            // `sign` prints several fields, a line each, so an option may hold several.
            let lines = self.header.iter().flat_map(|headers| headers.trim_end().split('\n'));
            let headers: Result<_, _> = lines.map(parse_header).collect();
            let body = read(&self.file)?;
            return Ok((Delivery { method: self.method.clone(), target: "/".to_owned(), headers: headers?, body }, Vec::new()));
        };
        let bytes = read_as(&request.display().to_string(), "the request")?;
        let name = if request.as_os_str() == "-" { "standard input".to_owned() } else { request.display().to_string() };
        let mut captured = capture::parse(&bytes).map_err(|error| {
            Failure::because(format!("{name} is not a captured request (give a body alone without --request, with headers as -H)"), error)
        })?;
        let place = match self.entry {
            Some(entry) => entry.checked_sub(1),
            None => captured.iter().position(|delivery| !delivery.body.is_empty()).or(Some(0)),
        };
        let Some(place) = place.filter(|place| *place < captured.len()) else {
            return Err(Failure::new(format!("no such request: {name} has {} requests, numbered from 1", captured.len())));
        };
        let delivery = captured.remove(place);
        Ok((delivery, captured.into_iter().map(|other| other.body).collect()))
    }
}

pub(crate) fn parse_header(text: &str) -> Result<(String, Vec<u8>), Failure> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| Failure::new(format!("{text:?} is not a header: give NAME: VALUE, such as 'X-Hub-Signature: sha256=…'")))?;
    Ok((name.trim().to_owned(), value.trim().as_bytes().to_vec()))
}

/// Reads a body from a file, or from standard input for `-`.
pub(crate) fn read(name: &str) -> Result<Vec<u8>, Failure> {
    read_as(name, "the body")
}

/// Reads a file, or standard input for `-`. The prompt names the content by `what`.
fn read_as(name: &str, what: &str) -> Result<Vec<u8>, Failure> {
    if name != "-" {
        return fs::read(name).map_err(|error| Failure::because(format!("cannot read {name}"), error));
    }
    if io::stdin().is_terminal() {
        output::note(format!("Reading {what} from standard input; Ctrl-D ends the input. To read a file, give a file name instead of -."));
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map_err(|error| Failure::because("cannot read standard input", error))?;
    Ok(bytes)
}
