//! Code shared by the receivers of all frameworks: settings, the event, and printing.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use countersign::observe::one_line;
use countersign::{Secret, Signer, Verifier, providers};
use serde::Deserialize;

const EVENT: &str = r#"{"webhookEvent":"jira:issue_updated","issue":{"key":"PROJ-1"}}"#;

/// The fields of an event used by these receivers. Jira sends many more fields.
///
/// `webhookEvent` is an open set of names, and thus a `String`. Some events have no issue.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    webhook_event: String,
    issue: Option<Issue>,
}

#[derive(Debug, Deserialize)]
struct Issue {
    key: String,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A verified event may still contain line breaks, which could forge a line of output.
        f.write_str(&one_line(&self.webhook_event))?;
        self.issue.as_ref().map_or(Ok(()), |issue| write!(f, " {}", one_line(&issue.key)))
    }
}

/// The settings from the environment.
#[derive(Debug)]
pub struct Settings {
    /// Accepts deliveries signed with `JIRA_WEBHOOK_SECRET`. If `JIRA_WEBHOOK_SECRET_OLD` is set,
    /// also accepts deliveries signed with the old secret.
    pub verifier: Verifier,
    /// 127.0.0.1 with the port from `PORT`, by default 3000.
    pub address: SocketAddr,
    secret: Secret,
    /// The text of a random secret made for this run.
    made: Option<String>,
}

impl Settings {
    /// Reads the environment. Without `JIRA_WEBHOOK_SECRET`, makes a random secret.
    ///
    /// # Errors
    /// - A secret is not Unicode, or the verifier rejects the secret, for example an empty secret.
    /// - `PORT` is not a port number.
    /// - The system has no random bytes for a secret.
    pub fn from_env() -> Result<Self, Box<dyn Error>> {
        let (secret, made) = secret()?;
        let mut builder = Verifier::builder(providers::JIRA).key("current", secret.clone());
        if env::var_os("JIRA_WEBHOOK_SECRET_OLD").is_some() {
            builder = builder.key("old", Secret::from_env("JIRA_WEBHOOK_SECRET_OLD")?);
        }
        Ok(Self { verifier: builder.build()?, address: address()?, secret, made })
    }

    /// Prints two `curl` commands to paste: one for a signed delivery, one for a forged delivery.
    ///
    /// # Errors
    /// The signer rejects the secret. The verifier has already accepted the same secret, so this
    /// error is not expected.
    pub fn print_curl(self, listening: SocketAddr) -> Result<(), Box<dyn Error>> {
        if let Some(secret) = self.made {
            say(format_args!("JIRA_WEBHOOK_SECRET is not set. The random secret of this run is:\n\n  {secret}\n"));
        }
        let url = format!("http://{listening}/jira");
        let headers = Signer::new(providers::JIRA, self.secret)?.sign(EVENT.as_bytes());
        let (name, value) = headers.first().ok_or("the signer returned no header")?;
        let curl = |event: &str| format!("curl -i -H 'Content-Type: application/json' -H '{name}: {value}' -d '{event}' {url}");
        say(format_args!("Listening on {url}. This command sends a signed delivery:\n\n  {}\n", curl(EVENT)));
        say(format_args!("This command sends a forged delivery, with another issue:\n\n  {}\n", curl(&EVENT.replace("PROJ-1", "PROJ-2"))));
        say("Ctrl-C stops the receiver.");
        Ok(())
    }
}

/// Prints a line, and ignores errors. `println!` would panic after the exit of a reader such as
/// `head`.
pub fn say(text: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Returns 127.0.0.1 with the port from `PORT`, by default 3000.
///
/// # Errors
/// `PORT` is not a number from 0 to 65535.
pub fn address() -> Result<SocketAddr, String> {
    Ok((Ipv4Addr::LOCALHOST, port(env::var_os("PORT"))?).into())
}

fn port(given: Option<OsString>) -> Result<u16, String> {
    let Some(given) = given else { return Ok(3000) };
    let port = given.to_str().and_then(|port| port.parse().ok());
    port.ok_or_else(|| "PORT must be a number from 0 to 65535".to_owned())
}

/// Returns a function for `map_err` on the result of `bind`. The function adds the address and a
/// hint at `PORT` to the text of the error.
pub fn in_use(address: SocketAddr) -> impl Fn(io::Error) -> String {
    move |error| format!("{address}: {error} (set PORT for another port)")
}

/// Returns the secret from the environment. Without the variable, returns a random secret, and the
/// text of the secret for printing.
fn secret() -> Result<(Secret, Option<String>), Box<dyn Error>> {
    if env::var_os("JIRA_WEBHOOK_SECRET").is_some() {
        return Ok((Secret::from_env("JIRA_WEBHOOK_SECRET")?, None));
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let mut text = String::new();
    for byte in random {
        fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"))?;
    }
    Ok((Secret::new(text.clone()), Some(text)))
}

/// Starts the log and runs a receiver to the end. Then prints `stopped` or the error.
pub async fn run(receiver: impl Future<Output = Result<(), Box<dyn Error>>>) -> ExitCode {
    // The cause of a rejection is in a `tracing` event. Without a subscriber, no cause is printed.
    tracing_subscriber::fmt().with_ansi(io::stdout().is_terminal()).init();
    match receiver.await {
        Ok(()) => {
            say("stopped");
            ExitCode::SUCCESS
        }
        Err(error) => {
            // An error text never repeats its source, so the sources follow.
            let (mut text, mut source) = (error.to_string(), error.source());
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// Waits for Ctrl-C, or for SIGTERM, the signal of service managers.
pub async fn stop() {
    // If no signal handler can be set, the future never completes, and the server runs until killed.
    // A return would stop the server at once.
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_displays_on_one_line() {
        let issue = |key: &str| Some(Issue { key: key.to_owned() });
        let event = |webhook_event: &str, issue| Event { webhook_event: webhook_event.to_owned(), issue }.to_string();
        assert_eq!(event("jira:issue_created", issue("PROJ-1")), "jira:issue_created PROJ-1");
        assert_eq!(event("x\nWARN forged\u{1b}[31m", None), "x\\nWARN forged\\u{1b}[31m");
        assert_eq!(event("x", issue("\r\u{202e}")), "x \\r\\u{202e}");
    }

    #[test]
    fn port_parses_or_error_names_the_range() {
        let port = |given: Option<&str>| port(given.map(OsString::from));
        assert_eq!([port(None), port(Some("0")), port(Some("65535"))], [Ok(3000), Ok(0), Ok(65535)]);
        for given in ["", "http", "-1", "65536", "3000 ", "0x10"] {
            assert_eq!(port(Some(given)), Err("PORT must be a number from 0 to 65535".to_owned()), "{given:?}");
        }
    }
}
