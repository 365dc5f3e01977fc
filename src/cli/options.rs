//! Options that several commands share.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use crate::model::step::DeviceChoice;
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
    /// Even into a pipe
    Always,
    /// Plain text
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

/// Where native steps compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DeviceOption {
    /// On the processor
    #[default]
    Cpu,
    /// On a GPU, those that have a version for it; an error where there is none
    Cuda,
    /// On a GPU where there is one, else on the processor
    Auto,
}

impl From<DeviceOption> for DeviceChoice {
    fn from(option: DeviceOption) -> DeviceChoice {
        match option {
            DeviceOption::Cpu => DeviceChoice::Cpu,
            DeviceOption::Cuda => DeviceChoice::Cuda,
            DeviceOption::Auto => DeviceChoice::Auto,
        }
    }
}

/// Options of commands that read a project.
#[derive(Clone, Debug, Default, Args)]
pub struct ProjectOptions {
    /// Read this recipe instead of recipe.rhai
    #[arg(short, long, value_name = "FILE", default_value = "recipe.rhai")]
    pub file: PathBuf,

    /// Set a parameter, such as get.peak_threshold=45; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_set)]
    pub set: Vec<(String, String)>,
}

/// Options of commands that run actions.
#[derive(Clone, Debug, Default, Args)]
pub struct RunOptions {
    /// Use at most this many processor cores [default: all of this machine]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: Option<u32>,

    /// Go on after a failure with everything that does not depend on it
    #[arg(short, long)]
    pub keep_going: bool,

    /// Say what would run and why, and run nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Run the named targets even if they are up to date
    #[arg(long)]
    pub force: bool,

    /// Leave at once when another build holds the lock, instead of waiting for it
    #[arg(long)]
    pub no_wait: bool,

    /// Where native steps compute; results agree within the tolerance that a kernel states
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub device: DeviceOption,

    /// Tell progress in this manner
    #[arg(long, value_name = "MANNER", default_value = "auto")]
    pub progress: ProgressChoice,
}

/// The option of commands whose answer programs may read.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct JsonOption {
    /// Answer in JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// Splits `KEY=VALUE` at its first equals sign.
fn parse_set(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write a dotted name, an equals sign and a value: a.b=3".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_set_at_the_first_equals_sign() {
        assert_eq!(parse_set("a.b = x=y"), Ok(("a.b".to_owned(), "x=y".to_owned())));
        assert!(parse_set("a.b").is_err());
        assert!(parse_set("=3").is_err());
    }

    #[test]
    fn the_options_of_all_commands_fit_together() {
        use clap::{Args, Command};

        let with_globals = || GlobalOptions::augment_args(Command::new("attpc"));
        for augment in [
            crate::cli::build::BuildArgs::augment_args as fn(Command) -> Command,
            crate::cli::plan::PlanArgs::augment_args,
            crate::cli::why::WhyArgs::augment_args,
            crate::cli::status::StatusArgs::augment_args,
            crate::cli::log::LogArgs::augment_args,
            crate::cli::list::ListArgs::augment_args,
            crate::cli::graph::GraphArgs::augment_args,
            crate::cli::clean::CleanArgs::augment_args,
            crate::cli::doctor::DoctorArgs::augment_args,
            crate::cli::check::CheckArgs::augment_args,
        ] {
            augment(with_globals()).debug_assert();
        }
    }
}
