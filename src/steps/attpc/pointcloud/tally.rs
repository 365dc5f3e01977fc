//! Counts what became of events, for reports and warnings: nothing is left out in silence.

use std::collections::BTreeMap;

use crate::data::raw::Layout;
use crate::kernels::attpc::pointcloud::{CloudCounts, Trigger};
use crate::model::step::Progress;
use crate::model::text::count;
use crate::steps::StepSummary;
use crate::steps::attpc::pointcloud::{Finished, Setup};

/// The counts of a step.
#[derive(Default)]
pub(super) struct Tally {
    total: u64,
    done: u64,
    missing: u64,
    first_missing: Option<u64>,
    points: u64,
    traces: CloudCounts,
    /// Downscale events with a clean ion chamber.
    pub gated: u64,
    downscale: u64,
    without_get: u64,
    without_traces: u64,
    unknown_triggers: u64,
    first_unknown_trigger: Option<(u64, u16)>,
    /// Scaler records that the file lacks.
    pub missing_scalers: u64,
    warnings: Vec<String>,
}

impl Tally {
    pub fn new(setup: &Setup) -> Tally {
        let total = setup.events.end.saturating_sub(setup.events.start);
        let mut warnings = setup.warnings.clone();
        if setup.run_number < 0 && setup.run.layout() != Layout::Harmonized {
            warnings.push("neither file nor item says the run; events without one get `-1`".into());
        }
        Tally { total, warnings, ..Tally::default() }
    }

    /// Counts an event.
    pub fn add(&mut self, event: &Finished) {
        self.done += 1;
        if event.is_downscale() {
            self.downscale += 1;
            self.gated += u64::from(event.ion_chamber.is_some_and(|found| found.good));
        } else if !event.seen_by_get {
            self.without_get += 1;
        }
        if let Some(Trigger::Unknown(word)) = event.trigger {
            self.unknown_triggers += 1;
            self.first_unknown_trigger.get_or_insert((event.number, word));
        }
        if let Some(cloud) = &event.cloud {
            self.points += cloud.points.len() as u64;
            self.without_traces += u64::from(cloud.counts.traces == 0);
            self.traces.add(&cloud.counts);
        }
    }

    /// Counts events that the file lacks.
    pub fn add_missing(&mut self, events: &mut Vec<u64>) {
        self.done += events.len() as u64;
        self.missing += events.len() as u64;
        self.first_missing = self.first_missing.or(events.first().copied());
        events.clear();
    }

    /// How far the step is.
    pub fn progress(&self) -> Progress {
        let counts =
            [("points", self.points), ("hits", self.traces.hits), ("traces", self.traces.traces)];
        Progress {
            done: self.done,
            total: self.total,
            unit: "events".to_owned(),
            counts: BTreeMap::from(counts.map(|(name, count)| (name.to_owned(), count as f64))),
        }
    }

    /// The warnings of the whole step.
    pub fn summary(self) -> StepSummary {
        let mut warnings = self.warnings;
        let mut warn = |number: u64, noun: &str, rest: String| {
            if number > 0 {
                let words = count(usize::try_from(number).unwrap_or(usize::MAX), noun);
                warnings.push(format!("{words} {rest}"));
            }
        };
        let first = self.first_missing.unwrap_or(0);
        warn(self.missing, "event", format!("missing in the file, the first is `{first}`"));
        warn(self.downscale, "downscale event", "without a cloud, as meant".to_owned());
        warn(self.without_get, "event", "without GET data, so without a cloud".to_owned());
        warn(self.without_traces, "event", "without any trace, the cloud is empty".to_owned());
        if let Some((event, word)) = self.first_unknown_trigger {
            let rest = format!("with an unknown trigger word, the first is `{word}` in `{event}`");
            warn(self.unknown_triggers, "event", rest);
        }
        warn(self.traces.unknown_pads, "trace", "of pads that the tables do not know".to_owned());
        warn(self.traces.undefined, "point", "outside of the drift correction's range".to_owned());
        warn(self.missing_scalers, "scaler record", "missing in the file".to_owned());
        StepSummary { warnings }
    }
}
