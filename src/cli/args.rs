//! The whole command line as clap reads it.

use clap::{Parser, Subcommand};

use crate::cli::build::BuildArgs;
use crate::cli::check::CheckArgs;
use crate::cli::clean::CleanArgs;
use crate::cli::completions::CompletionsArgs;
use crate::cli::doctor::DoctorArgs;
use crate::cli::fmt::FmtArgs;
use crate::cli::graph::GraphArgs;
use crate::cli::init::InitArgs;
use crate::cli::kernel::KernelArgs;
use crate::cli::list::ListArgs;
use crate::cli::log::LogArgs;
use crate::cli::options::GlobalOptions;
use crate::cli::plan::PlanArgs;
use crate::cli::status::StatusArgs;
use crate::cli::why::WhyArgs;

/// Make for experiments: rebuilds exactly what is stale, says why, and leaves a record.
#[derive(Debug, Parser)]
#[command(name = "attpc", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub options: GlobalOptions,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    Init(InitArgs),
    Build(BuildArgs),
    Plan(PlanArgs),
    Why(WhyArgs),
    Status(StatusArgs),
    Log(LogArgs),
    List(ListArgs),
    Graph(GraphArgs),
    Check(CheckArgs),
    Fmt(FmtArgs),
    Clean(CleanArgs),
    Doctor(DoctorArgs),
    Kernel(KernelArgs),
    Completions(CompletionsArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_argument_shadows_a_global_option() {
        let globals: Vec<_> =
            Cli::command().get_arguments().map(|argument| argument.get_id().clone()).collect();
        for command in Cli::command().get_subcommands() {
            for argument in command.get_arguments() {
                let (command, id) = (command.get_name(), argument.get_id());
                assert!(!globals.contains(id), "`{command}` shadows `{id}`");
            }
        }
    }

    #[test]
    fn every_command_and_option_says_what_it_does() {
        fn check(command: &clap::Command) {
            assert!(command.get_about().is_some(), "`{}` has no help", command.get_name());
            for argument in command.get_arguments() {
                let (command, id) = (command.get_name(), argument.get_id());
                assert!(argument.get_help().is_some(), "`{command}`: `{id}` has no help");
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }

    #[test]
    fn a_misspelt_command_is_answered_with_the_near_one() {
        let error = Cli::try_parse_from(["attpc", "kernle"]).unwrap_err();
        assert!(error.to_string().contains("'kernel'"), "{error}");
        assert!(error.use_stderr());
    }
}
