//! The view for terminals: history scrolls above, a status block below tells what runs now.
//!
//! The block is computed as lines from the state, so tests compare lines; this file's only effect
//! is one write for each redraw. The block is drawn at most ten times a second and only when it
//! differs from what stands on the screen, never wider or higher than the terminal, and erased
//! when the build ends.

use std::time::Duration;

use crate::model::event::BuildEvent;
use crate::model::step::Progress;
use crate::model::text::{bytes, duration};
use crate::ui::history;
use crate::ui::line::{Label, Line};
use crate::ui::sink::Sink;
use crate::ui::state::{BuildState, Phase, Running};
use crate::ui::view::{Manner, Screen, View};
use crate::ui::words;

/// Redraws are at least this far apart.
const REDRAW_PAUSE: Duration = Duration::from_millis(100);
/// A build that is over before this leaves no flicker.
const FIRST_DRAW: Duration = Duration::from_millis(200);
/// Running actions shown at most; the rest is counted.
const ROWS: usize = 8;
/// Columns that labels of running actions are padded to at most.
const LABEL_COLUMNS: usize = 40;

/// Draws history and a status block on a terminal.
pub struct LiveView {
    sink: Sink,
    manner: Manner,
    screen: Box<dyn Fn() -> Screen + Send>,
    state: BuildState,
    /// History that waits for the next redraw.
    waiting: Vec<Line>,
    /// What stands on the screen below the history.
    drawn: Vec<String>,
    last_draw: Option<Duration>,
}

impl LiveView {
    /// A view on a terminal whose size `screen` tells at any time.
    pub fn new(sink: Sink, manner: Manner, screen: impl Fn() -> Screen + Send + 'static) -> Self {
        LiveView {
            sink,
            manner,
            screen: Box::new(screen),
            state: BuildState::default(),
            waiting: Vec::new(),
            drawn: Vec::new(),
            last_draw: None,
        }
    }

    fn redraw(&mut self, now: Duration) {
        let live = now >= FIRST_DRAW && self.state.phase != Phase::Finished;
        let wanted = live && self.manner.tells_progress();
        let block = if wanted { block(&self.state, (self.screen)(), now) } else { Vec::new() };
        let block: Vec<String> = block.iter().map(|line| line.render(self.manner.colour)).collect();
        if self.waiting.is_empty() && block == self.drawn {
            return;
        }
        let mut text = String::new();
        if !self.drawn.is_empty() {
            // Up to the block's first line, then erase to the end of the screen.
            text.push_str(&format!("\x1b[{}A\r\x1b[J", self.drawn.len()));
        }
        for line in self.waiting.drain(..) {
            text.push_str(&line.render(self.manner.colour));
            text.push('\n');
        }
        for line in &block {
            text.push_str(line);
            text.push('\n');
        }
        self.sink.write(&text);
        self.drawn = block;
        self.last_draw = Some(now);
    }

    /// True when the last redraw is long enough ago.
    fn is_due(&self, now: Duration) -> bool {
        self.last_draw.is_none_or(|last| now.saturating_sub(last) >= REDRAW_PAUSE)
    }
}

impl View for LiveView {
    fn event(&mut self, event: &BuildEvent, now: Duration) {
        let lines = history::take(&mut self.state, event, now, self.manner.verbosity);
        self.waiting.extend(lines);
        if self.is_due(now) || self.state.phase == Phase::Finished {
            self.redraw(now);
        }
    }

    fn tick(&mut self, now: Duration) {
        if self.is_due(now) {
            self.redraw(now);
        }
    }
}

impl Drop for LiveView {
    /// A build that ends with an error sends no last event; the block must not stay behind, and
    /// history that waits for its redraw must not be lost.
    fn drop(&mut self) {
        self.state.phase = Phase::Finished;
        self.redraw(self.last_draw.unwrap_or_default());
    }
}

/// The status block for a state, fitted to a screen.
pub fn block(state: &BuildState, screen: Screen, now: Duration) -> Vec<Line> {
    if state.phase == Phase::Starting {
        return Vec::new();
    }
    let mut lines = vec![headline(state, now)];
    // One row stays free, because the cursor stands below the block.
    let room = screen.rows.saturating_sub(2).min(ROWS);
    let shown = state.longest_running(room);
    let longest = shown.iter().map(|r| r.label.chars().count()).max().unwrap_or(0);
    let width = longest.min(LABEL_COLUMNS);
    lines.extend(shown.iter().map(|running| row(running, width, now)));
    let hidden = state.running_count() - shown.len();
    if hidden > 0 && room > 0 {
        // The last row gives way to the count, so that the block stays within its room.
        lines.pop();
        lines.push(Line::new().with(Label::Quiet, format!("  and {} more", hidden + 1)));
    }
    lines.into_iter().map(|line| line.cut(screen.columns.saturating_sub(1))).collect()
}

/// Phase, done of total, running, failed, elapsed, estimate.
pub fn headline(state: &BuildState, now: Duration) -> Line {
    match &state.phase {
        Phase::Waiting { holder, seconds } => {
            let since = duration_steady(*seconds as f64);
            return Line::text(format!("waiting for another build ({holder}), {since}"));
        }
        Phase::Starting | Phase::Checking if state.hashing.files > 0 => return hashing(state),
        Phase::Starting | Phase::Checking => return Line::text("checking what is up to date"),
        _ => {}
    }
    let mut parts = vec![format!("{} of {}", state.done, state.total)];
    for (number, word) in [
        (state.running_count(), "running"),
        (state.fresh, "up to date"),
        (state.skipped, "skipped"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    let head = match &state.phase {
        Phase::Stopping { signal } => {
            Line::new().with(Label::Warning, format!("stopping ({signal})"))
        }
        _ => Line::new().with(Label::Strong, "building"),
    };
    let line = head.with(Label::Plain, format!(" {}", parts.join(", ")));
    let line = match state.failed {
        0 => line,
        n => line.with(Label::Plain, ", ").with(Label::Error, format!("{n} failed")),
    };
    let elapsed = duration_steady(now.as_secs_f64());
    let left = state.seconds_left(now).filter(|&seconds| seconds >= 1.0);
    let left = left.map(|s| format!(", about {} left", duration_steady(s)));
    line.with(Label::Plain, format!(", {elapsed}{}", left.unwrap_or_default()))
}

fn hashing(state: &BuildState) -> Line {
    let hashing = &state.hashing;
    let mut text = format!("hashing {} of {} files", hashing.files_done, hashing.files);
    if let Some(rate) = hashing.rate() {
        let left = hashing.bytes.saturating_sub(hashing.bytes_done) as f64 / rate;
        text += &format!(", {}/s, {} left", bytes(rate as u64), duration_steady(left));
    }
    Line::text(text)
}

/// One running action: label, elapsed of expected, what it reports.
fn row(running: &Running, width: usize, now: Duration) -> Line {
    let label = Line::text(&running.label).cut(width).plain();
    let elapsed = duration_steady(now.saturating_sub(running.since).as_secs_f64());
    let expected = running.expected_s.map(|s| format!(" of {}", duration_steady(s)));
    let line = Line::new()
        .with(Label::Plain, format!("  {label:<width$}  "))
        .with(Label::Plain, format!("{elapsed}{}", expected.unwrap_or_default()));
    match &running.progress {
        Some(progress) => line.with(Label::Quiet, format!("  {}", told(progress, running.rate()))),
        None if running.executor != "local" => {
            line.with(Label::Quiet, format!("  {}", running.executor))
        }
        None => line,
    }
}

/// What a step reports: `events 312/920  1,240 events/s  hits 2,496 (8.00 per event)`.
fn told(progress: &Progress, rate: Option<f64>) -> String {
    let unit = if progress.unit.is_empty() { "items" } else { &progress.unit };
    let mut text = match progress.total {
        0 => format!("{unit} {}", words::thousands(progress.done)),
        total => format!("{unit} {}/{}", words::thousands(progress.done), words::thousands(total)),
    };
    if let Some(rate) = rate {
        text += &format!("  {} {unit}/s", words::measured(rate));
    }
    for (name, amount) in &progress.counts {
        text += &format!("  {name} {}", words::measured(*amount));
        // A whole number is a count, whose share of the items says more than its size.
        if amount.fract() == 0.0 && progress.done > 0 {
            let each = unit.strip_suffix('s').unwrap_or(unit);
            let share = words::measured(amount / progress.done as f64);
            text += &format!(" ({share} per {each})");
        }
    }
    text
}

/// A time in whole seconds, so that a status line changes once a second and not ten times.
fn duration_steady(seconds: f64) -> String {
    let whole = seconds.floor();
    if whole < 60.0 { format!("{whole} s") } else { duration(whole) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample::{self, action, seconds};
    use crate::ui::sink::capture::Captured;
    use crate::ui::view::Verbosity;

    const SCREEN: Screen = Screen { columns: 100, rows: 24 };

    fn state(events: &[(f64, BuildEvent)]) -> BuildState {
        let mut state = BuildState::default();
        events.iter().for_each(|(at, event)| state.apply(event, seconds(*at)));
        state
    }

    fn lines(state: &BuildState, screen: Screen, now: f64) -> Vec<String> {
        block(state, screen, seconds(now)).iter().map(Line::plain).collect()
    }

    #[test]
    fn the_block_tells_phase_counts_and_what_runs_longest() {
        let state = state(&[
            (0.0, sample::planned(200, 12, Some(60.0))),
            (1.0, sample::started(action("pointcloud", 104), Vec::new())),
            (2.0, sample::started(action("fit", 7), Vec::new())),
            (3.0, sample::progress(action("pointcloud", 104), 0)),
            (4.0, sample::progress(action("pointcloud", 104), 312)),
            (5.0, sample::finished(action("other", 1), 3)),
        ]);
        assert_eq!(
            lines(&state, SCREEN, 13.9),
            [
                "building 1 of 12, 2 running, 200 up to date, 13 s, about 55 s left",
                "  pointcloud@104  12 s of 40 s  events 312/920  312 events/s  points 2,496 \
                 (8.00 per event)",
                "  fit@7           11 s of 40 s",
            ]
        );
    }

    #[test]
    fn the_block_fits_the_screen() {
        let mut events = vec![(0.0, sample::planned(0, 100, None))];
        events.extend((0..20).map(|id| (1.0, sample::started(action("fit", id), Vec::new()))));
        let state = state(&events);
        let shown = lines(&state, Screen { columns: 20, rows: 6 }, 5.0);
        assert_eq!(
            shown,
            [
                "building 0 of 10...",
                "  fit@0   4 s of...",
                "  fit@1   4 s of...",
                "  fit@10  4 s of...",
                "  and 17 more",
            ]
        );
        assert_eq!(lines(&state, SCREEN, 5.0).len(), 1 + ROWS);
        assert_eq!(lines(&state, Screen { columns: 80, rows: 1 }, 5.0).len(), 1);
    }

    #[test]
    fn checking_tells_the_rate_of_reading() {
        let hashing = |files_done, bytes_done| BuildEvent::Hashing {
            files_done,
            files: 212,
            bytes_done,
            bytes: 20_000_000_000,
        };
        let evaluated = BuildEvent::Evaluated { rules: 1, actions: 2, cached: true, wall_ms: 1 };
        let state =
            state(&[(0.0, evaluated), (0.0, hashing(0, 0)), (2.0, hashing(37, 3_800_000_000))]);
        assert_eq!(lines(&state, SCREEN, 2.0), ["hashing 37 of 212 files, 1.9 GB/s, 8 s left"]);
    }

    fn view() -> (LiveView, Captured) {
        let output = Captured::default();
        let manner = Manner { verbosity: Verbosity::Normal, colour: false, progress: true };
        (LiveView::new(Sink::new(output.clone()), manner, || SCREEN), output)
    }

    #[test]
    fn history_goes_above_the_block_and_the_block_is_erased_at_the_end() {
        let (mut view, output) = view();
        view.event(&sample::planned(0, 2, None), seconds(1.0));
        assert_eq!(output.take(), "2 to run\nbuilding 0 of 2, 1 s\n");
        view.event(&sample::started(action("fit", 1), Vec::new()), seconds(1.5));
        assert_eq!(
            output.take(),
            "\x1b[1A\r\x1b[Jbuilding 0 of 2, 1 running, 1 s\n  fit@1  0 s of 40 s\n"
        );
        view.event(&sample::finished(action("fit", 1), 1000), seconds(2.0));
        let text = output.take();
        assert!(
            text.starts_with("\x1b[2A\r\x1b[J    ran  fit@1  1.0 s\nbuilding 1 of 2"),
            "{text}"
        );
        view.event(&BuildEvent::BuildFinished(sample::summary()), seconds(2.01));
        assert_eq!(output.take(), "\x1b[1A\r\x1b[Jdone in 12 s: 5 ran, 207 up to date\n");
        view.tick(seconds(5.0));
        drop(view);
        assert_eq!(output.take(), "");
    }

    #[test]
    fn redraws_are_rare_and_only_on_change() {
        let (mut view, output) = view();
        view.event(&sample::planned(0, 100, None), seconds(1.0));
        output.take();
        for id in 0..50 {
            view.event(&sample::started(action("fit", id), Vec::new()), seconds(1.05));
        }
        assert_eq!(output.take(), "", "nothing is drawn within a tenth of a second");
        view.tick(seconds(1.1));
        assert!(output.take().contains("50 running"));
        view.tick(seconds(1.3));
        assert_eq!(output.take(), "", "nothing has changed");
        view.tick(seconds(2.1));
        assert!(output.take().contains("1 s of 40 s"));
    }

    #[test]
    fn a_build_that_breaks_off_leaves_no_block_and_loses_no_line() {
        let (mut view, output) = view();
        view.event(&sample::planned(0, 1, None), seconds(1.0));
        output.take();
        let warning = BuildEvent::Warning { message: "odd".to_owned(), span: None };
        view.event(&warning, seconds(1.01));
        assert_eq!(output.take(), "");
        drop(view);
        assert_eq!(output.take(), "\x1b[1A\r\x1b[Jwarning: odd\n");
    }

    #[test]
    fn a_short_build_shows_no_block() {
        let (mut view, output) = view();
        view.event(&sample::planned(0, 2, None), seconds(0.01));
        view.event(&sample::started(action("fit", 1), Vec::new()), seconds(0.15));
        assert_eq!(output.take(), "2 to run\n");
        view.tick(seconds(0.25));
        assert!(output.take().starts_with("building 0 of 2, 1 running"));
    }
}
