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
        1 => " (and one more reason)".to_owned(),
        n => format!(" (and {n} more reasons)"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample;

    fn stale(rule: &str, id: u32, reasons: Vec<Reason>) -> Planned {
        Planned { action: sample::action(rule, id), verdict: VerdictKind::Stale, reasons }
    }

    fn text(lines: &[Line]) -> Vec<String> {
        lines.iter().map(Line::plain).collect()
    }

    #[test]
    fn ten_thousand_actions_with_one_cause_are_one_line() {
        let many: Vec<Planned> =
            (0..10_000).map(|id| stale("pointcloud", id, vec![sample::parameter()])).collect();
        assert_eq!(
            text(&plan(&many, 3, Verbosity::Normal)),
            [
                "will run  10000 actions of pointcloud  because parameter get.peak_threshold \
                 changed  40.0 -> 45.0  (params.toml:12)  (such as pointcloud@0)",
                "10000 would run, 3 up to date",
            ]
        );
        assert_eq!(plan(&many, 3, Verbosity::Verbose).len(), 10_001);
    }

    #[test]
    fn causes_that_differ_in_detail_are_grouped_with_an_example() {
        let some = [
            stale("fit", 1, vec![sample::input("a.h5")]),
            stale("fit", 2, vec![sample::input("b.h5")]),
            stale("plot", 3, vec![Reason::NeverBuilt]),
        ];
        assert_eq!(
            text(&plan(&some, 0, Verbosity::Normal)),
            [
                "will run  2 actions of fit  because an input changed",
                "          such as fit@1: input a.h5 changed  9f9f9f9f9f9f -> 777777777777",
                "will run  plot@3  because never built",
                "3 would run, 0 up to date",
            ]
        );
        assert_eq!(text(&plan(&[], 4, Verbosity::Normal)), ["nothing to do, 4 up to date"]);
    }

    #[test]
    fn further_reasons_are_counted_or_told() {
        let reasons = [Reason::NeverBuilt, Reason::Forced, sample::parameter()];
        assert_eq!(
            because(&reasons, Verbosity::Normal),
            "  because never built (and 2 more reasons)"
        );
        assert_eq!(
            because(&reasons[..2], Verbosity::Normal),
            "  because never built (and one more reason)"
        );
        assert_eq!(because(&reasons[..2], Verbosity::Verbose), "  because never built; forced");
        assert_eq!(because(&[], Verbosity::Normal), "");
    }

    #[test]
    fn why_follows_the_chain_to_the_first_cause() {
        let reason = Reason::UpstreamStale {
            name: "clean/run_42.h5".to_owned(),
            made_by: "clean@42".to_owned(),
        };
        let clean = Explanation {
            label: "clean@42".to_owned(),
            outputs: vec!["clean/run_42.h5".to_owned()],
            verdict: VerdictKind::Stale,
            reasons: vec![sample::parameter()],
            upstream: Vec::new(),
            others: 0,
        };
        let fit = Explanation {
            label: "fit@42".to_owned(),
            outputs: vec!["fit/run_42.h5".to_owned()],
            verdict: VerdictKind::Pending,
            reasons: vec![reason],
            upstream: vec![clean],
            others: 211,
        };
        assert_eq!(
            text(&why(&fit)),
            [
                "fit@42  (fit/run_42.h5)  may run",
                "  because input clean/run_42.h5 may change: clean@42 runs first",
                "    clean@42  (clean/run_42.h5)  will run",
                "      because parameter get.peak_threshold changed  40.0 -> 45.0  \
                 (params.toml:12)",
                "211 other actions for the same first cause",
            ]
        );
    }
}
