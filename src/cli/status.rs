//! `attpc status`: how the project stands.

use clap::Args;

use crate::cli::options::{JsonOption, ProjectOptions};

/// Show how the project stands: a running build, the last builds, failures, what is stale
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub project: ProjectOptions,

    #[command(flatten)]
    pub answer: JsonOption,
}
