use std::collections::BTreeMap;
use std::path::Path;

use crate::data::parquet::{Column, write_table};
use crate::model::step::StepSpec;
use crate::model::value::Value;

fn here(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/attpc").join(path).display().to_string()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Draws a picture and gives it with the warnings, or the error's words.
fn draw(
    kernel: &str,
    inputs: &[(&str, String)],
    params: &[(&str, Value)],
) -> Result<(String, Vec<String>), String> {
    let space = tempfile::tempdir().unwrap();
    let picture = space.path().join("picture.svg");
    let params = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let spec = StepSpec {
        kernel: format!("attpc.figure.{kernel}"),
        params: Value::Map(params),
        item: BTreeMap::new(),
        inputs: inputs.iter().map(|(role, path)| ((*role).to_owned(), path.clone())).collect(),
        outputs: vec![("picture".to_owned(), picture.display().to_string())],
        cores: 1,
        progress: None,
    };
    let summary = crate::steps::run(&spec, &|_| ()).map_err(|error| error.to_string())?;
    Ok((std::fs::read_to_string(picture).unwrap(), summary.warnings))
}

fn estimates() -> Vec<(&'static str, String)> {
    let file = |run| ("estimate", here(&format!("reference/Estimation/run_{run}.parquet")));
    ["0101", "0102", "0104"].map(file).to_vec()
}

fn tracks(isotope: &str) -> Vec<(&'static str, String)> {
    let file =
        |run| ("track", here(&format!("reference/InterpSolver/run_{run}_{isotope}.parquet")));
    ["0101", "0102", "0104"].map(file).to_vec()
}

fn deuterons() -> Vec<(&'static str, Value)> {
    vec![
        ("target", text("2H")),
        ("projectile", text("16C")),
        ("ejectile", text("2H")),
        ("beam_energy", Value::Float(184.131)),
    ]
}

#[test]
fn gates_hold_as_many_estimates_as_spyral_selects() {
    let mut inputs = estimates();
    inputs.push(("pid", here("config/pid_deuteron.json")));
    inputs.push(("pid", here("config/pid_proton.json")));
    let window = [("ic_min_val", Value::Float(900.0)), ("ic_max_val", Value::Float(1350.0))];
    let (svg, warnings) = draw("pid", &inputs, &window).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert!(svg.contains("146 estimates of runs 101, 102 and 104"));
    assert!(svg.contains("deuteron: 108 inside (74 %), 89 in the window"));
    assert!(svg.contains("proton: 31 inside (21 %), 24 in the window"));
    assert_eq!(svg, draw("pid", &inputs, &window).unwrap().0);
}

#[test]
fn gates_over_other_columns_are_left_out_with_a_word() {
    let mut inputs = estimates();
    inputs.push(("pid", here("config/pid_deuteron.json")));
    let (svg, warnings) = draw("pid", &inputs, &[("x_axis", text("sqrt_dEdx"))]).unwrap();
    assert!(!svg.contains("deuteron"));
    assert!(warnings[0].starts_with("gate `deuteron` has axes `dEdx` and `brho`"), "{warnings:?}");
}

#[test]
fn half_a_window_and_unknown_columns_are_refused() {
    let half = draw("pid", &estimates(), &[("ic_min_val", Value::Float(900.0))]).unwrap_err();
    assert_eq!(half, "`ic_min_val` needs `ic_max_val` beside it");
    let column = draw("pid", &estimates(), &[("x_axis", text("dedx"))]).unwrap_err();
    assert!(column.starts_with("missing `dedx`, expected a column of numbers"), "{column}");
}

#[test]
fn tables_without_rows_or_columns_make_empty_pictures_and_warnings() {
    let space = tempfile::tempdir().unwrap();
    let bare = space.path().join("run_0007_2H.parquet");
    write_table(&bare, &[]).unwrap();
    let input = |role| vec![(role, bare.display().to_string())];
    let (svg, warnings) = draw("pid", &input("estimate"), &[]).unwrap();
    assert!(svg.contains(">no estimates<"));
    assert_eq!(warnings, ["no file has estimates, the picture is empty"]);
    let (svg, warnings) = draw("tracks", &input("track"), &[]).unwrap();
    assert!(svg.contains("²H: 0 tracks"));
    assert_eq!(warnings, ["no file has tracks, the picture is empty"]);
    let (_, warnings) = draw("kinematics", &input("track"), &deuterons()).unwrap();
    assert_eq!(warnings, ["no file has tracks, only the kinematic lines are drawn"]);
}

#[test]
fn a_table_of_another_phase_is_refused() {
    let error = draw("tracks", &[("track", estimates()[0].1.clone())], &[]).unwrap_err();
    assert!(error.starts_with("missing `ke`, expected a column of numbers"), "{error}");
    let space = tempfile::tempdir().unwrap();
    let path = space.path().join("run_0007_2H.parquet");
    write_table(&path, &[("ke", Column::I64(vec![1]))]).unwrap();
    let error =
        draw("kinematics", &[("track", path.display().to_string())], &deuterons()).unwrap_err();
    assert!(error.starts_with("missing `polar`"), "{error}");
}

#[test]
fn tracks_of_both_particles_share_a_sheet() {
    let inputs = [tracks("2H"), tracks("1H")].concat();
    let (svg, warnings) = draw("tracks", &inputs, &[]).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert!(svg.contains("112 tracks of runs 101, 102 and 104"));
    assert!(svg.contains("²H: 88 tracks") && svg.contains("¹H: 24 tracks"));
}

#[test]
fn the_reaction_is_named_and_its_q_value_known() {
    let mut params = deuterons();
    params[2].1 = text("1H");
    let (svg, warnings) = draw("kinematics", &tracks("1H"), &params).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert!(svg.contains("Kinematics of ²H(¹⁶C, ¹H)¹⁷C"));
    // 0.734 MeV of the neutron's separation energy in 17C less 2.225 MeV of the deuteron's.
    assert!(svg.contains("24 tracks of runs 101, 102 and 104  ·  Q = −1.49"), "{}", &svg[..900]);
    let (_, warnings) = draw("kinematics", &tracks("2H"), &params).unwrap();
    assert_eq!(warnings, ["files say `2H`, but `ejectile` is `1H`"]);
}

#[test]
fn tracks_with_a_bad_fit_can_be_left_out() {
    let mut params = deuterons();
    params.push(("redchisq_max", Value::Float(1e-5)));
    let (svg, warnings) = draw("kinematics", &tracks("2H"), &params).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].ends_with("tracks left out by `redchisq_max`"));
    assert!(!svg.contains("88 tracks"));
}

#[test]
fn reactions_that_cannot_be_are_refused() {
    let refused = |name: &str, value: Value| {
        let mut params = deuterons();
        params.retain(|(given, _)| *given != name);
        params.push((Box::leak(name.to_owned().into_boxed_str()), value));
        draw("kinematics", &tracks("2H"), &params).unwrap_err()
    };
    assert_eq!(refused("target", text("H2")), "`target` names no isotope");
    assert_eq!(
        refused("ejectile", text("238U")),
        "charge and mass numbers of the reaction leave Z = -85 and A = -220"
    );
    let states = Value::List(vec![text("a")]);
    assert_eq!(
        refused("excitation_energies", states),
        "`excitation_energies` is `[\"a\"]`, must be a list of at most 14 numbers"
    );
    let range = Value::List(vec![Value::Int(3), Value::Int(1)]);
    assert_eq!(
        refused("excitation_range", range),
        "`excitation_range` is `[3, 1]`, must be two rising numbers"
    );
}

#[test]
fn rates_count_all_phases_run_by_run() {
    let mut inputs = [estimates(), tracks("2H")].concat();
    for run in ["0101", "0102", "0104"] {
        inputs.push(("cloud", here(&format!("reference/Pointcloud/run_{run}.h5"))));
        inputs.push(("cluster", here(&format!("reference/Cluster/run_{run}.h5"))));
    }
    inputs.push(("gated_ic", here("reference/Pointcloud/run_0104_gated_ic_scaler.txt")));
    let (svg, warnings) = draw("rates", &inputs, &[]).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    let line =
        "runs 101, 102 and 104  ·  150 clouds  ·  246 clusters  ·  146 estimates  ·  88 solved ²H";
    assert!(svg.contains(line), "{}", &svg[..900]);
    assert!(svg.contains(">135 good pulses<") && svg.contains("no scalers given"));
}

#[test]
fn scalers_without_a_run_and_counts_that_are_no_numbers_are_refused() {
    let cloud = ("cloud", here("reference/Pointcloud/run_0104.h5"));
    let space = tempfile::tempdir().unwrap();
    let path = |name: &str| space.path().join(name).display().to_string();
    write_table(Path::new(&path("scalers.parquet")), &[("event", Column::I64(vec![0]))]).unwrap();
    let inputs = [cloud.clone(), ("scaler", path("scalers.parquet"))];
    let error = draw("rates", &inputs, &[]).unwrap_err();
    assert!(error.starts_with("no run number in file name, expected `run_NNNN`"), "{error}");
    std::fs::write(path("run_0104_gated_ic_scaler.txt"), "IC counts\nmany\n").unwrap();
    let inputs = [cloud, ("gated_ic", path("run_0104_gated_ic_scaler.txt"))];
    let error = draw("rates", &inputs, &[]).unwrap_err();
    assert!(error.starts_with("line 2 of a table is `many`, expected a count"), "{error}");
}
