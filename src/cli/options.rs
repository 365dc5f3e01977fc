//! Options that several commands share.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use crate::ui::view::Verbosity;

/// Options that every command takes, before or after its name.
#[derive(Clone, Debug, Default, Args)]
pub struct GlobalOptions {
    /// Work in this project directory instead of the current one
    #[arg(short = 'C', long, value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,

    /// Use colours: on a terminal, always, or never
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: ColorChoice,

    /// Say less: only warnings and failures
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more: every action and all of its reasons
    #[arg(short, long, action = ArgAction::SetTrue, global = true)]
    pub verbose: bool,
}

impl GlobalOptions {
    pub fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set or TERM is `dumb`
    #[default]
    Auto,
    Always,
    Never,
}

/// How a build tells its progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProgressChoice {
    /// A live block on a terminal, lines elsewhere
    #[default]
    Auto,
    /// One line for each notable event
    Plain,
    /// A live block, redrawn in place
    Bar,
    /// One JSON object for each event, on standard output
    Json,
    /// Only warnings, failures and the sum
    None,
}
