//! The step against what Spyral 1.1.2 made of the same clusters, against the truth of the simulation,
//! and against itself.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::data::cluster_reader::ClusterFile;
use crate::data::cluster_writer::ClusterWriter;
use crate::data::parquet::{Column, Table, read_table, write_table};
use crate::model::step::StepSpec;
use crate::model::value::Value;
use crate::steps::attpc::compare::{centre_and_spread, deviations, quantile};
use crate::steps::{StepError, StepSummary};

const RUNS: [u32; 3] = [101, 102, 104];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/attpc").join(path)
}

fn reference(room: &str, name: &str) -> PathBuf {
    here("reference").join(room).join(name)
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn pairs(entries: &[(&str, &Path)]) -> Vec<(String, String)> {
    entries.iter().map(|(role, path)| ((*role).to_owned(), path.display().to_string())).collect()
}

/// The meshes of the reference, made by our own kernel once for all tests.
fn mesh(isotope: &str) -> [PathBuf; 2] {
    static MADE: OnceLock<TempDir> = OnceLock::new();
    let dir = MADE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        for name in ["1H", "2H"] {
            make_mesh(name, dir.path());
        }
        dir
    });
    ["npy", "json"].map(|ending| dir.path().join(format!("{isotope}.{ending}")))
}

fn make_mesh(isotope: &str, dir: &Path) {
    let (ke, polar, window) = match isotope {
        "1H" => ((1.0, 8.0, 24), (92.0, 150.0, 30), 3.807_834_801_254_943_6e-7),
        _ => ((0.5, 45.0, 40), (38.0, 89.0, 44), 1.779_083_339_594_197_6e-7),
    };
    let solver = map(&[
        ("interp_ke_min", Value::Float(ke.0)),
        ("interp_ke_max", Value::Float(ke.1)),
        ("interp_ke_bins", Value::Int(ke.2)),
        ("interp_polar_min", Value::Float(polar.0)),
        ("interp_polar_max", Value::Float(polar.1)),
        ("interp_polar_bins", Value::Int(polar.2)),
        ("n_time_steps", Value::Int(300)),
    ]);
    let table = here(&format!("tables/energy_loss_{isotope}_in_2H2_300.0Torr.csv"));
    let spec = StepSpec {
        kernel: "attpc.mesh".to_owned(),
        params: map(&[
            ("particle", text(isotope)),
            ("time_window", Value::Float(window)),
            ("solver", solver),
        ]),
        item: BTreeMap::new(),
        inputs: pairs(&[("gas", &here("config/gas_D2_300Torr.json")), ("stopping", &table)]),
        outputs: pairs(&[
            ("mesh", &dir.join(format!("{isotope}.npy"))),
            ("mesh_info", &dir.join(format!("{isotope}.json"))),
        ]),
        cores: 2,
        progress: None,
    };
    crate::steps::run(&spec, &|_| ()).unwrap();
}

/// A step with the reference's parameters and its outputs in a directory of its own.
struct Trial {
    dir: TempDir,
    spec: StepSpec,
}

impl Trial {
    /// Fits the clusters that Spyral fitted, or as many rows of their estimates.
    fn new(run: u32, isotope: &str, method: &str, compat: &str) -> Trial {
        let dir = tempfile::tempdir().unwrap();
        let estimate = dir.path().join("selected.parquet");
        write_selected(run, isotope, &estimate);
        let [mesh, info] = mesh(isotope);
        let cluster = reference("Cluster", &format!("run_{run:04}.h5"));
        let detector = map(&[
            ("micromegas_time_bucket", Value::Float(27.29)),
            ("window_time_bucket", Value::Float(477.29)),
        ]);
        let spec = StepSpec {
            kernel: "attpc.solve".to_owned(),
            params: map(&[
                ("detector", detector),
                ("solver", map(&[("fit_method", text(method))])),
                ("compat", text(compat)),
            ]),
            item: BTreeMap::new(),
            inputs: pairs(&[
                ("cluster", &cluster),
                ("estimate", &estimate),
                ("mesh", &mesh),
                ("mesh_info", &info),
            ]),
            outputs: pairs(&[
                ("result", &dir.path().join("result.parquet")),
                ("rejected", &dir.path().join("rejected.parquet")),
            ]),
            cores: 1,
            progress: None,
        };
        Trial { dir, spec }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self) -> Result<StepSummary, StepError> {
        crate::steps::run(&self.spec, &|_| ())
    }

    fn input(mut self, role: &str, path: &Path) -> Trial {
        self.spec.inputs.retain(|(found, _)| found != role);
        self.spec.inputs.push((role.to_owned(), path.display().to_string()));
        self
    }

    fn solver(mut self, name: &str, value: Value) -> Trial {
        let Value::Map(params) = &mut self.spec.params else { unreachable!() };
        let Some(Value::Map(solver)) = params.get_mut("solver") else { unreachable!() };
        solver.insert(name.to_owned(), value);
        self
    }

    fn cores(mut self, cores: u32) -> Trial {
        self.spec.cores = cores;
        self
    }

    fn result(&self) -> Table {
        self.run().unwrap();
        read_table(&self.file("result.parquet")).unwrap()
    }

    /// The selected estimates, changed and written again.
    fn change_estimate(&self, change: impl Fn(&str, &Column) -> Column) {
        let path = self.file("selected.parquet");
        let table = read_table(&path).unwrap();
        let columns: Vec<(&str, Column)> =
            table.columns().iter().map(|(name, c)| (name.as_str(), change(name, c))).collect();
        write_table(&path, &columns).unwrap();
    }

    /// Runs and gives the error with this trial's directory as `DIR`.
    fn refused(&self) -> String {
        let error = self.run().unwrap_err().to_string();
        let data = here("").display().to_string();
        error.replace(&self.dir.path().display().to_string(), "DIR").replace(&data, "DATA/")
    }
}

/// Estimates of the clusters that Spyral fitted.
fn write_selected(run: u32, isotope: &str, path: &Path) {
    let fitted = read_table(&reference("InterpSolver", &format!("run_{run:04}_{isotope}.parquet")));
    let estimated = read_table(&reference("Estimation", &format!("run_{run:04}.parquet"))).unwrap();
    let wanted = keys(&fitted.unwrap());
    let all = keys(&estimated);
    let rows: Vec<usize> = (0..all.len()).filter(|row| wanted.contains(&all[*row])).collect();
    write_table(path, &estimated.pick(&rows)).unwrap();
}

fn keys(table: &Table) -> Vec<(i64, i64)> {
    let (events, indices) =
        (table.integers("event").unwrap(), table.integers("cluster_index").unwrap());
    events.iter().copied().zip(indices.iter().copied()).collect()
}

/// Our value and the other one for every cluster of all runs.
fn paired(fits: &[Table], isotope: &str, column: &str) -> Vec<(f64, f64)> {
    let mut pairs = Vec::new();
    for (table, run) in fits.iter().zip(RUNS) {
        let path = reference("InterpSolver", &format!("run_{run:04}_{isotope}.parquet"));
        let other = read_table(&path).unwrap();
        let values: HashMap<(i64, i64), f64> =
            keys(&other).into_iter().zip(other.floats(column).unwrap().iter().copied()).collect();
        let ours = table.floats(column).unwrap();
        pairs.extend(keys(table).iter().zip(ours.iter()).map(|(key, our)| (*our, values[key])));
    }
    pairs
}

fn fits(isotope: &str, method: &str, compat: &str) -> Vec<Table> {
    RUNS.map(|run| Trial::new(run, isotope, method, compat).result()).into()
}

fn relative(pairs: &[(f64, f64)]) -> Vec<f64> {
    pairs.iter().map(|(our, other)| (our / other - 1.0).abs()).collect()
}

fn absolute(pairs: &[(f64, f64)]) -> Vec<f64> {
    pairs.iter().map(|(our, other)| (our - other).abs()).collect()
}

/// Share of fits whose objective is at most 2 % above Spyral's.
fn as_good(pairs: &[(f64, f64)], power: f64) -> f64 {
    let good = pairs.iter().filter(|(our, other)| our.powf(power) <= 1.02 * other.powf(power));
    good.count() as f64 / pairs.len() as f64
}

#[test]
fn lbfgsb_fits_are_spyrals_in_the_compatible_mode() {
    let fits = fits("2H", "lbfgsb", "spyral-1.1");
    let of = |column| paired(&fits, "2H", column);
    assert_eq!(of("ke").len(), 88);
    assert!(as_good(&of("redchisq"), 0.5) >= 0.95);
    assert!(quantile(relative(&of("ke")), 0.5) < 5e-3);
    assert!(quantile(relative(&of("ke")), 0.9) < 5e-2);
    assert!(quantile(absolute(&of("polar")), 0.9) < 2e-3);
    assert!(quantile(absolute(&of("vertex_z")), 0.9) < 1e-3);
    assert!(of("sigma_ke").iter().all(|(our, other)| our == other));
}

#[test]
fn leastsq_fits_are_spyrals_in_the_compatible_mode() {
    let fits = fits("1H", "leastsq", "spyral-1.1");
    let of = |column| paired(&fits, "1H", column);
    assert_eq!(of("ke").len(), 24);
    // On the reference's own mesh all 24 fits end where Spyral's end. Ours differs from it by
    // micrometres, which sends two of them into another dent of an objective that jumps.
    assert!(as_good(&of("redchisq"), 1.0) >= 0.9);
    assert!(quantile(relative(&of("ke")), 0.5) < 5e-4);
    assert!(quantile(relative(&of("ke")), 0.9) < 5e-3);
    assert!(quantile(absolute(&of("polar")), 0.9) < 2e-3);
    assert!(quantile(absolute(&of("vertex_z")), 0.9) < 1e-2);
    for sigma in ["sigma_vx", "sigma_vz", "sigma_ke", "sigma_polar", "sigma_azimuthal"] {
        let known: Vec<(f64, f64)> =
            of(sigma).into_iter().filter(|(our, other)| our.max(*other) < 1e6).collect();
        assert!(known.len() >= 12 && quantile(relative(&known), 0.5) < 2e-2, "{sigma}");
    }
}

#[test]
fn exact_fits_meet_the_truth_by_both_methods() {
    for (isotope, count, accepted, vertex) in [("2H", 88, 85, 2.9), ("1H", 24, 24, 4.9)] {
        for method in ["lbfgsb", "leastsq"] {
            let (rows, pulls) = deviations(&fits(isotope, method, "exact"));
            let near: Vec<[f64; 3]> =
                rows.iter().copied().filter(|row| row[0].abs() < 0.3).collect();
            assert!(rows.len() == count && near.len() >= accepted, "{isotope} {method}");
            let [ke, polar, z] = [0, 1, 2].map(|k| centre_and_spread(&near, k));
            assert!(polar.0.abs() <= 0.15 && polar.1 <= 0.18, "{isotope} {method} {polar:?}");
            assert!(ke.0.abs() <= 0.015, "{isotope} {method} {ke:?}");
            assert!(z.1 <= vertex, "{isotope} {method} {z:?}");
            for k in 0..3 {
                let (_, spread) = centre_and_spread(&pulls, k);
                assert!((0.4..1.6).contains(&spread), "{isotope} {method} {k} {spread}");
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    for (method, compat) in [("lbfgsb", "exact"), ("leastsq", "exact"), ("lbfgsb", "spyral-1.1")] {
        let bytes = [1, 3].map(|cores| {
            let trial = Trial::new(104, "2H", method, compat).cores(cores);
            trial.run().unwrap();
            std::fs::read(trial.file("result.parquet")).unwrap()
        });
        assert_eq!(bytes[0], bytes[1]);
    }
}

#[test]
fn parameters_that_are_held_stay_where_the_estimate_puts_them() {
    for compat in ["exact", "spyral-1.1"] {
        let trial = Trial::new(104, "2H", "leastsq", compat)
            .solver("fit_vertex_rho", Value::Bool(false))
            .solver("fit_vertex_phi", Value::Bool(false))
            .solver("fit_azimuthal", Value::Bool(false));
        let found = trial.result();
        let estimate = read_table(&trial.file("selected.parquet")).unwrap();
        for (name, scale) in [("vertex_x", 1e-3), ("vertex_y", 1e-3), ("azimuthal", 1.0)] {
            let (found, guess) = (found.floats(name).unwrap(), estimate.floats(name).unwrap());
            let same = found.iter().zip(guess.iter()).all(|(a, b)| (a - b * scale).abs() < 1e-9);
            assert!(same, "{compat} {name}");
        }
        let sigma = found.floats("sigma_azimuthal").unwrap();
        assert!(sigma.iter().all(|sigma| *sigma == 0.0 || *sigma == 1e6), "{compat}");
    }
}

#[test]
fn the_published_columns_stand_in_their_order() {
    let ours = Trial::new(104, "2H", "lbfgsb", "exact").result();
    let other = read_table(&reference("InterpSolver", "run_0104_2H.parquet")).unwrap();
    let names = |table: &Table| -> Vec<String> {
        table.columns().iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&ours), names(&other));
}

#[test]
fn estimates_outside_the_mesh_are_counted_with_the_range_that_would_do() {
    let trial = Trial::new(104, "2H", "leastsq", "exact");
    trial.change_estimate(|name, column| match (name, column) {
        ("polar", Column::F64(values)) => {
            let mut values = values.clone();
            values[0] = 0.5;
            values[1] = 0.4;
            Column::F64(values)
        }
        ("brho", Column::F64(values)) => {
            let mut values = values.clone();
            values[2] = 3.0;
            Column::F64(values)
        }
        _ => column.clone(),
    });
    let warnings = trial.run().unwrap().warnings;
    assert_eq!(
        warnings[..2],
        [
            "left out 1 cluster with energies above the mesh's 45 MeV; \
             `solver.interp_ke_max` of 204.484 MeV would do",
            "left out 2 clusters with angles below the mesh's 38 degrees; \
             `solver.interp_polar_min` of 22.918 degrees would do",
        ]
    );
    let rejected = read_table(&trial.file("rejected.parquet")).unwrap();
    assert_eq!(rejected.integers("reason").unwrap()[..], [3, 3, 2]);
}

#[test]
fn an_empty_selection_gives_an_empty_table_and_a_warning() {
    let trial = Trial::new(104, "2H", "lbfgsb", "exact");
    trial.change_estimate(|_, column| column.pick(&[]));
    let warnings = trial.run().unwrap().warnings;
    assert_eq!(warnings, ["the estimate has no rows, so the result is empty"]);
    let table = read_table(&trial.file("result.parquet")).unwrap();
    assert_eq!((table.rows(), table.columns().len()), (0, 20));
    let trial = Trial::new(104, "2H", "lbfgsb", "exact").solver("ic_min_val", Value::Float(1340.0));
    let warnings = trial.run().unwrap().warnings;
    assert!(warnings[0].starts_with("none of ") && warnings[0].ends_with(" was fitted"));
}

#[test]
fn an_estimate_of_other_clusters_is_refused_with_both_files() {
    let trial = Trial::new(104, "2H", "lbfgsb", "exact");
    let shifted = |by: i64, wanted: &'static str| {
        move |name: &str, column: &Column| match column {
            Column::I64(values) if name == wanted => {
                Column::I64(values.iter().map(|value| value + by).collect())
            }
            _ => column.clone(),
        }
    };
    trial.change_estimate(shifted(1000, "event"));
    let message = trial.refused();
    assert!(message.starts_with("row 0 of `DIR/selected.parquet` is event `10"), "{message}");
    assert!(message.ends_with("in no cluster file: `DATA/reference/Cluster/run_0104.h5`"));
    let trial = Trial::new(104, "2H", "lbfgsb", "exact");
    trial.change_estimate(shifted(50, "cluster_index"));
    let message = trial.refused();
    assert!(message.contains("is cluster `5") && message.contains("Cluster/run_0104.h5"));
    let trial = Trial::new(104, "2H", "lbfgsb", "exact");
    trial.change_estimate(shifted(7, "cluster_label"));
    assert!(trial.refused().contains("row 0 of `DIR/selected.parquet` has label `"));
    let cluster = reference("Cluster", "run_0104.h5");
    let mut trial = Trial::new(104, "2H", "lbfgsb", "exact");
    trial.spec.inputs.push(("cluster".to_owned(), cluster.display().to_string()));
    assert!(trial.refused().contains("is in two cluster files"));
}

#[test]
fn a_mesh_and_a_description_that_differ_are_refused() {
    let trial = Trial::new(104, "2H", "lbfgsb", "exact").input("mesh", &mesh("1H")[0]);
    let message = trial.refused();
    assert!(message.contains("has shape [300, 3, 24, 30], its description says [300, 3, 40, 44]"));
}

#[test]
fn a_cluster_with_a_point_that_is_no_number_is_counted_and_left_out() {
    let trial = Trial::new(104, "2H", "lbfgsb", "exact");
    let estimate = read_table(&trial.file("selected.parquet")).unwrap();
    let (bad, _) = keys(&estimate)[0];
    let file = ClusterFile::open(&reference("Cluster", "run_0104.h5")).unwrap();
    let path = trial.file("cluster.h5");
    let writer = ClusterWriter::create(&path, file.range()).unwrap();
    for event in file.events() {
        let mut stored = file.read(*event).unwrap();
        if *event == bad {
            stored.clusters.iter_mut().for_each(|cluster| cluster.rows[3][1] = f64::NAN);
        }
        writer.add(&stored).unwrap();
    }
    writer.finish().unwrap();
    let trial = trial.input("cluster", &path);
    let warnings = trial.run().unwrap().warnings;
    assert_eq!(
        warnings[0],
        "left out 1 cluster with a point, charge or pad size that is no usable number"
    );
    let rejected = read_table(&trial.file("rejected.parquet")).unwrap();
    assert_eq!(rejected.integers("reason").unwrap()[..], [6]);
}

/// The deuteron's mesh with one number in all places from one on.
fn changed_mesh(trial: Trial, from: usize, number: f32) -> Trial {
    let [mesh, _] = mesh("2H");
    let mut bytes = std::fs::read(mesh).unwrap();
    let numbers = 300 * 3 * 40 * 44;
    let start = bytes.len() - 4 * (numbers - from);
    bytes[start..]
        .chunks_exact_mut(4)
        .for_each(|bytes| bytes.copy_from_slice(&number.to_le_bytes()));
    let path = trial.file("changed.npy");
    std::fs::write(&path, bytes).unwrap();
    trial.input("mesh", &path)
}

#[test]
fn a_mesh_that_holds_nan_is_refused_with_the_node() {
    for (compat, cores) in [("exact", 1), ("exact", 3), ("spyral-1.1", 1), ("spyral-1.1", 3)] {
        let trial = Trial::new(104, "2H", "lbfgsb", compat).cores(cores);
        let message = changed_mesh(trial, 300 * 3 * 40 * 22, f32::NAN).refused();
        assert!(message.starts_with("mesh holds no finite track for "), "{message}");
        assert!(message.ends_with(" degrees: `DIR/changed.npy`"), "{message}");
    }
    let refused = |cores| {
        let trial = Trial::new(104, "2H", "leastsq", "exact").cores(cores);
        changed_mesh(trial, 0, f32::INFINITY).refused()
    };
    assert_eq!(refused(1), refused(4));
}

#[test]
fn tracks_that_are_points_break_nothing() {
    for compat in ["exact", "spyral-1.1"] {
        for method in ["lbfgsb", "leastsq"] {
            changed_mesh(Trial::new(104, "2H", method, compat), 0, 0.0).run().unwrap();
        }
    }
}

#[test]
fn windows_the_wrong_way_round_are_refused() {
    let trial = Trial::new(104, "2H", "lbfgsb", "exact").solver("ic_min_val", Value::Float(1400.0));
    assert_eq!(
        trial.refused(),
        "`solver.ic_min_val` is 1400, must be less than `solver.ic_max_val` of 1350"
    );
}

/// Named for the test of the GPU kernels that runs it again on an emulated driver.
#[test]
fn on_device_tracks_are_those_of_the_processor() {
    let trial = Trial::new(102, "2H", "leastsq", "spyral-1.1");
    if let Err(StepError::Gpu(error)) =
        crate::steps::run_on(crate::model::step::DeviceChoice::Cuda, &trial.spec, &|_| ())
    {
        println!("NOT RUN, no device: {error}");
        return;
    }
    println!("on a device");
    let found = read_table(&trial.file("result.parquet")).unwrap();
    let expected = Trial::new(102, "2H", "leastsq", "spyral-1.1").result();
    assert_eq!(keys(&found), keys(&expected));
    for (column, most) in [("ke", 1e-4), ("polar", 1e-4), ("vertex_z", 1e-4)] {
        let (a, b) = (found.floats(column).unwrap(), expected.floats(column).unwrap());
        let mut off: Vec<f64> = a.iter().zip(b.iter()).map(|(a, b)| (a - b).abs()).collect();
        off.sort_by(f64::total_cmp);
        println!("{column}: median {:.1e}, worst {:.1e}", off[off.len() / 2], off[off.len() - 1]);
        assert!(off[off.len() / 2] < most, "{column}: {off:?}");
    }
}
