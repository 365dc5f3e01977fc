//! `attpc plan`: what a build would do, and why.

use clap::Args;

use crate::cli::options::{JsonOption, ProjectOptions};

/// Say what a build would run, and why, without running anything
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// What would be built, as for `attpc build`
    pub targets: Vec<String>,

    /// Plan as if `attpc build --force` were asked for
    #[arg(long)]
    pub force: bool,

    #[command(flatten)]
    pub project: ProjectOptions,

    #[command(flatten)]
    pub answer: JsonOption,
}
