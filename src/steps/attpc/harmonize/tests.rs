//! The harmonizer on the example's runs, against the originals and its own promises.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::data::cloud_reader::{CloudFile, StoredCloud};
use crate::model::step::StepSpec;

fn example(run: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/01-attpc/raw").join(run)
}

fn examples() -> [PathBuf; 2] {
    [example("run_0102.h5"), example("run_0104.h5")]
}

fn spec(inputs: &[PathBuf], directory: &Path, params: &[(&str, Value)]) -> StepSpec {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let params: BTreeMap<String, Value> =
        params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    StepSpec {
        kernel: "attpc.harmonize".to_owned(),
        params: Value::Map(params),
        item: BTreeMap::new(),
        inputs: inputs.iter().map(|path| (String::new(), text(path))).collect(),
        outputs: vec![(String::new(), text(directory))],
        cores: 2,
        progress: None,
    }
}

fn harmonize(inputs: &[PathBuf], params: &[(&str, Value)]) -> (TempDir, Vec<PathBuf>, StepSummary) {
    let space = tempfile::tempdir().unwrap();
    let spec = spec(inputs, space.path(), params);
    let summary = crate::steps::run(&spec, &|_| ()).unwrap();
    let files = (0..)
        .map(|at| space.path().join(format!("run_{at:04}.h5")))
        .take_while(|path| path.exists())
        .collect();
    (space, files, summary)
}

fn refused(params: &[(&str, Value)]) -> String {
    let space = tempfile::tempdir().unwrap();
    let spec = spec(&[example("run_0104.h5")], space.path(), params);
    crate::steps::run(&spec, &|_| ()).unwrap_err().to_string()
}

fn size(text: &str) -> [(&'static str, Value); 1] {
    [("size", Value::Text(text.to_owned()))]
}

fn events_of(files: &[PathBuf]) -> Vec<RawEvent> {
    files
        .iter()
        .flat_map(|path| {
            let run = RawRun::open(path).unwrap();
            run.events().map(|number| run.event(number).unwrap()).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn events_keep_their_order_their_content_and_where_they_came_from() {
    let (_space, files, summary) = harmonize(&examples(), &size("3 MB"));
    assert_eq!(summary.warnings, Vec::<String>::new());
    let (was, is) = (events_of(&examples()), events_of(&files));
    assert_eq!(was.len(), 33);
    assert_eq!(was.len(), is.len());
    for (was, is) in was.iter().zip(&is) {
        assert_eq!((was.orig_run, was.orig_event), (is.orig_run, is.orig_event));
        assert_eq!(was.get.as_ref().unwrap().pads, is.get.as_ref().unwrap().pads);
        assert_eq!(was.get.as_ref().unwrap().stamp, is.get.as_ref().unwrap().stamp);
        assert_eq!(was.frib, is.frib);
    }
    assert_eq!((is[0].orig_run, is[0].orig_event), (Some(102), 11));
}

#[test]
fn files_are_full_when_they_reach_the_size_and_no_event_is_split() {
    let (_space, files, _) = harmonize(&examples(), &size("3 MB"));
    let largest =
        events_of(&files).into_iter().map(|event| 2 * event.get.as_ref().unwrap().pads.len());
    let largest = largest.max().unwrap() as u64 + 2 * 2048 * 8;
    let sizes: Vec<u64> = files.iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    assert!(sizes.len() > 2);
    for bytes in &sizes[..sizes.len() - 1] {
        assert!((3_000_000..=3_000_000 + largest + (1 << 20)).contains(bytes), "{bytes}");
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes_on_any_number_of_threads() {
    let spaces = [1, 2, 5].map(|cores| {
        let space = tempfile::tempdir().unwrap();
        let spec = StepSpec { cores, ..spec(&examples(), space.path(), &size("2 MB")) };
        crate::steps::run(&spec, &|_| ()).unwrap();
        space
    });
    let mut names: Vec<_> =
        fs::read_dir(spaces[0].path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert!(names.len() > 3);
    for name in names {
        let [one, two, five] =
            [0, 1, 2].map(|at: usize| fs::read(spaces[at].path().join(&name)).unwrap());
        assert!(one == two && two == five, "{name:?} differs");
    }
}

#[test]
fn a_number_of_events_or_of_files_is_kept_exactly() {
    let (_space, files, _) = harmonize(&examples(), &[("events_per_file", Value::Int(10))]);
    let counts = |files: &[PathBuf]| -> Vec<u64> {
        files.iter().map(|path| RawRun::open(path).unwrap().events().count() as u64).collect()
    };
    assert_eq!(counts(&files), [10, 10, 10, 3]);
    for balance in ["bytes", "traces"] {
        let params = [("files", Value::Int(4)), ("balance", Value::Text(balance.to_owned()))];
        let (_space, files, _) = harmonize(&examples(), &params);
        assert_eq!(files.len(), 4);
        assert_eq!(counts(&files).iter().sum::<u64>(), 33);
        let bytes: Vec<u64> = files.iter().map(|path| fs::metadata(path).unwrap().len()).collect();
        assert!(bytes.iter().max().unwrap() < &(2 * bytes.iter().min().unwrap()), "{bytes:?}");
    }
}

#[test]
fn harmonizing_again_changes_only_where_files_end() {
    let (_space, once, _) = harmonize(&examples(), &size("2 MB"));
    let (_other, twice, summary) = harmonize(&once, &[("events_per_file", Value::Int(100))]);
    assert_eq!(twice.len(), 1);
    let numbered = |mut event: RawEvent, number: usize| {
        event.number = number as u64;
        event
    };
    let renumbered = |events: Vec<RawEvent>| -> Vec<RawEvent> {
        events.into_iter().enumerate().map(|(at, event)| numbered(event, at)).collect()
    };
    assert!(renumbered(events_of(&once)) == renumbered(events_of(&twice)));
    assert_eq!(summary.warnings.len(), 1);
    assert!(summary.warnings[0].contains("inputs are harmonized already"));
}

#[test]
fn the_scaler_table_holds_all_records_of_all_runs() {
    let mut facts = Facts::default();
    for path in examples() {
        facts.take_run(&RawRun::open(&path).unwrap()).unwrap();
    }
    let table = facts.scaler_table();
    let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
    assert_eq!(names[..4], ["run", "event", "clock_free", "clock_live"]);
    assert_eq!(table[0].1, Column::U32([[102; 3].to_vec(), [104; 2].to_vec()].concat()));
    assert_eq!(table[1].1, Column::U32(vec![0, 1, 2, 0, 1]));
    assert_eq!(facts.runs_without_scalers, 0);
}

#[test]
fn a_run_that_is_given_twice_is_refused_with_both_files() {
    let space = tempfile::tempdir().unwrap();
    let copy = space.path().join("copy_of_run_0102.h5");
    fs::copy(example("run_0102.h5"), &copy).unwrap();
    let out = space.path().join("out");
    let inputs = [example("run_0102.h5"), example("run_0104.h5"), copy];
    let error =
        crate::steps::run(&spec(&inputs, &out, &size("3 MB")), &|_| ()).unwrap_err().to_string();
    let [first, second] = [&inputs[0], &inputs[2]].map(|path| path.display());
    let expected = format!("event `11` of run `102` is in two inputs: `{first}` and `{second}`");
    assert_eq!(error, expected);
    let mut named = spec(&inputs, &out, &[]);
    named.outputs = vec![("file".to_owned(), space.path().join("a.h5").display().to_string())];
    crate::steps::run(&named, &|_| ()).unwrap_err();
    assert!(!space.path().join("a.h5").exists());
}

#[test]
fn the_cut_must_be_given_in_one_way() {
    assert_eq!(
        refused(&[]),
        "harmonizing needs one of `size`, `events_per_file` and `files`, found none"
    );
    assert_eq!(
        refused(&[("size", Value::Text("1 MB".to_owned())), ("files", Value::Int(2))]),
        "harmonizing needs one of `size`, `events_per_file` and `files`, found `size`, `files`"
    );
    assert_eq!(refused(&size("12")), "`12` is not a size");
    let balance = ("balance", Value::Text("traces".to_owned()));
    assert_eq!(
        refused(&[("events_per_file", Value::Int(2)), balance]),
        "`balance` goes with `files`, found `events_per_file`"
    );
}

#[test]
fn the_run_number_is_the_number_at_the_end_of_the_name() {
    assert_eq!(number_in_name(Path::new("raw/run_0101.h5")), Some(101));
    assert_eq!(number_in_name(Path::new("2024/final.h5")), None);
}

/// Point clouds of a raw file by run and event of origin.
fn clouds(raw: &Path) -> BTreeMap<(i64, i64), StoredCloud> {
    let space = tempfile::tempdir().unwrap();
    let cloud = space.path().join("cloud.h5");
    let table = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/01-attpc/detector");
        Value::Text(path.join(name).to_str().unwrap().to_owned())
    };
    let pad = [
        ("pad_geometry_path", "padxy.csv"),
        ("pad_time_path", "pad_time_correction.csv"),
        ("pad_scale_path", "pad_scale.csv"),
        ("beam_pads_path", "beam_pads.csv"),
    ];
    let pad = pad.map(|(name, file)| (name.to_owned(), table(file)));
    let spec = StepSpec {
        kernel: "attpc.pointcloud".to_owned(),
        ..spec(&[raw.to_owned()], &cloud, &[("pad", Value::Map(BTreeMap::from(pad)))])
    };
    crate::steps::run(&spec, &|_| ()).unwrap();
    let file = CloudFile::open(&cloud).unwrap();
    let read = |event: &i64| {
        let cloud = file.read(*event).unwrap();
        ((cloud.orig_run, cloud.orig_event), StoredCloud { event: 0, ..cloud })
    };
    file.events().iter().map(read).collect()
}

#[test]
fn point_clouds_of_harmonized_files_equal_those_of_the_originals() {
    let (_space, files, _) = harmonize(&examples(), &size("3 MB"));
    let was: BTreeMap<_, _> = examples().iter().flat_map(|path| clouds(path)).collect();
    let is: BTreeMap<_, _> = files.iter().flat_map(|path| clouds(path)).collect();
    assert!(was.len() > 30);
    assert_eq!(was.keys().collect::<Vec<_>>(), is.keys().collect::<Vec<_>>());
    assert!(was == is);
}

#[test]
fn named_files_are_filled_evenly_and_their_number_is_the_recipes() {
    let space = tempfile::tempdir().unwrap();
    let at = |name: &str| space.path().join(name).to_str().unwrap().to_owned();
    let mut spec = spec(&examples(), space.path(), &[]);
    spec.outputs = ["a.h5", "b.h5", "c.h5"].map(|name| ("file".to_owned(), at(name))).to_vec();
    spec.outputs.push(("scalers".to_owned(), at("scalers.parquet")));
    crate::steps::run(&spec, &|_| ()).unwrap();
    let files = ["a.h5", "b.h5", "c.h5"].map(|name| space.path().join(name));
    assert_eq!(events_of(&files).len(), 33);
    assert!(files.iter().all(|path| !events_of(std::slice::from_ref(path)).is_empty()));
    assert!(space.path().join("scalers.parquet").exists());
    spec.params = Value::Map([("files".to_owned(), Value::Int(2))].into());
    let error = crate::steps::run(&spec, &|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "`files` is 2, but there are 3 outputs `file`");
    spec.outputs.clear();
    let error = crate::steps::run(&spec, &|_| ()).unwrap_err().to_string();
    assert!(error.ends_with("outputs `harmonized` and `file`, found none"), "{error}");
}
