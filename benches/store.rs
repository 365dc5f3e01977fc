//! What the store and the file layer cost: rates of commits, lookups, stats and digests.
//!
//! `cargo bench --profile release --bench store [DIRECTORY]` prints one line per figure; the
//! directory says which disk is meant. Plain loops and a clock: the differences that matter here
//! are factors, not percents.

use std::path::Path;
use std::time::{Duration, Instant};

use attpc::fsio::tree::Tree;
use attpc::model::digest::Digest;
use attpc::model::record::{Component, ComponentKind, Cost, Record, Seen};
use attpc::model::stamp::{Kind, Stamp};
use attpc::store::entry::{AttemptStarted, CommitIntent, Committed, Entry, Move};
use attpc::store::history::History;
use attpc::store::ledger::{Sighting, Store};

const RECORDS: u64 = 10_000;
const FILES: usize = 10_000;

fn main() {
    let base = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let space = match base {
        Some(base) => tempfile::tempdir_in(base),
        None => tempfile::tempdir(),
    };
    let space = space.expect("a directory to work in");
    commits(&space.path().join("commits"));
    records(&space.path().join("records"));
    files(&space.path().join("files"));
}

/// Prints wall and processor time; on a machine that does other work too the latter is the one to
/// compare.
fn timed<T>(what: &str, count: u64, work: impl FnOnce() -> T) -> T {
    let (start, cpu) = (Instant::now(), cpu_time());
    let result = work();
    let (wall_ms, cpu_ms) = (ms(start.elapsed()), ms(cpu_time() - cpu));
    let (wall_us, cpu_us) = (wall_ms * 1e3 / count as f64, cpu_ms * 1e3 / count as f64);
    println!(
        "{what:<50} {count:>6}  wall {wall_ms:>8.1} ms {wall_us:>9.2} us each  \
         cpu {cpu_ms:>7.1} ms {cpu_us:>8.2} us each"
    );
    result
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// About 1.5 kB, as a kernel with a dozen parameters and two inputs has it.
fn record(number: u64) -> Record {
    let target = target(number);
    let component = |n: usize| Component {
        kind: ComponentKind::Param,
        name: format!("get.parameter_{n}"),
        value: format!("{}", n * 1000),
    };
    let input = |n: usize| Component {
        kind: ComponentKind::Input,
        name: format!("input_{n}"),
        value: Digest::of(&n.to_le_bytes()).to_string(),
    };
    let stamp = Stamp { kind: Kind::File, size: 1 << 30, ..Stamp::MISSING };
    let digest = Digest::of(target.as_bytes());
    Record {
        key: Digest::of(&number.to_le_bytes()),
        label: format!("pointcloud@run_{number}"),
        components: (0..20).map(component).chain((0..8).map(input)).collect(),
        discovered: Vec::new(),
        outputs: vec![Seen { path: target, digest, stamp }],
        cost: Cost { wall_ms: 1234, host: "node0001".to_owned(), ..Cost::default() },
    }
}

fn target(number: u64) -> String {
    format!("work/pointcloud/run_{number:06}.h5")
}

fn attempt(number: u64) -> [Entry; 3] {
    let started = AttemptStarted {
        attempt: number,
        build: 1,
        target: target(number),
        label: format!("pointcloud@run_{number}"),
        key: Digest::of(&number.to_le_bytes()),
        pid: 1,
        process_start: 1,
        boot_id: "00000000-0000-0000-0000-000000000000".to_owned(),
        work: format!(".attpc/jobs/{number}"),
        log: format!(".attpc/logs/{number}.log"),
        time_ms: 0,
    };
    let moves = vec![Move { from: format!(".attpc/jobs/{number}/out"), to: target(number) }];
    let record = record(number);
    let intent = CommitIntent { attempt: number, target: target(number), moves, record };
    let committed = Committed { attempt: number, time_ms: 0, stamps: vec![Stamp::MISSING] };
    [Entry::AttemptStarted(started), Entry::CommitIntent(intent), Entry::Committed(committed)]
}

fn commits(state: &Path) {
    let (mut store, _) = Store::open(state).expect("a new store opens");
    for group in [1, 8, 64] {
        let groups = 128 / group;
        timed(&format!("append and sync, {group} commits to a group"), 128, || {
            for number in 0..groups {
                let first = number * group;
                let entries: Vec<Entry> = (first..first + group).flat_map(attempt).collect();
                store.append(&entries).expect("the journal takes entries");
                store.sync().expect("the journal syncs");
            }
        });
    }
    store.close().expect("the store closes");
}

fn records(state: &Path) {
    let (mut store, _) = timed("open a new store", 1, || Store::open(state).expect("it opens"));
    let entries: Vec<[Entry; 3]> = (1..=RECORDS).map(attempt).collect();
    timed("append commits (3 entries), no sync", RECORDS, || {
        for group in &entries {
            store.append(group).expect("the journal takes entries");
        }
    });
    let sighting = |number| Sighting { seen: record(number).outputs.remove(0), racy: false };
    let sightings: Vec<Sighting> = (1..=RECORDS).map(sighting).collect();
    timed("remember sightings", RECORDS, || store.remember(sightings).expect("it remembers"));
    timed("close: index puts (3 per record), flush, sync", 3 * RECORDS, || {
        store.close().expect("the store closes");
    });
    let (store, _) = timed("open with an index", 1, || Store::open(state).expect("it opens"));
    timed("latest record of a target", RECORDS, || {
        for number in 1..=RECORDS {
            assert!(store.latest(&target(number)).expect("a sound journal").is_some());
        }
    });
    timed("last sighting of a path", RECORDS, || {
        for number in 1..=RECORDS {
            assert!(store.seen(&target(number)).is_some());
        }
    });
    let mut seen = 0;
    timed("all sightings in one scan", RECORDS, || store.all_seen(|_| seen += 1));
    assert_eq!(seen, RECORDS);
    timed("close without changes", 1, || store.close().expect("the store closes"));
    for _ in 0..3 {
        timed("read the history", RECORDS, || History::read(state).expect("a sound journal"));
    }
    let history = History::read(state).expect("a sound journal");
    timed("latest record from the history", RECORDS, || {
        for number in 1..=RECORDS {
            assert!(history.latest(&target(number)).expect("a sound journal").is_some());
        }
    });
    std::fs::remove_dir_all(state.join("store")).expect("the index can go");
    let (store, _) = timed("open without an index", RECORDS, || Store::open(state).expect("opens"));
    timed("close: index puts (2 per record), flush, sync", 2 * RECORDS, || {
        store.close().expect("the store closes");
    });
}

fn files(root: &Path) {
    let tree = Tree::create(root).expect("a directory");
    let names: Vec<String> = (0..FILES).map(|n| format!("d{}/f{n}", n % 100)).collect();
    for number in 0..100 {
        tree.create_dir_all(&format!("d{number}")).expect("a directory");
    }
    let count = FILES as u64;
    timed("write small files in place of nothing, no sync", count, || {
        for name in &names {
            tree.write_cache(name, name.as_bytes()).expect("a file");
        }
    });
    timed("stat", count, || {
        for name in &names {
            assert!(!tree.stamp(name).expect("a stat").is_missing());
        }
    });
    timed("digest a small file", count, || {
        for name in &names {
            tree.digest(name, &|_| {}).expect("a digest");
        }
    });
    timed("digest a directory of 100 small files", 100, || {
        for number in 0..100 {
            tree.digest(&format!("d{number}"), &|_| {}).expect("a digest");
        }
    });
    let pattern = attpc::model::pattern::Pattern::parse("{d}/f{n}").expect("a pattern");
    let listing = timed("list a pattern", count, || tree.list(&pattern).expect("a listing"));
    assert_eq!(listing.paths.len(), FILES);
    timed("wait for the file system (syncfs)", 1, || tree.sync_file_system().expect("a sync"));
    timed("make a small file durable", 100, || {
        for name in &names[..100] {
            tree.write_cache(name, b"new content").expect("a file");
            tree.make_durable(name).expect("a sync");
        }
    });
    let clock = attpc::fsio::clock::FsClock::probe(root).expect("a clock");
    timed("read the file system's clock", count, || {
        for _ in 0..FILES {
            clock.refresh().expect("a time");
        }
    });
    tree.write_cache("big", &vec![7; 512 << 20]).expect("a big file");
    timed("digest 512 MiB, per MiB", 512, || tree.digest("big", &|_| {}).expect("a digest"));
}
