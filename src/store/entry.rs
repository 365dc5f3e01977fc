//! What the journal holds: one entry per thing that happened.

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::model::record::Record;
use crate::model::stamp::Stamp;

/// One thing that happened. How it looks on disk is in `docs/formats/journal.md`.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    BuildStarted(BuildStarted),
    AttemptStarted(AttemptStarted),
    CommitIntent(CommitIntent),
    Committed(Committed),
    AttemptFailed(AttemptFailed),
    Withdrawn(Withdrawn),
    BuildFinished(BuildFinished),
}

/// A build began.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BuildStarted {
    pub build: u64,
    /// Milliseconds since the Unix epoch.
    pub time_ms: u64,
    pub host: String,
    pub pid: u32,
    /// Clock ticks since boot.
    pub process_start: u64,
    pub boot_id: String,
    /// What was asked for, as typed.
    pub targets: Vec<String>,
    /// Version of the program.
    pub version: String,
}

/// An action's process was started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptStarted {
    /// Number within the project, never used twice.
    pub attempt: u64,
    pub build: u64,
    /// The action's first output path, which names it across builds.
    pub target: String,
    pub label: String,
    pub key: Digest,
    /// Zero while the process has not been started yet.
    pub pid: u32,
    /// Clock ticks since boot.
    pub process_start: u64,
    pub boot_id: String,
    /// The private directory it writes to.
    pub work: String,
    /// Where its output goes.
    pub log: String,
    /// Milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// One rename that a commit will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    pub from: String,
    pub to: String,
}

/// An attempt succeeded and its outputs are about to be moved into place. Its record counts once
/// the [`Committed`] of the same attempt follows; until then whoever comes after a crash can roll
/// the moves forward or drop them.
#[derive(Clone, Debug, PartialEq)]
pub struct CommitIntent {
    pub attempt: u64,
    /// The action's first output path.
    pub target: String,
    pub moves: Vec<Move>,
    pub record: Record,
}

/// The outputs of an attempt are in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    pub attempt: u64,
    /// Milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Stamps of the record's outputs at their final places, in its order: a rename moves the
    /// ctime, so the intent cannot know them. Empty when nobody looked.
    pub stamps: Vec<Stamp>,
}

/// An attempt ended without a result, or was found dead after a crash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptFailed {
    pub attempt: u64,
    /// The action's first output path.
    pub target: String,
    pub label: String,
    pub key: Digest,
    /// A `model::event::Failure` as JSON.
    pub failure: String,
    /// Milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// The user had a target's outputs removed: its record does not count any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    pub target: String,
}

/// A build ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildFinished {
    pub build: u64,
    /// A `model::event::BuildSummary` as JSON.
    pub summary: String,
    /// Milliseconds since the Unix epoch.
    pub time_ms: u64,
}
