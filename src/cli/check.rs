//! `attpc check`: whether the recipe is right.

use clap::Args;

use crate::cli::options::ProjectOptions;

/// Check the recipe and its parameters without judging or running anything
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub project: ProjectOptions,
}
