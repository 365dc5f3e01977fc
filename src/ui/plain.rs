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
        if !self.manner.progress || over || quiet_for < SIGN_OF_LIFE {
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
