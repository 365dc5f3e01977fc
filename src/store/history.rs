//! The history of a project, read from the journal alone: without a lock, and during a build.

use std::path::Path;

use crate::fsio::error::FsError;
use crate::fsio::tree::Tree;
use crate::model::record::Record;
use crate::store::entry::{AttemptFailed, BuildFinished, BuildStarted, Entry};
use crate::store::error::StoreError;
use crate::store::facts::{BuildPlaces, Facts, Slot, rule_of};
use crate::store::journal::Segments;
use crate::store::ledger::{OpenAttempt, read_facts, read_open, read_record};
use crate::store::report::{Durations, Findings};

/// A build that ran, runs, or was cut short.
#[derive(Clone, Debug, PartialEq)]
pub struct Build {
    pub started: BuildStarted,
    /// `None` while it runs, or when its process died.
    pub finished: Option<BuildFinished>,
}

/// What the journal said when it was read.
#[derive(Debug)]
pub struct History {
    segments: Segments,
    facts: Facts,
    findings: Findings,
}

impl History {
    /// Reads the journal of a state directory; an empty history where there is none. The end of a
    /// write that is just going on is left out.
    pub fn read(state_directory: impl AsRef<Path>) -> Result<History, StoreError> {
        let path = state_directory.as_ref();
        let segments = match Tree::open(path) {
            Ok(state) => Segments::open(&state)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Segments::none(),
            Err(error) => return Err(FsError::io("open", path.to_string_lossy())(error).into()),
        };
        let (facts, findings) = read_facts(&segments)?;
        Ok(History { segments, facts, findings })
    }

    /// What was found besides entries; a torn end is normal while a build writes.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// The targets with a record that counts or a failed last attempt, in no order.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        let known = |slot: &Slot| slot.after(None).record.is_some() || slot.failure.is_some();
        self.facts.targets.iter().filter(move |(_, slot)| known(slot)).map(|(t, _)| t.as_str())
    }

    /// How many commits the journal holds.
    pub fn records(&self) -> u64 {
        self.facts.totals.records
    }

    /// The record of a target that counts.
    pub fn latest(&self, target: &str) -> Result<Option<Record>, StoreError> {
        let slot = self.facts.targets.get(target);
        let Some(committing) = slot.and_then(|slot| slot.after(None).record) else {
            return Ok(None);
        };
        let (found, record) = read_record(&self.segments, committing)?;
        match found == target {
            true => Ok(Some(record)),
            false => Err(StoreError::Damaged { at: committing.intent }),
        }
    }

    /// The failure of a target's last attempt; `None` when that succeeded or there was none.
    pub fn last_failure(&self, target: &str) -> Result<Option<AttemptFailed>, StoreError> {
        let Some(at) = self.facts.targets.get(target).and_then(|slot| slot.failure) else {
            return Ok(None);
        };
        match self.segments.entry(at)? {
            Entry::AttemptFailed(failed) if failed.target == target => Ok(Some(failed)),
            _ => Err(StoreError::Damaged { at }),
        }
    }

    /// How long the last successful run of a target took, in milliseconds of wall time.
    pub fn last_wall_ms(&self, target: &str) -> Option<u64> {
        let slot = self.facts.targets.get(target)?;
        slot.after(None).record.map(|committing| committing.wall_ms)
    }

    /// How long the actions of a rule took so far; a label stands for its rule.
    pub fn durations(&self, label: &str) -> Durations {
        self.facts.durations.get(rule_of(label)).copied().unwrap_or_default()
    }

    /// The attempts without an end, oldest first. Whether they run is for the caller to find out.
    pub fn open_attempts(&self) -> Result<Vec<OpenAttempt>, StoreError> {
        read_open(&self.segments, &self.facts.totals.open)
    }

    /// The youngest builds, youngest first, at most so many.
    pub fn builds(&self, limit: usize) -> Result<Vec<Build>, StoreError> {
        let youngest = self.facts.builds.values().rev();
        let builds = youngest.filter_map(|places| self.build(places).transpose());
        builds.take(limit).collect()
    }

    fn build(&self, places: &BuildPlaces) -> Result<Option<Build>, StoreError> {
        let Some(started) = places.started else { return Ok(None) };
        let Entry::BuildStarted(started) = self.segments.entry(started)? else {
            return Ok(None);
        };
        let finished = match places.finished.map(|at| self.segments.entry(at)).transpose()? {
            Some(Entry::BuildFinished(finished)) => Some(finished),
            _ => None,
        };
        Ok(Some(Build { started, finished }))
    }
}
