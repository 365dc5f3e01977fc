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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample;

    const PAGE: &str = include_str!("../../docs/formats/events.md");

    #[test]
    fn each_event_is_one_line_that_can_be_read_back() {
        for event in sample::one_of_each() {
            let text = line(&event);
            assert_eq!(text.matches('\n').count(), 1, "{text}");
            assert_eq!(serde_json::from_str::<BuildEvent>(&text).unwrap(), event);
        }
    }

    #[test]
    fn the_last_line_names_what_was_done() {
        let text = line(&BuildEvent::BuildFinished(sample::summary()));
        let start = r#"{"event":"build_finished","build":7,"executed":5,"restored":0,"fresh":207,"#;
        assert!(text.starts_with(start), "{text}");
    }

    #[test]
    fn every_event_and_each_of_its_fields_is_documented() {
        let events = sample::one_of_each();
        for event in &events {
            let value = serde_json::to_value(event).unwrap();
            let name = value["event"].as_str().unwrap();
            let heading = format!("### `{name}`");
            let section = PAGE.split(&heading).nth(1).unwrap_or_else(|| panic!("no {heading}"));
            let section = section.split("\n### ").next().unwrap();
            for field in value.as_object().unwrap().keys().filter(|field| *field != "event") {
                assert!(section.contains(&format!("`{field}`")), "{name}: `{field}` is missing");
            }
        }
        let documented = PAGE.matches("\n### `").count();
        assert_eq!(documented, events.len(), "the page and the samples list the same events");
        events.iter().for_each(no_other_event);
    }

    /// Does not compile when an event is added that no sample stands for.
    fn no_other_event(event: &BuildEvent) {
        match event {
            BuildEvent::BuildStarted { .. }
            | BuildEvent::Waiting { .. }
            | BuildEvent::Evaluated { .. }
            | BuildEvent::Hashing { .. }
            | BuildEvent::Planned { .. }
            | BuildEvent::ActionPlanned { .. }
            | BuildEvent::ActionStarted { .. }
            | BuildEvent::ActionProgress { .. }
            | BuildEvent::ActionEnded { .. }
            | BuildEvent::ActionCutOff { .. }
            | BuildEvent::ActionFinished { .. }
            | BuildEvent::ActionFailed { .. }
            | BuildEvent::ActionSkipped { .. }
            | BuildEvent::Warning { .. }
            | BuildEvent::Stopping { .. }
            | BuildEvent::BuildFinished(_) => {}
        }
    }
}
