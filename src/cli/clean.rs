//! `attpc clean`: removes what was made.

use clap::Args;

use crate::cli::options::ProjectOptions;

/// Remove outputs that actions made; inputs and files that were changed by hand stay
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// Whose outputs to remove; none means the recipe's default targets and all they need
    pub targets: Vec<String>,

    /// Only say what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    #[command(flatten)]
    pub project: ProjectOptions,
}
