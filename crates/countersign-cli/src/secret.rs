use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use clap::Args;
use countersign::scheme::Scheme;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output::{self, Verbosity};
use crate::provider;

/// Make a random secret of 256 bits in the form of the provider: in base64 with a prefix, or in hex
#[derive(Debug, Args)]
pub(crate) struct Secret {
    /// Provider for the secret; `countersign providers` lists all
    #[arg(long = "provider", default_value = "jira", value_name = "NAME", value_parser = provider::parser(), hide_possible_values = true, help_heading = "Provider")]
    scheme: Scheme,
    /// Write the secret into this new file, readable by the owner alone. An existing file is not
    /// overwritten
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Secret {
    pub(crate) fn run(self, verbosity: Verbosity) -> Result<bool, Failure> {
        let mut random = Zeroizing::new([0; 32]);
        getrandom::fill(random.as_mut()).map_err(|error| Failure::because("cannot get random numbers from the system", error))?;
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
                    ErrorKind::AlreadyExists => Failure::new(format!("{} exists already: name a new file", file.display())),
                    _ => Failure::because(format!("cannot write the secret to {}", file.display()), error),
                })?;
                if verbosity > Verbosity::Quiet {
                    output::note(format!("Wrote the secret to {}.", file.display()));
                }
            }
        }
        Ok(true)
    }
}
