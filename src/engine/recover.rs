//! Puts a project in order after a build that was killed.

use crate::engine::build::{Observer, now_ms};
use crate::engine::commit::FAILED_PREFIX;
use crate::engine::error::EngineError;
use crate::engine::limits;
use crate::engine::lock::describe;
use crate::engine::project::Project;
use crate::execute::orphans::{self, Fate, Orphan};
use crate::fsio::lock::{LockAttempt, Owner, ProjectLock};
use crate::fsio::tree::Tree;
use crate::fsio::write::parent;
use crate::model::event::{BuildEvent, Failure, FailureKind};
use crate::model::stamp::Stamp;
use crate::store::doctor;
use crate::store::entry::{AttemptFailed, AttemptStarted, Committed, Entry, Move};
use crate::store::ledger::{OpenAttempt, Store};

/// Marks a project in which a build is under way; it stays behind when the build is killed.
fn marker(project: &Project) -> String {
    format!("{}/building", project.shown(&project.state))
}

/// Leaves the mark of a build that is about to run something.
pub(super) fn build_begins(project: &Project, tree: &Tree) -> Result<(), EngineError> {
    Ok(tree.write_cache(&marker(project), b"")?)
}

/// Takes the mark away and sweeps private directories, the newest failed ones excepted.
pub(super) fn build_ended(project: &Project, tree: &Tree) {
    // Whatever cannot be removed now is removed by the next build.
    let _ = tree.remove(&marker(project));
    sweep(project, tree, limits::FAILED_KEPT);
}

/// Finishes or undoes what a killed build left: its children are ended, commits that had begun
/// are completed, everything else is forgotten.
pub(super) fn after_crash(
    project: &Project,
    tree: &Tree,
    observer: &mut dyn Observer,
) -> Result<(), EngineError> {
    if tree.entry_stamp(&marker(project)).is_ok_and(|stamp| stamp.is_missing()) {
        return Ok(());
    }
    let (mut store, report) = Store::open(&project.state)?;
    for message in report.warnings() {
        observer.event(&BuildEvent::Warning { message, span: None });
    }
    for open in store.open_attempts()? {
        if let Some(started) = &open.started {
            end_orphan(project, started, observer);
        }
        let end = roll_forward(tree, &open).or_else(|| open.started.as_ref().map(given_up));
        store.append(end.as_slice())?;
    }
    store.close()?;
    sweep(project, tree, limits::FAILED_KEPT);
    let _ = tree.remove(&marker(project));
    Ok(())
}

fn end_orphan(project: &Project, open: &AttemptStarted, observer: &mut dyn Observer) {
    let log = project.root.join(&open.log);
    let orphan = Orphan {
        pid: open.pid,
        process_start: open.process_start,
        boot_id: &open.boot_id,
        log: &log,
    };
    let message = match orphans::end(&orphan) {
        Fate::Gone => return,
        Fate::Ended => format!("ended `{}`, left running by a build that was killed", open.label),
        Fate::Remains(pids) => format!(
            "`{}`, left running by a build that was killed, cannot be ended (processes {pids:?})",
            open.label
        ),
    };
    observer.event(&BuildEvent::Warning { message, span: None });
}

/// A commit whose intent was written down is completed when every output is still there, under
/// its private or its final name, with the digest that was promised.
fn roll_forward(tree: &Tree, open: &OpenAttempt) -> Option<Entry> {
    let intent = open.intent.as_ref()?;
    let digest = |path: &str| tree.digest(path, &|_| ()).ok().map(|(digest, _)| digest);
    let mut left = Vec::new();
    for (planned, promised) in intent.moves.iter().zip(&intent.record.outputs) {
        if digest(&planned.from) == Some(promised.digest) {
            left.push(planned);
        } else if digest(&planned.to) != Some(promised.digest) {
            return None;
        }
    }
    for planned in left {
        tree.make_durable(&planned.from).ok()?;
        tree.publish(&planned.from, &planned.to).ok()?;
    }
    for planned in &intent.moves {
        tree.sync_directory(parent(&planned.to)).ok()?;
    }
    let stamp = |planned: &Move| tree.stamp(&planned.to).unwrap_or(Stamp::MISSING);
    Some(Entry::Committed(Committed {
        attempt: open.attempt,
        time_ms: now_ms(),
        stamps: intent.moves.iter().map(stamp).collect(),
    }))
}

/// The end of an attempt whose build was killed before it could be committed.
fn given_up(started: &AttemptStarted) -> Entry {
    let failure = Failure {
        kind: FailureKind::Cancelled,
        status: "the build was killed".to_owned(),
        command: String::new(),
        directory: String::new(),
        log_tail: Vec::new(),
        log: None,
    };
    Entry::AttemptFailed(AttemptFailed {
        attempt: started.attempt,
        target: started.target.clone(),
        label: started.label.clone(),
        key: started.key,
        failure: serde_json::to_string(&failure).expect("a failure has text keys only"),
        time_ms: now_ms(),
    })
}

/// Removes private directories except those of the newest failed attempts.
fn sweep(project: &Project, tree: &Tree, keep: usize) {
    let work = project.shown(&project.work());
    let names = tree.names(&work).unwrap_or_default();
    let failed = |name: &String| name.strip_prefix(FAILED_PREFIX)?.parse::<u64>().ok();
    let mut kept: Vec<u64> = names.iter().filter_map(failed).collect();
    kept.sort_unstable_by(|a, b| b.cmp(a));
    kept.truncate(keep);
    for name in names.iter().filter(|name| failed(name).is_none_or(|n| !kept.contains(&n))) {
        // What cannot be removed now is removed by the next build.
        let _ = tree.remove(&format!("{work}/{name}"));
    }
}

/// Makes the index again from the journal, under the lock, and says what came of it.
///
/// # Errors
/// A lock held by a build, or a journal that cannot be read.
pub fn rebuild(project: &Project, command_line: &str) -> Result<String, EngineError> {
    let owner = Owner::this_process("doctor".to_owned(), command_line.to_owned(), now_ms());
    let _lock = match ProjectLock::acquire(project.lock(), &owner)? {
        LockAttempt::Held(lock) => lock,
        LockAttempt::Busy(holder) => {
            let holder = holder.as_ref().map_or_else(String::new, describe);
            return Err(EngineError::Locked { holder });
        }
    };
    let report = doctor::rebuild(&project.state)?;
    let mut words = vec!["made again from the journal".to_owned()];
    words.extend(report.warnings());
    Ok(words.join("; "))
}
