//! The words for what the engine knows: reasons, verdicts, failures, sums.
//!
//! Rooms further left carry values; only this file turns them into sentences, so that a reason
//! reads the same in a build, a plan and an explanation.

use crate::model::event::{ActionRef, BuildSummary, Failure, FailureKind};
use crate::model::reason::{Reason, VerdictKind};
use crate::model::span::Span;
use crate::model::text::duration;
use crate::ui::line::{Label, Line};

/// Characters of an old or new command that are shown around the first difference.
const COMMAND_CONTEXT: usize = 24;
/// Characters of a value that are shown at most; the whole value is in the JSON form.
const VALUE_LENGTH: usize = 60;
/// Names listed before the rest is only counted.
const NAMES_SHOWN: usize = 5;

/// One sentence for a reason, with old and new values and the place of the new one.
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::NeverBuilt => "never built".to_owned(),
        Reason::InputChanged { name, old, new, made_by } => {
            let maker = made_by.as_ref().map(|by| format!("  (made by {by})")).unwrap_or_default();
            format!("input {name} changed  {} -> {}{maker}", old.short(), new.short())
        }
        Reason::InputAdded { name } => format!("input {name} was added"),
        Reason::InputRemoved { name } => format!("input {name} was removed"),
        Reason::DiscoveredInputChanged { name, old, new: Some(new) } => {
            format!("discovered input {name} changed  {} -> {}", old.short(), new.short())
        }
        Reason::DiscoveredInputChanged { name, .. } => format!("discovered input {name} is gone"),
        Reason::ParameterChanged { name, old, new, at } => {
            let told = changed(&format!("parameter {name}"), old, new);
            format!("{told}{}", place(at.as_ref()))
        }
        Reason::CommandChanged { old, new } => {
            let (old, new) = difference(old, new);
            format!("command changed  {old} -> {new}")
        }
        Reason::KernelVersionChanged { kernel, old, new } => {
            format!("kernel {kernel} changed  version {old} -> {new}")
        }
        Reason::EnvironmentChanged { name, old, new } => {
            changed(&format!("environment {name}"), old, new)
        }
        Reason::OutputsChanged { old, new } => {
            format!("declared outputs changed  {} -> {}", short(old), short(new))
        }
        Reason::OutputMissing { name } => format!("output {name} is missing"),
        Reason::OutputModified { name } => format!("output {name} was modified after it was made"),
        Reason::PreviousAttemptFailed { status } => format!("previous attempt failed: {status}"),
        Reason::Forced => "forced".to_owned(),
        Reason::UpstreamStale { name, made_by } => {
            format!("input {name} may change: {made_by} runs first")
        }
    }
}

/// The class of a reason: what stays the same when one cause reaches many actions.
pub fn reason_class(cause: &Reason) -> String {
    match cause {
        Reason::InputChanged { .. } => "an input changed".to_owned(),
        Reason::InputAdded { .. } => "an input was added".to_owned(),
        Reason::InputRemoved { .. } => "an input was removed".to_owned(),
        Reason::DiscoveredInputChanged { .. } => "a discovered input changed".to_owned(),
        Reason::CommandChanged { .. } => "the command changed".to_owned(),
        Reason::OutputsChanged { .. } => "the declared outputs changed".to_owned(),
        Reason::OutputMissing { .. } => "an output is missing".to_owned(),
        Reason::OutputModified { .. } => "an output was modified after it was made".to_owned(),
        Reason::PreviousAttemptFailed { .. } => "the previous attempt failed".to_owned(),
        Reason::UpstreamStale { made_by, .. } => {
            let rule = made_by.split('@').next().unwrap_or(made_by);
            format!("{rule} runs first")
        }
        // These say the same for every action they reach, so the whole sentence is the class.
        Reason::NeverBuilt
        | Reason::ParameterChanged { .. }
        | Reason::KernelVersionChanged { .. }
        | Reason::EnvironmentChanged { .. }
        | Reason::Forced => reason(cause),
    }
}

/// A thing that was, is, or both.
fn changed(what: &str, old: &Option<String>, new: &Option<String>) -> String {
    match (old, new) {
        (Some(old), Some(new)) => format!("{what} changed  {} -> {}", short(old), short(new)),
        (None, Some(new)) => format!("{what} is new  {}", short(new)),
        (Some(old), None) => format!("{what} is gone  was {}", short(old)),
        (None, None) => format!("{what} changed"),
    }
}

/// File and line in parentheses; a column would be noise in a list of reasons.
fn place(at: Option<&Span>) -> String {
    match at {
        Some(span) if span.line > 0 => format!("  ({}:{})", span.file, span.line),
        Some(span) => format!("  ({})", span.file),
        None => String::new(),
    }
}

/// A value cut to a length that leaves room for its neighbour.
fn short(value: &str) -> String {
    if value.chars().count() <= VALUE_LENGTH {
        return value.to_owned();
    }
    value.chars().take(VALUE_LENGTH - 3).collect::<String>() + "..."
}

/// Two texts reduced to what surrounds their difference.
fn difference(old: &str, new: &str) -> (String, String) {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let shorter = old.len().min(new.len());
    let prefix = (0..shorter).take_while(|&i| old[i] == new[i]).count();
    let suffix = (0..shorter - prefix)
        .take_while(|&i| old[old.len() - 1 - i] == new[new.len() - 1 - i])
        .count();
    let start = prefix.saturating_sub(COMMAND_CONTEXT);
    let around = |text: &[char]| {
        let end = (text.len() - suffix + COMMAND_CONTEXT / 2).min(text.len());
        let end = end.min(start + 2 * VALUE_LENGTH);
        let head = if start > 0 { "..." } else { "" };
        let tail = if end < text.len() { "..." } else { "" };
        format!("`{head}{}{tail}`", text[start..end].iter().collect::<String>())
    };
    (around(&old), around(&new))
}

/// What a verdict means for a build to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outlook {
    Stays,
    WillBeRestored,
    WillRun,
    /// Early cutoff may spare it.
    MayRun,
}

impl Outlook {
    /// The outlook of a verdict. A pending action with a reason of its own runs for certain,
    /// whatever its upstream makes.
    pub fn of(kind: VerdictKind, reasons: &[Reason]) -> Outlook {
        let own = |reason: &Reason| !matches!(reason, Reason::UpstreamStale { .. });
        match kind {
            VerdictKind::Fresh => Outlook::Stays,
            VerdictKind::Restorable => Outlook::WillBeRestored,
            VerdictKind::Pending if !reasons.iter().any(own) => Outlook::MayRun,
            VerdictKind::Stale | VerdictKind::Pending => Outlook::WillRun,
        }
    }

    /// The words for one action.
    pub fn words(self) -> &'static str {
        match self {
            Outlook::Stays => "up to date",
            Outlook::WillBeRestored => "will be restored",
            Outlook::WillRun => "will run",
            Outlook::MayRun => "may run",
        }
    }

    /// The label that colours the words.
    pub fn label(self) -> Label {
        match self {
            Outlook::Stays | Outlook::WillBeRestored => Label::Good,
            Outlook::WillRun => Label::Warning,
            Outlook::MayRun => Label::Quiet,
        }
    }
}

/// What an attempt's end means for a person: command, status, last log lines, where the rest is.
pub fn failure(action: &ActionRef, failure: &Failure, will_retry: bool) -> Vec<Line> {
    let head = Line::new()
        .with(Label::Error, "failed")
        .with(Label::Plain, ": ")
        .with(Label::Strong, &action.label)
        .with(Label::Plain, format!(": {}", failure.status));
    let mut lines = vec![head];
    if !failure.command.is_empty() {
        lines.push(Line::text(format!("  command    {}", failure.command)));
    }
    if !failure.directory.is_empty() {
        lines.push(Line::text(format!("  directory  {}", failure.directory)));
    }
    if !failure.log_tail.is_empty() {
        lines.push(Line::new().with(Label::Quiet, "  last lines of its output:"));
        lines.extend(failure.log_tail.iter().map(|text| {
            Line::new().with(Label::Quiet, "  | ").with(Label::Plain, text.trim_end())
        }));
    }
    if let Some(log) = &failure.log {
        lines.push(Line::text(format!("  whole log  {log}")));
    }
    lines.push(Line::text(format!("  {}", retry_decision(failure.kind, will_retry))));
    lines
}

/// What happens next, and why.
fn retry_decision(kind: FailureKind, will_retry: bool) -> &'static str {
    if will_retry {
        return "it is tried again";
    }
    match kind {
        FailureKind::Exit | FailureKind::Outputs => {
            "not tried again: its rule asks for no further attempt"
        }
        FailureKind::InputChanged => "not tried again: build once its inputs stay as they are",
        FailureKind::TimedOut => "not tried again: raise `timeout` or `resources.time` in its rule",
        FailureKind::OutOfMemory => "not tried again: raise `resources.memory` in its rule",
        FailureKind::LogLimit => "not tried again: its output has no end",
        FailureKind::Start => "not tried again: the program could not be started",
        FailureKind::Environment => "not tried again: the machine is in trouble, not the program",
        FailureKind::Cancelled => "not tried again: the build was stopped",
    }
}

/// The last lines of a build: what was done, what failed, what took longest.
pub fn summary(summary: &BuildSummary) -> Vec<Line> {
    let mut lines = vec![sum_line(summary)];
    // Which part of a second took longest is nothing to act on.
    if summary.executed > 1 && summary.wall_ms >= 1000 && !summary.slowest.is_empty() {
        let slowest: Vec<String> = summary
            .slowest
            .iter()
            .take(3)
            .map(|(label, ms)| format!("{label} {}", took(*ms)))
            .collect();
        lines.push(Line::new().with(Label::Quiet, format!("slowest: {}", slowest.join(", "))));
    }
    if let Some(first) = summary.failures.first() {
        lines.push(Line::text(format!("failed: {}", names(&summary.failures))));
        let command = format!("`attpc log {first}`");
        lines.push(
            Line::new()
                .with(Label::Hint, "hint")
                .with(Label::Plain, format!(": {command} shows the whole log of an action")),
        );
    }
    lines
}

/// Ran, up to date, restored, failed and skipped, each counted by itself.
fn sum_line(summary: &BuildSummary) -> Line {
    let wall = took(summary.wall_ms);
    let (label, head) = match summary {
        s if s.interrupted => (Label::Warning, format!("stopped after {wall}")),
        s if s.failed > 0 || s.exit_code != 0 => (Label::Error, format!("failed after {wall}")),
        s if s.executed + s.restored + s.skipped == 0 => {
            let line = Line::new().with(Label::Good, "nothing to do");
            return line.with(Label::Plain, format!(": {} up to date ({wall})", s.fresh));
        }
        _ => (Label::Good, format!("done in {wall}")),
    };
    let unchanged = match summary.unchanged {
        0 => String::new(),
        n => format!(" ({n} of them with unchanged results)"),
    };
    let mut parts = vec![format!("{} ran{unchanged}", summary.executed)];
    parts.push(format!("{} up to date", summary.fresh));
    for (number, word) in
        [(summary.restored, "restored"), (summary.failed, "failed"), (summary.skipped, "skipped")]
    {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    Line::new().with(label, head).with(Label::Plain, format!(": {}", parts.join(", ")))
}

/// The first names of a list, with the rest counted.
pub fn names(list: &[String]) -> String {
    let shown = list.iter().take(NAMES_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match list.len().saturating_sub(NAMES_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// How long something took; milliseconds where tenths of a second would say nothing.
pub fn took(ms: u64) -> String {
    if ms < 100 { format!("{ms} ms") } else { duration(ms as f64 / 1e3) }
}

/// A number with a comma at each thousand, for counts that grow large.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A measured number with three significant digits, without an exponent.
pub fn measured(number: f64) -> String {
    let size = number.abs();
    match size {
        _ if size >= 100.0 => thousands_signed(number),
        _ if size >= 10.0 => format!("{number:.1}"),
        _ if size == 0.0 => "0".to_owned(),
        _ if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

fn thousands_signed(number: f64) -> String {
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{}", thousands(number.abs().round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digest;
    use crate::ui::sample;

    fn check(found: Reason, expected: &str) {
        assert_eq!(reason(&found), expected);
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_parameter_is_told_with_both_values_and_its_place() {
        check(
            sample::parameter(),
            "parameter get.peak_threshold changed  40.0 -> 45.0  (params.toml:12)",
        );
        let name = || "a.b".to_owned();
        let at = Some(Span::file("--set a.b=3"));
        check(
            Reason::ParameterChanged { name: name(), old: None, new: some("3"), at },
            "parameter a.b is new  3  (--set a.b=3)",
        );
        check(
            Reason::ParameterChanged { name: name(), old: some("3"), new: None, at: None },
            "parameter a.b is gone  was 3",
        );
    }

    #[test]
    fn inputs_and_outputs_are_told_by_name() {
        let (old, new) = (Digest([0x9f; 32]), Digest([0x77; 32]));
        let name = || "raw/run_1.h5".to_owned();
        let made_by = some("clean@1");
        check(
            Reason::InputChanged { name: name(), old, new, made_by },
            "input raw/run_1.h5 changed  9f9f9f9f9f9f -> 777777777777  (made by clean@1)",
        );
        check(Reason::InputAdded { name: name() }, "input raw/run_1.h5 was added");
        check(Reason::InputRemoved { name: name() }, "input raw/run_1.h5 was removed");
        check(
            Reason::DiscoveredInputChanged { name: name(), old, new: Some(new) },
            "discovered input raw/run_1.h5 changed  9f9f9f9f9f9f -> 777777777777",
        );
        check(
            Reason::DiscoveredInputChanged { name: name(), old, new: None },
            "discovered input raw/run_1.h5 is gone",
        );
        check(Reason::OutputMissing { name: name() }, "output raw/run_1.h5 is missing");
        check(
            Reason::OutputModified { name: name() },
            "output raw/run_1.h5 was modified after it was made",
        );
        check(
            Reason::UpstreamStale { name: name(), made_by: "clean@1".to_owned() },
            "input raw/run_1.h5 may change: clean@1 runs first",
        );
    }

    #[test]
    fn commands_kernels_and_environment_are_told_with_both_values() {
        let text =
            |cut| format!("python3 summarise.py --input plots/a/long/path.h5 --cut {cut} -o x");
        check(
            Reason::CommandChanged { old: text(30), new: text(45) },
            "command changed  `...ts/a/long/path.h5 --cut 30 -o x` -> \
             `...ts/a/long/path.h5 --cut 45 -o x`",
        );
        let (old, new) = ("1".to_owned(), "2".to_owned());
        check(
            Reason::KernelVersionChanged { kernel: "attpc.pointcloud".to_owned(), old, new },
            "kernel attpc.pointcloud changed  version 1 -> 2",
        );
        let name = || "PYTHONPATH".to_owned();
        check(
            Reason::EnvironmentChanged { name: name(), old: some("lib"), new: None },
            "environment PYTHONPATH is gone  was lib",
        );
        let (old, new) = ("a.csv".to_owned(), "b.csv".to_owned());
        check(Reason::OutputsChanged { old, new }, "declared outputs changed  a.csv -> b.csv");
        let status = "exit status 3".to_owned();
        check(Reason::PreviousAttemptFailed { status }, "previous attempt failed: exit status 3");
        check(Reason::NeverBuilt, "never built");
        check(Reason::Forced, "forced");
    }

    #[test]
    fn differences_at_any_place_are_found() {
        let of = |old: &str, new: &str| difference(old, new);
        assert_eq!(of("", "a"), ("``".to_owned(), "`a`".to_owned()));
        assert_eq!(of("aa", "aaa"), ("`aa`".to_owned(), "`aaa`".to_owned()));
        assert_eq!(of("xb", "yb"), ("`xb`".to_owned(), "`yb`".to_owned()));
        let (old, new) = of(&"a".repeat(500), &"b".repeat(500));
        assert!(old.len() < 130 && new.len() < 130, "{old} {new}");
    }

    #[test]
    fn a_failure_shows_command_log_and_decision() {
        let lines = failure(&sample::action("fit", 1), &sample::failure(), false);
        let lines: Vec<String> = lines.iter().map(Line::plain).collect();
        assert_eq!(
            lines,
            [
                "failed: fit@1: exit status 3",
                "  command    python3 fit.py 'run 1.h5'",
                "  directory  /data/e20009",
                "  last lines of its output:",
                "  | reading",
                "  | no\\u{1b}[31m peaks",
                "  whole log  .attpc/logs/000003.log",
                "  not tried again: its rule asks for no further attempt",
            ]
        );
        let again = failure(&sample::action("fit", 1), &sample::failure(), true);
        assert_eq!(again.last().unwrap().plain(), "  it is tried again");
    }

    fn sum(change: impl FnOnce(&mut BuildSummary)) -> Vec<String> {
        let mut sum = sample::summary();
        change(&mut sum);
        summary(&sum).iter().map(Line::plain).collect()
    }

    #[test]
    fn the_sum_separates_what_ran_from_what_did_not() {
        assert_eq!(
            sum(|s| {
                s.unchanged = 2;
                s.slowest = vec![("fit@2".to_owned(), 3200), ("fit@1".to_owned(), 150)];
            }),
            [
                "done in 12 s: 5 ran (2 of them with unchanged results), 207 up to date",
                "slowest: fit@2 3.2 s, fit@1 0.1 s",
            ]
        );
        assert_eq!(
            sum(|s| (s.executed, s.wall_ms) = (0, 80)),
            ["nothing to do: 207 up to date (80 ms)"]
        );
        assert_eq!(
            sum(|s| (s.restored, s.interrupted, s.skipped) = (1, true, 4)),
            ["stopped after 12 s: 5 ran, 207 up to date, 1 restored, 4 skipped"]
        );
    }

    #[test]
    fn a_failed_build_names_the_failures_and_the_next_command() {
        assert_eq!(
            sum(|s| {
                (s.failed, s.skipped, s.exit_code) = (7, 2, 1);
                s.failures = (1..=7).map(|n| format!("fit@{n}")).collect();
            }),
            [
                "failed after 12 s: 5 ran, 207 up to date, 7 failed, 2 skipped",
                "failed: fit@1, fit@2, fit@3, fit@4, fit@5 and 2 more",
                "hint: `attpc log fit@1` shows the whole log of an action",
            ]
        );
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(999), "999");
        let shown = [1240.4, 81.26, 8.0, 0.032, 0.0].map(measured);
        assert_eq!(shown, ["1,240", "81.3", "8.00", "0.032", "0"]);
    }
}
