//! Room card
//! - job: Turns a command line into calls of the other rooms, and their answers into exit codes.
//! - takes: arguments, environment, terminal
//! - gives: output of each subcommand, an exit code
//! - imports: model, recipe, graph, fsio, store, engine, steps, ui
//! - touches: env, clock, files, print, threads, signals, clap, clap_complete, rustix, toml
//! - never: decides what is stale, runs an action, formats an event
//!
//! One file for each subcommand holds its `…Args` and `run(args, &mut Session)`. The [`Session`]
//! is built once, in [`main`]; nothing below it reads the environment, the clock or the terminal
//! from anywhere else.

mod args;
mod bug;
pub mod build;
pub mod check;
pub mod clean;
mod completions;
pub mod doctor;
mod error;
mod fmt;
pub mod graph;
mod init;
mod kernel;
pub mod list;
pub mod log;
pub mod options;
pub mod plan;
mod project;
#[cfg(test)]
mod reference;
mod session;
mod settings;
mod signals;
pub mod status;
mod welcome;
pub mod why;

use std::process::ExitCode;

use clap::Parser;

pub use args::{Cli, Command};
pub use error::{CliError, Kind};
pub use session::Session;

/// Exit code of a program that did all it was asked to.
pub const SUCCESS: u8 = 0;

/// Runs the program on this process's arguments, environment and terminal.
pub fn main() -> ExitCode {
    let watch = bug::Watch::install();
    let code = watch.guard(|| match Cli::try_parse() {
        Ok(cli) => Session::of_process(&cli.options).map_or_else(
            |error| {
                eprint!("{}", error.present(false));
                error.exit_code()
            },
            |mut session| run(cli.command, &mut session),
        ),
        Err(error) => refused(&error),
    });
    ExitCode::from(code)
}

/// Runs a parsed command line and reports its error, if any.
pub fn run(command: Option<Command>, session: &mut Session) -> u8 {
    let result = match command {
        None => welcome::run(session),
        Some(Command::Build(args)) => build::run(&args, session),
        Some(Command::Plan(args)) => plan::run(&args, session),
        Some(Command::Why(args)) => why::run(&args, session),
        Some(Command::Status(args)) => status::run(&args, session),
        Some(Command::Log(args)) => log::run(&args, session),
        Some(Command::List(args)) => list::run(&args, session),
        Some(Command::Graph(args)) => graph::run(&args, session),
        Some(Command::Check(args)) => check::run(&args, session),
        Some(Command::Fmt(args)) => fmt::run(&args, session),
        Some(Command::Clean(args)) => clean::run(&args, session),
        Some(Command::Doctor(args)) => doctor::run(&args, session),
        Some(Command::Init(args)) => init::run(&args, session),
        Some(Command::Kernel(args)) => kernel::run(&args, session),
        Some(Command::Completions(args)) => completions::run(&args, session),
    };
    result.unwrap_or_else(|error| {
        session.complain(&error);
        error.exit_code()
    })
}

/// Shows what clap has to say: help and version on standard output, usage errors on standard error.
fn refused(error: &clap::Error) -> u8 {
    // A closed pipe behind `attpc --help | head` is no trouble of ours.
    let _shown = error.print();
    if error.use_stderr() { Kind::Usage.exit_code() } else { SUCCESS }
}
