//! What the store has to say about itself, and figures it keeps.

use serde::{Deserialize, Serialize};

use crate::store::error::Position;

/// A stretch of a segment that holds no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where it begins.
    pub at: Position,
    pub bytes: u64,
}

/// What a walk over the journal found besides entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Stretches that hold no entry although entries follow.
    pub damage: Vec<Damage>,
    /// The end of the last segment, where a write was cut short.
    pub torn: Option<Damage>,
    /// Whole entries of kinds or versions that only a newer program knows.
    pub unknown: usize,
}

/// How the index came to be usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// It was as it was left; so many entries were read from the end of the journal.
    Current { entries: usize },
    /// It was made again from the journal.
    Rebuilt(RebuildCause),
    /// It cannot be used: this process works from memory.
    InMemory,
}

/// Why an index was made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebuildCause {
    /// There was none.
    New,
    /// It is of another format, or its marker is gone.
    Format,
    /// Its process was killed before it was written for the first time.
    Unfinished,
    /// The machine went down while it was open, which damages it in ways that may not show.
    PowerLoss,
    /// It could not be read.
    Damaged,
    /// It reaches further than the journal, or belongs to another one.
    OtherJournal,
}

/// What opening a store found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub findings: Findings,
    pub index: IndexState,
}

impl Report {
    /// What the user should know, one sentence each; empty when all is well.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.findings.warnings();
        match self.index {
            IndexState::Current { .. } | IndexState::Rebuilt(RebuildCause::New) => {}
            IndexState::Rebuilt(RebuildCause::Format | RebuildCause::Unfinished) => {}
            IndexState::Rebuilt(RebuildCause::PowerLoss) => warnings.push(
                "the machine went down during the last build: the index was made again".to_owned(),
            ),
            IndexState::Rebuilt(RebuildCause::Damaged | RebuildCause::OtherJournal) => {
                warnings.push("the index was unusable and was made again".to_owned());
            }
            IndexState::InMemory => warnings.push(
                "the index cannot be opened: this build works from memory and starts slowly"
                    .to_owned(),
            ),
        }
        warnings
    }
}

impl Findings {
    /// What the user should know, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for damage in &self.damage {
            let (at, bytes) = (damage.at, damage.bytes);
            warnings.push(format!("the journal is damaged at {at}: {bytes} bytes were skipped"));
        }
        if let Some(torn) = self.torn {
            let (at, bytes) = (torn.at, torn.bytes);
            warnings.push(format!(
                "the last write to the journal was cut short at {at}: {bytes} bytes were dropped"
            ));
        }
        if self.unknown > 0 {
            let entries = self.unknown;
            warnings.push(format!("{entries} journal entries of a newer attpc were skipped"));
        }
        warnings
    }
}

/// How long the actions of one rule took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    pub count: u64,
    pub total_ms: u64,
    pub last_ms: u64,
}

impl Durations {
    /// The mean wall time in milliseconds; `None` when nothing was measured.
    pub fn mean_ms(&self) -> Option<f64> {
        (self.count > 0).then(|| self.total_ms as f64 / self.count as f64)
    }

    /// Both taken together, `later` being the younger.
    pub(in crate::store) fn followed_by(self, later: Durations) -> Durations {
        Durations {
            count: self.count + later.count,
            total_ms: self.total_ms + later.total_ms,
            last_ms: if later.count > 0 { later.last_ms } else { self.last_ms },
        }
    }
}
