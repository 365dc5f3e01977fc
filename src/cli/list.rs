//! `attpc list`: what a recipe offers.

use clap::Args;

use crate::cli::options::{JsonOption, ProjectOptions};

/// List the recipe's rules, or the actions and outputs of some of them
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Rules, output paths or actions; their actions are listed
    pub targets: Vec<String>,

    /// List all actions instead of rules
    #[arg(long)]
    pub actions: bool,

    #[command(flatten)]
    pub project: ProjectOptions,

    #[command(flatten)]
    pub answer: JsonOption,
}
