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

fn example() -> TestSpace {
    let space = TestSpace::new();
    bring(&space, &TABLES);
    bring(&space, &["recipe.rhai", "params.toml", "beam_counts.awk"]);
    bring(&space, &["raw/run_0102.h5", "raw/run_0104.h5"]);
    space
}

/// The counts of a build's last event.
fn finished(space: &TestSpace, args: &[&str]) -> [u64; 2] {
    let text = space.run(&[&["build", "--json"], args].concat()).ok();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "build_finished");
    ["executed", "fresh"].map(|name| last[name].as_u64().unwrap())
}

#[test]
fn the_example_makes_clouds_pictures_and_a_table_once() {
    let space = example();
    assert_eq!(finished(&space, &[]), [8, 0]);
    let all = space.read("pictures/all_runs.svg");
    assert!(all.contains("AT-TPC runs 102, 104"));
    assert!(all.contains("32 events  ·  8693 points"));
    assert!(space.read("pictures/run_0102_event.svg").contains("AT-TPC run 102, event 21<"));
    assert_eq!(space.read("beam_counts.csv"), "run,ic_counts\n0102,0\n0104,1\n");
    assert_eq!(finished(&space, &[]), [0, 8]);
}

#[test]
fn another_picture_leaves_the_clouds_alone() {
    let space = example();
    assert_eq!(finished(&space, &[]), [8, 0]);
    assert_eq!(finished(&space, &["--set", "picture.event=17"]), [2, 6]);
    assert!(space.read("pictures/run_0104_event.svg").contains("AT-TPC run 104, event 17<"));
    let why = space.run(&["why", "pictures/run_0104_event.svg"]).ok();
    assert!(why.contains("parameter event changed") && why.contains("17 -> \"auto\""), "{why}");
}

#[test]
fn the_shipped_recipe_says_what_it_needs_and_then_builds() {
    let space = TestSpace::new();
    let _ = space.run(&["init", "--recipe", "attpc"]).ok();
    let text = space.run(&["build"]).fails_with(3);
    assert!(text.contains("no runs yet: put them into raw/"), "{text}");
    bring(&space, &["raw/run_0104.h5"]);
    let text = space.run(&["build"]).fails_with(3);
    assert!(text.contains("`detector/padxy.csv`, needed by `pointcloud@0104`"), "{text}");
    bring(&space, &TABLES);
    assert_eq!(finished(&space, &[]), [4, 0]);
    assert!(space.read("pictures/all_runs.svg").contains("AT-TPC run 104<"));
}
