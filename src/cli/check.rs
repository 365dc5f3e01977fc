//! `attpc check`: whether the recipe is right.

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::options::ProjectOptions;
use crate::cli::project::Opened;
use crate::cli::session::Session;
use crate::engine;
use crate::model::text::count;
use crate::ui::line::Line;

/// Check the recipe and its parameters without judging or running anything
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub project: ProjectOptions,
}

/// Evaluates the recipe and builds its graph.
pub fn run(args: &CheckArgs, session: &mut Session) -> Result<u8, CliError> {
    let opened = Opened::find(session, &args.project)?;
    let loaded = opened
        .ask(|question| engine::graph(&opened.project, question))
        .map_err(|error| opened.trouble(&error))?;
    opened.tell_warnings(&loaded.warnings, session);
    let graph = &loaded.graph;
    session.print_lines(&[Line::text(format!(
        "the recipe is fine: {}, {}",
        count(graph.rules.len(), "rule"),
        count(graph.action_count(), "action")
    ))])?;
    Ok(crate::cli::SUCCESS)
}
