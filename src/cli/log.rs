//! `attpc log`: what an action printed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::error::{CliError, Kind};
use crate::cli::options::ProjectOptions;
use crate::cli::project::Opened;
use crate::cli::session::Session;
use crate::engine::{self, EngineError};
use crate::graph;
use crate::model::event::Failure;
use crate::model::text;
use crate::store::entry::AttemptStarted;
use crate::store::history::History;
use crate::ui::line::Line;

/// Show what an action printed, and how its last attempt ended
#[derive(Debug, Args)]
pub struct LogArgs {
    /// An output path or an action such as pointcloud@0104
    pub target: String,

    /// Show an earlier attempt by its number
    #[arg(long, value_name = "NUMBER")]
    pub attempt: Option<u64>,

    /// Read this recipe instead of recipe.rhai
    #[arg(long, value_name = "FILE", default_value = "recipe.rhai")]
    pub file: PathBuf,

    /// Go on while the action runs
    #[arg(short, long)]
    pub follow: bool,
}

/// Time between two looks at a log that grows.
const POLL: Duration = Duration::from_millis(200);

/// Shows a log, and with `-f` what comes after.
pub fn run(args: &LogArgs, session: &mut Session) -> Result<u8, CliError> {
    let options = ProjectOptions { file: args.file.clone(), set: Vec::new() };
    let opened = Opened::find(session, &options)?;
    let trouble = |error: EngineError| opened.trouble(&error);
    let target = target(&opened, args, session)?;
    let history = engine::history(&opened.project).map_err(trouble)?;
    let found = attempt(&history, &target, args.attempt).map_err(trouble)?;
    let Some(found) = found else {
        let what = match args.attempt {
            Some(number) => format!("no attempt {number} of `{}` is known", args.target),
            None => format!("`{}` has not run yet", args.target),
        };
        return Err(CliError::new(Kind::Usage, what)
            .hint("`attpc status` shows what runs, `attpc build` runs it"));
    };
    let log = Log { places: places(&opened, &found), opened: &opened };
    let mut shown = 0;
    log.print_from(&mut shown, session)?;
    while args.follow && runs(&opened, &target, found.number)? {
        std::thread::sleep(POLL);
        log.print_from(&mut shown, session)?;
    }
    log.print_from(&mut shown, session)?;
    if shown == 0 && !found.running {
        session.tell(&[Line::text(format!("{} printed nothing", found.label))]);
    }
    if let Some(status) = &found.status {
        session.tell(&[Line::text(format!("{}: {status}", found.label))]);
    }
    Ok(crate::cli::SUCCESS)
}

/// An attempt that left a trace.
struct Found {
    number: u64,
    label: String,
    log: Option<String>,
    status: Option<String>,
    running: bool,
}

/// The first output of the action that the user names.
fn target(opened: &Opened, args: &LogArgs, session: &Session) -> Result<String, CliError> {
    let trouble = |error: EngineError| opened.trouble(&error);
    let loaded =
        opened.ask(|question| engine::graph(&opened.project, question)).map_err(trouble)?;
    let in_project = |typed: &str| opened.project.in_project(&session.directory, typed);
    let actions = graph::select(&loaded.graph, std::slice::from_ref(&args.target), &in_project)
        .map_err(|error| opened.trouble(&error.into()))?;
    match actions.as_slice() {
        [only] => Ok(loaded.graph.target(*only).to_owned()),
        many => {
            let labels: Vec<String> =
                many.iter().take(3).map(|&action| loaded.graph.label(action)).collect();
            let what = format!("`{}` names {} actions", args.target, many.len());
            let hint = format!("name one of them, such as {}", text::one_of(&labels));
            Err(CliError::new(Kind::Usage, what).hint(hint))
        }
    }
}

fn attempt(
    history: &History,
    target: &str,
    number: Option<u64>,
) -> Result<Option<Found>, EngineError> {
    let open = history.open_attempts()?.into_iter().filter_map(|open| open.started);
    let running = open.filter(|started| started.target == target).max_by_key(|s| s.attempt);
    let failed = history.last_failure(target)?;
    let record = history.latest(target)?;
    let mut known = Vec::new();
    known.extend(running.map(|started| Found {
        number: started.attempt,
        label: started.label,
        log: Some(started.log),
        status: None,
        running: true,
    }));
    known.extend(failed.map(|failed| {
        let failure = serde_json::from_str::<Failure>(&failed.failure).ok();
        Found {
            number: failed.attempt,
            label: failed.label,
            log: failure.as_ref().and_then(|failure| failure.log.clone()),
            status: failure.map(|failure| failure.status),
            running: false,
        }
    }));
    known.extend(record.map(|record| Found {
        number: record.cost.attempt,
        label: record.label,
        log: None,
        status: Some(format!(
            "ran well in {}",
            text::duration(record.cost.wall_ms as f64 / 1000.0)
        )),
        running: false,
    }));
    if let Some(number) = number {
        let label = known.first().map_or_else(|| target.to_owned(), |found| found.label.clone());
        known.retain(|found| found.number == number);
        if known.is_empty() {
            return Ok(Some(Found { number, label, log: None, status: None, running: false }));
        }
    }
    Ok(known.into_iter().max_by_key(|found| found.number))
}

/// Where an attempt's log may lie: where it was noted, and where logs go in the end.
fn places(opened: &Opened, found: &Found) -> Vec<PathBuf> {
    let root = &opened.project.root;
    let noted = found.log.iter().map(|log| root.join(log));
    noted.chain([opened.project.log(found.number)]).collect()
}

fn runs(opened: &Opened, target: &str, number: u64) -> Result<bool, CliError> {
    let trouble = |error: EngineError| opened.trouble(&error);
    let history = engine::history(&opened.project).map_err(trouble)?;
    let open = history.open_attempts().map_err(|error| trouble(error.into()))?;
    let same = |started: &AttemptStarted| started.target == target && started.attempt == number;
    let building = engine::lock_holder(&opened.project).is_some();
    Ok(building && open.iter().any(|open| open.started.as_ref().is_some_and(same)))
}

struct Log<'l> {
    places: Vec<PathBuf>,
    opened: &'l Opened,
}

impl Log<'_> {
    /// Prints what has come since the last call.
    fn print_from(&self, shown: &mut u64, session: &mut Session) -> Result<(), CliError> {
        let Some(mut file) = self.places.iter().find_map(|path| File::open(path).ok()) else {
            return Ok(());
        };
        let mut bytes = Vec::new();
        let read = file.seek(SeekFrom::Start(*shown)).and_then(|_| file.read_to_end(&mut bytes));
        read.map_err(|error| {
            let name = self.opened.project.shown(&self.places[0]);
            CliError::new(Kind::Environment, format!("cannot read `{name}`")).caused_by(&error)
        })?;
        *shown += bytes.len() as u64;
        session.print(&String::from_utf8_lossy(&bytes))
    }
}
