//! The lines that stay: what a reader of a build's whole output should find in it.
//!
//! Both the plain and the live view print these. A small build tells every action; a large one
//! tells the first action of each rule, warnings, failures and the sum, because ten thousand lines
//! of success hide the one that matters.

use std::time::Duration;

use crate::model::event::{ActionRef, BuildEvent};
use crate::model::span::Span;
use crate::model::text::{count, duration};
use crate::ui::explain;
use crate::ui::line::{Label, Line};
use crate::ui::state::BuildState;
use crate::ui::view::Verbosity;
use crate::ui::words::{self, took};

/// Builds with at most this many actions to do tell each of them: two screens full.
const FEW: usize = 50;

/// Takes an event into the state and gives the lines it leaves behind.
pub fn take(
    state: &mut BuildState,
    event: &BuildEvent,
    now: Duration,
    verbosity: Verbosity,
) -> Vec<Line> {
    // What ran and for which reason is forgotten by the state once the action has ended.
    let lines = lines(state, event, verbosity);
    state.apply(event, now);
    match event {
        BuildEvent::BuildFinished(_) if state.dry_run && verbosity > Verbosity::Quiet => {
            explain::plan(&state.planned, state.fresh, verbosity)
        }
        _ => lines,
    }
}

fn lines(state: &BuildState, event: &BuildEvent, verbosity: Verbosity) -> Vec<Line> {
    match event {
        BuildEvent::Warning { message, span } => vec![warning(message, span.as_ref())],
        BuildEvent::ActionFailed { action, failure, will_retry, .. } => {
            words::failure(action, failure, *will_retry)
        }
        BuildEvent::BuildFinished(summary) => {
            let silent = verbosity == Verbosity::Quiet && summary.exit_code == 0;
            if silent { Vec::new() } else { words::summary(summary) }
        }
        _ if verbosity == Verbosity::Quiet => Vec::new(),
        BuildEvent::Waiting { holder, .. } => waiting(state, holder),
        BuildEvent::Stopping { signal, running } => vec![stopping(signal, *running)],
        BuildEvent::Planned { stale, pending, restorable, .. } => {
            planned(state, event, stale + pending + restorable)
        }
        BuildEvent::ActionStarted { action, reasons, .. } => {
            let verbose = verbosity == Verbosity::Verbose;
            if verbose || (state.total > FEW && !state.has_seen(&action.rule)) {
                let because = explain::because(reasons, verbosity);
                vec![told("start", action).with(Label::Quiet, because)]
            } else {
                Vec::new()
            }
        }
        _ if state.total > FEW && verbosity == Verbosity::Normal => Vec::new(),
        BuildEvent::ActionFinished { action, cost, .. } => {
            let line = told("ran", action).with(Label::Plain, format!("  {}", took(cost.wall_ms)));
            // A verbose build gave the reasons when the action started.
            let tell = verbosity == Verbosity::Normal;
            let running = state.running(action.id).filter(|_| tell);
            let because = running.map(|running| explain::because(&running.reasons, verbosity));
            vec![line.with(Label::Quiet, because.unwrap_or_default())]
        }
        BuildEvent::ActionCutOff { action } => {
            vec![told("same", action).with(Label::Quiet, "  its inputs came out as before")]
        }
        BuildEvent::ActionSkipped { action, because } => {
            vec![told("skip", action).with(Label::Quiet, format!("  {because}"))]
        }
        BuildEvent::Evaluated { rules, actions, cached, wall_ms } => match verbosity {
            Verbosity::Verbose => vec![evaluated(*rules, *actions, *cached, *wall_ms)],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// A verb in a fixed column and the action's label, so that a column of labels can be scanned.
fn told(verb: &str, action: &ActionRef) -> Line {
    Line::new()
        .with(Label::Good, format!("{verb:>7}"))
        .with(Label::Plain, format!("  {}", action.label))
}

fn warning(message: &str, span: Option<&Span>) -> Line {
    let place = span.map(|span| format!("  ({span})")).unwrap_or_default();
    Line::new().with(Label::Warning, "warning").with(Label::Plain, format!(": {message}{place}"))
}

/// Who holds the lock is said once; how long this lasts is the status block's business.
fn waiting(state: &BuildState, holder: &str) -> Vec<Line> {
    use crate::ui::state::Phase;
    match &state.phase {
        Phase::Waiting { holder: before, .. } if before == holder => Vec::new(),
        _ => vec![Line::text(format!("waiting: another build holds the lock ({holder})"))],
    }
}

fn stopping(signal: &str, running: usize) -> Line {
    let what = match running {
        0 => "nothing runs".to_owned(),
        n => format!("ending {}; once more ends them at once", count(n, "running action")),
    };
    Line::new().with(Label::Warning, "stopping").with(Label::Plain, format!(" ({signal}): {what}"))
}

fn planned(state: &BuildState, event: &BuildEvent, total: usize) -> Vec<Line> {
    let BuildEvent::Planned { fresh, restorable, pending, seconds_left, stale } = event else {
        return Vec::new();
    };
    if total == 0 || state.dry_run {
        return Vec::new();
    }
    let mut parts = vec![format!("{} to run", stale)];
    for (number, words) in
        [(*pending, "depend on them"), (*restorable, "to restore"), (*fresh, "up to date")]
    {
        if number > 0 {
            parts.push(format!("{number} {words}"));
        }
    }
    let left = seconds_left.filter(|&seconds| seconds >= 1.0);
    let left = left.map(|s| format!(" (about {})", duration(s))).unwrap_or_default();
    vec![Line::text(format!("{}{left}", parts.join(", ")))]
}

fn evaluated(rules: usize, actions: usize, cached: bool, wall_ms: u64) -> Line {
    let how = if cached { "kept from the last evaluation" } else { "evaluated" };
    let took = took(wall_ms);
    let what = format!("{}, {}", count(rules, "rule"), count(actions, "action"));
    Line::text(format!("recipe: {what}, {how} ({took})"))
}
