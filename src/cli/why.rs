//! `attpc why`: why a target is rebuilt, followed to the first cause.

use clap::Args;

use crate::cli::options::{JsonOption, ProjectOptions};

/// Say why a target is rebuilt, following its inputs to the first cause
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// Rules, output paths or actions such as pointcloud@0104
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<String>,

    #[command(flatten)]
    pub project: ProjectOptions,

    #[command(flatten)]
    pub answer: JsonOption,
}
