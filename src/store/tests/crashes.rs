//! What a process that is killed, and a machine that goes down, leave behind.

use std::fs;

use crate::store::blob;
use crate::store::entry::Entry;
use crate::store::ledger::Store;
use crate::store::report::{IndexState, RebuildCause};
use crate::store::tests::*;

#[test]
fn a_kill_after_any_append_loses_nothing() {
    let space = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(space.path()).unwrap();
    let mut version = 0;
    for attempt in 1..=12 {
        for entry in success(attempt, "out", attempt) {
            store.append(std::slice::from_ref(&entry)).unwrap();
            if matches!(entry, Entry::Committed(_)) {
                version = attempt;
            }
            let image = crash_image(space.path());
            let (after, report) = Store::open(image.path()).unwrap();
            assert_eq!(report.findings, Default::default());
            let expected = (version > 0).then(|| committed_record("out", version));
            assert_eq!(after.latest("out").unwrap(), expected);
            let open = after.open_attempts().unwrap();
            assert_eq!(open.len(), usize::from(version != attempt));
        }
        if attempt == 6 {
            store.close().unwrap();
            store = Store::open(space.path()).unwrap().0;
        }
    }
}

#[test]
fn a_kill_while_closing_leaves_a_store_that_opens() {
    let space = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(space.path()).unwrap();
    store.append(&success(1, "a", 1)).unwrap();
    store.close().unwrap();
    let before_close = crash_image(space.path());
    let (mut store, _) = Store::open(space.path()).unwrap();
    store.append(&success(2, "b", 1)).unwrap();
    store.close().unwrap();
    // The journal of after with the index of before, and the other way round.
    for (journal, index) in [(&space, &before_close), (&before_close, &space)] {
        let mixed = crash_image(journal.path());
        fs::remove_dir_all(mixed.path().join("store")).unwrap();
        let index = crash_image(&index.path().join("store"));
        fs::rename(index.path(), mixed.path().join("store")).unwrap();
        let (after, report) = Store::open(mixed.path()).unwrap();
        assert_eq!(after.latest("a").unwrap(), Some(committed_record("a", 1)));
        let late = journal.path() == space.path();
        assert_eq!(after.latest("b").unwrap().is_some(), late);
        let expected = if late {
            IndexState::Current { entries: 3 }
        } else {
            IndexState::Rebuilt(RebuildCause::OtherJournal)
        };
        assert_eq!(report.index, expected);
    }
}

#[test]
fn an_index_left_open_by_a_machine_that_went_down_is_made_again() {
    let space = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(space.path()).unwrap();
    store.append(&success(1, "a", 1)).unwrap();
    let image = crash_image(space.path());
    drop(store);
    let state = crate::fsio::tree::Tree::open(image.path()).unwrap();
    let kind = blob::BlobKind { name: "index marker", version: 1 };
    let open_on_another_boot = postcard::to_stdvec(&(1u32, false, "another boot")).unwrap();
    let content = (kind, &open_on_another_boot[..]);
    blob::write(&state, "store.state", content, blob::Durability::Lazy).unwrap();
    let (store, report) = Store::open(image.path()).unwrap();
    assert_eq!(report.index, IndexState::Rebuilt(RebuildCause::PowerLoss));
    assert_eq!(report.warnings().len(), 1);
    assert_eq!(store.latest("a").unwrap(), Some(committed_record("a", 1)));
}

#[test]
fn a_journal_that_is_gone_takes_the_index_with_it() {
    let space = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(space.path()).unwrap();
    store.append(&success(1, "a", 1)).unwrap();
    store.close().unwrap();
    fs::remove_dir_all(space.path().join("journal")).unwrap();
    let (mut store, report) = Store::open(space.path()).unwrap();
    assert_eq!(report.index, IndexState::Rebuilt(RebuildCause::OtherJournal));
    assert_eq!(store.latest("a").unwrap(), None);
    store.append(&success(1, "b", 1)).unwrap();
    assert_eq!(store.latest("b").unwrap(), Some(committed_record("b", 1)));
}

#[test]
fn a_segment_without_its_whole_header_is_begun_again() {
    let space = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(space.path()).unwrap();
    store.close().unwrap();
    let segment = space.path().join("journal/000001.log");
    for length in [0, 7] {
        fs::OpenOptions::new().write(true).open(&segment).unwrap().set_len(length).unwrap();
        let (mut store, _) = Store::open(space.path()).unwrap();
        store.append(&success(1, "a", 1)).unwrap();
        drop(store);
        let (store, report) = Store::open(space.path()).unwrap();
        assert_eq!(report.findings, Default::default());
        assert_eq!(store.latest("a").unwrap(), Some(committed_record("a", 1)));
        fs::remove_dir_all(space.path().join("store")).unwrap();
    }
}
