//! `attpc completions`: scripts that complete commands and options in a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::args::Cli;
use crate::cli::error::CliError;
use crate::cli::session::Session;

/// Print a script that completes commands and options in a shell
///
/// For bash: `attpc completions bash > ~/.local/share/bash-completion/completions/attpc`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub fn run(args: &CompletionsArgs, session: &mut Session) -> Result<u8, CliError> {
    // Into memory first, because the generator panics where a pipe is closed.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "attpc", &mut script);
    session.print(&String::from_utf8_lossy(&script))?;
    Ok(crate::cli::SUCCESS)
}
