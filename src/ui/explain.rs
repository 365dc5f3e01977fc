//! Explanations: why actions run, grouped so that one cause of ten thousand actions is one line,
//! and followed upstream to the first cause.

use crate::model::reason::{Reason, VerdictKind};
use crate::model::text::count;
use crate::ui::line::{Label, Line};
use crate::ui::state::Planned;
use crate::ui::view::Verbosity;
use crate::ui::words;

/// An action with its verdict, and the same for what makes its changed inputs.
#[derive(Clone, Debug)]
pub struct Explanation {
    pub label: String,
    /// Outputs as a person names them.
    pub outputs: Vec<String>,
    pub verdict: VerdictKind,
    pub reasons: Vec<Reason>,
    /// Explanations of upstream actions that reasons name with `made_by`, by their labels.
    pub upstream: Vec<Explanation>,
    /// Other actions whose first cause is the same.
    pub others: usize,
}

/// Actions with one verdict for one class of reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub verdict: VerdictKind,
    pub rule: String,
    pub cause: String,
    pub size: usize,
    /// Label and full sentence of the first action.
    pub example: (String, String),
}

/// The reasons of one action behind its label: the first one, or all of them.
pub fn because(reasons: &[Reason], verbosity: Verbosity) -> String {
    let Some(first) = reasons.first() else { return String::new() };
    if verbosity == Verbosity::Verbose {
        let all: Vec<String> = reasons.iter().map(words::reason).collect();
        return format!("  because {}", all.join("; "));
    }
    let more = match reasons.len() - 1 {
        0 => String::new(),
        n => format!(" (and {})", count(n, "more reason").replace("1 more reason", "one more")),
    };
    format!("  because {}{more}", words::reason(first))
}

/// Groups verdicts by rule, verdict and first cause, in the order of their first members.
pub fn groups(planned: &[Planned]) -> Vec<Group> {
    let mut found: Vec<Group> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for one in planned {
        let first = one.reasons.first();
        let cause = first.map(words::reason_class).unwrap_or_default();
        let key = (one.action.rule.clone(), one.verdict as u8, cause.clone());
        let at = *places.entry(key).or_insert_with(|| {
            let sentence = first.map(words::reason).unwrap_or_default();
            found.push(Group {
                verdict: one.verdict,
                rule: one.action.rule.clone(),
                cause,
                size: 0,
                example: (one.action.label.clone(), sentence),
            });
            found.len() - 1
        });
        found[at].size += 1;
    }
    found
}

/// A plan: one line for each group, or for each action when everything is asked for, and the sum.
pub fn plan(planned: &[Planned], fresh: usize, verbosity: Verbosity) -> Vec<Line> {
    let mut lines = Vec::new();
    if verbosity == Verbosity::Verbose {
        lines.extend(planned.iter().map(|one| {
            let because = because(&one.reasons, verbosity);
            verdict_line(one.verdict, &one.action.label).with(Label::Quiet, because)
        }));
    } else {
        for group in groups(planned) {
            lines.extend(group_lines(&group));
        }
    }
    let counted = |kind| planned.iter().filter(|one| one.verdict == kind).count();
    let mut parts = Vec::new();
    for (number, words) in [
        (counted(VerdictKind::Stale), "would run"),
        (counted(VerdictKind::Pending), "may turn out up to date"),
        (counted(VerdictKind::Restorable), "would be restored"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {words}"));
        }
    }
    if parts.is_empty() {
        parts.push("nothing to do".to_owned());
    }
    lines.push(Line::text(format!("{}, {fresh} up to date", parts.join(", "))));
    lines
}

fn verdict_line(verdict: VerdictKind, what: &str) -> Line {
    let word = words::verdict(verdict);
    Line::new().with(words::verdict_label(verdict), word).with(Label::Plain, format!("  {what}"))
}

fn group_lines(group: &Group) -> Vec<Line> {
    let (label, sentence) = &group.example;
    let because = if sentence.is_empty() { String::new() } else { format!("  because {sentence}") };
    if group.size == 1 {
        return vec![verdict_line(group.verdict, label).with(Label::Quiet, because)];
    }
    let what = format!("{} of {}", count(group.size, "action"), group.rule);
    if *sentence == group.cause {
        let such = format!("{because}  (such as {label})");
        return vec![verdict_line(group.verdict, &what).with(Label::Quiet, such)];
    }
    let cause = format!("  because {}", group.cause);
    let indent = " ".repeat(words::verdict(group.verdict).len() + 2);
    vec![
        verdict_line(group.verdict, &what).with(Label::Quiet, cause),
        Line::new().with(Label::Quiet, format!("{indent}such as {label}: {sentence}")),
    ]
}

/// The answer to `why`: the action, its reasons, and those of what made its changed inputs.
pub fn why(explanation: &Explanation) -> Vec<Line> {
    let mut lines = Vec::new();
    follow(explanation, 0, &mut lines);
    if explanation.others > 0 {
        let others = count(explanation.others, "other action");
        lines.push(Line::new().with(Label::Quiet, format!("{others} for the same first cause")));
    }
    lines
}

fn follow(explanation: &Explanation, depth: usize, lines: &mut Vec<Line>) {
    let indent = "  ".repeat(depth);
    let outputs = match explanation.outputs.as_slice() {
        [] => String::new(),
        outputs => format!("  ({})", words::names(outputs)),
    };
    lines.push(
        Line::text(&indent)
            .with(Label::Strong, &explanation.label)
            .with(Label::Quiet, outputs)
            .with(Label::Plain, "  ")
            .with(words::verdict_label(explanation.verdict), words::verdict(explanation.verdict)),
    );
    for reason in &explanation.reasons {
        lines.push(Line::text(format!("{indent}  because {}", words::reason(reason))));
        let maker = maker(reason);
        let upstream = explanation.upstream.iter().find(|up| Some(up.label.as_str()) == maker);
        if let Some(upstream) = upstream {
            follow(upstream, depth + 2, lines);
        }
    }
}

/// The action that makes the input a reason speaks of.
fn maker(reason: &Reason) -> Option<&str> {
    match reason {
        Reason::InputChanged { made_by, .. } => made_by.as_deref(),
        Reason::UpstreamStale { made_by, .. } => Some(made_by),
        _ => None,
    }
}
