use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::output;

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  countersign completions bash \\\n    >~/.local/share/bash-completion/completions/countersign\n  countersign completions zsh >~/.zfunc/_countersign"
)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, mut command: Command) -> bool {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "countersign", &mut script);
        output::raw(&script);
        true
    }
}

/// Print the man page, or write a page for each command into a folder
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Folder for the pages: countersign.1, countersign-sign.1 and so on
    folder: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, command: Command) -> Result<bool, Failure> {
        if let Some(folder) = self.folder {
            let fault = |error| Failure::because(format!("cannot write into {}", folder.display()), error);
            std::fs::create_dir_all(&folder).map_err(fault)?;
            clap_mangen::generate_to(command, &folder).map_err(fault)?;
            return Ok(true);
        }
        let mut page = Vec::new();
        let made = clap_mangen::Man::new(command).render(&mut page);
        made.map_err(|error| Failure::because("cannot render the man page", error))?;
        output::raw(&page);
        Ok(true)
    }
}
