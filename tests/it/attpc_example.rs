//! The AT-TPC example and the shipped recipe, as a physicist meets them.

use std::fs;
use std::path::Path;

use crate::space::TestSpace;

const EXAMPLE: &str = "examples/01-attpc";

/// Copies files of the example into a project.
fn bring(space: &TestSpace, files: &[&str]) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLE);
    for file in files {
        let to = space.path().join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(example.join(file), to).unwrap();
    }
}

const TABLES: [&str; 4] = [
    "detector/padxy.csv",
    "detector/pad_time_correction.csv",
    "detector/pad_scale.csv",
    "detector/beam_pads.csv",
];

/// What the last step needs.
const GATES: [&str; 3] =
    ["detector/gas.json", "detector/pid_deuteron.json", "detector/pid_proton.json"];

fn example() -> TestSpace {
    let space = TestSpace::new();
    bring(&space, &TABLES);
    bring(&space, &GATES);
    bring(&space, &["recipe.rhai", "params.toml", "attpc.toml", "beam_counts.awk"]);
    bring(&space, &["raw/run_0102.h5", "raw/run_0104.h5"]);
    space
}

/// The counts (executed, fresh, failed, skipped) of a build's last event.
fn counts(space: &TestSpace, args: &[&str]) -> [u64; 4] {
    let ran = space.run(&[&["build", "--json"], args].concat());
    let last: serde_json::Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "build_finished");
    ["executed", "fresh", "failed", "skipped"].map(|name| last[name].as_u64().unwrap())
}

#[test]
fn the_example_goes_from_raw_runs_to_a_report_once() {
    let space = example();
    assert_eq!(counts(&space, &[]), [28, 0, 0, 0]);
    let all = space.read("pictures/all_runs.svg");
    assert!(all.contains("AT-TPC runs 102, 104"));
    assert!(all.contains("32 events  ·  8693 points"));
    assert!(space.read("pictures/run_0102_event.svg").contains("AT-TPC run 102, event 21<"));
    assert_eq!(space.read("beam_counts.csv"), "run,ic_counts\n0102,0\n0104,1\n");
    let report = space.read("pictures/report.html");
    for fact in
        ["<b>2</b><span>runs", "<b>32</b><span>clouds", "solved ²H", "solved ¹H", "processor s"]
    {
        assert!(report.contains(fact), "{fact}");
    }
    assert!(space.read("pictures/kinematics_2H.svg").contains("Kinematics of ²H(¹⁶C, ²H)¹⁶C"));
    assert_eq!(counts(&space, &[]), [0, 28, 0, 0]);
}

#[test]
fn another_picture_leaves_the_clouds_alone() {
    let space = example();
    space.run(&["build", "event_picture"]).ok();
    let again = counts(&space, &["event_picture", "--set", "picture.event=17"]);
    assert_eq!(again, [2, 2, 0, 0]);
    assert!(space.read("pictures/run_0104_event.svg").contains("AT-TPC run 104, event 17<"));
    let why = space.run(&["why", "pictures/run_0104_event.svg"]).ok();
    assert!(why.contains("parameter event changed") && why.contains("17 -> \"auto\""), "{why}");
}

#[test]
fn a_parameter_of_the_solver_leaves_everything_before_it_alone() {
    let space = example();
    assert_eq!(counts(&space, &[]), [28, 0, 0, 0]);
    // Four fits, pictures of kinematics for two particles, of tracks and rates, and the report.
    let [executed, _, failed, _] = counts(&space, &["--set", "solver.fit_method=leastsq"]);
    assert_eq!((executed, failed), (9, 0));
}

#[test]
fn results_whose_neighbour_moves_are_still_known_as_made_here() {
    let space = example();
    space.run(&["build", "solve"]).ok();
    let recipe = space.read("recipe.rhai");
    space.write("recipe.rhai", &recipe.replace("work/Rejected/", "work/LeftOut/"));
    let ran = space.run(&["build", "solve"]);
    assert_eq!((ran.code, ran.stderr.contains("was not as a build made it")), (Some(0), false));
}

#[test]
fn a_damaged_run_is_named_and_the_others_are_reported() {
    let space = example();
    fs::write(space.path().join("raw/run_0103.h5"), b"\x89HDF\r\n\x1a\n, and no more").unwrap();
    let words = space.run(&["build"]).fails_with(1);
    assert!(words.contains("pointcloud@103"), "{words}");
    let report = space.read("pictures/report.html");
    assert!(report.contains("<b>2</b><span>runs"));
    assert!(report.contains("Not all of run 103 could be worked on: an action failed."));
    let skipped = counts(&space, &["--set", "runs.skip=[103]"]);
    assert_eq!(skipped[2..], [0, 0]);
    assert!(!space.read("pictures/report.html").contains("could be worked on"));
}

#[test]
fn missing_runs_are_told_and_misspelt_parameters_refused() {
    let space = example();
    let params = space.read("params.toml");
    space.write("params.toml", &params.replace("skip = []", "first = 101\nlast = 104\nskip = []"));
    let ran = space.run(&["plan"]);
    assert!(ran.stderr.contains("raw/ lacks run 101, 103: left out"), "{}", ran.stderr);
    space.write("params.toml", &params.replace("magnetic_field", "magnetic_feild"));
    let words = space.run(&["plan"]).fails_with(3);
    assert!(words.contains("[detector] has no parameter \"magnetic_feild\""), "{words}");
    space.write("params.toml", &params.replace("peak_threshold = 40.0 ", "peak_treshold = 40.0 "));
    let words = space.run(&["plan"]).fails_with(3);
    assert!(words.contains("did you mean `get.peak_threshold`"), "{words}");
}

#[test]
fn harmonized_runs_go_the_same_way() {
    let space = example();
    let set = ["--set", "harmonize.files=3", "--set", "compat=spyral-1.1"];
    let [executed, _, failed, _] = counts(&space, &set);
    assert!(executed > 28 && failed == 0, "{executed} {failed}");
    assert!(space.read("pictures/report.html").contains("<b>2</b><span>runs"));
    assert!(space.path().join("work/Harmonized/run_0002.h5").exists());
}

#[test]
fn the_shipped_recipe_says_what_it_needs_and_then_builds() {
    let space = TestSpace::new();
    let _ = space.run(&["init", "--recipe", "attpc"]).ok();
    let text = space.run(&["build"]).fails_with(3);
    assert!(text.contains("no runs yet: put them into raw/"), "{text}");
    bring(&space, &["raw/run_0104.h5"]);
    let text = space.run(&["build"]).fails_with(3);
    assert!(text.contains("`detector/padxy.csv`, needed by `pointcloud@104`"), "{text}");
    bring(&space, &TABLES);
    assert_eq!(counts(&space, &[]), [9, 0, 0, 0]);
    assert!(space.read("pictures/all_runs.svg").contains("AT-TPC run 104<"));
}

#[test]
fn the_example_is_the_shipped_recipe_and_a_rule_more() {
    let read =
        |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let shipped = read("recipes/attpc/recipe.rhai");
    let (chain, _) = shipped.rsplit_once("default_targets(").unwrap();
    assert!(read("examples/01-attpc/recipe.rhai").starts_with(chain));
}
