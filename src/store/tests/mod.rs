//! The store as a whole: what it answers, and what crashes and damage leave of it.

mod crashes;
mod damage;
mod formats;
mod ledger;

use std::path::Path;

use crate::model::digest::Digest;
use crate::model::record::{Component, ComponentKind, Cost, Record, Seen};
use crate::model::stamp::{Kind, Stamp};
use crate::store::entry::{
    AttemptFailed, AttemptStarted, BuildFinished, BuildStarted, CommitIntent, Committed, Entry,
    Move, Withdrawn,
};

/// A record that differs by target and version.
pub(in crate::store) fn record(target: &str, version: u64) -> Record {
    let digest = |what: &str| Digest::of(format!("{target} {version} {what}").as_bytes());
    let stamp = Stamp { kind: Kind::File, size: version, ..Stamp::MISSING };
    let component = Component {
        kind: ComponentKind::Input,
        name: "raw".to_owned(),
        value: digest("input").to_string(),
    };
    Record {
        key: digest("key"),
        label: format!("rule@{target}"),
        components: vec![component],
        discovered: Vec::new(),
        outputs: vec![Seen { path: target.to_owned(), digest: digest("output"), stamp }],
        cost: Cost { wall_ms: 100 + version, host: "here".to_owned(), ..Cost::default() },
    }
}

/// The stamp that an output gets by being moved into place.
pub(in crate::store) fn final_stamp(version: u64) -> Stamp {
    Stamp { kind: Kind::File, size: version, ctime_ns: 77, ..Stamp::MISSING }
}

/// The record as the store gives it back.
pub(in crate::store) fn committed_record(target: &str, version: u64) -> Record {
    let mut record = record(target, version);
    record.outputs[0].stamp = final_stamp(version);
    record
}

pub(in crate::store) fn build_started(build: u64) -> Entry {
    Entry::BuildStarted(BuildStarted { build, time_ms: 5, ..BuildStarted::default() })
}

pub(in crate::store) fn build_finished(build: u64) -> Entry {
    let summary = "{\"executed\":1}".to_owned();
    Entry::BuildFinished(BuildFinished { build, summary, time_ms: 9 })
}

pub(in crate::store) fn started(attempt: u64, target: &str) -> Entry {
    Entry::AttemptStarted(AttemptStarted {
        attempt,
        build: 1,
        target: target.to_owned(),
        label: format!("rule@{target}"),
        key: Digest::of(target.as_bytes()),
        pid: 17,
        process_start: 18,
        boot_id: "boot".to_owned(),
        work: format!(".attpc/jobs/{attempt}"),
        log: format!(".attpc/logs/{attempt}.log"),
        time_ms: 6,
    })
}

pub(in crate::store) fn intent(attempt: u64, target: &str, version: u64) -> Entry {
    let moves = vec![Move { from: format!(".attpc/jobs/{attempt}/out"), to: target.to_owned() }];
    let (target, record) = (target.to_owned(), record(target, version));
    Entry::CommitIntent(CommitIntent { attempt, target, moves, record })
}

pub(in crate::store) fn committed(attempt: u64, version: u64) -> Entry {
    Entry::Committed(Committed { attempt, time_ms: 7, stamps: vec![final_stamp(version)] })
}

pub(in crate::store) fn failed(attempt: u64, target: &str) -> Entry {
    Entry::AttemptFailed(AttemptFailed {
        attempt,
        target: target.to_owned(),
        label: format!("rule@{target}"),
        key: Digest::of(target.as_bytes()),
        failure: "{}".to_owned(),
        time_ms: 8,
    })
}

pub(in crate::store) fn withdrawn(target: &str) -> Entry {
    Entry::Withdrawn(Withdrawn { target: target.to_owned() })
}

/// Everything a successful attempt writes.
pub(in crate::store) fn success(attempt: u64, target: &str, version: u64) -> [Entry; 3] {
    [started(attempt, target), intent(attempt, target, version), committed(attempt, version)]
}

/// What the disk would hold if the process died now.
pub(in crate::store) fn crash_image(state: &Path) -> tempfile::TempDir {
    let image = tempfile::tempdir().unwrap();
    for entry in walkdir::WalkDir::new(state) {
        let entry = entry.unwrap();
        let to = image.path().join(entry.path().strip_prefix(state).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(to).unwrap();
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
    image
}
