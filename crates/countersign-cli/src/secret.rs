use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use clap::Args;
use countersign::scheme::Scheme;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output::{self, Verbosity};
use crate::provider;

/// Make a new random secret of 256 bits: in base64 behind its prefix for providers that decode it, and in hex for the others
#[derive(Debug, Args)]
pub(crate) struct Secret {
    /// Who is to sign with it; `countersign providers` lists them
    #[arg(long = "provider", default_value = "jira", value_name = "NAME", value_parser = provider::parser(), hide_possible_values = true, help_heading = "Provider")]
    scheme: Scheme,
    /// Write it into this file, which must not be there yet, and which only its owner may read
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Secret {
    pub(crate) fn run(self, verbosity: Verbosity) -> Result<bool, Failure> {
        let mut random = Zeroizing::new([0; 32]);
        getrandom::fill(random.as_mut()).map_err(|error| Failure::because("this machine has no random numbers", error))?;
        let mut text = Zeroizing::new(self.scheme.secret_of(&random));
        text.push('\n');
        match self.file {
            None => output::raw(text.as_bytes()),
            Some(file) => {
                let mut options = OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let written = options.open(&file).and_then(|mut file| file.write_all(text.as_bytes()));
                written.map_err(|error| match error.kind() {
                    ErrorKind::AlreadyExists => Failure::new(format!("{} is there already, and is not written over", file.display())),
                    _ => Failure::because(format!("cannot write the secret to {}", file.display()), error),
                })?;
                if verbosity > Verbosity::Quiet {
                    output::note(format!("The secret is in {}.", file.display()));
                }
            }
        }
        Ok(true)
    }
}
