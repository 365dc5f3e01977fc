//! The step against what Spyral 1.1.2 made of the same run, and against itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use tempfile::TempDir;

use crate::kernels::attpc::pointcloud::{Baseline, PeakFinder, PeakParams};
use crate::kernels::gpu::GpuError;
use crate::model::step::{DeviceChoice, StepSpec};
use crate::model::value::Value;
use crate::steps::{StepError, StepSummary};

/// Largest difference in time that the smear may make, in TB (specification of the comparison).
const TIME_TOLERANCE_TB: f64 = 0.001;
/// The same in mm of the reference's 2.22 mm per TB.
const Z_TOLERANCE_MM: f64 = 0.0023;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn run_104() -> PathBuf {
    here("examples/01-attpc/raw/run_0104.h5")
}

fn layout(name: &str) -> PathBuf {
    here("tests/data/attpc/layouts").join(name).join("run_0101.h5")
}

/// A step with the reference's parameters and its outputs in a directory of its own.
struct Trial {
    dir: TempDir,
    spec: StepSpec,
}

impl Trial {
    fn new(raw: &Path) -> Trial {
        let dir = tempfile::tempdir().unwrap();
        let out = |name: &str| dir.path().join(name).display().to_string();
        let outputs = [("cloud", "cloud.h5"), ("scaler", "s.parquet"), ("gated_ic", "ic.txt")];
        let spec = StepSpec {
            kernel: "attpc.pointcloud".to_owned(),
            params: Value::Map(BTreeMap::new()),
            item: BTreeMap::new(),
            inputs: vec![("raw".to_owned(), raw.display().to_string())],
            outputs: outputs.map(|(role, name)| (role.to_owned(), out(name))).to_vec(),
            cores: 1,
            progress: None,
        };
        let mut trial = Trial { dir, spec };
        for (name, file) in [
            ("pad_geometry_path", "padxy.csv"),
            ("pad_time_path", "pad_time_correction.csv"),
            ("pad_scale_path", "pad_scale.csv"),
            ("beam_pads_path", "beam_pads.csv"),
        ] {
            let path = here("examples/01-attpc/detector").join(file);
            trial = trial.set("pad", name, Value::Text(path.display().to_string()));
        }
        trial.set("detector", "micromegas_time_bucket", Value::Float(27.29)).set(
            "detector",
            "window_time_bucket",
            Value::Float(477.29),
        )
    }

    /// Sets a parameter; an empty group is the top level.
    fn set(mut self, group: &str, name: &str, value: Value) -> Trial {
        let Value::Map(params) = &mut self.spec.params else { unreachable!() };
        if group.is_empty() {
            params.insert(name.to_owned(), value);
        } else {
            let group =
                params.entry(group.to_owned()).or_insert_with(|| Value::Map(BTreeMap::new()));
            let Value::Map(group) = group else { unreachable!() };
            group.insert(name.to_owned(), value);
        }
        self
    }

    fn text(self, name: &str, text: &str) -> Trial {
        self.set("", name, Value::Text(text.to_owned()))
    }

    fn cores(mut self, cores: u32) -> Trial {
        self.spec.cores = cores;
        self
    }

    fn run(&self) -> Result<StepSummary, StepError> {
        crate::steps::run(&self.spec, &|_| ())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap()
    }

    /// Runs and reads the clouds back.
    fn clouds(&self) -> BTreeMap<u64, StoredCloud> {
        self.run().unwrap();
        read_clouds(&self.file("cloud.h5"))
    }

    /// Runs and gives the error with this trial's directory as `DIR`.
    fn refusal(&self) -> String {
        let error = self.run().expect_err("the step is refused").to_string();
        error.replace(&self.dir.path().display().to_string(), "DIR")
    }
}

#[derive(Clone, Debug, PartialEq)]
struct StoredCloud {
    points: Array2<f64>,
    attributes: BTreeMap<String, f64>,
}

fn read_clouds(path: &Path) -> BTreeMap<u64, StoredCloud> {
    let file = hdf5::File::open(path).unwrap();
    let group = file.group("cloud").unwrap();
    let names = group.member_names().unwrap();
    names
        .into_iter()
        .map(|name| {
            let cloud = group.dataset(&name).unwrap();
            let attributes = cloud.attr_names().unwrap().into_iter().map(|name| {
                let value = cloud.attr(&name).unwrap().read_scalar::<f64>().unwrap();
                (name, value)
            });
            let attributes = attributes.collect();
            let points = cloud.read_2d().unwrap();
            (name["cloud_".len()..].parse().unwrap(), StoredCloud { points, attributes })
        })
        .collect()
}

/// Points of one cloud that have no partner in the other, within the tolerances; points are
/// partners when they are of the same pad and sample.
fn strangers(reference: &Array2<f64>, found: &Array2<f64>) -> usize {
    let mut left: Vec<_> = found.rows().into_iter().collect();
    let mut missing = 0;
    for point in reference.rows() {
        let partner = left.iter().position(|other| {
            [0, 1, 3, 4, 5, 7].iter().all(|&column| (point[column] - other[column]).abs() < 1e-9)
                && (point[6] - other[6]).abs() < TIME_TOLERANCE_TB
                && (point[2] - other[2]).abs() < Z_TOLERANCE_MM
        });
        match partner {
            Some(at) => drop(left.swap_remove(at)),
            None => missing += 1,
        }
    }
    missing + left.len()
}

#[test]
fn compatible_clouds_are_those_of_spyral() {
    let trial = Trial::new(&run_104()).text("compat", "spyral-1.1");
    let found = trial.clouds();
    let reference = read_clouds(&here("tests/data/attpc/reference/Pointcloud/run_0104.h5"));
    assert_eq!(found.keys().collect::<Vec<_>>(), reference.keys().collect::<Vec<_>>());
    let mut points = 0;
    let mut unmatched = 0;
    for (event, reference) in &reference {
        assert_eq!(found[event].attributes, reference.attributes, "event {event}");
        points += reference.points.nrows();
        unmatched += strangers(&reference.points, &found[event].points);
    }
    assert!(points > 4000, "{points} points were compared");
    assert!(unmatched * 10_000 <= points, "{unmatched} of {points} points differ");
    let gated = here("tests/data/attpc/reference/Pointcloud/run_0104_gated_ic_scaler.txt");
    let gated = std::fs::read_to_string(gated).unwrap();
    assert_eq!(String::from_utf8(trial.bytes("ic.txt")).unwrap().trim(), gated.trim());
    let reference = here("tests/data/attpc/reference/Pointcloud/run_0104_scaler.csv");
    let reference = std::fs::read_to_string(reference).unwrap();
    let (names, values) = reference.trim().split_once('\n').unwrap();
    let columns = names.split(',').zip(values.split(','));
    let columns: Vec<String> = columns.map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(scaler_rows(&trial.file("s.parquet")), [format!("{{{}}}", columns.join(", "))]);
}

fn scaler_rows(path: &Path) -> Vec<String> {
    use parquet::file::reader::SerializedFileReader;
    let file = std::fs::File::open(path).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    parquet::file::reader::FileReader::get_row_iter(&reader, None)
        .unwrap()
        .map(|row| row.unwrap().to_string())
        .collect()
}

#[test]
fn exact_clouds_have_the_last_event_and_all_scaler_records() {
    let exact = Trial::new(&run_104());
    let compatible = Trial::new(&run_104()).text("compat", "spyral-1.1");
    let (with_last, without) = (exact.clouds(), compatible.clouds());
    assert!(with_last.contains_key(&21) && !without.contains_key(&21));
    for (event, cloud) in &without {
        assert_eq!(&with_last[event], cloud);
    }
    assert_eq!(scaler_rows(&exact.file("s.parquet")).len(), 2);
}

#[test]
fn every_layout_gives_the_same_clouds() {
    let reference = Trial::new(&layout("merger1")).clouds();
    assert_eq!(reference.keys().copied().collect::<Vec<_>>(), [0, 1, 3]);
    for name in ["merger2", "legacy"] {
        assert_eq!(Trial::new(&layout(name)).clouds(), reference, "layout {name}");
    }
    let harmonized = Trial::new(&layout("harmonized")).clouds();
    for (event, orig_event) in [(0, 0), (1, 1), (2, 3)] {
        assert_eq!(harmonized[&event], reference[&orig_event]);
    }
}

#[test]
fn bytes_do_not_depend_on_the_number_of_threads() {
    let one = Trial::new(&run_104());
    one.run().unwrap();
    for cores in [2, 5] {
        let many = Trial::new(&run_104()).cores(cores);
        many.run().unwrap();
        for name in ["cloud.h5", "s.parquet", "ic.txt"] {
            assert!(one.bytes(name) == many.bytes(name), "{name} differs with {cores} threads");
        }
    }
}

#[test]
fn any_split_of_the_run_gives_the_same_clouds() {
    let whole = Trial::new(&run_104()).clouds();
    for split in [["0-0", "1-6", "7-21"], ["0-10", "11-12", "13-999"]] {
        let mut joined = BTreeMap::new();
        for part in split {
            joined.extend(Trial::new(&run_104()).text("events", part).clouds());
        }
        assert_eq!(joined, whole);
    }
}

#[test]
fn the_smear_is_the_only_thing_that_the_seed_changes() {
    let one = Trial::new(&layout("merger1")).clouds();
    let other = Trial::new(&layout("merger1")).set("", "seed", Value::Int(7)).clouds();
    assert_ne!(one, other);
    for (event, cloud) in &one {
        assert_eq!(strangers(&cloud.points, &other[event].points), 0);
    }
}

#[test]
fn progress_ends_with_everything_counted() {
    let trial = Trial::new(&run_104());
    let reports = std::cell::RefCell::new(Vec::new());
    crate::steps::run(&trial.spec, &|progress| reports.borrow_mut().push(progress)).unwrap();
    let last = reports.borrow().last().cloned().unwrap();
    assert_eq!((last.done, last.total, last.unit.as_str()), (22, 22, "events"));
    assert!(last.counts["points"] >= last.counts["hits"] && last.counts["hits"] > 4000.0);
}

#[test]
fn partial_trouble_is_counted_and_told() {
    let summary = Trial::new(&layout("merger1")).run().unwrap();
    assert_eq!(summary.warnings, ["1 event missing in the file, the first is `2`"]);
    let summary = Trial::new(&layout("merger1")).text("events", "7-9").run().unwrap();
    assert_eq!(summary.warnings, ["the run has no events in the range that was asked for"]);
}

/// Writes a merger 1.0 run of events 0 to `last`, of which only some are there, each with a trace.
fn sparse_run(path: &Path, last: u64, there: &[u64]) {
    let file = hdf5::File::create(path).unwrap();
    let events = file.create_group("events").unwrap();
    let version: hdf5::types::VarLenUnicode = "libattpc_merger:1.0".parse().unwrap();
    events.new_attr_builder().with_data(&ndarray::arr0(version)).create("version").unwrap();
    for (name, value) in [("min_event", 0u64), ("max_event", last)] {
        events.new_attr::<u64>().create(name).unwrap().write_scalar(&value).unwrap();
    }
    for event in there {
        let group = events.create_group(&format!("event_{event}")).unwrap();
        let pads = Array2::<i16>::zeros((1, 517));
        group.new_dataset_builder().with_data(&pads).create("get_traces").unwrap();
    }
}

#[test]
fn any_number_of_missing_events_hides_none_of_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("run_0001.h5");
    for gap in [0, 1, 511, 512, 513, 1024, 1500] {
        for there in [vec![gap, gap + 1], vec![0, gap + 1], vec![0]] {
            sparse_run(&raw, gap + 1, &there);
            let trial = Trial::new(&raw);
            let warnings = trial.run().unwrap().warnings;
            let found: Vec<u64> = read_clouds(&trial.file("cloud.h5")).keys().copied().collect();
            let mut wanted = there.clone();
            wanted.dedup();
            assert_eq!(found, wanted, "gap {gap}");
            let missing = gap + 2 - wanted.len() as u64;
            let told = warnings.iter().any(|w| w.starts_with(&format!("{missing} event")));
            assert!(missing == 0 || told, "gap {gap}: {warnings:?}");
        }
    }
    sparse_run(&raw, 0, &[]);
    let warnings = Trial::new(&raw).run().unwrap().warnings;
    assert!(warnings.contains(&"1 event missing in the file, the first is `0`".to_owned()));
}

/// Writes a merger 1.0 run in which every event is odd.
fn odd_run(path: &Path) {
    let file = hdf5::File::create(path).unwrap();
    let events = file.create_group("events").unwrap();
    let version: hdf5::types::VarLenUnicode = "libattpc_merger:1.0".parse().unwrap();
    events.new_attr_builder().with_data(&ndarray::arr0(version)).create("version").unwrap();
    for (name, value) in [("min_event", 0u64), ("max_event", 3)] {
        events.new_attr::<u64>().create(name).unwrap().write_scalar(&value).unwrap();
    }
    // Event 0 has no trace, 1 only FRIBDAQ saw, 2 has an unknown trigger, 3 a downscale trigger.
    for (event, traces, word) in
        [(0, Some(0), None), (1, None, Some(1u16)), (2, Some(3), Some(9)), (3, Some(3), Some(2))]
    {
        let group = events.create_group(&format!("event_{event}")).unwrap();
        if let Some(traces) = traces {
            let pads = Array2::<i16>::zeros((traces, 517));
            group.new_dataset_builder().with_data(&pads).create("get_traces").unwrap();
        }
        if let Some(word) = word {
            let frib = group.create_group("frib_physics").unwrap();
            let pulse = |sample: usize| 300 + 900 * u16::from((1200..1220).contains(&sample));
            let samples = Array2::from_shape_fn((2048, 8), |(sample, _)| pulse(sample));
            frib.new_dataset_builder().with_data(&samples).create("1903").unwrap();
            frib.new_dataset_builder().with_data(&[word]).create("977").unwrap();
        }
    }
}

#[test]
fn odd_events_are_counted_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("odd.h5");
    odd_run(&raw);
    let mut trial = Trial::new(&raw);
    trial.spec.item.insert("run".to_owned(), Value::Text("0042".to_owned()));
    assert_eq!(
        trial.run().unwrap().warnings,
        [
            "1 downscale event without a cloud, as meant",
            "1 event without GET data, so without a cloud",
            "1 event without any trace, the cloud is empty",
            "1 event with an unknown trigger word, the first is `9` in `2`",
        ]
    );
    let clouds = trial.clouds();
    assert_eq!(clouds.keys().copied().collect::<Vec<_>>(), [0, 2]);
    assert_eq!(clouds[&0].points.dim(), (0, 8));
    assert_eq!(clouds[&0].attributes["ic_amplitude"], -1.0);
    assert_eq!(clouds[&2].attributes["ic_multiplicity"], 1.0);
    assert_eq!(clouds[&2].attributes["orig_run"], 42.0);
    let gated = String::from_utf8(trial.bytes("ic.txt")).unwrap();
    assert_eq!(gated, "IC counts with multiplicity <= 1\n1");
}

#[test]
fn parameters_that_do_not_fit_are_refused() {
    let trial = |name, text| Trial::new(&run_104()).text(name, text).refusal();
    assert_eq!(
        trial("events", "9-3"),
        "`events` is `9-3`, must be `all` or a range such as `0-999`"
    );
    assert_eq!(
        trial("compat", "spyral-2"),
        "`compat` is `spyral-2`, must be `exact` or `spyral-1.1`"
    );
    let same = Trial::new(&run_104()).set("detector", "window_time_bucket", Value::Float(27.29));
    assert_eq!(
        same.refusal(),
        "`window_time_bucket` is `27.29`, must be above `micromegas_time_bucket`, which is `27.29`"
    );
    let mut drift = Trial::new(&run_104());
    let table = here("examples/01-attpc/detector/padxy.csv").display().to_string();
    drift.spec.inputs.push(("drift".to_owned(), table));
    assert!(drift.refusal().starts_with("`NumPy header` holds no NumPy signature"));
}

#[test]
fn tables_that_do_not_fit_are_refused() {
    let trial = Trial::new(&run_104());
    let short = trial.file("short.csv");
    std::fs::write(&short, "scale\n1.0\n").unwrap();
    let place = Value::Text(short.display().to_string());
    let trial = trial.set("pad", "pad_scale_path", place);
    let geometry = here("examples/01-attpc/detector/padxy.csv").display().to_string();
    assert_eq!(
        trial.refusal(),
        format!("table has 1 rows, expected 10240 as in `{geometry}`: `DIR/short.csv`")
    );
    for bad in ["0", "-0.5"] {
        let text = format!("scale\n1.0\n{bad}\n{}", "1.0\n".repeat(10238));
        std::fs::write(&short, text).unwrap();
        assert_eq!(
            trial.refusal(),
            format!("line 3 of a table is `{bad}`, expected a scale above 0: `DIR/short.csv`")
        );
    }
    let trial = Trial::new(&run_104());
    let pads = trial.file("beam.csv");
    std::fs::write(&pads, "pad\n10240\n").unwrap();
    let trial = trial.set("pad", "beam_pads_path", Value::Text(pads.display().to_string()));
    assert_eq!(
        trial.refusal(),
        "line 2 of a table is `10240`, expected a pad, a whole number below 10240: `DIR/beam.csv`"
    );
}

#[test]
fn traces_of_unknown_pads_are_counted() {
    let trial = Trial::new(&layout("merger1"));
    let tables = [
        ("pad_geometry_path", "x,y\n0,0\n"),
        ("pad_time_path", "t\n0\n"),
        ("pad_scale_path", "s\n1\n"),
    ];
    let none = trial.file("none.csv");
    std::fs::write(&none, "pad\n").unwrap();
    let mut trial = trial.set("pad", "beam_pads_path", Value::Text(none.display().to_string()));
    for (name, text) in tables {
        let path = trial.file(name);
        std::fs::write(&path, text).unwrap();
        trial = trial.set("pad", name, Value::Text(path.display().to_string()));
    }
    let summary = trial.run().unwrap();
    let words = "378 traces of pads that the tables do not know";
    assert!(summary.warnings.iter().any(|warning| warning == words), "{:?}", summary.warnings);
    assert!(trial.clouds().values().all(|cloud| cloud.points.dim() == (0, 8)));
}

fn example_peaks() -> PeakParams {
    PeakParams {
        baseline_window_scale: 20.0,
        separation: 50.0,
        prominence: 20.0,
        width: [1.0, 50.0],
        relative_height: 0.95,
        threshold: 40.0,
    }
}

#[test]
fn baselines_and_peaks_of_example_traces_are_those_of_spyral() {
    let file = hdf5::File::open(here("tests/data/attpc/reference/trace_examples.h5")).unwrap();
    let raw: Array2<i16> = file.dataset("raw").unwrap().read().unwrap();
    let subtracted: Array2<i16> = file.dataset("subtracted").unwrap().read().unwrap();
    let peaks: Array2<f64> = file.dataset("peaks").unwrap().read().unwrap();
    let baseline = Baseline::new(512, 20.0);
    let mut scratch = baseline.scratch();
    let mut finder = PeakFinder::new(example_peaks());
    let mut compared = 0;
    for (at, row) in raw.rows().into_iter().enumerate() {
        let mut trace: Vec<i32> = row.iter().skip(5).map(|&sample| i32::from(sample)).collect();
        baseline.subtract(&mut trace, &mut scratch);
        let expected: Vec<i32> = subtracted.row(at).iter().map(|&s| i32::from(s)).collect();
        assert_eq!(trace, expected, "baseline of example {at}");
        let expected: Vec<_> = peaks
            .rows()
            .into_iter()
            .filter(|peak| peak[0] == at as f64 && peak[8] == 1.0)
            .collect();
        let found = finder.find(&trace);
        assert_eq!(found.len(), expected.len(), "peaks of example {at}");
        for (peak, expected) in found.iter().zip(&expected) {
            let whole = [peak.position as i64, peak.amplitude.into(), peak.prominence.into()];
            assert_eq!(whole.map(|value| value as f64), [expected[1], expected[2], expected[3]]);
            let real = [peak.width(), peak.ips[0], peak.ips[1], peak.integral as f64];
            for (column, value) in real.into_iter().enumerate() {
                assert!((value - expected[4 + column]).abs() < 1e-9, "example {at}");
            }
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared} peaks were compared");
}

fn garfield(name: &str) -> PathBuf {
    here("tests/data/attpc/garfield").join(name)
}

/// A trial with the drift correction, whose map is made beside its outputs.
fn with_drift(compat: &str) -> Trial {
    let mut trial = Trial::new(&run_104()).text("compat", compat).text("events", "1-4");
    let map = trial.file("drift.npy").display().to_string();
    let numbers = [("micromegas_time_bucket", 27.29), ("window_time_bucket", 477.29)];
    let detector = numbers.map(|(name, value)| (name.to_owned(), Value::Float(value)));
    let params = [
        ("compat".to_owned(), Value::Text(compat.to_owned())),
        ("detector".to_owned(), Value::Map(detector.into())),
    ];
    let text = garfield("synthetic_garfield.txt").display().to_string();
    let spec = StepSpec {
        kernel: "attpc.drift_map".to_owned(),
        params: Value::Map(params.into()),
        inputs: vec![("garfield".to_owned(), text)],
        outputs: vec![("drift".to_owned(), map.clone())],
        ..trial.spec.clone()
    };
    crate::steps::run(&spec, &|_| ()).unwrap();
    trial.spec.inputs.push(("drift".to_owned(), map));
    trial
}

#[test]
fn drift_corrected_clouds_are_those_of_spyral() {
    let found = with_drift("spyral-1.1").clouds();
    let reference = read_clouds(&garfield("run_0104.h5"));
    for (event, reference) in &reference {
        let found = &found[event];
        assert_eq!(found.points.nrows(), reference.points.nrows());
        let mut left: Vec<_> = found.points.rows().into_iter().collect();
        for point in reference.points.rows() {
            let partner = left.iter().position(|other| {
                [3, 4, 5, 7].iter().all(|&column| point[column] == other[column])
                    && (0..2).all(|column| (point[column] - other[column]).abs() < 1e-3)
                    && (point[2] - other[2]).abs() < Z_TOLERANCE_MM
                    && (point[6] - other[6]).abs() < TIME_TOLERANCE_TB
            });
            left.swap_remove(partner.unwrap_or_else(|| panic!("no partner of {point}")));
        }
    }
}

#[test]
fn the_exact_drift_correction_differs_from_the_compatible_one() {
    let (exact, compatible) = (with_drift("exact").clouds(), with_drift("spyral-1.1").clouds());
    assert_ne!(exact[&2].points, compatible[&2].points);
}

/// Named for the test of the GPU kernels that runs it again on an emulated driver.
#[test]
fn on_device_clouds_are_those_of_the_processor() {
    let trial = Trial::new(&run_104()).cores(2);
    if let Err(StepError::Gpu(error)) =
        crate::steps::run_on(DeviceChoice::Cuda, &trial.spec, &|_| ())
    {
        println!("NOT RUN, no device: {error}");
        return;
    }
    println!("on a device");
    let reference = Trial::new(&run_104());
    reference.run().unwrap();
    // Nothing is fused and every operation rounds as IEEE says, so that a device differs only
    // where the Fourier transform's rounding crosses a whole number, which no sample here does.
    for name in ["cloud.h5", "s.parquet", "ic.txt"] {
        assert!(trial.bytes(name) == reference.bytes(name), "{name} differs");
    }
}

#[test]
fn a_gpu_that_is_not_there_is_an_error_when_asked_for_and_else_the_processor() {
    let trial = Trial::new(&run_104());
    match crate::steps::run_on(DeviceChoice::Cuda, &trial.spec, &|_| ()) {
        Err(StepError::Gpu(error)) => {
            assert_eq!(error == GpuError::NotBuilt, !cfg!(feature = "cuda"));
            assert!(error.hint().starts_with("`--device cpu` works"), "{}", error.hint());
        }
        other => drop(other.unwrap()),
    }
    crate::steps::run_on(DeviceChoice::Auto, &trial.spec, &|_| ()).unwrap();
    let harmonize = StepSpec { kernel: "attpc.harmonize".to_owned(), ..trial.spec.clone() };
    let error = crate::steps::run_on(DeviceChoice::Cuda, &harmonize, &|_| ()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`attpc.harmonize` has no version for a GPU with these parameters"
    );
}
