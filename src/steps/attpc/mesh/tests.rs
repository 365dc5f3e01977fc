//! The step against what Spyral 1.1.2 made of the same, against tight integration, and against
//! itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::data::npy::{NpyFile, Numbers};
use crate::kernels::attpc::mesh::TrackGrid;
use crate::kernels::attpc::pointcloud::Compat;
use crate::model::step::StepSpec;
use crate::model::value::Value;
use crate::steps::attpc::mesh::TrackMesh;
use crate::steps::{StepError, StepSummary};

/// Every 10th step of the references was kept, from this one on.
const FIRST_KEPT: usize = 9;
const KEPT: usize = 10;
/// Distance from which a point beyond the end may be one that is a step off.
const ONE_STEP_OFF_MM: f64 = 0.5;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A step with outputs in a directory of its own.
struct Trial {
    dir: TempDir,
    spec: StepSpec,
}

impl Trial {
    /// Few nodes of deuterons in the reference's gas.
    fn new() -> Trial {
        let dir = tempfile::tempdir().unwrap();
        let out = |name: &str| dir.path().join(name).display().to_string();
        let gas = here("tests/data/attpc/config/gas_D2_300Torr.json");
        let spec = StepSpec {
            kernel: "attpc.mesh".to_owned(),
            params: Value::Map(BTreeMap::new()),
            item: BTreeMap::new(),
            inputs: vec![("gas".to_owned(), gas.display().to_string())],
            outputs: vec![
                ("mesh".to_owned(), out("mesh.npy")),
                ("mesh_info".to_owned(), out("mesh.json")),
            ],
            cores: 1,
            progress: None,
        };
        let trial = Trial { dir, spec }.set("", "particle", Value::Text("2H".to_owned()));
        trial.energies(0.5, 45.0, 4).angles(38.0, 89.0, 3).solver("n_time_steps", Value::Int(40))
    }

    /// All nodes of the reference for a proton or deuteron.
    fn of_reference(name: &str) -> Trial {
        // The window is where Spyral's first pass, done with its tolerances, ends the longest track.
        let (trial, window) = match name {
            "1H" => {
                let trial = Trial::new().energies(1.0, 8.0, 24).angles(92.0, 150.0, 30);
                (trial, 3.807_834_801_254_943_6e-7)
            }
            _ => {
                let trial = Trial::new().energies(0.5, 45.0, 40).angles(38.0, 89.0, 44);
                (trial, 1.779_083_339_594_197_6e-7)
            }
        };
        let table = format!("tests/data/attpc/tables/energy_loss_{name}_in_2H2_300.0Torr.csv");
        trial
            .input("stopping", &here(&table))
            .set("", "particle", Value::Text(name.to_owned()))
            .set("", "time_window", Value::Float(window))
            .solver("n_time_steps", Value::Int(300))
    }

    fn set(mut self, group: &str, name: &str, value: Value) -> Trial {
        let Value::Map(map) = &mut self.spec.params else { unreachable!() };
        let mut map = map;
        if !group.is_empty() {
            let inner = map.entry(group.to_owned()).or_insert(Value::Map(BTreeMap::new()));
            let Value::Map(inner) = inner else { unreachable!() };
            map = inner;
        }
        map.insert(name.to_owned(), value);
        self
    }

    fn solver(self, name: &str, value: Value) -> Trial {
        self.set("solver", name, value)
    }

    fn energies(self, low: f64, high: f64, bins: i64) -> Trial {
        self.solver("interp_ke_min", Value::Float(low))
            .solver("interp_ke_max", Value::Float(high))
            .solver("interp_ke_bins", Value::Int(bins))
    }

    fn angles(self, low: f64, high: f64, bins: i64) -> Trial {
        self.solver("interp_polar_min", Value::Float(low))
            .solver("interp_polar_max", Value::Float(high))
            .solver("interp_polar_bins", Value::Int(bins))
    }

    fn input(mut self, role: &str, path: &Path) -> Trial {
        self.spec.inputs.retain(|(known, _)| known != role);
        self.spec.inputs.push((role.to_owned(), path.display().to_string()));
        self
    }

    fn text_input(self, role: &str, text: &str) -> Trial {
        let path = self.dir.path().join(role);
        std::fs::write(&path, text).unwrap();
        self.input(role, &path)
    }

    fn run(&self) -> Result<StepSummary, StepError> {
        crate::steps::run(&self.spec, &|_| ())
    }

    fn refused(&self) -> String {
        let error = self.run().unwrap_err();
        assert!(!self.path("mesh.npy").exists() && !self.path("mesh.json").exists());
        error.to_string().replace(&self.dir.path().display().to_string(), "DIR")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn open(&self) -> TrackMesh {
        TrackMesh::open(&self.path("mesh.npy"), &self.path("mesh.json")).unwrap()
    }

    fn bytes(&self) -> [Vec<u8>; 2] {
        ["mesh.npy", "mesh.json"].map(|name| std::fs::read(self.path(name)).unwrap())
    }
}

/// Distances in mm between a reference's points and ours.
fn distances(reference: &str, strides: [usize; 2], grid: TrackGrid<'_>) -> Vec<f64> {
    let file = NpyFile::open(&here("tests/data/attpc/mesh").join(reference)).unwrap();
    let [steps, _, energies, angles] = *file.header().shape.as_slice() else { panic!("shape") };
    let Numbers::Single(numbers) = file.numbers() else { panic!("type") };
    let mut found = Vec::new();
    for step in 0..steps {
        for (ke, polar) in (0..energies).flat_map(|ke| (0..angles).map(move |polar| (ke, polar))) {
            let track = grid.node(ke * strides[0], polar * strides[1]);
            let ours = |at: usize| [0, 1, 2].map(|part| track[part][at]);
            let point =
                [0, 1, 2].map(|part| numbers[((step * 3 + part) * energies + ke) * angles + polar]);
            let at = FIRST_KEPT + KEPT * step;
            let apart = distance_mm(point, ours(at));
            // Where an end is located otherwise, the last recorded point is one step off.
            let end = (1..grid.steps).rev().find(|at| ours(*at) != ours(*at - 1)).unwrap_or(0);
            let one_step = distance_mm(ours(end), ours(end.saturating_sub(1)));
            let off = apart > ONE_STEP_OFF_MM && at >= end && apart < 1.05 * one_step;
            // Beyond the end of a track the tight integration has no points.
            found.extend((apart.is_finite() && !off).then_some(apart));
        }
    }
    found.sort_by(f64::total_cmp);
    found
}

fn distance_mm(a: [f32; 3], b: [f32; 3]) -> f64 {
    let squares = (0..3).map(|part| f64::from(a[part] - b[part]).powi(2));
    squares.sum::<f64>().sqrt() * 1000.0
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

#[test]
fn tracks_are_those_of_spyral_and_of_a_tight_integration() {
    for (name, strides) in [("1H", [6, 6]), ("2H", [6, 7])] {
        let trial = Trial::of_reference(name);
        assert_eq!(trial.run().unwrap().warnings, Vec::<String>::new());
        let mesh = trial.open();
        assert_eq!(mesh.particle().to_string(), name);
        let found = distances(&format!("spyral_{name}.npy"), strides, mesh.grid());
        let worst = *found.last().unwrap();
        assert!(
            found.len() > 590 && median(&found) < 0.02 && worst < 0.5,
            "{name} {} {worst}",
            median(&found)
        );
        let found = distances(&format!("exact_{name}.npy"), strides, mesh.grid());
        let worst = *found.last().unwrap();
        assert!(found.len() > 400 && worst < 0.01, "{name} {worst}");
    }
}

#[test]
fn the_mesh_is_the_same_for_any_number_of_threads() {
    let mut one = Trial::new();
    one.run().unwrap();
    let first = one.bytes();
    one.spec.cores = 3;
    one.run().unwrap();
    assert!(one.bytes() == first);
}

#[test]
fn both_precisions_open_as_the_same_tracks() {
    let single = Trial::new();
    single.run().unwrap();
    let double = Trial::new().set("", "dtype", Value::Text("f8".to_owned()));
    double.run().unwrap();
    let (a, b) = (single.open(), double.open());
    assert_eq!(a.grid().slabs(), b.grid().slabs());
    assert_eq!((a.info().dtype.as_str(), b.info().dtype.as_str()), ("float32", "float64"));
    assert_eq!(a.info().shape, [40, 3, 4, 3]);
    let cell = a.grid().locate(20.0, 1.0, Compat::Exact).unwrap();
    assert!((cell.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn a_mesh_of_spyral_opens_in_its_own_order() {
    let trial = Trial::new();
    trial.run().unwrap();
    let mesh = trial.open();
    let [steps, _, energies, angles] = mesh.info().shape;
    let mut c_order = Vec::new();
    for step in 0..steps {
        for part in 0..3 {
            for ke in 0..energies {
                let node = |polar| f64::from(mesh.grid().node(ke, polar)[part][step]);
                c_order.extend((0..angles).map(node));
            }
        }
    }
    let path = trial.path("spyral.npy");
    crate::data::npy::write_npy(&path, &mesh.info().shape, &c_order).unwrap();
    let spyral = TrackMesh::open(&path, &trial.path("mesh.json")).unwrap();
    assert_eq!(spyral.grid().slabs(), mesh.grid().slabs());
}

#[test]
fn a_mesh_and_a_description_that_do_not_belong_together_are_refused() {
    let trial = Trial::new();
    trial.run().unwrap();
    let info = std::fs::read_to_string(trial.path("mesh.json")).unwrap();
    let refused = |from: &str, to: &str| {
        std::fs::write(trial.path("mesh.json"), info.replace(from, to)).unwrap();
        let opened = TrackMesh::open(&trial.path("mesh.npy"), &trial.path("mesh.json"));
        let error = opened.err().unwrap().to_string();
        error.replace(&trial.dir.path().display().to_string(), "DIR")
    };
    assert_eq!(
        refused("\"ke_bins\": 4", "\"ke_bins\": 5"),
        "description `DIR/mesh.json` says shape [40, 3, 4, 3], expected time steps, 3, energies \
         and angles"
    );
    assert_eq!(
        refused("\"ke_min\": 0.5", "\"ke_min\": 60"),
        "description `DIR/mesh.json` says energies 60 to 45 MeV, expected rising and positive"
    );
    assert_eq!(refused("\"2H\"", "\"H2\""), "cannot use `particle`");
    let shape = |text: &str| text.replace("    4,\n", "    5,\n");
    std::fs::write(
        trial.path("mesh.json"),
        shape(&info).replace("\"ke_bins\": 4", "\"ke_bins\": 5"),
    )
    .unwrap();
    let opened = TrackMesh::open(&trial.path("mesh.npy"), &trial.path("mesh.json"));
    let error = opened.err().unwrap().to_string();
    assert!(
        error.ends_with("has shape [40, 3, 4, 3], its description says [40, 3, 5, 3]"),
        "{error}"
    );
}

#[test]
fn the_built_in_stopping_power_gives_nearly_the_tracks_of_the_table() {
    let with_table = Trial::of_reference("2H");
    with_table.run().unwrap();
    let mut built_in = Trial::of_reference("2H");
    built_in.spec.inputs.retain(|(role, _)| role == "gas");
    built_in.run().unwrap();
    let (a, b) = (with_table.open(), built_in.open());
    let apart =
        a.grid().slabs().iter().zip(b.grid().slabs()).map(|(a, b)| f64::from((a - b).abs()));
    let mut apart: Vec<f64> = apart.map(|apart| apart * 1000.0).collect();
    apart.sort_by(f64::total_cmp);
    assert!(median(&apart) < 0.02 && apart[apart.len() * 99 / 100] < 0.5);
}

#[test]
fn parameters_that_make_no_mesh_are_refused() {
    let order = "must be less than";
    assert_eq!(
        Trial::new().energies(5.0, 5.0, 4).refused(),
        format!("`solver.interp_ke_min` is 5 MeV, {order} `solver.interp_ke_max` of 5 MeV")
    );
    assert_eq!(
        Trial::new().angles(80.0, 20.0, 4).refused(),
        format!("`solver.interp_polar_min` is 80 deg, {order} `solver.interp_polar_max` of 20 deg")
    );
    let large = Trial::new().energies(0.5, 45.0, 100_000).angles(38.0, 89.0, 100_000);
    assert_eq!(
        large.solver("n_time_steps", Value::Int(100_000)).refused(),
        "the mesh would take 12000000 GB, at most 64 GB are made"
    );
    let range = Trial::new().energies(1.0, 5.0, 0).refused();
    assert!(range.starts_with("`solver.interp_ke_bins` is `0`, must be "), "{range}");
    let range = Trial::new().angles(2.0, 180.5, 3).refused();
    assert!(range.starts_with("`solver.interp_polar_max` is `180.5`, must be "), "{range}");
    let range = Trial::new().solver("n_time_steps", Value::Int(1)).refused();
    assert!(range.starts_with("`solver.n_time_steps` is `1`, must be "), "{range}");
    assert_eq!(
        Trial::new().energies(1e-4, 2e-4, 2).refused(),
        "no track leaves the vertex, even 0.0002 MeV have a range of less than 1 mm"
    );
}

#[test]
fn a_gas_of_the_wrong_unit_and_tables_that_do_not_fit_are_refused() {
    let gas = r#"{"compound": [[1, 2, 2]], "pressure(mbar)": 400}"#;
    let trial = Trial::new().text_input("gas", gas);
    assert_eq!(trial.refused(), "cannot use gas file `DIR/gas`");
    let error = trial.run().unwrap_err();
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "`pressure(mbar)` has the wrong unit, expected `pressure(Torr)`"
    );
    assert!(error.hint().unwrap().contains("0.750062 Torr"));
    let table = here("tests/data/attpc/tables/energy_loss_1H_in_2H2_300.0Torr.csv");
    let other = Trial::new().input("stopping", &table).refused();
    assert!(other.starts_with("a stopping table of mass in MeV 938.27"), "{other}");
    let header = "ke_MeV,dedx_MeV_cm2_per_g\n";
    let short = Trial::new().text_input("stopping", &format!("{header}0.001,500\n10,20\n"));
    assert_eq!(
        short.refused(),
        "the stopping table ends at 10 MeV, `solver.interp_ke_max` is 45 MeV: `DIR/stopping`"
    );
    let late = Trial::new().text_input("stopping", &format!("{header}1,50\n100,2\n"));
    assert!(late.refused().starts_with("the stopping table begins at 1 MeV with a range of "));
    let empty = Trial::new().text_input("stopping", header);
    assert_eq!(empty.refused(), "cannot use stopping table `DIR/stopping`");
}

#[test]
fn odd_meshes_are_made_with_a_warning() {
    let warned = |trial: Trial| trial.run().unwrap().warnings;
    let spanning = warned(Trial::new().angles(80.0, 100.0, 3));
    assert!(spanning.len() == 1 && spanning[0].starts_with("the mesh spans 90 degrees"));
    let stopped = warned(Trial::new().energies(1e-3, 10.0, 3));
    assert!(stopped.len() == 1 && stopped[0].starts_with("1 of 3 energies have a range of less"));
    let thin = r#"{"compound": [[1, 2, 2]], "pressure(Torr)": 1e-6}"#;
    let endless = warned(Trial::new().text_input("gas", thin).energies(0.5, 1.0, 2));
    assert!(endless.len() == 1 && endless[0].starts_with("some tracks neither stop nor leave"));
}
