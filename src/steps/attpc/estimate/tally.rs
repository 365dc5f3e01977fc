//! Counts what became of clusters, for reports and warnings: nothing is left out in silence.

use std::collections::BTreeMap;

use crate::kernels::attpc::estimate::Rejection;
use crate::model::step::Progress;
use crate::model::text::count;
use crate::steps::StepSummary;
use crate::steps::attpc::estimate::rows::Verdict;

/// The counts of a step.
#[derive(Default)]
pub(super) struct Tally {
    events: usize,
    events_done: usize,
    clusters: usize,
    rejected: BTreeMap<Rejection, usize>,
}

impl Tally {
    pub fn new(events: usize) -> Tally {
        Tally { events, ..Tally::default() }
    }

    /// Counts a batch of events with all of their clusters.
    pub fn add(&mut self, events: usize, verdicts: &[Verdict]) {
        self.events_done += events;
        self.clusters += verdicts.len();
        for reason in verdicts.iter().filter_map(|verdict| verdict.result.err()) {
            *self.rejected.entry(reason).or_default() += 1;
        }
    }

    fn all_rejected(&self) -> usize {
        self.rejected.values().sum()
    }

    /// How far the step is.
    pub fn progress(&self) -> Progress {
        let accepted = self.clusters - self.all_rejected();
        let counts = [("clusters", self.clusters), ("accepted", accepted)];
        let reasons = self.rejected.iter().map(|(reason, number)| (reason.name(), *number));
        let counts = counts.into_iter().chain(reasons);
        Progress {
            done: self.events_done as u64,
            total: self.events as u64,
            unit: "events".to_owned(),
            counts: counts.map(|(name, number)| (name.to_owned(), number as f64)).collect(),
        }
    }

    /// The warnings of the whole step.
    pub fn summary(self) -> StepSummary {
        let mut warnings = Vec::new();
        let rejected = self.all_rejected();
        if self.clusters == 0 {
            let events = count(self.events, "event");
            warnings.push(format!("no cluster in {events}, so the table has no rows"));
        } else if rejected == self.clusters {
            warnings.push("every cluster was rejected, so the table has no rows".to_owned());
        }
        if rejected > 0 {
            let words =
                |(reason, number): (&Rejection, &usize)| format!("{number} {}", reason.words());
            let reasons: Vec<String> = self.rejected.iter().map(words).collect();
            let clusters = count(self.clusters, "cluster");
            warnings.push(format!("{rejected} of {clusters} rejected: {}", reasons.join(", ")));
        }
        StepSummary { warnings }
    }
}
