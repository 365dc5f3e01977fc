//! The view for pipes, files and batch logs: whole lines, no cursor movement, and a sign of life
//! every ten seconds.

use std::time::Duration;

use crate::model::event::BuildEvent;
use crate::ui::history;
use crate::ui::live;
use crate::ui::sink::Sink;
use crate::ui::state::{BuildState, Phase};
use crate::ui::view::{Manner, View};

/// Silence after which progress is told.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// Prints one line for each notable event.
pub struct PlainView {
    sink: Sink,
    manner: Manner,
    state: BuildState,
    last_line: Duration,
    last_status: String,
}

impl PlainView {
    pub fn new(sink: Sink, manner: Manner) -> Self {
        let state = BuildState::default();
        PlainView { sink, manner, state, last_line: Duration::ZERO, last_status: String::new() }
    }
}

impl View for PlainView {
    fn event(&mut self, event: &BuildEvent, now: Duration) {
        let lines = history::take(&mut self.state, event, now, self.manner.verbosity);
        if !lines.is_empty() {
            let text: String =
                lines.iter().map(|line| line.render(self.manner.colour) + "\n").collect();
            self.sink.write(&text);
            self.last_line = now;
        }
        self.tick(now);
    }

    fn tick(&mut self, now: Duration) {
        let quiet_for = now.saturating_sub(self.last_line);
        let over = matches!(self.state.phase, Phase::Starting | Phase::Finished);
        if !self.manner.tells_progress() || over || quiet_for < SIGN_OF_LIFE {
            return;
        }
        self.last_line = now;
        let status = live::headline(&self.state, now).plain();
        if status != self.last_status {
            self.sink.write(&format!("{status}\n"));
            self.last_status = status;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reason::{Reason, VerdictKind};
    use crate::ui::sample::{self, action, seconds};
    use crate::ui::sink::capture::Captured;
    use crate::ui::view::Verbosity;

    fn view(verbosity: Verbosity) -> (PlainView, Captured) {
        let output = Captured::default();
        let manner = Manner { verbosity, colour: false, progress: true };
        (PlainView::new(Sink::new(output.clone()), manner), output)
    }

    #[test]
    fn a_small_build_tells_each_action_with_its_reason() {
        let (mut view, output) = view(Verbosity::Normal);
        for event in [
            sample::started_build(false),
            sample::planned(207, 2, Some(60.0)),
            sample::started(action("fit", 1), vec![sample::parameter()]),
            sample::finished(action("fit", 1), 3200),
            BuildEvent::ActionCutOff { action: action("plot", 2) },
            BuildEvent::BuildFinished(sample::summary()),
        ] {
            view.event(&event, seconds(1.0));
        }
        assert_eq!(
            output.take(),
            "2 to run, 207 up to date (about 1 min 00 s)\n    ran  fit@1  3.2 s  because \
             parameter get.peak_threshold changed  40.0 -> 45.0  (params.toml:12)\n   same  \
             plot@2  its inputs came out as before\ndone in 12 s: 5 ran, 207 up to date\n"
        );
    }

    #[test]
    fn a_large_build_tells_the_first_of_each_rule_and_a_sign_of_life() {
        let (mut view, output) = view(Verbosity::Normal);
        view.event(&sample::planned(0, 10_000, None), seconds(0.0));
        output.take();
        for id in 0..1000 {
            view.event(&sample::started(action("fit", id), vec![Reason::NeverBuilt]), seconds(1.0));
            view.event(&sample::finished(action("fit", id), 10), seconds(2.0));
        }
        assert_eq!(output.take(), "  start  fit@0  because never built\n");
        view.tick(seconds(10.9));
        assert_eq!(output.take(), "");
        view.tick(seconds(11.0));
        view.tick(seconds(12.0));
        assert_eq!(output.take(), "building 1000 of 10000, 11 s, about 1 min 39 s left\n");
    }

    #[test]
    fn a_quiet_build_tells_trouble_only() {
        let (mut view, output) = view(Verbosity::Quiet);
        for event in sample::one_of_each() {
            view.event(&event, seconds(60.0));
        }
        let text = output.take();
        assert!(text.starts_with("failed: pointcloud@104: exit status 3\n"), "{text}");
        assert!(text.ends_with("warning: odd\n"), "{text}");
    }

    #[test]
    fn a_dry_run_ends_with_its_plan() {
        let (mut view, output) = view(Verbosity::Normal);
        let planned = |rule, id, verdict| BuildEvent::ActionPlanned {
            action: action(rule, id),
            verdict,
            reasons: vec![Reason::NeverBuilt],
        };
        for event in [
            sample::started_build(true),
            sample::planned(9, 1, None),
            planned("fit", 1, VerdictKind::Stale),
            planned("plot", 2, VerdictKind::Pending),
            BuildEvent::BuildFinished(sample::summary()),
        ] {
            view.event(&event, seconds(0.1));
        }
        assert_eq!(
            output.take(),
            "will run  fit@1  because never built\nwill run  plot@2  because never built\n\
             2 would run, 9 up to date\n"
        );
    }
}
