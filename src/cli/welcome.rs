//! `attpc` without arguments: what it is and where to start.

use clap::CommandFactory;

use crate::cli::args::Cli;
use crate::cli::error::CliError;
use crate::cli::session::Session;
use crate::ui::line::{Label, Line};

/// The steps of somebody who is new, in their order.
const STEPS: [(&str, &str, &str); 5] = [
    ("init", "", "copy a shipped recipe into this directory"),
    ("plan", "", "say what a build would do, and why"),
    ("build", "", "bring the recipe's targets up to date"),
    ("why", " TARGET", "say why a target is rebuilt"),
    ("log", " TARGET", "show what an action printed"),
];

pub fn run(session: &mut Session) -> Result<u8, CliError> {
    let mut lines = vec![
        Line::text("attpc is make for experiments: it rebuilds exactly what is stale, says why,"),
        Line::text("and leaves a record from which anyone can get the same bytes again."),
        Line::new(),
    ];
    let program = Cli::command();
    for (name, argument, purpose) in STEPS {
        if program.find_subcommand(name).is_some() {
            let command = format!("  {:<18}", format!("attpc {name}{argument}"));
            lines.push(Line::new().with(Label::Strong, command).with(Label::Plain, purpose));
        }
    }
    let help = Line::new().with(Label::Strong, format!("  {:<18}", "attpc --help"));
    lines.push(help.with(Label::Plain, "list all commands and options"));
    session.print_lines(&lines)?;
    Ok(crate::cli::SUCCESS)
}
