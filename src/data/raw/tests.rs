//! The reader against files of every layout, whole and damaged.

use std::path::{Path, PathBuf};

use ndarray::Array2;
use tempfile::TempDir;

use super::*;

fn shipped(layout: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/attpc/layouts")
        .join(layout)
        .join("run_0101.h5")
}

fn open(layout: &str) -> RawRun {
    RawRun::open(&shipped(layout)).unwrap()
}

#[test]
fn every_layout_gives_the_same_events() {
    let reference = open("merger1");
    assert_eq!(reference.layout(), Layout::Merger1);
    assert_eq!(reference.run_number(), Some(101));
    assert_eq!(reference.events(), 0..4);
    for (layout, kind) in [("merger2", Layout::Merger2), ("legacy", Layout::Legacy)] {
        let run = open(layout);
        assert_eq!(run.layout(), kind);
        assert_eq!(run.run_number(), Some(101));
        assert_eq!(run.events(), 0..4);
        for event in [0, 1, 3] {
            let (was, is) = (reference.event(event).unwrap(), run.event(event).unwrap());
            assert_eq!(was.get.as_ref().unwrap().pads, is.get.as_ref().unwrap().pads);
            assert_eq!(was.get.as_ref().unwrap().stamp, is.get.as_ref().unwrap().stamp);
            assert_eq!(was.frib, is.frib);
            assert_eq!((was.orig_run, was.orig_event), (is.orig_run, is.orig_event));
        }
    }
}

#[test]
fn every_layout_gives_all_scaler_records() {
    for (layout, records) in [("merger1", 6), ("merger2", 2), ("legacy", 2)] {
        let scalers = open(layout).scalers().unwrap();
        assert_eq!((scalers.records.len(), scalers.missing), (records, 0));
        assert_eq!(scalers.records[1].number, 1);
        assert!(scalers.records[1].counts[0] > 990_000);
    }
}

#[test]
fn harmonized_files_know_where_each_event_came_from() {
    let (reference, run) = (open("merger1"), open("harmonized"));
    assert_eq!(run.layout(), Layout::Harmonized);
    assert_eq!(run.events(), 0..3);
    for (event, orig_event) in [(0, 0), (1, 1), (2, 3)] {
        let (was, is) = (reference.event(orig_event).unwrap(), run.event(event).unwrap());
        assert_eq!((is.orig_run, is.orig_event), (Some(101), orig_event as i64));
        assert_eq!(was.get, is.get);
        assert_eq!(was.frib, is.frib);
    }
    assert_eq!(run.scalers().unwrap(), Scalers::default());
}

#[test]
fn direct_reading_agrees_with_the_library() {
    for layout in ["merger1", "harmonized"] {
        let run = open(layout);
        let file = hdf5::File::open(shipped(layout)).unwrap();
        let pads: Array2<i16> = file.dataset("events/event_1/get_traces").unwrap().read().unwrap();
        assert_eq!(run.event(1).unwrap().get.unwrap().pads, pads);
        let digitizer: Array2<u16> =
            file.dataset("events/event_1/frib_physics/1903").unwrap().read().unwrap();
        assert_eq!(run.event(1).unwrap().frib.unwrap().digitizer, Some(digitizer));
    }
}

#[test]
fn the_last_event_is_inclusive_for_the_merger_and_spyral_misses_it() {
    assert_eq!(open("merger1").spyral_events(), 0..3);
    assert_eq!(open("merger2").spyral_events(), 0..3);
    assert_eq!(open("legacy").spyral_events(), 0..4);
    assert_eq!(open("harmonized").spyral_events(), 0..3);
}

#[test]
fn a_missing_event_is_told_from_one_outside_of_the_run() {
    let run = open("merger1");
    assert!(run.locate(2, Detail::Physics).unwrap().is_none());
    let path = run.path().display();
    assert_eq!(
        run.event(2).unwrap_err().to_string(),
        format!("event `2` is missing, expected `events/event_2`: `{path}`")
    );
    assert_eq!(
        run.event(4).unwrap_err().to_string(),
        format!("no event `4`, expected events `0` to `3`: `{path}`")
    );
}

/// A small merger file whose parts a test can replace.
struct Sample {
    dir: TempDir,
    file: hdf5::File,
}

impl Sample {
    fn new(version: &str) -> Sample {
        let dir = tempfile::tempdir().unwrap();
        let file = hdf5::File::create(dir.path().join("run.h5")).unwrap();
        let events = file.create_group("events").unwrap();
        let text: hdf5::types::VarLenUnicode = version.parse().unwrap();
        events.new_attr_builder().with_data(&ndarray::arr0(text)).create("version").unwrap();
        for (name, value) in [("min_event", 0u64), ("max_event", 0), ("frib_run", 7)] {
            events.new_attr::<u64>().create(name).unwrap().write_scalar(&value).unwrap();
        }
        events.create_group("event_0").unwrap();
        Sample { dir, file }
    }

    fn event(&self) -> hdf5::Group {
        self.file.group("events/event_0").unwrap()
    }

    /// Closes the file and opens it as a run.
    fn open(self) -> (TempDir, Result<RawRun, DataError>) {
        self.file.close().unwrap();
        let run = RawRun::open(&self.dir.path().join("run.h5"));
        (self.dir, run)
    }

    /// What reading event 0 says, with the path as `PATH`.
    fn refusal(self) -> String {
        let (dir, run) = self.open();
        let error = run.and_then(|run| run.event(0)).expect_err("the file is refused");
        error.to_string().replace(&dir.path().join("run.h5").display().to_string(), "PATH")
    }
}

#[test]
fn wrong_types_and_shapes_name_object_and_expectation() {
    let sample = Sample::new("libattpc_merger:1.0");
    let floats = Array2::<f32>::zeros((3, GET_COLUMNS));
    sample.event().new_dataset_builder().with_data(&floats).create("get_traces").unwrap();
    assert_eq!(
        sample.refusal(),
        "`events/event_0/get_traces` holds float32, expected int16: `PATH`"
    );
    let sample = Sample::new("libattpc_merger:1.0");
    let short = Array2::<i16>::zeros((3, 511));
    sample.event().new_dataset_builder().with_data(&short).create("get_traces").unwrap();
    assert_eq!(
        sample.refusal(),
        "`events/event_0/get_traces` has shape (3, 511), expected int16 (traces, 517): `PATH`"
    );
    let sample = Sample::new("libattpc_merger:1.0");
    let group = sample.event().create_group("frib_physics").unwrap();
    let short = Array2::<u16>::zeros((100, 8));
    group.new_dataset_builder().with_data(&short).create("1903").unwrap();
    assert_eq!(
        sample.refusal(),
        "`events/event_0/frib_physics/1903` has shape (100, 8), expected uint16 (2048, 8): `PATH`"
    );
    let sample = Sample::new("libattpc_merger:2.0");
    sample.event().create_group("get").unwrap();
    assert_eq!(
        sample.refusal(),
        "missing `events/event_0/get/pads`, expected int16 (traces, 517): `PATH`"
    );
}

#[test]
fn files_of_unknown_layout_say_what_was_found() {
    let expected = "no raw run of a known layout, \
                    expected top-level `meta`, or `events` with a known `version`, found ";
    assert_eq!(
        Sample::new("other:9").refusal(),
        format!("{expected}`events` of version `other:9`: `PATH`")
    );
    let sample = Sample::new("x");
    sample.file.unlink("events").unwrap();
    for name in ["b", "a"] {
        sample.file.create_group(name).unwrap();
    }
    assert_eq!(sample.refusal(), format!("{expected}`a`, `b`: `PATH`"));
    let sample = Sample::new("libattpc_merger:1.0");
    sample.file.group("events").unwrap().delete_attr("max_event").unwrap();
    assert_eq!(
        sample.refusal(),
        "missing `events/@max_event`, expected a number on group `events`: `PATH`"
    );
}

#[test]
fn the_old_release_number_of_the_merger_is_accepted_with_a_warning() {
    let sample = Sample::new("libattpc_merger:0.2.0");
    let (_dir, run) = sample.open();
    let run = run.unwrap();
    assert_eq!(run.layout(), Layout::Merger1);
    assert_eq!(run.warnings().len(), 1);
    let event = run.event(0).unwrap();
    assert!(event.get.is_none() && event.frib.is_none());
}

#[test]
fn the_names_other_readers_gave_the_silicon_detectors_are_accepted() {
    let sample = Sample::new("libattpc_merger:2.0");
    let get = sample.event().create_group("get").unwrap();
    let pads = Array2::<i16>::zeros((2, GET_COLUMNS));
    let strips = Array2::<i16>::ones((1, GET_COLUMNS));
    for (name, data) in [("pads", &pads), ("si_upstream_back", &strips)] {
        get.new_dataset_builder().with_data(data).create(name).unwrap();
    }
    get.new_dataset_builder().with_data(&strips).create("silicon_downstream_front").unwrap();
    let (_dir, run) = sample.open();
    let get = run.unwrap().event(0).unwrap().get.unwrap();
    assert_eq!(get.silicon, [None, Some(strips.clone()), Some(strips), None]);
}

#[test]
fn a_truncated_file_says_how_much_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.h5");
    let whole = std::fs::read(shipped("merger1")).unwrap();
    for length in [20, 100, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = RawRun::open(&path).err().expect("the file is refused").to_string();
        assert!(error.starts_with("truncated file, expected "), "{error}");
        assert!(error.contains(&format!("found {length}: ")), "{error}");
    }
}

#[test]
fn other_files_are_not_taken_for_hdf5() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    std::fs::write(&path, "shift notes").unwrap();
    let error = RawRun::open(&path).err().expect("the file is refused").to_string();
    let expected = "not an HDF5 file, its signature is missing: ";
    assert_eq!(error, format!("{expected}`{}`", path.display()));
    let error = RawRun::open(&dir.path().join("none.h5")).err().expect("there is no file");
    assert!(error.to_string().starts_with("cannot open `"));
}

#[test]
fn a_damaged_chunk_names_its_object() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.h5");
    let mut bytes = std::fs::read(shipped("merger1")).unwrap();
    let file = hdf5::File::open(shipped("merger1")).unwrap();
    let chunk = file.dataset("events/event_0/get_traces").unwrap().chunk_info(0).unwrap();
    let at = chunk.addr as usize;
    bytes[at..at + 8].fill(0);
    std::fs::write(&path, bytes).unwrap();
    let error = RawRun::open(&path).unwrap().event(0).unwrap_err().to_string();
    assert!(error.starts_with("`events/event_0/get_traces` is damaged, a chunk of "), "{error}");
}
