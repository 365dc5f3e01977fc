//! `attpc clean`: removes what was made.

use clap::Args;

use crate::cli::build::Watcher;
use crate::cli::error::CliError;
use crate::cli::options::{ProgressChoice, ProjectOptions};
use crate::cli::project::Opened;
use crate::cli::session::Session;
use crate::engine::{self, Request};
use crate::model::text;
use crate::ui::line::{Label, Line};

/// Remove outputs that actions made; inputs and files that were changed by hand stay
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// Whose outputs to remove; none means the recipe's default targets
    pub targets: Vec<String>,

    /// Remove outputs that were changed by hand, too
    #[arg(long)]
    pub force: bool,

    /// Only say what would be removed
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    #[command(flatten)]
    pub project: ProjectOptions,
}

/// Removes outputs and says which.
pub fn run(args: &CleanArgs, session: &mut Session) -> Result<u8, CliError> {
    let opened = Opened::find(session, &args.project)?;
    let request = Request { force: args.force, ..opened.request(session, &args.targets) };
    let view = session.view(ProgressChoice::Plain, false);
    let mut watcher = Watcher { view, clock: session.clock };
    let cleaned = opened
        .ask(|question| {
            engine::clean(&opened.project, &request, question, (args.dry_run, &mut watcher))
        })
        .map_err(|error| opened.trouble(&error))?;
    let mut lines: Vec<Line> = Vec::new();
    let verb = if args.dry_run { "would remove" } else { "removed" };
    for (path, bytes) in &cleaned.removed {
        lines.push(Line::text(format!("{verb} {path}  {}", text::bytes(*bytes))));
    }
    for path in &cleaned.kept {
        let kept = Line::new().with(Label::Warning, "kept");
        lines.push(kept.with(Label::Plain, format!(" {path}: not as a build made it")));
    }
    let total: u64 = cleaned.removed.iter().map(|(_, bytes)| bytes).sum();
    let files = text::count(cleaned.removed.len(), "output");
    lines.push(Line::text(format!("{verb} {files}, {}", text::bytes(total))));
    session.print_lines(&lines)?;
    if !cleaned.kept.is_empty() {
        session.tell(&[Line::new()
            .with(Label::Hint, "hint")
            .with(Label::Plain, ": --force removes those too")]);
    }
    Ok(crate::cli::SUCCESS)
}
