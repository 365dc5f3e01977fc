//! `attpc status`: how the project stands.

use clap::Args;
use serde::Serialize;

use crate::cli::error::CliError;
use crate::cli::list::print_json;
use crate::cli::options::{JsonOption, ProjectOptions};
use crate::cli::plan::planned;
use crate::cli::project::Opened;
use crate::cli::session::Session;
use crate::engine::{self, EngineError, Inspection};
use crate::model::event::{BuildSummary, Failure, FailureKind};
use crate::model::reason::VerdictKind;
use crate::model::text;
use crate::store::ledger::OpenAttempt;
use crate::ui::explain;
use crate::ui::line::{Label, Line};

/// Show how the project stands: a running build, the last builds, failures, what is stale
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub project: ProjectOptions,

    #[command(flatten)]
    pub answer: JsonOption,
}

/// Lines about what is stale.
const STALE: usize = 12;

/// Builds that are shown.
const BUILDS: usize = 5;

/// Failures that are shown.
const FAILURES: usize = 10;

/// Shows how the project stands.
pub fn run(args: &StatusArgs, session: &mut Session) -> Result<u8, CliError> {
    let opened = Opened::find(session, &args.project)?;
    let request = opened.request(session, &[]);
    let seen = opened
        .ask(|question| engine::inspect(&opened.project, &request, question, &|_, _, _, _| ()))
        .map_err(|error| opened.trouble(&error))?;
    let status = Status::of(&opened, &seen).map_err(|error| opened.trouble(&error))?;
    if args.answer.json {
        return print_json(&status, session);
    }
    let mut lines = status.lines(session.clock.unix_ms());
    let planned = planned(&seen);
    if !planned.is_empty() {
        let mut stale = explain::plan(&planned, status.fresh, session.verbosity);
        // The sum is the first line already.
        stale.pop();
        stale.truncate(STALE);
        lines.splice(1..1, stale);
    }
    session.print_lines(&lines)?;
    Ok(crate::cli::SUCCESS)
}

/// How a project stands, as programs read it.
#[derive(Serialize)]
struct Status {
    /// Who holds the lock, when a build is under way.
    building: Option<String>,
    running: Vec<RunningAttempt>,
    fresh: usize,
    restorable: usize,
    stale: usize,
    pending: usize,
    failed: Vec<Failed>,
    builds: Vec<PastBuild>,
}

#[derive(Serialize)]
struct RunningAttempt {
    action: String,
    attempt: u64,
    since_ms: u64,
    log: String,
}

#[derive(Serialize)]
struct Failed {
    action: String,
    status: String,
    log: Option<String>,
}

#[derive(Serialize)]
struct PastBuild {
    build: u64,
    started_ms: u64,
    /// `None` when it runs or was killed.
    summary: Option<BuildSummary>,
}

impl Status {
    fn of(opened: &Opened, seen: &Inspection) -> Result<Status, EngineError> {
        let graph = &seen.loaded.graph;
        let building = engine::lock_holder(&opened.project);
        let running = match building {
            None => Vec::new(),
            Some(_) => seen.history.open_attempts()?.into_iter().filter_map(running).collect(),
        };
        let mut failed = Vec::new();
        for &action in &seen.survey.needed {
            let fresh = |v: &crate::model::reason::Verdict| v.kind == VerdictKind::Fresh;
            if seen.survey.verdict(action).is_some_and(fresh) {
                continue;
            }
            if let Some(last) = seen.history.last_failure(graph.target(action))? {
                let failure = serde_json::from_str::<Failure>(&last.failure);
                if failure.as_ref().is_ok_and(|f| f.kind == FailureKind::Cancelled) {
                    continue;
                }
                failed.push(Failed {
                    action: graph.label(action),
                    status: failure.as_ref().map(|f| f.status.clone()).unwrap_or_default(),
                    log: failure.ok().and_then(|failure| failure.log),
                });
            }
        }
        let builds = seen.history.builds(BUILDS)?.into_iter().map(|build| PastBuild {
            build: build.started.build,
            started_ms: build.started.time_ms,
            summary: build.finished.and_then(|end| serde_json::from_str(&end.summary).ok()),
        });
        Ok(Status {
            builds: builds.collect(),
            building: building.map(|owner| engine::describe(&owner)),
            running,
            fresh: seen.survey.count(VerdictKind::Fresh),
            restorable: seen.survey.count(VerdictKind::Restorable),
            stale: seen.survey.count(VerdictKind::Stale),
            pending: seen.survey.count(VerdictKind::Pending),
            failed,
        })
    }

    fn lines(&self, now_ms: u64) -> Vec<Line> {
        let mut lines = vec![Line::text(format!(
            "{} up to date, {} stale, {} may turn out up to date",
            self.fresh, self.stale, self.pending
        ))];
        if let Some(building) = &self.building {
            lines.push(Line::text(format!("building now: {building}")));
        }
        for one in &self.running {
            let seconds = now_ms.saturating_sub(one.since_ms) as f64 / 1000.0;
            let line = Line::new().with(Label::Strong, format!("  running  {}", one.action));
            lines.push(line.with(Label::Plain, format!("  {}", text::duration(seconds))));
        }
        for one in self.failed.iter().take(FAILURES) {
            let line = Line::new()
                .with(Label::Error, "  failed")
                .with(Label::Plain, format!("  {}  {}", one.action, one.status));
            lines.push(line);
        }
        if self.failed.len() > FAILURES {
            lines.push(Line::text(format!("  and {} more failures", self.failed.len() - FAILURES)));
        }
        if !self.failed.is_empty() {
            lines.push(Line::new().with(Label::Hint, "hint").with(
                Label::Plain,
                format!(": `attpc log {}` shows what it printed", self.failed[0].action),
            ));
        }
        if !self.builds.is_empty() {
            lines.push(Line::text("last builds:"));
        }
        for build in &self.builds {
            let age = now_ms.saturating_sub(build.started_ms) as f64 / 1000.0;
            let outcome = match &build.summary {
                None if self.building.is_some() && build.build == self.builds[0].build => {
                    "running".to_owned()
                }
                None => "was killed".to_owned(),
                Some(summary) => format!(
                    "{} ran, {} up to date, {} failed, {} skipped in {}",
                    summary.executed,
                    summary.fresh,
                    summary.failed,
                    summary.skipped,
                    text::duration(summary.wall_ms as f64 / 1000.0)
                ),
            };
            let ago = text::duration(age);
            lines.push(Line::text(format!("  #{}  {ago} ago  {outcome}", build.build)));
        }
        lines
    }
}

fn running(open: OpenAttempt) -> Option<RunningAttempt> {
    let started = open.started?;
    Some(RunningAttempt {
        action: started.label,
        attempt: started.attempt,
        since_ms: started.time_ms,
        log: started.log,
    })
}
