//! `attpc doctor`: checks and repairs what the project remembers.

use clap::Args;
use serde::Serialize;

use crate::cli::error::{CliError, Kind};
use crate::cli::list::print_json;
use crate::cli::options::JsonOption;
use crate::cli::project::state_of;
use crate::cli::session::Session;
use crate::engine::{self, EngineError, Project};
use crate::fsio::clock::FsClock;
use crate::store;
use crate::ui::line::{Label, Line};

/// Check what the project remembers: journal, index, lock, unfinished work
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Make the index again from the journal
    #[arg(long)]
    pub rebuild: bool,

    #[command(flatten)]
    pub answer: JsonOption,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    well: bool,
    words: String,
}

/// Checks the project's state, and repairs what can be repaired.
pub fn run(args: &DoctorArgs, session: &mut Session) -> Result<u8, CliError> {
    let project = state_of(session)?;
    if !project.state.is_dir() {
        let shown = project.shown(&project.state);
        return Err(CliError::new(Kind::Usage, format!("no project state `{shown}` here"))
            .hint("`attpc build` makes it; -C names another directory"));
    }
    let mut findings = Vec::new();
    if args.rebuild {
        let words = engine::rebuild(&project, &session.command_line).map_err(|error| {
            let locked = matches!(error, EngineError::Locked { .. });
            let kind = if locked { Kind::Locked } else { Kind::Environment };
            CliError::of(kind, &error)
        })?;
        findings.push(Finding { what: "index", well: true, words });
    }
    findings.extend(look(&project));
    let well = findings.iter().all(|finding| finding.well);
    if args.answer.json {
        print_json(&findings, session)?;
    } else {
        let lines: Vec<Line> = findings.iter().map(line).collect();
        session.print_lines(&lines)?;
        if !well && !args.rebuild {
            session.tell(&[Line::new().with(Label::Hint, "hint").with(
                Label::Plain,
                ": results are safe; what cannot be read any more is built again",
            )]);
        }
    }
    Ok(if well { crate::cli::SUCCESS } else { Kind::Environment.exit_code() })
}

fn line(finding: &Finding) -> Line {
    let (label, word) = if finding.well { (Label::Good, "ok") } else { (Label::Error, "bad") };
    Line::new()
        .with(label, word)
        .with(Label::Plain, format!("  {}: {}", finding.what, finding.words))
}

fn look(project: &Project) -> Vec<Finding> {
    let journal = match store::doctor::check(&project.state) {
        Ok(check) => {
            let mut words = vec![format!("{} records", check.records)];
            words.extend(check.findings.warnings());
            if !check.unreadable.is_empty() {
                words.push(format!("{} records cannot be read back", check.unreadable.len()));
            }
            Finding { what: "journal", well: check.is_sound(), words: words.join("; ") }
        }
        Err(error) => Finding { what: "journal", well: false, words: error.to_string() },
    };
    let lock = match engine::lock_holder(project) {
        Some(owner) => format!("held by {}", engine::describe(&owner)),
        None => "free".to_owned(),
    };
    let clock = match FsClock::probe(&project.state) {
        Ok(_) => Finding { what: "file system", well: true, words: "can be written".to_owned() },
        Err(error) => Finding { what: "file system", well: false, words: error.to_string() },
    };
    vec![journal, Finding { what: "lock", well: true, words: lock }, clock]
}
