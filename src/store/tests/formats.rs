//! The layout on disk is a promise: what is written today must be what was written then, and what
//! was written then must be read today.

use std::fs;
use std::path::PathBuf;

use crate::store::entry::Entry;
use crate::store::error::Position;
use crate::store::history::History;
use crate::store::journal::Journal;
use crate::store::tests::*;

fn sample() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats/journal-1.log")
}

fn entries() -> Vec<Entry> {
    let mut entries = vec![build_started(1)];
    entries.extend(success(1, "out/a", 1));
    entries.extend([started(2, "out/b"), failed(2, "out/b"), withdrawn("out/c")]);
    entries.push(build_finished(1));
    entries
}

#[test]
fn version_1_is_written_as_it_was() {
    let space = tempfile::tempdir().unwrap();
    let state = crate::fsio::tree::Tree::open(space.path()).unwrap();
    Journal::open(state).unwrap().append(&entries()).unwrap();
    let written = fs::read(space.path().join("journal/000001.log")).unwrap();
    if std::env::var_os("BLESS").is_some() {
        fs::write(sample(), &written).unwrap();
    }
    assert!(
        written == fs::read(sample()).unwrap(),
        "the layout changed: raise the version of the kind, keep a reader for the old one and a \
         sample of each"
    );
}

#[test]
fn version_1_is_read_as_it_was_meant() {
    let space = tempfile::tempdir().unwrap();
    fs::create_dir(space.path().join("journal")).unwrap();
    fs::copy(sample(), space.path().join("journal/000001.log")).unwrap();
    let state = crate::fsio::tree::Tree::open(space.path()).unwrap();
    let journal = Journal::open(state).unwrap();
    let mut read = Vec::new();
    let segments = journal.segments();
    let mut each = |position: Position| read.push(segments.entry(position).unwrap());
    segments.walk(segments.start(), &mut |place, _| each(place.position)).unwrap();
    assert_eq!(read, entries());
    let history = History::read(space.path()).unwrap();
    assert_eq!(history.latest("out/a").unwrap(), Some(committed_record("out/a", 1)));
    assert_eq!(history.last_failure("out/b").unwrap().unwrap().attempt, 2);
}

#[test]
fn an_entry_of_an_unknown_kind_is_stepped_over_and_said() {
    use crate::store::frame::{close_frame, open_frame};
    let space = tempfile::tempdir().unwrap();
    fs::create_dir(space.path().join("journal")).unwrap();
    let mut bytes = fs::read(sample()).unwrap();
    let (start, end) = (bytes.len(), Position { segment: 1, offset: bytes.len() as u64 });
    open_frame(&mut bytes, 99, 1);
    bytes.extend_from_slice(b"of the future");
    close_frame(&mut bytes, start, end).unwrap();
    fs::write(space.path().join("journal/000001.log"), bytes).unwrap();
    let history = History::read(space.path()).unwrap();
    assert_eq!(history.findings().unknown, 1);
    assert_eq!(history.records(), 1);
    let refused = crate::store::ledger::Store::open(space.path()).err().unwrap();
    assert!(refused.to_string().ends_with("was written by a newer attpc"));
}
