//! What the store answers, in one process and after closing and opening.

use std::path::Path;

use crate::model::digest::Digest;
use crate::model::record::Seen;
use crate::store::doctor;
use crate::store::entry::Entry;
use crate::store::history::History;
use crate::store::ledger::{Sighting, Store};
use crate::store::report::{IndexState, RebuildCause};
use crate::store::tests::*;

fn open(state: &Path) -> Store {
    let (store, report) = Store::open(state).unwrap();
    assert_eq!(report.warnings(), Vec::<String>::new());
    store
}

fn sighting(path: &str, text: &str) -> Sighting {
    let digest = Digest::of(text.as_bytes());
    let stamp = final_stamp(text.len() as u64);
    Sighting { seen: Seen { path: path.to_owned(), digest, stamp }, racy: text.is_empty() }
}

#[test]
fn a_record_counts_once_its_commit_follows() {
    let space = tempfile::tempdir().unwrap();
    let mut store = open(space.path());
    assert_eq!(store.latest("out").unwrap(), None);
    store.append(&[build_started(1), started(1, "out"), intent(1, "out", 1)]).unwrap();
    assert_eq!(store.latest("out").unwrap(), None);
    assert_eq!(store.by_key(&record("out", 1).key).unwrap(), None);
    store.append(&[committed(1, 1)]).unwrap();
    assert_eq!(store.latest("out").unwrap(), Some(committed_record("out", 1)));
    assert_eq!(store.by_key(&record("out", 1).key).unwrap(), Some(committed_record("out", 1)));
    assert_eq!(store.last_wall_ms("out").unwrap(), Some(101));
}

#[test]
fn answers_are_the_same_after_reopening() {
    let space = tempfile::tempdir().unwrap();
    let mut store = open(space.path());
    store.append(&[build_started(1)]).unwrap();
    store.append(&success(1, "a", 1)).unwrap();
    store.append(&success(2, "b", 1)).unwrap();
    store.append(&success(3, "a", 2)).unwrap();
    store.append(&[started(4, "b"), failed(4, "b"), started(5, "c"), failed(5, "c")]).unwrap();
    store.append(&[started(6, "d"), intent(6, "d", 1)]).unwrap();
    store.append(&success(7, "gone", 1)).unwrap();
    store.append(&[withdrawn("gone"), build_finished(1)]).unwrap();
    store.remember(vec![sighting("raw", "x"), sighting("young", "")]).unwrap();
    store.sync().unwrap();
    check_answers(&store);
    store.close().unwrap();
    let (store, report) = Store::open(space.path()).unwrap();
    assert_eq!(report.index, IndexState::Current { entries: 0 });
    check_answers(&store);
    assert_eq!(store.seen("raw"), Some(sighting("raw", "x")));
    assert!(store.seen("young").unwrap().racy);
    drop(store);
    let report = doctor::rebuild(space.path()).unwrap();
    assert_eq!(report.index, IndexState::Rebuilt(RebuildCause::New));
    let store = open(space.path());
    check_answers(&store);
    assert_eq!(store.seen("raw"), None, "sightings live in the index only");
}

fn check_answers(store: &Store) {
    assert_eq!(store.latest("a").unwrap(), Some(committed_record("a", 2)));
    assert_eq!(store.latest("b").unwrap(), Some(committed_record("b", 1)));
    assert_eq!(store.latest("c").unwrap(), None);
    assert_eq!(store.latest("d").unwrap(), None);
    assert_eq!(store.latest("gone").unwrap(), None);
    assert_eq!(store.by_key(&record("a", 1).key).unwrap(), Some(committed_record("a", 1)));
    assert!(store.by_key(&record("gone", 1).key).unwrap().is_some());
    assert_eq!(store.last_failure("a").unwrap(), None);
    assert_eq!(store.last_failure("b").unwrap().unwrap().attempt, 4);
    assert_eq!(store.last_failure("c").unwrap().unwrap().attempt, 5);
    let durations = store.durations("rule@anything").unwrap();
    assert_eq!((durations.count, durations.total_ms, durations.last_ms), (4, 405, 101));
    assert_eq!((store.next_build(), store.next_attempt()), (2, 8));
    let open = store.open_attempts().unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(Entry::AttemptStarted(open[0].started.clone().unwrap()), started(6, "d"));
    assert_eq!(Entry::CommitIntent(open[0].intent.clone().unwrap()), intent(6, "d", 1));
}

#[test]
fn history_answers_during_a_build_and_without_a_lock() {
    let space = tempfile::tempdir().unwrap();
    let empty = History::read(space.path().join("absent")).unwrap();
    assert_eq!((empty.records(), empty.targets().count()), (0, 0));
    let mut store = open(space.path());
    store.append(&[build_started(1)]).unwrap();
    store.append(&success(1, "a", 1)).unwrap();
    store.append(&[started(2, "b"), failed(2, "b"), build_finished(1)]).unwrap();
    store.append(&[build_started(2), started(3, "c")]).unwrap();
    let history = History::read(space.path()).unwrap();
    assert_eq!(history.latest("a").unwrap(), Some(committed_record("a", 1)));
    assert_eq!(history.latest("b").unwrap(), None);
    assert_eq!(history.last_failure("b").unwrap().unwrap().attempt, 2);
    assert_eq!(history.last_wall_ms("a"), Some(101));
    assert_eq!(history.durations("rule").mean_ms(), Some(101.0));
    let mut targets: Vec<&str> = history.targets().collect();
    targets.sort_unstable();
    assert_eq!(targets, ["a", "b"]);
    assert_eq!(history.open_attempts().unwrap()[0].attempt, 3);
    let builds = history.builds(10).unwrap();
    assert_eq!(builds.iter().map(|b| b.started.build).collect::<Vec<_>>(), [2, 1]);
    assert!(builds[0].finished.is_none() && builds[1].finished.is_some());
    assert_eq!(history.builds(1).unwrap().len(), 1);
    assert!(doctor::check(space.path()).unwrap().is_sound());
}

#[test]
fn sightings_are_replaced_and_listed_once() {
    let space = tempfile::tempdir().unwrap();
    let mut store = open(space.path());
    store.remember(vec![sighting("a", "old"), sighting("b", "b")]).unwrap();
    store.close().unwrap();
    let mut store = open(space.path());
    store.remember(vec![sighting("a", "new"), sighting("c", "c")]).unwrap();
    let mut seen = Vec::new();
    store.all_seen(|sighting| seen.push(sighting));
    seen.sort_by(|a, b| a.seen.path.cmp(&b.seen.path));
    assert_eq!(seen, [sighting("a", "new"), sighting("b", "b"), sighting("c", "c")]);
    assert_eq!(store.seen("a"), Some(sighting("a", "new")));
    assert_eq!(store.seen("d"), None);
}

#[test]
fn a_store_that_nothing_was_done_with_is_left_as_it_is() {
    let space = tempfile::tempdir().unwrap();
    let mut store = open(space.path());
    store.append(&success(1, "a", 1)).unwrap();
    store.close().unwrap();
    let marker = || std::fs::metadata(space.path().join("store.state")).unwrap();
    let before = marker().modified().unwrap();
    let store = open(space.path());
    assert_eq!((store.next_build(), store.next_attempt()), (1, 2));
    store.close().unwrap();
    assert_eq!(marker().modified().unwrap(), before);
}

#[test]
fn an_index_made_in_several_steps_is_whole() {
    let space = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(space.path()).unwrap();
    // Two facts each, so that the index takes over once on the way, and once more when the journal
    // is read again.
    let count = 26_000;
    let entries = (1..=count).flat_map(|n| success(n, &format!("out{n}"), 1));
    store.append(&entries.collect::<Vec<_>>()).unwrap();
    store.close().unwrap();
    for remade in [false, true] {
        if remade {
            doctor::rebuild(space.path()).unwrap();
        }
        let store = open(space.path());
        for n in [1, count / 2, count] {
            let target = format!("out{n}");
            assert_eq!(store.latest(&target).unwrap(), Some(committed_record(&target, 1)));
        }
        assert_eq!(store.durations("rule").unwrap().count, count);
        assert!(!store.index_is_damaged());
        store.close().unwrap();
    }
}
