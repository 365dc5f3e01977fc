//! The step against the rows that reach Spyral's solver, and against bad input.

use std::collections::{BTreeMap, BTreeSet};

use tempfile::TempDir;

use super::*;
use crate::model::step::StepSpec;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/attpc").join(path)
}

struct Trial {
    dir: TempDir,
    estimates: Vec<PathBuf>,
    pid: PathBuf,
    params: BTreeMap<String, Value>,
}

impl Trial {
    fn new(run: u32, particle: &str) -> Trial {
        Trial {
            dir: tempfile::tempdir().unwrap(),
            estimates: vec![here(&format!("reference/Estimation/run_{run:04}.parquet"))],
            pid: here(&format!("config/pid_{particle}.json")),
            params: BTreeMap::new(),
        }
    }

    /// A trial on a small table `x`, `y`, `ic_amplitude` and the triangle (0,0), (4,0), (0,4).
    fn small(rows: &[[f64; 3]], pid: &str) -> Trial {
        let mut trial = Trial::new(104, "deuteron");
        let column = |at: usize| Column::F64(rows.iter().map(|row| row[at]).collect());
        let event = Column::I64((0..rows.len() as i64).collect());
        let columns =
            [("event", event), ("x", column(0)), ("y", column(1)), ("ic_amplitude", column(2))];
        trial.estimates = vec![trial.dir.path().join("small.parquet")];
        write_table(&trial.estimates[0], &columns).unwrap();
        trial.pid(pid)
    }

    fn pid(mut self, text: &str) -> Trial {
        self.pid = self.dir.path().join("pid.json");
        std::fs::write(&self.pid, text).unwrap();
        self
    }

    fn set(mut self, name: &str, value: f64) -> Trial {
        self.params.insert(name.to_owned(), Value::Float(value));
        self
    }

    fn output(&self) -> PathBuf {
        self.dir.path().join("selection.parquet")
    }

    fn run_with(&self, progress: &dyn Fn(Progress)) -> Result<StepSummary, StepError> {
        let path = |role: &str, path: &Path| (role.to_owned(), path.display().to_string());
        let mut inputs: Vec<_> = self.estimates.iter().map(|p| path("estimate", p)).collect();
        inputs.push(path("pid", &self.pid));
        let spec = StepSpec {
            kernel: "attpc.select".to_owned(),
            params: Value::Map(self.params.clone()),
            item: BTreeMap::new(),
            inputs,
            outputs: vec![path("selection", &self.output())],
            cores: 1,
            progress: None,
        };
        crate::steps::run(&spec, progress)
    }

    fn run(&self) -> Vec<String> {
        self.run_with(&|_| ()).unwrap().warnings
    }

    /// The error and its cause and hint, with this trial's directory as `DIR`.
    fn refusal(&self) -> String {
        let error = self.run_with(&|_| ()).expect_err("the step is refused");
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        let hint = error.hint().map(|hint| format!("; {hint}"));
        let text = format!("{error}{}{}", cause.unwrap_or_default(), hint.unwrap_or_default());
        text.replace(&self.dir.path().display().to_string(), "DIR")
    }

    fn events(&self) -> Vec<i64> {
        read_table(&self.output()).unwrap().integers("event").unwrap().into_owned()
    }
}

const TRIANGLE: &str = r#"{"name": "t", "Z": 1, "A": 2, "xaxis": "x", "yaxis": "y",
    "vertices": [[0, 0], [4, 0], [0, 4], [0, 0]]}"#;

/// Event and cluster of every row.
fn rows(path: &Path) -> BTreeSet<(i64, i64)> {
    let table = read_table(path).unwrap();
    let (events, clusters) =
        (table.integers("event").unwrap(), table.integers("cluster_index").unwrap());
    events.iter().copied().zip(clusters.iter().copied()).collect()
}

#[test]
fn the_rows_are_those_that_reach_the_solver_of_spyral() {
    // The solver itself leaves out one row, whose first guess its mesh does not cover.
    let uncovered = BTreeSet::from([(19, 0)]);
    for (run, particle, isotope) in
        [101, 102, 104].into_iter().flat_map(|run| [(run, "deuteron", "2H"), (run, "proton", "1H")])
    {
        let trial = Trial::new(run, particle);
        assert_eq!(trial.run(), Vec::<String>::new());
        let solved = rows(&here(&format!("reference/InterpSolver/run_{run:04}_{isotope}.parquet")));
        let selected = rows(&trial.output());
        let more = if (run, isotope) == (104, "2H") { &uncovered } else { &BTreeSet::new() };
        assert_eq!(selected, &solved | more, "run {run}, {isotope}");
    }
}

#[test]
fn columns_stay_as_they_are_and_bytes_are_the_same_each_time() {
    let trial = Trial::new(104, "deuteron");
    trial.run();
    let (before, after) =
        (read_table(&trial.estimates[0]).unwrap(), read_table(&trial.output()).unwrap());
    let names = |table: &Table| -> Vec<String> {
        table.columns().iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&before), names(&after));
    assert_eq!((before.rows(), after.rows()), (18, 10));
    let bytes = std::fs::read(trial.output()).unwrap();
    trial.run();
    assert_eq!(bytes, std::fs::read(trial.output()).unwrap());
}

#[test]
fn borders_and_bounds_are_out_and_rows_are_counted_by_reason() {
    let rows = [
        [1.0, 1.0, 1000.0],
        [2.0, 2.0, 1000.0],
        [0.0, 1.0, 1000.0],
        [1.0, 1.0, 900.0],
        [1.0, 1.0, 1350.0],
        [1.0, 1.0, -1.0],
        [f64::NAN, 1.0, 1000.0],
        [1.0, 1.0, f64::NAN],
        [1.0, 2.0, 901.0],
    ];
    let trial = Trial::small(&rows, TRIANGLE);
    let last = std::cell::RefCell::new(Progress::default());
    let summary = trial.run_with(&|progress| *last.borrow_mut() = progress).unwrap();
    assert_eq!(trial.events(), [0, 8]);
    assert_eq!(summary.warnings, ["2 estimates left out, `x`, `y` or `ic_amplitude` is NaN"]);
    let last = last.into_inner();
    assert_eq!((last.done, last.total, last.unit.as_str()), (9, 9, "estimates"));
    let counts = [("selected", 2.0), ("outside_gate", 2.0), ("outside_ion_chamber", 3.0)];
    assert!(counts.into_iter().all(|(name, count)| last.counts[name] == count), "{last:?}");
    assert_eq!(last.counts["undefined"], 2.0);
}

#[test]
fn tables_are_joined_in_order() {
    let mut trial = Trial::small(&[[1.0, 1.0, 1000.0]], TRIANGLE);
    let again = trial.estimates[0].clone();
    trial.estimates.push(again);
    trial.run();
    assert_eq!(trial.events(), [0, 0]);
    trial.estimates.push(here("reference/Estimation/run_0104.parquet"));
    assert!(trial.refusal().contains("no column `x` in the estimates"));
    let mut trial = Trial::new(104, "deuteron");
    let other = trial.dir.path().join("other.parquet");
    let columns = ["dEdx", "brho", "ic_amplitude"].map(|name| (name, Column::F64(vec![1.0])));
    write_table(&other, &columns).unwrap();
    trial.estimates.push(other);
    let text = trial.refusal();
    assert!(text.starts_with("estimates differ in their columns: "), "{text}");
}

#[test]
fn a_run_without_estimates_gives_a_table_without_rows() {
    let trial = Trial::small(&[], TRIANGLE);
    assert_eq!(
        trial.run(),
        ["no estimate of 0 passes for `t`: 0 outside of the ion chamber window, 0 outside of the \
          gate"]
    );
    assert_eq!(trial.events(), [0; 0]);
    let trial = Trial::new(104, "deuteron").set("ic_min_val", 5000.0).set("ic_max_val", 6000.0);
    assert_eq!(
        trial.run(),
        [
            "no estimate of 18 passes for `deuteron`: 18 outside of the ion chamber window, 0 outside \
          of the gate"
        ]
    );
    let empty = read_table(&trial.output()).unwrap();
    assert_eq!((empty.rows(), empty.columns().len()), (0, 23));
    let names = EMPTY.map(|(name, _)| name);
    assert!(empty.columns().iter().map(|(name, _)| name.as_str()).eq(names));
}

#[test]
fn spyrals_table_without_columns_counts_as_empty() {
    let mut trial = Trial::new(104, "deuteron");
    trial.estimates = vec![trial.dir.path().join("none.parquet")];
    write_table(&trial.estimates[0], &[]).unwrap();
    trial.run();
    let table = read_table(&trial.output()).unwrap();
    assert_eq!((table.rows(), table.columns().len()), (0, 23));
}

#[test]
fn bad_gates_are_refused_with_what_to_write() {
    let refusal = |pid: &str| Trial::small(&[[1.0, 1.0, 1000.0]], pid).refusal();
    let with = |vertices: &str| TRIANGLE.replace("[[0, 0], [4, 0], [0, 4], [0, 0]]", vertices);
    assert_eq!(
        refusal(&with("[[0, 0.5], [4, 0], [0, 4]]")),
        "no gate can be made of `DIR/pid.json`: the polygon is not closed: it starts at (0, 0.5) \
         and ends at (0, 4); end `vertices` with its first vertex: add `[0, 0.5]`"
    );
    assert_eq!(
        refusal(&with("[[0, 0], [4, 0], [0, 0]]")),
        "no gate can be made of `DIR/pid.json`: the polygon has 2 distinct vertices, expected at \
         least 3"
    );
    assert_eq!(
        refusal(&with("[[0, 0], [4, NaN], [0, 4], [0, 0]]")),
        "`line 2` is `NaN`, expected finite numbers: `DIR/pid.json`"
    );
    assert_eq!(
        refusal(&TRIANGLE.replace("\"yaxis\": \"y\",", "")),
        "`yaxis` is missing, expected both `xaxis` and `yaxis`, or neither: `DIR/pid.json`"
    );
}

#[test]
fn a_polygon_that_crosses_itself_is_told() {
    let bow =
        TRIANGLE.replace("[[0, 0], [4, 0], [0, 4], [0, 0]]", "[[0,0],[4,4],[4,0],[0,4],[0,0]]");
    let trial = Trial::small(&[[1.0, 2.0, 1000.0], [2.0, 1.0, 1000.0]], &bow);
    assert_eq!(
        trial.run(),
        ["edges 1 and 3 of the polygon cross, so parts of it count as outside"]
    );
    assert_eq!(trial.events(), [0]);
}

#[test]
fn columns_and_bounds_that_do_not_fit_are_refused() {
    let pid = TRIANGLE.replace("\"xaxis\": \"x\"", "\"xaxis\": \"dedx\"");
    let trial = Trial::new(104, "deuteron").pid(&pid);
    assert_eq!(
        trial.refusal().replace(&here("").display().to_string(), "DATA/"),
        "no column `dedx` in the estimates: `DATA/reference/Estimation/run_0104.parquet`; did you \
         mean `dEdx`?"
    );
    let trial = Trial::new(104, "deuteron").set("ic_max_val", 900.0);
    assert_eq!(
        trial.refusal(),
        "`ic_min_val` is `900`, must be below `ic_max_val`, which is `900`"
    );
    let mut trial = Trial::new(104, "deuteron");
    trial.estimates = vec![here("reference/Pointcloud/run_0104.h5")];
    let text = trial.refusal();
    assert!(text.contains("run_0104.h5"), "{text}");
}

#[test]
fn integers_that_are_missing_are_refused_and_not_made_floats() {
    let table = read_table(&here("truth.parquet")).unwrap();
    let message = Selection::default().append(&table, &[0]).unwrap_err().to_string();
    let (column, missing) = &table.incomplete()[0];
    let expected = format!("`{column}` has no value in {missing} of {} rows, ", table.rows());
    assert!(message.starts_with(&expected) && message.contains("truth.parquet"), "{message}");
}

#[test]
fn a_gate_of_another_particle_is_refused() {
    let named = |name: &str| {
        let mut trial = Trial::new(104, "deuteron");
        trial.params.insert("particle".to_owned(), Value::Text(name.to_owned()));
        trial.run_with(&|_| ())
    };
    named("2H").unwrap();
    let error = named("3He").unwrap_err();
    assert!(error.to_string().starts_with("gate is of Z = 1, A = 2, expected `3He`"), "{error}");
    let error = named("alpha").unwrap_err().to_string();
    assert!(error.contains("particle"), "{error}");
}
