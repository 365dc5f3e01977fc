//! From how a process ended to a failure that a person can act on.

use std::error::Error;

use crate::engine::commit::Finished;
use crate::engine::limits;
use crate::engine::prepare::{Staged, Staging};
use crate::engine::project::log_name;
use crate::execute::local::How;
use crate::fsio::error::FsError;
use crate::fsio::tree::Tree;
use crate::model::event::{Failure, FailureKind};
use crate::model::stamp::{Kind, Stamp};
use crate::model::text;

/// What went wrong with an attempt, before its log is looked at.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    kind: FailureKind,
    status: String,
}

impl Trouble {
    pub(super) fn new(kind: FailureKind, status: String) -> Self {
        Trouble { kind, status }
    }

    /// Trouble of the machine, with all its causes in one line.
    pub(super) fn environment(error: &dyn Error) -> Self {
        Trouble { kind: FailureKind::Environment, status: with_causes(error) }
    }
}

/// An error and all its causes in one line.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl From<FsError> for Trouble {
    fn from(error: FsError) -> Self {
        let mut trouble = Trouble::environment(&error);
        if matches!(error, FsError::NotAnArtifact { .. } | FsError::ChangedWhileRead { .. }) {
            trouble.kind = FailureKind::Outputs;
        }
        trouble
    }
}

/// What is wrong with a process that did not end well; `None` for exit status zero.
pub(super) fn trouble_of(how: &How) -> Option<Trouble> {
    how.failure().map(|kind| Trouble { kind, status: how.to_string() })
}

/// An output that is missing or of the wrong kind. A command that wrote to the final path instead
/// of `{output}` is the usual cause, so that is looked for.
pub(super) fn wrong_output(tree: &Tree, staged: &Staged, found: Kind, started_ms: u64) -> Trouble {
    let name = if staged.directory { format!("{}/", staged.to) } else { staged.to.clone() };
    let status = match (found, staged.directory) {
        (Kind::Missing, _) => {
            let written = tree
                .entry_stamp(&staged.to)
                .is_ok_and(|stamp| !stamp.is_missing() && is_since(&stamp, started_ms));
            if written {
                format!(
                    "output `{name}` was written under that name: write to `{{output}}`, which \
                         is renamed when it is complete"
                )
            } else {
                format!("output `{name}` was not written to `{{output}}`")
            }
        }
        (Kind::Directory, false) => {
            format!("output `{name}` is a directory: declare it as `{name}/`")
        }
        (_, true) => format!("output `{name}` is not a directory"),
        (_, false) => format!("output `{name}` is not a regular file"),
    };
    Trouble::new(FailureKind::Outputs, status)
}

/// True when a stamp's mtime may be at or after a moment. File systems stamp with the time of the
/// last clock tick, so a file written just after the moment can look a little older.
pub(super) fn is_since(stamp: &Stamp, moment_ms: u64) -> bool {
    let age_ms = moment_ms as i64 - stamp.mtime_ns / 1_000_000;
    age_ms <= limits::STAMP_AGE.as_millis() as i64
}

/// Moves an attempt's log to where logs stay; an empty one is not kept. Gives its name.
pub(super) fn keep_log(
    tree: &Tree,
    staging: &Staging,
    attempt: u64,
) -> Result<Option<String>, FsError> {
    let from = staging.log();
    let size = tree.entry_stamp(&from).map_or(0, |stamp| stamp.size);
    if size == 0 {
        return Ok(None);
    }
    let to = format!("{}/{}", staging.state(), log_name(attempt));
    tree.publish(&from, &to)?;
    Ok(Some(to))
}

/// The failure as it is shown and kept.
pub(super) fn failure(tree: &Tree, finished: &Finished, trouble: Trouble) -> Failure {
    // A log that cannot be moved is read where it lies.
    let kept = keep_log(tree, &finished.staging, finished.attempt).ok().flatten();
    let log = kept.or_else(|| {
        let here = finished.staging.log();
        tree.entry_stamp(&here).is_ok_and(|stamp| stamp.size > 0).then_some(here)
    });
    // A program on a full disk often cannot even say so: its log is on the same disk.
    let free = tree.free_bytes(&finished.staging.work).unwrap_or(u64::MAX);
    let status = match free < limits::DISK_FULL_BYTES {
        true => format!("{}; the disk is full ({} free)", trouble.status, text::bytes(free)),
        false => trouble.status,
    };
    Failure {
        kind: trouble.kind,
        status,
        command: finished.staging.shown.clone(),
        directory: tree.root().to_string_lossy().into_owned(),
        log_tail: log.as_deref().map(|log| tail(tree, log)).unwrap_or_default(),
        log,
    }
}

/// What a native step warned of, as `attpc kernel run` writes it.
pub(super) fn warnings(tree: &Tree, log: &str) -> Vec<String> {
    let bytes = tree.read_tail(log, limits::LOG_TAIL_BYTES).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.lines().filter_map(|line| line.strip_prefix("warning: ")).map(str::to_owned).collect()
}

/// The last lines of a log.
fn tail(tree: &Tree, log: &str) -> Vec<String> {
    let bytes = tree.read_tail(log, limits::LOG_TAIL_BYTES).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let skip = lines.len().saturating_sub(limits::LOG_TAIL_LINES);
    lines[skip..].iter().map(|line| (*line).to_owned()).collect()
}
