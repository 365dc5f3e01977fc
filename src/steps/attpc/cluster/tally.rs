//! Counts what became of clouds, for reports and warnings: nothing is left out in silence.

use std::collections::BTreeMap;

use crate::kernels::attpc::cluster::{ClusterCounts, Unsorted};
use crate::model::step::Progress;
use crate::model::text::count;
use crate::steps::StepSummary;

/// The counts of a step.
#[derive(Default)]
pub(super) struct Tally {
    total: u64,
    done: u64,
    counts: ClusterCounts,
    unsorted: u64,
    first_unsorted: Option<(i64, Unsorted)>,
    first_undefined: Option<i64>,
    first_repeated: Option<i64>,
    first_coincident: Option<i64>,
    first_oversized: Option<i64>,
    warnings: Vec<String>,
}

impl Tally {
    pub fn new(total: usize, warnings: Vec<String>) -> Tally {
        Tally { total: total as u64, warnings, ..Tally::default() }
    }

    /// Counts the cloud of an event.
    pub fn add(&mut self, event: i64, found: Result<&ClusterCounts, &Unsorted>) {
        self.done += 1;
        match found {
            Ok(counts) => {
                self.counts.add(counts);
                if counts.undefined > 0 {
                    self.first_undefined.get_or_insert(event);
                }
                if counts.coincident > 0 {
                    self.first_coincident.get_or_insert(event);
                }
                if counts.oversized > 0 {
                    self.first_oversized.get_or_insert(event);
                }
                if counts.repeated_z > 0 {
                    self.first_repeated.get_or_insert(event);
                }
            }
            Err(unsorted) => {
                self.unsorted += 1;
                self.first_unsorted.get_or_insert((event, *unsorted));
            }
        }
    }

    /// How far the step is.
    pub fn progress(&self) -> Progress {
        let counts = [
            ("clusters", self.counts.clusters),
            ("joined", self.counts.joined),
            ("points", self.counts.points),
            ("noise points", self.counts.noise),
            ("outlier points", self.counts.outliers),
            ("small clouds", self.counts.small),
            ("skipped clouds", self.unsorted),
        ];
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
        if let Some((event, Unsorted { at })) = self.first_unsorted {
            let rest = format!(
                "skipped because z decreases, the first is that of event `{event}` at point `{at}`"
            );
            warn(self.unsorted, "cloud", rest);
        }
        if let Some(event) = self.first_undefined {
            let rest = format!("left out because they are not finite, first in event `{event}`");
            warn(self.counts.undefined, "point", rest);
        }
        warn(self.counts.small, "cloud", "of too few points, so without a cluster".to_owned());
        if let Some(event) = self.first_coincident {
            let rest = format!(
                "without a cluster because too many of their points are in the place of another, \
                 the first is that of event `{event}`; give `r` and `s` in mm to cluster them"
            );
            warn(self.counts.coincident, "cloud", rest);
        }
        if let Some(event) = self.first_oversized {
            let rest = format!(
                "without a cluster because they have too many triplets, \
                 the first is that of event `{event}`"
            );
            warn(self.counts.oversized, "cloud", rest);
        }
        if let Some(event) = self.first_repeated {
            let rest =
                format!("without a direction because z repeats in them, first in event `{event}`");
            warn(self.counts.repeated_z, "cluster", rest);
        }
        StepSummary { warnings }
    }
}
