//! `attpc why`: why a target is rebuilt, followed to the first cause.

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::options::{JsonOption, ProjectOptions};
use crate::cli::plan::json_verdict;
use crate::cli::project::Opened;
use crate::cli::session::Session;
use crate::engine::{self, Inspection};
use crate::graph::ActionId;
use crate::model::reason::{Verdict, VerdictKind};
use crate::model::text::count;
use crate::ui::explain::{self, Explanation};
use crate::ui::line::{Label, Line};

/// Say why a target is rebuilt, following its inputs to the first cause
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// Rules, output paths or actions such as pointcloud@0104
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<String>,

    #[command(flatten)]
    pub project: ProjectOptions,

    #[command(flatten)]
    pub answer: JsonOption,
}

/// Explains each target's verdict.
pub fn run(args: &WhyArgs, session: &mut Session) -> Result<u8, CliError> {
    let opened = Opened::find(session, &args.project)?;
    let request = opened.request(session, &args.targets);
    let seen = opened
        .ask(|question| engine::inspect(&opened.project, &request, question, &|_, _, _, _| ()))
        .map_err(|error| opened.trouble(&error))?;
    if args.answer.json {
        let verdicts: Vec<_> =
            chain(&seen).into_iter().map(|action| json_verdict(&seen, action)).collect();
        let text = serde_json::to_string_pretty(&verdicts).expect("verdicts have text keys");
        session.print(&(text + "\n"))?;
        return Ok(crate::cli::SUCCESS);
    }
    let mut lines = Vec::new();
    let (shown, left) = seen.wanted.split_at(seen.wanted.len().min(SHOWN));
    for &action in shown {
        if !lines.is_empty() {
            lines.push(Line::new());
        }
        lines.extend(explain::why(&explanation(&seen, action, DEPTH)));
        lines.extend(made_from(&seen, action));
    }
    if !left.is_empty() {
        let more = format!("{} more: `attpc plan` groups them", count(left.len(), "action"));
        lines.push(Line::new().with(Label::Quiet, more));
    }
    session.print_lines(&lines)?;
    Ok(crate::cli::SUCCESS)
}

/// What a fresh action was made from, since there is no reason to tell.
fn made_from(seen: &Inspection, action: ActionId) -> Vec<Line> {
    let fresh = |v: &Verdict| v.kind == VerdictKind::Fresh;
    if !seen.survey.verdict(action).is_some_and(fresh) {
        return Vec::new();
    }
    let graph = &seen.loaded.graph;
    let paths: Vec<&str> = graph.inputs(action).map(|(_, a)| graph.path(a)).collect();
    let params = &graph.rule(action).params.at(graph.item(action)).values;
    let values = params.leaves().into_iter().filter(|(name, _)| !name.is_empty());
    let values: Vec<String> = values.map(|(name, value)| format!("{name} = {value}")).collect();
    let mut lines = Vec::new();
    for (title, all) in [("from", paths), ("with", values.iter().map(String::as_str).collect())] {
        for (at, one) in all.iter().take(SHOWN).enumerate() {
            let title = if at == 0 { title } else { "" };
            lines.push(Line::text(format!("  {title:<4}  {one}")));
        }
        if all.len() > SHOWN {
            lines.push(Line::text(format!("        and {} more", all.len() - SHOWN)));
        }
    }
    lines
}

/// Actions, inputs or parameters that are told one by one.
const SHOWN: usize = 20;

/// Steps upstream that are followed towards the first cause.
const DEPTH: usize = 20;

fn explanation(seen: &Inspection, action: ActionId, depth: usize) -> Explanation {
    let graph = &seen.loaded.graph;
    let verdict = seen.survey.verdict(action).expect("needed actions are judged");
    let upstream: Vec<ActionId> = graph
        .upstream(action)
        .filter(|&up| seen.survey.verdict(up).is_some_and(|v| v.kind != VerdictKind::Fresh))
        .collect();
    let followed = upstream.iter().take(if depth == 0 { 0 } else { SHOWN });
    let outputs = graph.outputs(action).map(|(_, artifact)| graph.path(artifact).to_owned());
    Explanation {
        label: graph.label(action),
        outputs: outputs.collect(),
        verdict: verdict.kind,
        reasons: verdict.reasons.clone(),
        upstream: followed.map(|&up| explanation(seen, up, depth - 1)).collect(),
        others: others(seen, action),
    }
}

/// Other actions of the same rule that are stale for the same reasons.
fn others(seen: &Inspection, action: ActionId) -> usize {
    let graph = &seen.loaded.graph;
    let reasons = &seen.survey.verdict(action).expect("needed actions are judged").reasons;
    if reasons.is_empty() {
        return 0;
    }
    let same = |&&other: &&ActionId| {
        other != action
            && graph.rule_index(other) == graph.rule_index(action)
            && seen.survey.verdict(other).is_some_and(|verdict| verdict.reasons == *reasons)
    };
    seen.survey.needed.iter().filter(same).count()
}

/// The wanted actions and everything upstream of them that is not fresh.
fn chain(seen: &Inspection) -> Vec<ActionId> {
    let not_fresh = |action: &ActionId| {
        seen.survey.verdict(*action).is_some_and(|v| v.kind != VerdictKind::Fresh)
    };
    let wanted = |action: &ActionId| seen.wanted.contains(action);
    seen.survey.needed.iter().copied().filter(|a| wanted(a) || not_fresh(a)).collect()
}
