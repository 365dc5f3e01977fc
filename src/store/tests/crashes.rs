//! What a process that is killed, and a machine that goes down, leave behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::store::blob;
use crate::store::entry::Entry;
use crate::store::ledger::{Sighting, Store};
use crate::store::report::{IndexState, RebuildCause};
use crate::store::tests::*;

/// Set for the process that is to be killed: where it works.
const VICTIM: &str = "ATTPC_TEST_VICTIM_STATE";

/// The process that is to be killed. It commits, closes and opens for ever, and prints the number of
/// each commit that it was told is on the disk.
#[test]
fn victim() {
    let Some(state) = std::env::var_os(VICTIM) else { return };
    for round in 0.. {
        let (mut store, report) = Store::open(&state).unwrap();
        assert_eq!(report.findings.damage, []);
        for attempt in store.next_attempt()..store.next_attempt() + 5 {
            store.append(&success(attempt, &format!("out{}", attempt % 7), attempt)).unwrap();
            store.sync().unwrap();
            println!("committed {attempt}");
        }
        let seen = record(&format!("raw{round}"), 1).outputs.remove(0);
        store.remember(vec![Sighting { seen, racy: false }]).unwrap();
        store.close().unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_kills_at_any_moment() {
    let space = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for kill in 0..16 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::crashes::victim", "--nocapture"])
            .env(VICTIM, space.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut left = 1 + kill % 6;
        while left > 0 {
            let line = lines.next().expect("the victim ended by itself").unwrap();
            // The test harness writes its own words at the beginning of the first line.
            if let Some((_, number)) = line.split_once("committed ") {
                acknowledged = number.parse().unwrap();
                left -= 1;
            }
        }
        // Spinning for a while moves the kill through whatever comes next: sync, close, open.
        let spun: u64 = (0..kill * 200_000).map(std::hint::black_box).sum();
        std::hint::black_box(spun);
        child.kill().unwrap();
        child.wait().unwrap();
        let (store, report) = Store::open(space.path()).unwrap();
        assert_eq!(report.findings.damage, []);
        assert!(store.next_attempt() > acknowledged);
        for attempt in acknowledged.saturating_sub(6).max(1)..=acknowledged {
            let target = format!("out{}", attempt % 7);
            let found = store.latest(&target).unwrap().unwrap();
            assert!(found.cost.wall_ms >= 100 + attempt, "commit {attempt} is lost");
            let by_key = store.by_key(&record(&target, attempt).key).unwrap();
            assert_eq!(by_key, Some(committed_record(&target, attempt)));
        }
    }
}

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
fn a_journal_and_an_index_of_different_times_are_told_apart() {
    let space = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(space.path()).unwrap();
    store.append(&success(1, "a", 1)).unwrap();
    store.close().unwrap();
    let early = crash_image(space.path());
    let (mut store, _) = Store::open(space.path()).unwrap();
    store.append(&success(2, "b", 1)).unwrap();
    store
        .remember(vec![Sighting { seen: record("raw", 1).outputs.remove(0), racy: false }])
        .unwrap();
    store.close().unwrap();
    let cases = [
        (&space, &early, true, IndexState::Current { entries: 3 }),
        (&early, &space, true, IndexState::Rebuilt(RebuildCause::OtherJournal)),
        // Without its marker an index is believed when it is asked, and not before.
        (&early, &space, false, IndexState::Current { entries: 0 }),
        (&space, &early, false, IndexState::Current { entries: 0 }),
    ];
    for (journal, index, with_marker, expected) in cases {
        let mixed = crash_image(journal.path());
        fs::remove_dir_all(mixed.path().join("store")).unwrap();
        let other = crash_image(index.path());
        fs::rename(other.path().join("store"), mixed.path().join("store")).unwrap();
        if with_marker {
            fs::rename(other.path().join("store.state"), mixed.path().join("store.state")).unwrap();
        }
        let (store, report) = Store::open(mixed.path()).unwrap();
        assert_eq!(report.index, expected);
        assert_eq!(store.latest("a").unwrap(), Some(committed_record("a", 1)));
        let late = journal.path() == space.path();
        assert_eq!(store.latest("b").unwrap().is_some(), late);
        assert_eq!(store.index_is_damaged(), !with_marker);
        store.close().unwrap();
        let (store, _) = Store::open(mixed.path()).unwrap();
        assert_eq!(store.latest("b").unwrap().is_some(), late);
        assert!(!store.index_is_damaged());
    }
}

/// Every file of the index with its bytes.
fn index_files(state: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = walkdir::WalkDir::new(state.join("store")).sort_by_file_name();
    let files = entries.into_iter().map(|entry| entry.unwrap());
    let files = files.filter(|entry| entry.file_type().is_file());
    files.map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn an_index_that_is_open_is_marked_so_even_when_it_is_only_read() {
    let space = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(space.path()).unwrap();
    store.append(&success(1, "a", 1)).unwrap();
    store.close().unwrap();
    let marker = || fs::read(space.path().join("store.state")).unwrap();
    let closed = marker();
    let (store, _) = Store::open(space.path()).unwrap();
    assert_eq!(marker(), closed, "nothing has been asked yet");
    assert!(store.latest("a").unwrap().is_some());
    assert_ne!(marker(), closed);
    let killed = crash_image(space.path());
    store.close().unwrap();
    assert_eq!(marker(), closed);
    let (store, report) = Store::open(killed.path()).unwrap();
    assert_eq!(report.index, IndexState::Current { entries: 0 });
    store.close().unwrap();
    assert_eq!(fs::read(killed.path().join("store.state")).unwrap(), closed);
}

#[test]
fn little_that_is_new_is_left_to_the_journal() {
    let space = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(space.path()).unwrap();
    store.append(&success(1, "a", 1)).unwrap();
    store.close().unwrap();
    let before = index_files(space.path());
    for build in 2..=4 {
        let (mut store, report) = Store::open(space.path()).unwrap();
        let entries = usize::try_from(3 * (build - 2)).unwrap();
        assert_eq!(report.index, IndexState::Current { entries });
        assert_eq!(store.next_attempt(), build);
        store.append(&success(build, "a", build)).unwrap();
        assert_eq!(store.latest("a").unwrap(), Some(committed_record("a", build)));
        store.close().unwrap();
    }
    assert!(before == index_files(space.path()));
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
    let open_on_another_boot = postcard::to_stdvec(&(1u32, "another boot", None::<u8>)).unwrap();
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
