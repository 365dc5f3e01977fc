//! What the journal amounts to: which record counts, which attempt is open, what came last.
//!
//! Facts are made by [`Facts::apply`] from the heads of entries, one after the other, and by
//! nothing else. Over the whole journal they are the history; over its end they are what the index
//! does not have yet.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::store::error::Position;
use crate::store::format::{Head, IntentHead};
use crate::store::frame::Check;
use crate::store::journal::Place;
use crate::store::report::Durations;

/// Where a record lies: its intent, and the commit that made it count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Committing {
    pub intent: Position,
    pub committed: Position,
    pub wall_ms: u64,
}

/// What a stretch of the journal says about a target's record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store) enum Recorded {
    /// Nothing: what was there before the stretch still holds.
    #[default]
    AsBefore,
    /// It does not count any more.
    Withdrawn,
    At(Committing),
}

/// What a stretch of the journal says about a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Slot {
    pub record: Recorded,
    /// The attempt that failed after the last success.
    pub failure: Option<Position>,
}

/// Where a build's entries lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct BuildPlaces {
    pub started: Option<Position>,
    pub finished: Option<Position>,
}

/// An attempt without an end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct OpenPlaces {
    pub started: Option<Position>,
    pub intent: Option<Intent>,
}

/// An intent that waits for its commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Intent {
    pub at: Position,
    target: String,
    label: String,
    key: Digest,
    wall_ms: u64,
}

/// The running totals, which hold for the whole journal even where the maps are only its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Totals {
    /// Up to where the journal was applied.
    pub end: Position,
    /// The last entry, by which a journal that was replaced is noticed.
    pub last: Option<(Position, Check)>,
    pub build_max: u64,
    pub attempt_max: u64,
    pub open: BTreeMap<u64, OpenPlaces>,
    pub records: u64,
}

/// What a stretch of the journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Facts {
    pub totals: Totals,
    pub targets: HashMap<String, Slot>,
    pub keys: HashMap<Digest, Committing>,
    /// By rule, that is by the part of a label before its `@`.
    pub durations: HashMap<String, Durations>,
    pub builds: BTreeMap<u64, BuildPlaces>,
}

impl Facts {
    /// How many facts are held besides the totals.
    pub(in crate::store) fn len(&self) -> usize {
        self.targets.len() + self.keys.len() + self.durations.len() + self.builds.len()
    }

    /// Forgets all but the totals, after the index took the facts over.
    pub(in crate::store) fn forget(&mut self) {
        *self = Facts { totals: std::mem::take(&mut self.totals), ..Facts::default() };
    }

    /// Takes in the next entry; `None` for one that only a newer program understands.
    pub(in crate::store) fn apply(&mut self, place: Place, head: Option<Head<'_>>) {
        self.totals.end = place.end;
        self.totals.last = Some((place.position, place.check));
        let Some(head) = head else { return };
        match head {
            Head::BuildStarted { build } => {
                self.totals.build_max = self.totals.build_max.max(build);
                self.builds.entry(build).or_default().started = Some(place.position);
            }
            Head::BuildFinished { build } => {
                self.builds.entry(build).or_default().finished = Some(place.position);
            }
            Head::AttemptStarted { attempt } => {
                self.totals.attempt_max = self.totals.attempt_max.max(attempt);
                self.open(attempt).started = Some(place.position);
            }
            Head::CommitIntent(IntentHead { attempt, target, label, key, wall_ms }) => {
                let (target, label) = (target.to_owned(), label.to_owned());
                let intent = Intent { at: place.position, target, label, key, wall_ms };
                self.totals.attempt_max = self.totals.attempt_max.max(attempt);
                self.open(attempt).intent = Some(intent);
            }
            Head::Committed { attempt } => {
                let open = self.totals.open.remove(&attempt);
                // Without its intent, which must have been lost to damage, a commit says nothing.
                if let Some(intent) = open.and_then(|open| open.intent) {
                    self.commit(intent, place.position);
                }
            }
            Head::AttemptFailed { attempt, target } => {
                self.totals.open.remove(&attempt);
                self.totals.attempt_max = self.totals.attempt_max.max(attempt);
                self.targets.entry(target.to_owned()).or_default().failure = Some(place.position);
            }
            Head::Withdrawn { target } => {
                let slot = Slot { record: Recorded::Withdrawn, failure: None };
                self.targets.insert(target.to_owned(), slot);
            }
        }
    }

    fn open(&mut self, attempt: u64) -> &mut OpenPlaces {
        self.totals.open.entry(attempt).or_default()
    }

    fn commit(&mut self, intent: Intent, committed: Position) {
        let Intent { at, target, label, key, wall_ms } = intent;
        let committing = Committing { intent: at, committed, wall_ms };
        let one = Durations { count: 1, total_ms: wall_ms, last_ms: wall_ms };
        match self.durations.get_mut(rule_of(&label)) {
            Some(durations) => *durations = durations.followed_by(one),
            None => drop(self.durations.insert(rule_of(&label).to_owned(), one)),
        }
        self.keys.insert(key, committing);
        self.targets.insert(target, Slot { record: Recorded::At(committing), failure: None });
        self.totals.records += 1;
    }
}

/// The rule in a label of the form `rule` or `rule@item`.
pub(in crate::store) fn rule_of(label: &str) -> &str {
    label.split('@').next().unwrap_or(label)
}
