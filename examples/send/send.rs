//! Signs a file or standard input like Jira, posts the delivery, and prints the response.
//!
//! ```text
//! JIRA_WEBHOOK_SECRET=… cargo run --example send -- http://127.0.0.1:3000/jira event.json
//! echo '{"webhookEvent":"jira:issue_updated"}' |
//!     JIRA_WEBHOOK_SECRET=… cargo run --example send -- http://127.0.0.1:3000/jira
//! ```
//!
//! The exit status is 0 after a 2xx response, and 1 otherwise.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Read as _};
use std::process::ExitCode;

use countersign::{Secret, Signer, providers};

fn main() -> ExitCode {
    match send() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("send: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Sends the delivery. Returns `true` for a 2xx response.
fn send() -> Result<bool, Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().filter(|argument| !argument.starts_with('-'));
    let url = url.ok_or("usage: send URL [FILE|-], with the secret in JIRA_WEBHOOK_SECRET")?;
    let body = match arguments.next().as_deref() {
        None | Some("-") => {
            let mut body = Vec::new();
            io::stdin().read_to_end(&mut body)?;
            body
        }
        Some(file) => fs::read(file).map_err(|error| format!("{file}: {error}"))?,
    };
    let signer = Signer::new(providers::JIRA, Secret::from_env("JIRA_WEBHOOK_SECRET")?)?;

    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
    let mut request = agent.post(&url).header("Content-Type", "application/json; charset=utf-8");
    for (name, value) in signer.sign(&body) {
        println!("{name}: {value}");
        request = request.header(name, value);
    }
    // An early rejection may close the connection before the whole body is written. Then only the
    // receiver's log has the cause.
    let mut response = request.send(&body[..]).map_err(|error| format!("{url}: {error}"))?;
    println!("\n{:?} {}", response.version(), response.status());
    for (name, value) in response.headers() {
        println!("{name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    println!("\n{}", response.body_mut().read_to_string()?);
    Ok(response.status().is_success())
}
