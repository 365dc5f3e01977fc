//! `attpc doctor`: checks and repairs what the project remembers.

use clap::Args;

use crate::cli::options::JsonOption;

/// Check what the project remembers: journal, index, lock, unfinished work
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Make the index again from the journal
    #[arg(long)]
    pub rebuild: bool,

    #[command(flatten)]
    pub answer: JsonOption,
}
