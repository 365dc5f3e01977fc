//! `attpc plan`: what a build would do, and why.

use clap::Args;
use serde::Serialize;

use crate::cli::error::CliError;
use crate::cli::options::{JsonOption, ProjectOptions};
use crate::cli::project::Opened;
use crate::cli::session::Session;
use crate::engine::{self, Inspection, Request};
use crate::graph::{ActionId, Graph};
use crate::model::event::ActionRef;
use crate::model::reason::{Reason, VerdictKind};
use crate::ui::explain;
use crate::ui::state::Planned;
use crate::ui::words::Outlook;

/// Say what a build would run, and why, without running anything
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// What would be built, as for `attpc build`
    pub targets: Vec<String>,

    /// Plan as if `attpc build --force` were asked for
    #[arg(long)]
    pub force: bool,

    #[command(flatten)]
    pub project: ProjectOptions,

    #[command(flatten)]
    pub answer: JsonOption,
}

/// Judges the targets and says what a build would do.
pub fn run(args: &PlanArgs, session: &mut Session) -> Result<u8, CliError> {
    let opened = Opened::find(session, &args.project)?;
    let request = Request { force: args.force, ..opened.request(session, &args.targets) };
    let seen = opened
        .ask(|question| engine::inspect(&opened.project, &request, question, &|_, _, _, _| ()))
        .map_err(|error| opened.trouble(&error))?;
    opened.tell_warnings(&seen.loaded.warnings, session);
    let planned = planned(&seen);
    if args.answer.json {
        let text = serde_json::to_string_pretty(&in_json(&seen)).expect("verdicts have text keys");
        session.print(&(text + "\n"))?;
    } else {
        let fresh = seen.survey.count(VerdictKind::Fresh);
        let lines = explain::plan(&planned, fresh, session.verbosity);
        session.print_lines(&lines)?;
    }
    Ok(crate::cli::SUCCESS)
}

/// What is not fresh, as views take it.
pub fn planned(seen: &Inspection) -> Vec<Planned> {
    let graph = &seen.loaded.graph;
    let stale = seen.survey.needed.iter().filter_map(|&action| {
        let verdict = seen.survey.verdict(action)?;
        (verdict.kind != VerdictKind::Fresh).then(|| Planned {
            action: action_ref(graph, action),
            verdict: verdict.kind,
            reasons: verdict.reasons.clone(),
        })
    });
    stale.collect()
}

/// An action as views name it.
pub fn action_ref(graph: &Graph, action: ActionId) -> ActionRef {
    let rule = graph.rule(action).name.clone();
    ActionRef { id: action.0, rule, label: graph.label(action) }
}

/// One action's verdict in the JSON of `plan` and `why`.
#[derive(Serialize)]
pub struct JsonVerdict {
    id: String,
    rule: String,
    verdict: VerdictKind,
    /// `none`: fresh for certain; `certain`: runs for certain; `conditional`: depends on upstream.
    runs: &'static str,
    reasons: Vec<Reason>,
    outputs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// The verdicts of everything the targets need, in build order.
pub fn in_json(seen: &Inspection) -> Vec<JsonVerdict> {
    seen.survey.needed.iter().map(|&action| json_verdict(seen, action)).collect()
}

/// The verdict of one needed action.
pub fn json_verdict(seen: &Inspection, action: ActionId) -> JsonVerdict {
    let graph = &seen.loaded.graph;
    let judged = seen.survey.judged[action.index()].as_ref().expect("needed actions are judged");
    let outputs = graph.outputs(action).map(|(_, artifact)| graph.path(artifact).to_owned());
    JsonVerdict {
        id: graph.label(action),
        rule: graph.rule(action).name.clone(),
        verdict: judged.verdict.kind,
        runs: match Outlook::of(judged.verdict.kind, &judged.verdict.reasons) {
            Outlook::Stays | Outlook::WillBeRestored => "none",
            Outlook::WillRun => "certain",
            Outlook::MayRun => "conditional",
        },
        reasons: judged.verdict.reasons.clone(),
        outputs: outputs.collect(),
        key: judged.key.map(|key| key.to_string()),
    }
}
