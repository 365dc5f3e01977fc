//! `attpc log`: what an action printed.

use clap::Args;

/// Show what an action printed, and how its last attempt ended
#[derive(Debug, Args)]
pub struct LogArgs {
    /// An output path or an action such as pointcloud@0104
    pub target: String,

    /// Show an earlier attempt by its number
    #[arg(long, value_name = "NUMBER")]
    pub attempt: Option<u64>,

    /// Go on while the action runs
    #[arg(short, long)]
    pub follow: bool,
}
