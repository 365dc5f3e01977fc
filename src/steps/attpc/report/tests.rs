use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;
use crate::data::parquet::{Column, write_table};
use crate::model::step::StepSpec;

fn here(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/attpc").join(path).display().to_string()
}

/// Writes a page in a fresh directory; `inputs` and `params` are pairs of names and values.
fn page(
    inputs: &[(&str, String)],
    params: &[(&str, &str)],
) -> (Result<String, StepError>, Vec<String>) {
    let space = tempfile::tempdir().unwrap();
    let path: PathBuf = space.path().join("report.html");
    let params = params
        .iter()
        .map(|(name, text)| ((*name).to_owned(), Value::Text((*text).to_owned())))
        .collect();
    let spec = StepSpec {
        kernel: "attpc.report".to_owned(),
        params: Value::Map(params),
        item: BTreeMap::new(),
        inputs: inputs.iter().map(|(role, path)| ((*role).to_owned(), path.clone())).collect(),
        outputs: vec![("report".to_owned(), path.display().to_string())],
        cores: 1,
        progress: None,
    };
    match crate::steps::run(&spec, &|_| ()) {
        Ok(summary) => (Ok(std::fs::read_to_string(path).unwrap()), summary.warnings),
        Err(error) => (Err(error), Vec::new()),
    }
}

fn reference() -> Vec<(&'static str, String)> {
    let mut inputs = Vec::new();
    for run in ["0101", "0102", "0104"] {
        inputs.push(("cloud", here(&format!("reference/Pointcloud/run_{run}.h5"))));
        inputs.push(("cluster", here(&format!("reference/Cluster/run_{run}.h5"))));
        inputs.push(("estimate", here(&format!("reference/Estimation/run_{run}.parquet"))));
        inputs.push(("track", here(&format!("reference/InterpSolver/run_{run}_2H.parquet"))));
    }
    inputs.push(("params", here("config/spyral_config.json")));
    inputs
}

#[test]
fn a_trial_is_counted_and_its_parameters_are_explained() {
    let (html, warnings) = page(&reference(), &[("title", "Trial <2>")]);
    let html = html.unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert!(html.contains("<h1>Trial &lt;2&gt;</h1>"));
    for fact in [
        "<b>3</b><span>runs",
        "<b>150</b><span>clouds",
        "<b>246</b><span>clusters",
        "<b>146</b><span>estimates",
        "<b>88</b><span>solved ²H",
    ] {
        assert!(html.contains(fact), "{fact}");
    }
    assert!(html.contains("<mark>477.29</mark></td><td>TB</td><td>560.0</td>"));
    assert!(html.contains("parameters differ from their defaults."));
    assert_eq!(html, page(&reference(), &[("title", "Trial <2>")]).0.unwrap());
}

#[test]
fn rejections_timings_and_warnings_have_their_sections() {
    let space = tempfile::tempdir().unwrap();
    let path = |name: &str| space.path().join(name).display().to_string();
    let columns =
        [("orig_run", Column::I64(vec![101, 101, 102])), ("reason", Column::I64(vec![1, 1, 99]))];
    write_table(Path::new(&path("rejected.parquet")), &columns).unwrap();
    let solved = [("orig_run", Column::I64(vec![101])), ("reason", Column::I64(vec![3]))];
    write_table(Path::new(&path("run_0101_2H_rejected.parquet")), &solved).unwrap();
    let costs = r#"[{"rule": "cluster", "actions": 2, "wall_ms": 1500, "cpu_ms": 2500, "peak_memory": 1048576},
        {"rule": "solve", "actions": 4, "wall_ms": 2250, "cpu_ms": 3000, "peak_memory": 0}]"#;
    std::fs::write(path("costs.json"), costs).unwrap();
    std::fs::write(path("warnings.txt"), "run 101: 2 <odd> events\n\n").unwrap();
    let inputs = [
        ("rejected_estimate", path("rejected.parquet")),
        ("rejected_track", path("run_0101_2H_rejected.parquet")),
        ("costs", path("costs.json")),
        ("warnings", path("warnings.txt")),
    ];
    let html = page(&inputs, &[("look_first", "the beam was off\n")]).0.unwrap();
    assert!(html.contains("clusters with too few points") && html.contains("reason 99"));
    assert!(html.contains("clusters with an angle below the mesh"));
    assert!(html.contains("2 of the 3 rejections of estimate have one reason"));
    assert!(html.contains(
        "<td>all</td><td class=\"n\">6</td><td class=\"n\">5.50</td><td class=\"n\">3.75</td>"
    ));
    assert!(html.contains("run 101: 2 &lt;odd&gt; events") && html.contains("gave 1 warning."));
    assert!(html.contains("</b>the beam was off</li>"));
}

#[test]
fn a_table_of_many_runs_is_folded() {
    let space = tempfile::tempdir().unwrap();
    let path = space.path().join("estimates.parquet");
    let page_of = |runs: i64| {
        write_table(&path, &[("orig_run", Column::I64((1..=runs).collect()))]).unwrap();
        page(&[("estimate", path.display().to_string())], &[]).0.unwrap()
    };
    assert!(page_of(20).contains("<h3>run by run</h3>"));
    let html = page_of(21);
    assert!(html.contains("<details>\n<summary>run by run, 21 runs</summary>\n"));
    assert!(html.contains("</details>") && !html.contains("<h3>run by run"));
}

#[test]
fn a_page_of_nothing_says_so() {
    let (html, warnings) = page(&[], &[]);
    assert!(html.unwrap().contains("<h1>AT-TPC trial</h1>"));
    assert_eq!(warnings, ["no pictures and no runs were given, the page is bare"]);
}

#[test]
fn what_cannot_be_read_is_named() {
    let refused = |role, path: String| page(&[(role, path)], &[]).0.unwrap_err().to_string();
    let absent = here("absent");
    assert!(refused("figure", absent.clone()).starts_with("cannot read `"));
    assert!(refused("cloud", absent.clone()).starts_with("cannot open `"));
    assert!(refused("params", absent).starts_with("cannot read `"));
    let table = here("reference/Estimation/run_0101.parquet");
    let error = refused("rejected_estimate", table);
    assert!(error.starts_with("missing `reason`, expected a column of integers"), "{error}");
}
