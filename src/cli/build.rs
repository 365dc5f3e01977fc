//! `attpc build`: brings targets up to date.

use clap::Args;

use crate::cli::options::{ProjectOptions, RunOptions};

/// Bring targets up to date: run what is stale, say why
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// What to build: rules, output paths or actions such as pointcloud@0104; none means the
    /// recipe's default targets
    pub targets: Vec<String>,

    #[command(flatten)]
    pub project: ProjectOptions,

    #[command(flatten)]
    pub run: RunOptions,

    /// Write the build's events to standard output, one JSON object on each line
    #[arg(long)]
    pub json: bool,
}
