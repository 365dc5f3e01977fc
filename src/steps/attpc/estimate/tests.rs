//! The step against what Spyral 1.1.2 made of the same clusters, against the simulation's truth,
//! and against itself.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::data::cloud_reader::StoredPulse;
use crate::data::cluster_reader::{ClusterFile, NO_PULSE, StoredCluster, StoredEvent};
use crate::data::cluster_writer::ClusterWriter;
use crate::data::parquet::{Table, read_table};
use crate::kernels::attpc::estimate::Rejection;
use crate::model::step::{Progress, StepSpec};
use crate::model::value::Value;
use crate::steps::attpc::compare::{ClusterPairs, Differences, Measure, RowPairs};
use crate::steps::{StepError, StepSummary};

const RUNS: [&str; 3] = ["run_0101", "run_0102", "run_0104"];

fn reference(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/attpc").join(path)
}

fn clusters_of(run: &str) -> PathBuf {
    reference(&format!("reference/Cluster/{run}.h5"))
}

/// A step with its outputs in a directory of its own.
struct Trial {
    dir: TempDir,
    spec: StepSpec,
}

impl Trial {
    fn new(clusters: &[&Path]) -> Trial {
        let dir = tempfile::tempdir().unwrap();
        let out = |name: &str| dir.path().join(name).display().to_string();
        let inputs = clusters.iter().map(|path| ("cluster".to_owned(), path.display().to_string()));
        let outputs = [("estimate", "e.parquet"), ("rejected", "r.parquet")];
        let spec = StepSpec {
            kernel: "attpc.estimate".to_owned(),
            params: Value::Map(BTreeMap::new()),
            item: BTreeMap::new(),
            inputs: inputs.collect(),
            outputs: outputs.map(|(role, name)| (role.to_owned(), out(name))).to_vec(),
            cores: 1,
            progress: None,
        };
        Trial { dir, spec }
    }

    /// A trial of events that are written to a file first.
    fn of_events(events: &[StoredEvent]) -> Trial {
        let mut trial = Trial::new(&[]);
        let path = trial.file("cluster.h5");
        write_clusters(&path, events);
        trial.spec.inputs.push(("cluster".to_owned(), path.display().to_string()));
        trial
    }

    fn set(mut self, name: &str, value: Value) -> Trial {
        let Value::Map(params) = &mut self.spec.params else { unreachable!() };
        let mut group = params;
        if let Some((name, _)) = name.split_once('.') {
            let inner = group.entry(name.to_owned()).or_insert(Value::Map(BTreeMap::new()));
            let Value::Map(inner) = inner else { unreachable!() };
            group = inner;
        }
        let name = name.rsplit('.').next().unwrap();
        group.insert(name.to_owned(), value);
        self
    }

    fn compatible(self) -> Trial {
        self.set("compat", Value::Text("spyral-1.1".to_owned()))
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

    /// Runs and gives the bytes of both tables.
    fn bytes(&self) -> [Vec<u8>; 2] {
        self.run().unwrap();
        ["e.parquet", "r.parquet"].map(|name| std::fs::read(self.file(name)).unwrap())
    }

    /// Runs and gives both tables.
    fn tables(&self) -> [Table; 2] {
        self.run().unwrap();
        ["e.parquet", "r.parquet"].map(|name| read_table(&self.file(name)).unwrap())
    }

    /// Runs and gives the error with this trial's directory as `DIR`.
    fn refusal(&self) -> String {
        let error = self.run().expect_err("the step is refused").to_string();
        error.replace(&self.dir.path().display().to_string(), "DIR")
    }
}

fn write_clusters(path: &Path, events: &[StoredEvent]) {
    let first = events.first().map_or(0, |event| event.event);
    let last = events.last().map_or(0, |event| event.event);
    let writer = ClusterWriter::create(path, (first, last)).unwrap();
    events.iter().for_each(|event| writer.add(event).unwrap());
    writer.finish().unwrap();
}

fn read_clusters(path: &Path) -> Vec<StoredEvent> {
    let file = ClusterFile::open(path).unwrap();
    file.events().iter().map(|&event| file.read(event).unwrap()).collect()
}

/// An event whose clusters hold these rows and go forward.
fn event(number: i64, clusters: &[Vec<[f64; 5]>]) -> StoredEvent {
    let cluster = |(index, rows): (i64, &Vec<[f64; 5]>)| StoredCluster {
        index,
        label: index + 10,
        direction: 0,
        rows: rows.clone(),
    };
    StoredEvent {
        event: number,
        orig_run: 7,
        orig_event: number + 1000,
        ion_chamber: NO_PULSE,
        clusters: (0..).zip(clusters).map(cluster).collect(),
    }
}

/// A helix from (0, 0, 100) with a radius of 90 mm.
fn helix() -> Vec<[f64; 5]> {
    let point = |at: i32| {
        let turn = f64::from(at) / 45.0;
        [90.0 * turn.sin(), 90.0 - 90.0 * turn.cos(), 100.0 + f64::from(at), 50.0, 1.0]
    };
    (1..100).map(point).collect()
}

fn column_names(table: &Table) -> Vec<&str> {
    table.columns().iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn compatible_estimates_are_those_of_spyral() {
    use Measure::{Absolute, Angle, Relative};
    let integers =
        ["event", "cluster_index", "cluster_label", "orig_run", "orig_event", "direction"];
    let copied = ["ic_amplitude", "ic_centroid", "ic_integral", "ic_multiplicity"];
    // Column, how it is compared, what 97 % of the rows and what all of them keep to.
    let close = [
        ("dEdx", Relative, 1e-6, 1e-4),
        ("sqrt_dEdx", Relative, 1e-6, 1e-4),
        ("dE", Relative, 1e-6, 1e-4),
        ("arclength", Relative, 1e-6, 1e-4),
        ("center_x", Relative, 1e-6, 1e-4),
        ("center_y", Relative, 1e-6, 1e-4),
        ("brho", Relative, 1e-5, 1e-4),
        ("polar", Angle, 1e-5, 1e-4),
        ("azimuthal", Angle, 1e-4, 1e-4),
        ("vertex_x", Absolute, 0.02, 0.02),
        ("vertex_y", Absolute, 0.02, 0.02),
        ("vertex_z", Absolute, 0.02, 0.02),
        ("center_z", Absolute, 0.02, 0.02),
    ];
    let mut all: Vec<Vec<Differences>> = vec![Vec::new(); close.len()];
    let (mut rows, mut compared) = (0, 0);
    for run in RUNS {
        let [found, _] = Trial::new(&[&clusters_of(run)]).compatible().tables();
        let expected = read_table(&reference(&format!("reference/Estimation/{run}.parquet")));
        let expected = expected.unwrap();
        assert_eq!(column_names(&found), column_names(&expected));
        for name in integers {
            assert_eq!(found.integers(name).unwrap(), expected.integers(name).unwrap(), "{name}");
        }
        for name in copied {
            assert_eq!(found.floats(name).unwrap(), expected.floats(name).unwrap(), "{name}");
        }
        rows += found.rows();
        let pairs = ClusterPairs::of_files(&clusters_of(run), &clusters_of(run));
        assert_eq!(pairs.count(0.999), pairs.reference);
        let pairs = RowPairs::of_tables(&pairs, &expected, &found);
        assert_eq!((pairs.without_cluster, pairs.missing), (0, 0));
        // Rows that hardly move along z or hardly bend are ill conditioned.
        let pairs = pairs.keep(["vertex_z", "brho", "polar"], |[z, brho, polar]| {
            z.abs() <= 2000.0 && brho * polar.sin().abs() / 2.85 <= 5.0
        });
        compared += pairs.count();
        for (all, (name, measure, ..)) in all.iter_mut().zip(close) {
            all.push(pairs.differences(name, measure));
        }
    }
    assert_eq!((rows, compared), (146, 145));
    for (all, (_, _, most, worst)) in all.into_iter().zip(close) {
        let all = Differences::joined(all);
        all.assert(0.97, most);
        all.assert(1.0, worst);
    }
}

/// Clusters the reference's clouds as the reference did.
fn cluster(run: &str, output: &Path) {
    let params = serde_json::json!({
        "compat": "spyral-1.1",
        "hdbscan_parameters": { "min_size_scale_factor": 0.03 },
        "continuity_join": { "join_radius_fraction": 0.4, "join_z_fraction": 0.2 },
        "outlier_scale_factor": 0.1,
    });
    let clouds = reference(&format!("reference/Pointcloud/{run}.h5"));
    let spec = StepSpec {
        kernel: "attpc.cluster".to_owned(),
        params: Value::from_json(&params).unwrap(),
        inputs: vec![("cloud".to_owned(), clouds.display().to_string())],
        outputs: vec![("cluster".to_owned(), output.display().to_string())],
        ..Trial::new(&[]).spec
    };
    crate::steps::run(&spec, &|_| ()).unwrap();
}

#[test]
fn estimates_of_our_own_clusters_are_those_of_spyral() {
    let dir = tempfile::tempdir().unwrap();
    let (mut rows, mut missing) = (0, 0);
    let [mut brho, mut polar] = [Vec::new(), Vec::new()];
    for run in RUNS {
        let clusters = dir.path().join(run);
        cluster(run, &clusters);
        let [found, _] = Trial::new(&[&clusters]).compatible().tables();
        let expected = reference(&format!("reference/Estimation/{run}.parquet"));
        let expected = read_table(&expected).unwrap();
        let pairs = ClusterPairs::of_files(&clusters_of(run), &clusters);
        let pairs = RowPairs::of_tables(&pairs, &expected, &found);
        rows += found.rows();
        missing += pairs.missing + pairs.without_cluster;
        brho.push(pairs.differences("brho", Measure::Relative));
        polar.push(pairs.differences("polar", Measure::Angle));
    }
    assert!((144..=148).contains(&rows) && missing <= 3, "{rows} rows, {missing} missing");
    let [brho, polar] = [brho, polar].map(Differences::joined);
    brho.assert(0.5, 1e-4);
    brho.assert(0.9, 3e-2);
    polar.assert(0.5, 1e-4);
    polar.assert(0.9, 2e-3);
}

/// Deviations of estimates from the simulation: polar (degrees) and vertex z (mm).
struct Deviations {
    rows: usize,
    polar: Vec<f64>,
    z: Vec<f64>,
}

fn deviations_from_truth(mass: f64, trials: impl Fn(&Path) -> Trial) -> Deviations {
    let truth = read_table(&reference("truth.parquet")).unwrap();
    let number = |name: &str| truth.floats(name).unwrap();
    let names = ["run", "event", "particle", "A", "polar", "vertex_z", "brho"];
    let [runs, events, particles, masses, polars, vertices, brhos] = names.map(number);
    let mut result = Deviations { rows: 0, polar: Vec::new(), z: Vec::new() };
    for run in RUNS {
        let [found, _] = trials(&clusters_of(run)).tables();
        result.rows += found.rows();
        let [run, event] = ["orig_run", "orig_event"].map(|name| found.floats(name).unwrap());
        let [polar, z, brho] =
            ["polar", "vertex_z", "brho"].map(|name| found.floats(name).unwrap());
        for row in 0..found.rows() {
            let is_particle = |at: &usize| {
                runs[*at] == run[row]
                    && events[*at] == event[row]
                    && particles[*at] == 2.0
                    && masses[*at] == mass
                    && (brho[row] / brhos[*at] - 1.0).abs() < 0.3
            };
            if let Some(at) = (0..truth.rows()).find(is_particle) {
                result.polar.push((polar[row] - polars[at]).to_degrees());
                result.z.push(z[row] - vertices[at] * 1000.0);
            }
        }
    }
    result
}

/// Median and half of the interval that holds 68 %.
fn median_and_spread(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |part: f64| values[(part * (values.len() - 1) as f64).round() as usize];
    (at(0.5), (at(0.84) - at(0.16)) / 2.0)
}

#[test]
fn exact_estimates_are_nearer_to_the_truth_and_as_many() {
    for (mass, bias_degrees, bias_mm) in [(2.0, 0.15, 0.5), (1.0, 0.3, 0.5)] {
        let exact = deviations_from_truth(mass, |path| Trial::new(&[path]));
        let peer = deviations_from_truth(mass, |path| Trial::new(&[path]).compatible());
        assert!(exact.rows >= peer.rows && exact.polar.len() >= peer.polar.len());
        let [polar, z] = [exact.polar, exact.z].map(median_and_spread);
        let [peer_polar, peer_z] = [peer.polar, peer.z].map(median_and_spread);
        assert!(polar.0.abs() < bias_degrees && z.0.abs() < bias_mm, "{mass}: {polar:?} {z:?}");
        assert!(polar.0.abs() < 0.5 * peer_polar.0.abs(), "{mass}: {polar:?} {peer_polar:?}");
        assert!(z.0.abs() < peer_z.0.abs(), "{mass}: {z:?} {peer_z:?}");
        // A hundred tracks know a spread to seven percent.
        assert!(polar.1 < peer_polar.1 && z.1 < 1.2 * peer_z.1, "{mass}: {polar:?} {z:?}");
    }
}

#[test]
fn every_cluster_is_in_one_of_the_tables() {
    let [accepted, rejected] = Trial::new(&[&clusters_of("run_0101")]).tables();
    let names = |table: &Table| -> Vec<(i64, i64)> {
        let [events, indices] = ["event", "cluster_index"].map(|n| table.integers(n).unwrap());
        events.iter().copied().zip(indices.iter().copied()).collect()
    };
    let mut found = [names(&accepted), names(&rejected)].concat();
    found.sort_unstable();
    let events = read_clusters(&clusters_of("run_0101"));
    let clusters = |event: &StoredEvent| {
        let number = event.event;
        event.clusters.iter().map(move |cluster| (number, cluster.index)).collect::<Vec<_>>()
    };
    assert_eq!(found, events.iter().flat_map(clusters).collect::<Vec<_>>());
    let expected = ["event", "cluster_index", "cluster_label", "orig_run", "orig_event"];
    assert_eq!(column_names(&rejected)[..5], expected);
    assert_eq!(column_names(&rejected)[5..], ["direction", "points", "reason"]);
    let reasons = rejected.integers("reason").unwrap();
    assert!(reasons.iter().all(|code| Rejection::from_code(*code).is_some()));
    let few = reasons.iter().filter(|code| **code == Rejection::TooFewPoints.code()).count();
    let points = rejected.integers("points").unwrap();
    assert_eq!(few, points.iter().filter(|points| **points < 30).count());
}

#[test]
fn bytes_are_the_same_for_any_threads_and_any_chunks_in_any_order() {
    let whole = clusters_of("run_0101");
    let expected = Trial::new(&[&whole]).bytes();
    assert_eq!(Trial::new(&[&whole]).cores(3).bytes(), expected);
    let dir = tempfile::tempdir().unwrap();
    let parts = ["a.h5", "b.h5", "c.h5"].map(|name| dir.path().join(name));
    let events = read_clusters(&whole);
    for (path, events) in parts.iter().zip([&events[..1], &events[1..50], &events[50..]]) {
        write_clusters(path, events);
    }
    let [a, b, c] = &parts;
    for order in [[a, b, c], [c, a, b]] {
        let trial = Trial::new(&order.map(PathBuf::as_path)).cores(2);
        assert_eq!(trial.bytes(), expected);
    }
}

#[test]
fn an_event_in_two_parts_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b] = ["a.h5", "b.h5"].map(|name| dir.path().join(name));
    write_clusters(&a, &[event(3, &[]), event(4, &[])]);
    write_clusters(&b, &[event(4, &[]), event(5, &[])]);
    let error = Trial::new(&[&a, &b]).refusal().replace(&dir.path().display().to_string(), "DIR");
    assert_eq!(error, "event `4` is in two parts of the run: `DIR/a.h5` and `DIR/b.h5`");
}

#[test]
fn what_a_cluster_says_of_itself_is_copied() {
    let mut first = event(3, &[helix()]);
    first.ion_chamber =
        StoredPulse { amplitude: 900.5, integral: 30_000.0, centroid: 1200.0, multiplicity: 1.0 };
    let [table, _] = Trial::of_events(&[first, event(9, &[vec![], helix()])]).tables();
    let row = |at: usize| table.columns().iter().map(move |(_, column)| column.pick(&[at]));
    assert_eq!(table.rows(), 2);
    assert_eq!(&*table.integers("event").unwrap(), [3, 9]);
    assert_eq!(&*table.integers("cluster_index").unwrap(), [0, 1]);
    assert_eq!(&*table.integers("cluster_label").unwrap(), [10, 11]);
    assert_eq!(&*table.integers("orig_event").unwrap(), [1003, 1009]);
    assert_eq!(&*table.floats("ic_amplitude").unwrap(), [900.5, -1.0]);
    assert_eq!(&*table.floats("ic_centroid").unwrap(), [1200.0, -1.0]);
    assert_eq!(&*table.floats("ic_integral").unwrap(), [30_000.0, -1.0]);
    assert_eq!(&*table.floats("ic_multiplicity").unwrap(), [1.0, -1.0]);
    assert!(row(0).skip(9).eq(row(1).skip(9)), "the same points give the same estimate");
}

#[test]
fn parameters_reach_the_kernel() {
    let brho = |trial: Trial| trial.tables()[0].floats("brho").unwrap().first().copied();
    let trial = || Trial::of_events(&[event(0, &[helix()])]);
    let once = brho(trial()).unwrap();
    let field = Value::Float(5.7);
    let twice = brho(trial().set("detector.magnetic_field", field)).unwrap();
    assert!((twice / once - 2.0).abs() < 1e-12);
    let points = Value::Int(100);
    assert_eq!(brho(trial().set("estimate.min_total_trajectory_points", points)), None);
    let smoothing = Value::Float(1e9);
    assert_ne!(brho(trial().set("estimate.smoothing_factor", smoothing)), Some(once));
    let [narrow, wide] = [50.0, 152.0].map(|radius| {
        let trial = trial().set("detector.small_pad_radius", Value::Float(radius));
        trial.tables()[0].floats("dE").unwrap()[0]
    });
    assert!(narrow < wide);
    let radius = Value::Float(0.0);
    assert_eq!(brho(trial().set("detector.beam_region_radius", radius)), None);
}

#[test]
fn parameters_out_of_range_are_refused() {
    let trial = || Trial::of_events(&[event(0, &[helix()])]);
    for (name, value) in [
        ("detector.magnetic_field", Value::Float(0.0)),
        ("detector.beam_region_radius", Value::Float(-1.0)),
        ("estimate.min_total_trajectory_points", Value::Int(0)),
        ("estimate.smoothing_factor", Value::Float(0.0)),
    ] {
        let error = trial().set(name, value).refusal();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn no_event_gives_empty_tables_with_their_columns_and_a_warning() {
    for events in [vec![], vec![event(0, &[]), event(1, &[])]] {
        let trial = Trial::of_events(&events);
        let [accepted, rejected] = trial.tables();
        assert_eq!((accepted.rows(), accepted.columns().len()), (0, 23));
        assert_eq!((rejected.rows(), rejected.columns().len()), (0, 8));
        let words = if events.is_empty() { "0 events" } else { "2 events" };
        let expected = format!("no cluster in {words}, so the table has no rows");
        assert_eq!(trial.run().unwrap().warnings, [expected]);
    }
}

#[test]
fn when_everything_is_rejected_the_table_is_empty_and_the_reasons_are_told() {
    let mut repeated = helix();
    repeated[7][2] = repeated[6][2];
    let undefined = vec![[f64::NAN; 5]; 40];
    let straight = (0..40).map(|i| [0.0, f64::from(i), f64::from(i), 5.0, 1.0]).collect();
    let clusters = [repeated, undefined, straight, helix()[..10].to_vec()];
    let mut undirected = event(5, &[helix()]);
    undirected.clusters[0].direction = -1;
    let trial = Trial::of_events(&[event(4, &clusters), undirected]);
    let [accepted, rejected] = trial.tables();
    assert_eq!((accepted.rows(), accepted.columns().len()), (0, 23));
    assert_eq!(&*rejected.integers("reason").unwrap(), [2, 2, 4, 1, 3]);
    assert_eq!(&*rejected.integers("points").unwrap(), [99, 40, 40, 10, 99]);
    assert_eq!(&*rejected.integers("direction").unwrap(), [0, 0, 0, 0, -1]);
    let expected = [
        "every cluster was rejected, so the table has no rows",
        "5 of 5 clusters rejected: 1 with too few points, 2 whose z repeats or is undefined, 1 \
         without a direction, 1 whose first arc is no circle",
    ];
    assert_eq!(trial.run().unwrap().warnings, expected);
}

#[test]
fn a_direction_that_is_none_is_refused() {
    let mut wrong = event(5, &[helix(), helix()]);
    wrong.clusters[1].direction = 7;
    let error = Trial::of_events(&[wrong]).refusal();
    let expected = "`cluster/event_5/cluster_1@direction` holds 7, expected 0, 1 or -1: \
                    `DIR/cluster.h5`";
    assert_eq!(error, expected);
}

#[test]
fn a_file_without_clusters_is_named() {
    let clouds = reference("reference/Pointcloud/run_0104.h5");
    let error = Trial::new(&[&clouds]).refusal();
    assert!(error.starts_with("missing `cluster`, expected a group of clusters: `"), "{error}");
    let absent = Trial::new(&[Path::new("absent.h5")]).refusal();
    assert_eq!(absent, "cannot open `absent.h5`");
}

#[test]
fn progress_counts_what_matters() {
    let trial = Trial::new(&[&clusters_of("run_0102")]);
    let reports: RefCell<Vec<Progress>> = RefCell::default();
    crate::steps::run(&trial.spec, &|progress| reports.borrow_mut().push(progress)).unwrap();
    let reports = reports.into_inner();
    assert_eq!((reports[0].done, reports[0].total, reports[0].unit.as_str()), (0, 43, "events"));
    let last = reports.last().unwrap();
    assert_eq!((last.done, last.total), (43, 43));
    let count = |name: &str| last.counts.get(name).copied().unwrap_or(0.0);
    let reasons: f64 = Rejection::ALL.iter().map(|reason| count(reason.name())).sum();
    assert_eq!((count("clusters"), count("accepted"), reasons), (72.0, 43.0, 29.0));
}
