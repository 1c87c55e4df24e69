use crate::delivery::Delivery;
use crate::failure::Failure;
use crate::{capture, output};
use clap::Args;
use clap::builder::Resettable;
use std::fs;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::PathBuf;

/// What was received.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Delivery")]
pub(crate) struct DeliveryOptions {
    /// The body as it was received; `-` for standard input
    #[arg(default_value = "-", value_name = "FILE", help_heading = Resettable::Reset)]
    file: String,
    /// A header as it was received, with its name, or several, a line each; all that take part in the signature are needed
    #[arg(long, short = 'H', value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// The method, for providers that sign it
    #[arg(long, value_name = "METHOD", default_value = "POST")]
    method: String,
    /// The whole request in place of these: as it stood on the wire, as `curl --trace` wrote it, or as a HAR file; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "header", "method"])]
    request: Option<PathBuf>,
    /// Which request of a HAR file or a trace, from 1; unless said, the first that has a body
    #[arg(long, value_name = "NUMBER", requires = "request")]
    entry: Option<usize>,
}

impl DeliveryOptions {
    /// The delivery, and the bodies of others that were captured with it.
    pub(crate) fn load(&self) -> Result<(Delivery, Vec<Vec<u8>>), Failure> {
        let Some(request) = &self.request else {
            if self.header.is_empty() {
                return Err(Failure::new(
                    "there is no header: give each as -H 'NAME: VALUE', or the whole request as --request FILE in place of headers and body",
                ));
            }
            // As `sign` prints them: several may come at once, a line each.
            let lines = self.header.iter().flat_map(|headers| headers.trim_end().split('\n'));
            let headers: Result<_, _> = lines.map(parse_header).collect();
            let body = read(&self.file)?;
            return Ok((Delivery { method: self.method.clone(), target: "/".to_owned(), headers: headers?, body }, Vec::new()));
        };
        let bytes = read_as(&request.display().to_string(), "the request")?;
        let name = if request.as_os_str() == "-" { "standard input".to_owned() } else { request.display().to_string() };
        let mut captured = capture::parse(&bytes).map_err(|error| {
            Failure::because(format!("{name} is no captured request (a body alone goes without --request, with -H)"), error)
        })?;
        let place = match self.entry {
            Some(entry) => entry.checked_sub(1),
            None => captured.iter().position(|delivery| !delivery.body.is_empty()).or(Some(0)),
        };
        let Some(place) = place.filter(|place| *place < captured.len()) else {
            return Err(Failure::new(format!("{name} holds {} requests, numbered from 1", captured.len())));
        };
        let delivery = captured.remove(place);
        Ok((delivery, captured.into_iter().map(|other| other.body).collect()))
    }
}

pub(crate) fn parse_header(text: &str) -> Result<(String, Vec<u8>), Failure> {
    let (name, value) =
        text.split_once(':').ok_or_else(|| Failure::new(format!("{text:?} is no header: such as 'X-Hub-Signature: sha256=…'")))?;
    Ok((name.trim().to_owned(), value.trim().as_bytes().to_vec()))
}

/// Reads a body from a file, or from standard input.
pub(crate) fn read(name: &str) -> Result<Vec<u8>, Failure> {
    read_as(name, "the body")
}

/// Reads `what` from a file, or from standard input.
fn read_as(name: &str, what: &str) -> Result<Vec<u8>, Failure> {
    if name != "-" {
        return fs::read(name).map_err(|error| Failure::because(format!("cannot read {name}"), error));
    }
    if io::stdin().is_terminal() {
        output::note(format!("Reading {what} from standard input; Ctrl-D ends it. To take it from a file, name the file in place of -."));
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map_err(|error| Failure::because("cannot read standard input", error))?;
    Ok(bytes)
}
