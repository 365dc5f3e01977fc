//! Explanations: why actions run, grouped so that one cause of ten thousand actions is one line,
//! and followed upstream to the first cause.

use std::collections::HashMap;

use crate::model::reason::{Reason, VerdictKind};
use crate::model::text::count;
use crate::ui::line::{Label, Line};
use crate::ui::state::Planned;
use crate::ui::view::Verbosity;
use crate::ui::words::{self, Outlook};

/// Reasons of one class that `why` shows for one action; a sum over a thousand runs has a thousand.
const ALIKE_SHOWN: usize = 3;

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

/// Actions of one rule with one outlook for one class of reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub outlook: Outlook,
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

/// Groups verdicts by rule, outlook and first cause, in the order of their first members.
pub fn groups(planned: &[Planned]) -> Vec<Group> {
    let mut found: Vec<Group> = Vec::new();
    let mut places = HashMap::new();
    for one in planned {
        let first = one.reasons.first();
        let cause = first.map(words::reason_class).unwrap_or_default();
        let outlook = Outlook::of(one.verdict, &one.reasons);
        let key = (one.action.rule.clone(), outlook, cause.clone());
        let at = *places.entry(key).or_insert_with(|| {
            let rule = one.action.rule.clone();
            let sentence = first.map(words::reason).unwrap_or_default();
            let example = (one.action.label.clone(), sentence);
            found.push(Group { outlook, rule, cause, size: 0, example });
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
            let outlook = Outlook::of(one.verdict, &one.reasons);
            outlook_line(outlook, &one.action.label).with(Label::Quiet, because)
        }));
    } else {
        lines.extend(groups(planned).iter().flat_map(group_lines));
    }
    let counted = |outlook| {
        planned.iter().filter(|one| Outlook::of(one.verdict, &one.reasons) == outlook).count()
    };
    let mut parts = Vec::new();
    for (number, words) in [
        (counted(Outlook::WillRun), "would run"),
        (counted(Outlook::MayRun), "depend on what those make"),
        (counted(Outlook::WillBeRestored), "would be restored"),
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

fn outlook_line(outlook: Outlook, what: &str) -> Line {
    Line::new().with(outlook.label(), outlook.words()).with(Label::Plain, format!("  {what}"))
}

fn group_lines(group: &Group) -> Vec<Line> {
    let (label, sentence) = &group.example;
    let waits = group.outlook == Outlook::MayRun;
    if group.size == 1 {
        let why = if waits { &group.cause } else { sentence };
        let because = if why.is_empty() { String::new() } else { format!("  because {why}") };
        return vec![outlook_line(group.outlook, label).with(Label::Quiet, because)];
    }
    let what = format!("{} of {}", count(group.size, "action"), group.rule);
    let cause = format!("  because {}", group.cause);
    let line = outlook_line(group.outlook, &what).with(Label::Quiet, cause);
    if waits || *sentence == group.cause {
        return vec![line.with(Label::Quiet, format!("  (such as {label})"))];
    }
    let indent = " ".repeat(group.outlook.words().len() + 2);
    let such = format!("{indent}such as {label}: {sentence}");
    vec![line, Line::new().with(Label::Quiet, such)]
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
    let outlook = Outlook::of(explanation.verdict, &explanation.reasons);
    lines.push(
        Line::text(&indent)
            .with(Label::Strong, &explanation.label)
            .with(Label::Quiet, outputs)
            .with(Label::Plain, "  ")
            .with(outlook.label(), outlook.words()),
    );
    let mut alike: Vec<(String, usize)> = Vec::new();
    for reason in &explanation.reasons {
        let class = words::reason_class(reason);
        let seen = match alike.iter_mut().find(|(known, _)| *known == class) {
            Some((_, seen)) => seen,
            None => {
                alike.push((class, 0));
                &mut alike.last_mut().expect("one was just added").1
            }
        };
        *seen += 1;
        if *seen > ALIKE_SHOWN {
            continue;
        }
        lines.push(Line::text(format!("{indent}  because {}", words::reason(reason))));
        let maker = maker(reason);
        let upstream = explanation.upstream.iter().find(|up| Some(up.label.as_str()) == maker);
        if let Some(upstream) = upstream {
            follow(upstream, depth + 2, lines);
        }
    }
    for (class, seen) in alike.iter().filter(|(_, seen)| *seen > ALIKE_SHOWN) {
        let more = format!("{indent}  and {} more like these: {class}", seen - ALIKE_SHOWN);
        lines.push(Line::new().with(Label::Quiet, more));
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
    fn what_waits_for_others_says_for_whom() {
        let waits = |name: &str| Reason::UpstreamStale {
            name: name.to_owned(),
            made_by: format!("clean@{name}"),
        };
        let pending = |rule, id, reasons| Planned {
            action: sample::action(rule, id),
            verdict: VerdictKind::Pending,
            reasons,
        };
        let some = [
            pending("fit", 1, vec![waits("1")]),
            pending("fit", 2, vec![waits("2")]),
            pending("sum", 3, vec![waits("1"), waits("2")]),
            pending("plot", 4, vec![Reason::NeverBuilt, waits("1")]),
        ];
        assert_eq!(
            text(&plan(&some, 0, Verbosity::Normal)),
            [
                "may run  2 actions of fit  because clean runs first  (such as fit@1)",
                "may run  sum@3  because clean runs first",
                "will run  plot@4  because never built",
                "1 would run, 3 depend on what those make, 0 up to date",
            ]
        );
        let sum = Explanation {
            label: "sum".to_owned(),
            outputs: Vec::new(),
            verdict: VerdictKind::Pending,
            reasons: (0..1000).map(|n| waits(&n.to_string())).collect(),
            upstream: Vec::new(),
            others: 0,
        };
        let lines = text(&why(&sum));
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[4], "  and 997 more like these: clean runs first");
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
