//! Bytes that changed on the disk: an answer is right, or there is none and it is said.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;

use crate::store::doctor;
use crate::store::error::StoreError;
use crate::store::history::History;
use crate::store::ledger::Store;
use crate::store::report::IndexState;
use crate::store::tests::*;

const SEGMENT: &str = "journal/000001.log";

/// The bytes of [`journal`], made once, because making it waits for the disk.
static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| journal().1);

/// A journal with several records of two targets, and its bytes.
fn journal() -> (tempfile::TempDir, Vec<u8>) {
    let space = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(space.path()).unwrap();
    store.append(&[build_started(1)]).unwrap();
    for version in 1..=3 {
        store.append(&success(2 * version, "a", version)).unwrap();
        store.append(&success(2 * version + 1, "b", version)).unwrap();
    }
    store.append(&[failed(9, "a"), build_finished(1)]).unwrap();
    store.close().unwrap();
    let bytes = fs::read(space.path().join(SEGMENT)).unwrap();
    (space, bytes)
}

/// An empty state directory.
fn state() -> tempfile::TempDir {
    let space = tempfile::tempdir().unwrap();
    fs::create_dir(space.path().join("journal")).unwrap();
    space
}

/// Opens a journal of these bytes. What it knows must be true, and what it lost must be said.
fn check_journal(space: &tempfile::TempDir, bytes: &[u8], what: &str) -> History {
    // Overwriting a file makes some file systems wait for the disk; a new one does not.
    let _ = fs::remove_file(space.path().join(SEGMENT));
    fs::write(space.path().join(SEGMENT), bytes).unwrap();
    let history = History::read(space.path()).unwrap();
    for target in ["a", "b"] {
        let record = history.latest(target).unwrap();
        let true_one = |version| record == Some(committed_record(target, version));
        assert!(record.is_none() || (1..=3).any(true_one), "a wrong record: {what}");
    }
    history
}

fn is_silent(history: &History) -> bool {
    let findings = history.findings();
    findings.damage.is_empty() && findings.torn.is_none() && findings.unknown == 0
}

#[test]
fn a_cut_at_any_byte_keeps_what_was_whole_before() {
    let (space, bytes) = (state(), &*BYTES);
    let mut records = 0;
    for cut in 16..=bytes.len() {
        let history = check_journal(&space, &bytes[..cut], &format!("cut at {cut}"));
        assert!(history.records() >= records, "a longer journal knows less");
        assert!(history.findings().damage.is_empty());
        records = history.records();
    }
    assert_eq!(records, 6);
}

#[test]
fn a_flip_of_any_byte_is_seen() {
    let (space, bytes) = (state(), &*BYTES);
    for at in 16..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x41;
        let history = check_journal(&space, &flipped, &format!("byte {at} flipped"));
        assert!(!is_silent(&history), "the flip of byte {at} went unseen");
        assert!(history.records() >= 5, "one flip costs one record at most");
    }
}

#[test]
fn a_segment_of_a_newer_layout_is_refused() {
    let (space, mut bytes) = journal();
    bytes[8] = 2;
    fs::write(space.path().join(SEGMENT), &bytes).unwrap();
    assert!(matches!(History::read(space.path()), Err(StoreError::NewerFormat { .. })));
    fs::remove_dir_all(space.path().join("store")).unwrap();
    assert!(matches!(Store::open(space.path()), Err(StoreError::NewerFormat { .. })));
}

#[test]
fn a_torn_end_is_cut_off_and_writing_goes_on() {
    let (space, bytes) = journal();
    fs::write(space.path().join(SEGMENT), &bytes[..bytes.len() - 5]).unwrap();
    let (mut store, report) = Store::open(space.path()).unwrap();
    assert!(report.findings.torn.is_some());
    assert!(report.warnings().iter().any(|warning| warning.contains("cut short")));
    assert_eq!(store.latest("a").unwrap(), Some(committed_record("a", 3)));
    store.append(&success(10, "c", 1)).unwrap();
    store.close().unwrap();
    let (store, report) = Store::open(space.path()).unwrap();
    assert_eq!(report.warnings(), Vec::<String>::new());
    assert_eq!(store.latest("c").unwrap(), Some(committed_record("c", 1)));
}

#[test]
fn damage_in_the_middle_is_reported_and_what_follows_is_kept() {
    let (space, mut bytes) = journal();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 100].fill(0);
    fs::write(space.path().join(SEGMENT), &bytes).unwrap();
    let check = doctor::check(space.path()).unwrap();
    assert_eq!(check.findings.damage.len(), 1);
    assert!(!check.is_sound());
    let report = doctor::rebuild(space.path()).unwrap();
    assert!(report.warnings()[0].starts_with("the journal is damaged at segment 000001 byte "));
    let (store, _) = Store::open(space.path()).unwrap();
    assert_eq!(store.latest("b").unwrap(), Some(committed_record("b", 3)));
}

#[test]
fn a_record_damaged_after_it_was_indexed_is_an_error_and_no_answer() {
    let (space, mut bytes) = journal();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(space.path().join(SEGMENT), &bytes).unwrap();
    let (store, _) = Store::open(space.path()).unwrap();
    for version in 1..=3 {
        for target in ["a", "b"] {
            match store.by_key(&record(target, version).key) {
                Ok(found) => assert_eq!(found, Some(committed_record(target, version))),
                Err(error) => assert!(matches!(error, StoreError::Damaged { .. })),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_damage_never_gives_a_wrong_record(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 1usize..600, any::<u8>()), 1..6),
        moved in any::<bool>(),
    ) {
        let mut bytes = BYTES.clone();
        for (index, length, with) in edits {
            let at = 16 + index.index(bytes.len() - 16);
            let end = (at + length).min(bytes.len());
            if moved && with % 2 == 0 {
                // A block that turns up at another place, as a confused file system would do it.
                let block = bytes[at..end].to_vec();
                bytes.splice(16..16, block);
            } else {
                bytes[at..end].fill(with);
            }
        }
        check_journal(&state(), &bytes, "arbitrary damage");
    }
}

/// A change to the bytes of a file.
type Change = fn(&mut Vec<u8>);

/// Changes every file of the index on disk.
fn damage_index(state: &Path, change: Change) {
    for entry in walkdir::WalkDir::new(state.join("store")) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let mut bytes = fs::read(entry.path()).unwrap();
            change(&mut bytes);
            fs::write(entry.path(), bytes).unwrap();
        }
    }
}

#[test]
fn a_damaged_index_loses_nothing() {
    let changes: [(&str, Change); 6] = [
        ("emptied", |bytes| bytes.clear()),
        ("halved", |bytes| bytes.truncate(bytes.len() / 2)),
        ("zeroed", |bytes| bytes.fill(0)),
        ("zeroed in the middle", |bytes| {
            let (from, to) = (bytes.len() / 4, bytes.len() / 2);
            bytes[from..to].fill(0);
        }),
        ("scrambled", |bytes| bytes.iter_mut().step_by(7).for_each(|byte| *byte ^= 0x55)),
        ("nonsense", |bytes| *bytes = b"nonsense".repeat(100)),
    ];
    for (what, change) in changes {
        let (space, _) = journal();
        damage_index(space.path(), change);
        let (mut store, report) = Store::open(space.path()).unwrap();
        for target in ["a", "b"] {
            let expected = Some(committed_record(target, 3));
            assert_eq!(store.latest(target).unwrap(), expected, "{what}: {report:?}");
        }
        store.append(&success(20, "new", 1)).unwrap();
        assert_eq!(store.latest("new").unwrap(), Some(committed_record("new", 1)));
        store.close().unwrap();
        let (store, report) = Store::open(space.path()).unwrap();
        assert_ne!(report.index, IndexState::InMemory, "{what}");
        assert_eq!(store.latest("new").unwrap(), Some(committed_record("new", 1)), "{what}");
    }
}

#[test]
fn an_index_that_cannot_be_made_costs_speed_only() {
    let (space, _) = journal();
    fs::remove_dir_all(space.path().join("store")).unwrap();
    // A link that leads nowhere can neither be opened as a database nor created below.
    std::os::unix::fs::symlink("/proc/none/store", space.path().join("store")).unwrap();
    let (mut store, report) = Store::open(space.path()).unwrap();
    assert_eq!(report.index, IndexState::InMemory);
    assert_eq!(report.warnings().len(), 1);
    assert_eq!(store.latest("a").unwrap(), Some(committed_record("a", 3)));
    store.append(&success(20, "new", 1)).unwrap();
    store.close().unwrap();
    let (store, _) = Store::open(space.path()).unwrap();
    assert_eq!(store.latest("new").unwrap(), Some(committed_record("new", 1)));
}
