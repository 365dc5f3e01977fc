//! `attpc fmt`: lays a recipe out.

use std::path::PathBuf;

use clap::Args;

use crate::cli::error::{CliError, Kind};
use crate::cli::session::Session;
use crate::model::diagnostic::Diagnostics;
use crate::model::text::count;
use crate::recipe;
use crate::ui::line::Line;

/// Lay recipes out: indents and aligned maps; nothing but white space changes
#[derive(Debug, Args)]
pub struct FmtArgs {
    /// Recipes and modules
    #[arg(value_name = "FILE", default_value = "recipe.rhai")]
    pub files: Vec<PathBuf>,

    /// Change nothing; exit with 1 when a file is not laid out
    #[arg(long)]
    pub check: bool,
}

/// Formats the files in place.
pub fn run(args: &FmtArgs, session: &mut Session) -> Result<u8, CliError> {
    let mut changed = Vec::new();
    for file in &args.files {
        let name = file.to_string_lossy().into_owned();
        let path = session.directory.join(file);
        let failed = |what: &str, error: std::io::Error| {
            CliError::new(Kind::Environment, format!("cannot {what} `{name}`")).caused_by(&error)
        };
        let text = std::fs::read_to_string(&path).map_err(|error| failed("read", error))?;
        let laid_out = recipe::format(&name, &text).map_err(|diagnostic| {
            CliError::recipe(&Diagnostics::from(diagnostic), &|_| Some(text.clone()))
        })?;
        if laid_out != text {
            if !args.check {
                std::fs::write(&path, laid_out).map_err(|error| failed("write", error))?;
            }
            changed.push(name);
        }
    }
    let verb = if args.check { "would change" } else { "changed" };
    let lines: Vec<Line> =
        changed.iter().map(|name| Line::text(format!("{verb} {name}"))).collect();
    session.print_lines(&lines)?;
    if changed.is_empty() {
        session
            .tell(&[Line::text(format!("{} already laid out", count(args.files.len(), "file")))]);
    }
    let refused = args.check && !changed.is_empty();
    Ok(if refused { Kind::Failed.exit_code() } else { crate::cli::SUCCESS })
}
