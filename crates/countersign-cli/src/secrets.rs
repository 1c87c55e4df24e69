use std::convert::Infallible;
use std::fmt;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::str::FromStr;

use clap::Args;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output::{self, Verbosity};

/// The id of a secret typed at the prompt.
const PROMPT: &str = "prompt";

/// The variable read if no option gives a secret.
const VARIABLE: &str = "COUNTERSIGN_SECRET";

/// Options for the secrets. Any of several secrets may match.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Secret (repeatable; a receiver tries each)")]
pub(crate) struct Secrets {
    /// File with the secret; one line break at the end is not part of the secret. ID is a name for
    /// the secret
    #[arg(long, value_name = "[ID=]FILE")]
    secret_file: Vec<String>,
    /// Environment variable with the secret. Without any option, `COUNTERSIGN_SECRET` is read; if
    /// unset, a prompt asks for the secret
    #[arg(long, value_name = "[ID=]VARIABLE")]
    secret_env: Vec<String>,
    /// The secret itself, visible to other users of this machine: prefer another option
    #[arg(long, value_name = "TEXT")]
    secret: Vec<HiddenText>,
}

/// The text of a secret option. `Debug` does not show the text.
#[derive(Clone)]
struct HiddenText(Zeroizing<String>);

impl FromStr for HiddenText {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for HiddenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HiddenText(..)")
    }
}

/// A secret, with an id for messages.
#[derive(Clone)]
pub(crate) struct NamedSecret {
    pub(crate) id: String,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

impl NamedSecret {
    fn new(id: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { id: id.into(), bytes: Zeroizing::new(bytes) }
    }

    pub(crate) fn secret(&self) -> countersign::Secret {
        countersign::Secret::new(self.bytes.to_vec())
    }
}

impl fmt::Debug for NamedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedSecret").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Secrets {
    pub(crate) const fn new(secret_file: Vec<String>, secret_env: Vec<String>) -> Self {
        Self { secret_file, secret_env, secret: Vec::new() }
    }

    /// Loads the secrets. Returns at least one, and no empty secret.
    pub(crate) fn load(&self, verbosity: Verbosity) -> Result<Vec<NamedSecret>, Failure> {
        let mut found = Vec::new();
        for option in &self.secret_file {
            let (id, path) = named(option);
            found.push(NamedSecret::new(id, read(path)?));
        }
        for option in &self.secret_env {
            let (id, variable) = named(option);
            found.push(NamedSecret::new(id, of_variable(variable)?));
        }
        for (place, HiddenText(text)) in self.secret.iter().enumerate() {
            let id = if self.secret.len() == 1 { "--secret".to_owned() } else { format!("--secret {}", place.saturating_add(1)) };
            found.push(NamedSecret::new(id, text.as_bytes().to_vec()));
        }
        if !self.secret.is_empty() && verbosity > Verbosity::Quiet {
            output::warn("other users of this machine can see the arguments of a command: use --secret-file or --secret-env");
        }
        if found.is_empty() {
            found.push(unnamed()?);
        }
        if let Some((_, twice)) =
            found.iter().enumerate().find(|(place, secret)| found.iter().take(*place).any(|other| other.id == secret.id))
        {
            return Err(Failure::new(format!("two secrets have the id {}: give each secret its own", twice.id)));
        }
        match found.iter().find(|secret| secret.bytes.is_empty()) {
            Some(empty) if empty.id == PROMPT => Err(Failure::new("no secret was typed at the prompt")),
            Some(empty) => Err(Failure::new(format!("the secret {} is empty", empty.id))),
            None => Ok(found),
        }
    }

    /// Loads the secret with this id, or the first secret for `None`.
    pub(crate) fn load_one(&self, id: Option<&str>, verbosity: Verbosity) -> Result<NamedSecret, Failure> {
        let mut secrets = self.load(verbosity)?.into_iter();
        match id {
            None => secrets.next(),
            Some(id) => secrets.find(|secret| secret.id == id),
        }
        .ok_or_else(|| Failure::new("no secret has that id: give the secret as --secret-file ID=FILE or --secret-env ID=VARIABLE"))
    }
}

/// Loads the secret if no option gives a secret: from the variable, or by a prompt.
fn unnamed() -> Result<NamedSecret, Failure> {
    if std::env::var_os(VARIABLE).is_some() {
        return Ok(NamedSecret::new(VARIABLE, of_variable(VARIABLE)?));
    }
    // The prompt opens the terminal itself. Standard input may hold the body.
    if !io::stderr().is_terminal() {
        return Err(Failure::new(format!("no secret given: use --secret-file FILE or --secret-env VARIABLE, or set {VARIABLE}")));
    }
    let text = rpassword::prompt_password("Secret: ").map_err(|error| Failure::because("cannot prompt for the secret", error))?;
    Ok(NamedSecret::new(PROMPT, text.into_bytes()))
}

/// Splits `ID=PLACE`. Without an id, the whole text is id and place. Text with a path separator
/// before the `=` is no id.
fn named(option: &str) -> (&str, &str) {
    match option.split_once('=') {
        Some((id, place)) if !id.is_empty() && !id.contains(['/', '\\']) => (id, place),
        _ => (option, option),
    }
}

fn read(path: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = fs::read(path).map_err(|error| Failure::because(format!("cannot read the secret from {path}"), error))?;
    let kept = bytes.strip_suffix(b"\n").map_or(bytes.len(), |line| line.strip_suffix(b"\r").unwrap_or(line).len());
    bytes.truncate(kept);
    Ok(bytes)
}

fn of_variable(variable: &str) -> Result<Vec<u8>, Failure> {
    match std::env::var(variable) {
        Ok(text) => Ok(text.into_bytes()),
        Err(std::env::VarError::NotPresent) => Err(Failure::new(format!("the variable {variable} is not set"))),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::new(format!("the variable {variable} is not Unicode"))),
    }
}
