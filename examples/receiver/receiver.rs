//! What the receivers under all frameworks have in common: settings, the event, and what they print.

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

/// What these receivers read of an event. Jira sends much more; `webhookEvent` is an open set, and not every event has an issue.
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
        // Verified is who sent it, and not that nobody wrote a line break into it.
        f.write_str(&one_line(&self.webhook_event))?;
        self.issue.as_ref().map_or(Ok(()), |issue| write!(f, " {}", one_line(&issue.key)))
    }
}

/// What the environment says.
#[derive(Debug)]
pub struct Settings {
    /// Takes deliveries that are signed with `JIRA_WEBHOOK_SECRET`, or with `JIRA_WEBHOOK_SECRET_OLD` if that is set.
    pub verifier: Verifier,
    /// 127.0.0.1 with `PORT`, or 3000.
    pub address: SocketAddr,
    secret: Secret,
    /// The text of a secret that was made for this run.
    made: Option<String>,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// A variable holds what it cannot.
    pub fn from_env() -> Result<Self, Box<dyn Error>> {
        let (secret, made) = secret()?;
        let mut builder = Verifier::builder(providers::JIRA).key("current", secret.clone());
        if env::var_os("JIRA_WEBHOOK_SECRET_OLD").is_some() {
            builder = builder.key("old", Secret::from_env("JIRA_WEBHOOK_SECRET_OLD")?);
        }
        Ok(Self { verifier: builder.build()?, address: address()?, secret, made })
    }

    /// Prints a delivery to paste, and the same forged.
    ///
    /// # Errors
    /// There is nothing that could fail but the signer, whose secret the verifier has taken already.
    pub fn print_curl(self, listening: SocketAddr) -> Result<(), Box<dyn Error>> {
        if let Some(secret) = self.made {
            say(format_args!("JIRA_WEBHOOK_SECRET is not set. For this run it is:\n\n  {secret}\n"));
        }
        let url = format!("http://{listening}/jira");
        let headers = Signer::new(providers::JIRA, self.secret)?.sign(EVENT.as_bytes());
        let (name, value) = headers.first().ok_or("Jira signs with one header")?;
        let curl = |event: &str| format!("curl -i -H 'Content-Type: application/json' -H '{name}: {value}' -d '{event}' {url}");
        say(format_args!("Listening on {url}. A delivery as Jira would sign it:\n\n  {}\n", curl(EVENT)));
        say(format_args!("The same, but the issue was changed on the way:\n\n  {}\n", curl(&EVENT.replace("PROJ-1", "PROJ-2"))));
        say("Ctrl-C stops it.");
        Ok(())
    }
}

/// Prints a line. A reader that has gone, such as `head`, is no fault, for which `println` panics.
pub fn say(text: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// 127.0.0.1 with `PORT`, or 3000.
///
/// # Errors
/// `PORT` is no port.
pub fn address() -> Result<SocketAddr, String> {
    Ok((Ipv4Addr::LOCALHOST, port(env::var_os("PORT"))?).into())
}

fn port(given: Option<OsString>) -> Result<u16, String> {
    let Some(given) = given else { return Ok(3000) };
    let port = given.to_str().and_then(|port| port.parse().ok());
    port.ok_or_else(|| "PORT must be a number from 0 to 65535".to_owned())
}

/// What to say when the address cannot be listened on.
pub fn in_use(address: SocketAddr) -> impl Fn(io::Error) -> String {
    move |error| format!("{address}: {error} (PORT chooses another port)")
}

/// The secret from the environment; or a random one to try things with, and its text to be shown.
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

/// Awaits a receiver to its end, with a log, and says how it ended.
pub async fn run(receiver: impl Future<Output = Result<(), Box<dyn Error>>>) -> ExitCode {
    // Rejections are events of `tracing`, so a subscriber is what tells why.
    tracing_subscriber::fmt().with_ansi(io::stdout().is_terminal()).init();
    match receiver.await {
        Ok(()) => {
            say("stopped");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns when Ctrl-C is pressed or, as service managers ask for it, at SIGTERM.
pub async fn stop() {
    // Without a handler there is nothing to wait for, and the server goes on until it is killed.
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
    fn event_is_one_line() {
        let issue = |key: &str| Some(Issue { key: key.to_owned() });
        let event = |webhook_event: &str, issue| Event { webhook_event: webhook_event.to_owned(), issue }.to_string();
        assert_eq!(event("jira:issue_created", issue("PROJ-1")), "jira:issue_created PROJ-1");
        assert_eq!(event("x\nWARN forged\u{1b}[31m", None), "x\\nWARN forged\\u{1b}[31m");
        assert_eq!(event("x", issue("\r\u{202e}")), "x \\r\\u{202e}");
    }

    #[test]
    fn port_is_a_number_or_an_error_that_says_which() {
        let port = |given: Option<&str>| port(given.map(OsString::from));
        assert_eq!([port(None), port(Some("0")), port(Some("65535"))], [Ok(3000), Ok(0), Ok(65535)]);
        for given in ["", "http", "-1", "65536", "3000 ", "0x10"] {
            assert_eq!(port(Some(given)), Err("PORT must be a number from 0 to 65535".to_owned()), "{given:?}");
        }
    }
}
