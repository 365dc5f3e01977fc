//! The step against Spyral's asset, against the simulation itself, and against bad input.

use std::collections::BTreeMap;

use tempfile::TempDir;

use super::*;
use crate::data::table::read_csv;
use crate::kernels::attpc::drift::{DriftCorrection, Electron};
use crate::model::step::StepSpec;
use crate::model::value::Value;

fn garfield(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/attpc/garfield").join(name)
}

/// A step with the reference's parameters.
struct Trial {
    dir: TempDir,
    text: PathBuf,
    params: BTreeMap<String, Value>,
    detector: BTreeMap<String, Value>,
}

impl Trial {
    fn new(compat: &str) -> Trial {
        let numbers = [("micromegas_time_bucket", 27.29), ("window_time_bucket", 477.29)];
        let detector = numbers.map(|(name, value)| (name.to_owned(), Value::Float(value))).into();
        let params = [("compat".to_owned(), Value::Text(compat.to_owned()))].into();
        let text = garfield("synthetic_garfield.txt");
        Trial { dir: tempfile::tempdir().unwrap(), text, params, detector }
    }

    /// A trial on the reference's text with its lines changed.
    fn with_lines(compat: &str, change: impl Fn(&mut Vec<String>)) -> Trial {
        let mut trial = Trial::new(compat);
        let text = std::fs::read_to_string(&trial.text).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        change(&mut lines);
        trial.text = trial.dir.path().join("garfield.txt");
        std::fs::write(&trial.text, lines.join("\n")).unwrap();
        trial
    }

    fn set(mut self, name: &str, value: f64) -> Trial {
        self.detector.insert(name.to_owned(), Value::Float(value));
        self
    }

    fn output(&self) -> PathBuf {
        self.dir.path().join("drift.npy")
    }

    fn run(&self) -> Result<StepSummary, StepError> {
        let mut params = self.params.clone();
        params.insert("detector".to_owned(), Value::Map(self.detector.clone()));
        let path = |role: &str, path: &Path| (role.to_owned(), path.display().to_string());
        let spec = StepSpec {
            kernel: "attpc.drift_map".to_owned(),
            params: Value::Map(params),
            item: BTreeMap::new(),
            inputs: vec![path("garfield", &self.text)],
            outputs: vec![path("drift", &self.output())],
            cores: 1,
            progress: None,
        };
        crate::steps::run(&spec, &|_| ())
    }

    fn map(&self) -> DriftMap {
        assert_eq!(self.run().unwrap().warnings, Vec::<String>::new());
        read_drift_map(&self.output()).unwrap()
    }

    fn refusal(&self) -> String {
        let error = self.run().expect_err("the step is refused");
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        let text = format!("{error}{}", cause.unwrap_or_default());
        text.replace(&self.dir.path().display().to_string(), "DIR")
    }
}

#[test]
fn the_compatible_map_is_that_of_spyral() {
    let map = Trial::new("spyral-1.1").map();
    let nodes = read_csv::<5>(&garfield("correction_grid.csv")).unwrap();
    assert!(nodes.len() > 1000, "{} nodes were compared", nodes.len());
    for [rho, z, expected @ ..] in nodes {
        let found = map.node(rho as usize, z as usize);
        for (found, expected) in found.iter().zip(expected) {
            // The reference grid was stored in single precision.
            let tolerance = 1e-6 * expected.abs().max(1.0);
            assert!((found - expected).abs() < tolerance, "node ({rho}, {z}): {found} {expected}");
        }
    }
}

/// The electrons of the reference's text, or of a changed one.
fn electrons(trial: &Trial) -> Vec<Electron> {
    read_columns(&trial.text).unwrap().into_iter().map(|row: Row<6>| row.values).collect()
}

/// How far from its start, in mm, the exact map brings an electron that arrived, when its point is
/// seen at an azimuth. `None` where the point lies outside of the map.
fn miss(correction: &DriftCorrection, electron: &Electron, on_axis_ns: f64) -> Option<f64> {
    let [depth, radius, _, outward, across, time] = *electron;
    let mm_per_ns = 1000.0 / 450.0 * 6.25e-3;
    let z = 1000.0 - (depth * 10.0 - 30.0) / 970.0 * 1000.0;
    let measured_z = z - (time - on_axis_ns) * mm_per_ns;
    let azimuth: f64 = 0.7;
    // The simulation's third axis points against the azimuth, because its first one points from
    // the pads to the window, against the beam.
    let arrival = azimuth - across.atan2(outward);
    let rho = outward.hypot(across) * 10.0;
    let [x, y, z_found] =
        correction.correct([rho * arrival.cos(), rho * arrival.sin(), measured_z]);
    let start = [radius * 10.0 * azimuth.cos(), radius * 10.0 * azimuth.sin()];
    let miss = (x - start[0]).hypot(y - start[1]).hypot(z_found - z);
    (!miss.is_nan()).then_some(miss)
}

#[test]
fn the_exact_map_brings_electrons_back_to_their_start() {
    let trial = Trial::new("exact");
    let correction = DriftCorrection::new(trial.map(), Compat::Exact);
    let electrons = electrons(&trial);
    let (mut compared, mut moved) = (0, 0.0_f64);
    for block in electrons.chunks(55) {
        for electron in &block[27..] {
            if let Some(miss) = miss(&correction, electron, block[27][5]) {
                assert!(miss < 0.02, "{electron:?} comes back to {miss} mm from its start");
                compared += 1;
                moved = moved.max((electron[1] - electron[3]).abs() * 10.0);
            }
        }
    }
    assert!(compared > 2500 && moved > 5.0, "{compared} compared, moved by {moved} mm");
}

#[test]
fn the_compatible_map_does_not() {
    let trial = Trial::new("spyral-1.1");
    let correction = DriftCorrection::new(trial.map(), Compat::Spyral11);
    let electrons = electrons(&trial);
    let worst = electrons
        .chunks(55)
        .flat_map(|block| block[27..].iter().map(|electron| (electron, block[27][5])))
        .filter_map(|(electron, zero)| miss(&correction, electron, zero))
        .fold(0.0, f64::max);
    assert!(worst > 5.0, "{worst} mm");
}

#[test]
fn lost_electrons_are_told_and_do_not_reach_into_the_map() {
    // The outermost electrons of one depth end on a ring of the field cage.
    let lose = |lines: &mut Vec<String>| {
        for row in [50 * 55, 50 * 55 + 54] {
            let radius = if row % 55 == 0 { "-27" } else { "27" };
            lines[row] = format!("53 {radius} 24.5 {radius}.9 0.01 100.0");
        }
    };
    let trial = Trial::with_lines("exact", lose);
    assert_eq!(
        trial.run().unwrap().warnings,
        ["2 electrons of 5390 do not reach the pad plane; beyond the outermost that does, its \
          shifts are held"]
    );
    let (with, without) = (read_drift_map(&trial.output()).unwrap(), Trial::new("exact").map());
    let largest = with
        .values()
        .iter()
        .zip(without.values())
        .map(|(with, without)| (with - without).abs())
        .fold(0.0, f64::max);
    assert!(largest > 0.0 && largest < 1.0, "{largest} mm");
    let trial = Trial::with_lines("spyral-1.1", lose);
    assert_eq!(
        trial.run().unwrap().warnings,
        ["2 electrons of 5390 do not reach the pad plane and count all the same, as in Spyral"]
    );
}

#[test]
fn the_file_is_the_array_that_numpy_knows_and_has_the_same_bytes_each_time() {
    let trial = Trial::new("exact");
    trial.run().unwrap();
    let bytes = std::fs::read(trial.output()).unwrap();
    assert_eq!(bytes.len(), 128 + 276 * 1001 * 3 * 8);
    let header = String::from_utf8_lossy(&bytes[10..128]);
    assert!(
        header.starts_with("{'descr': '<f8', 'fortran_order': False, 'shape': (276, 1001, 3), }"),
        "{header}"
    );
    trial.run().unwrap();
    assert!(bytes == std::fs::read(trial.output()).unwrap());
    assert!(read_drift_map(&trial.output()).unwrap().values().iter().all(|v| v.is_finite()));
}

#[test]
fn a_malformed_text_is_named_by_its_line() {
    let refused = |change: fn(&mut Vec<String>)| Trial::with_lines("exact", change).refusal();
    assert_eq!(
        refused(|lines| lines[2] = "3 -25 2.9995 -25.00000 nan 0.460".to_owned()),
        "line 3 of a table is `3 -25 2.9995 -25.00000 nan 0.460`, expected 6 numbers: \
         `DIR/garfield.txt`"
    );
    assert_eq!(
        refused(|lines| lines[2] = "3 -25 2.9995 -25.0 0.0".to_owned()),
        "line 3 of a table is `3 -25 2.9995 -25.0 0.0`, expected 6 numbers: `DIR/garfield.txt`"
    );
    assert_eq!(
        refused(|lines| drop(lines.pop())),
        "no drift map can be made of `DIR/garfield.txt`: found 5389 electrons, expected 5390: 98 \
         depths of 55 radii"
    );
    assert_eq!(
        refused(|lines| drop(lines.remove(60))),
        "line 61 is not the electron that belongs there: `DIR/garfield.txt`: the electron starts \
         at radius -21, expected -22 cm"
    );
    assert_eq!(
        refused(|lines| lines[0] = "30 -270 29.995 -270 0 0.46".to_owned()),
        "line 1 is not the electron that belongs there: `DIR/garfield.txt`: the electron starts at \
         depth 30, expected 3 cm"
    );
    assert_eq!(
        refused(|lines| {
            for (at, line) in lines.iter_mut().enumerate() {
                let (depth, radius) = (3 + at / 55, at as i64 % 55 - 27);
                *line = format!("{depth} {radius} {depth} {radius} 0 0");
            }
        }),
        "no drift map can be made of `DIR/garfield.txt`: electrons of 1 of 98 depths reach the pad \
         plane, expected at least 2"
    );
    let same = Trial::new("exact").set("window_time_bucket", 27.29);
    assert_eq!(
        same.refusal(),
        "`window_time_bucket` is `27.29`, must be above `micromegas_time_bucket`, which is `27.29`"
    );
}

#[test]
fn a_detector_longer_than_the_map_is_told() {
    let trial = Trial::new("exact").set("detector_length", 1200.0);
    assert_eq!(
        trial.run().unwrap().warnings,
        ["the map ends at 1000 mm, points nearer to the micromegas will be left out"]
    );
}

#[test]
fn an_array_of_another_shape_is_no_map() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    write_npy(&path, &[2, 3], &[0.0; 6]).unwrap();
    let text = read_drift_map(&path).unwrap_err().to_string();
    assert_eq!(
        text.replace(&path.display().to_string(), "PATH"),
        "`drift map` has shape [2, 3], expected [276, 1001, 3], last index innermost: `PATH`"
    );
}
