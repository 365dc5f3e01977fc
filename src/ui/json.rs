//! The event stream for programs: one JSON object on each line, as `docs/formats/events.md` says.

use std::time::Duration;

use crate::model::event::BuildEvent;
use crate::ui::sink::Sink;
use crate::ui::view::View;

/// Writes every event as one line of JSON, flushed at once so that a reader is never behind.
pub struct JsonView {
    sink: Sink,
}

impl JsonView {
    pub fn new(sink: Sink) -> Self {
        JsonView { sink }
    }
}

impl View for JsonView {
    fn event(&mut self, event: &BuildEvent, _now: Duration) {
        self.sink.write(&line(event));
    }

    fn tick(&mut self, _now: Duration) {}
}

/// An event as one line of JSON with its line break.
pub fn line(event: &BuildEvent) -> String {
    let mut text = serde_json::to_string(event).expect("events hold text keys only");
    text.push('\n');
    text
}
