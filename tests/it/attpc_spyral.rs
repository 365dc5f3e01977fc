//! The recipe that runs Spyral itself, as far as that goes without Spyral and without a network:
//! what it would do, and what makes it do less. `scripts/try_spyral_recipe.sh` does the rest.

use crate::space::TestSpace;

const PARTICLE: &str = r#"{"name": "d", "Z": 1, "A": 2, "vertices": [[0,0],[1,0],[0,1],[0,0]]}"#;

fn project() -> TestSpace {
    let space = TestSpace::new();
    let _ = space.run(&["init", "--recipe", "attpc-spyral"]).ok();
    space
}

/// The lines of a plan, without how many actions and why.
fn planned(space: &TestSpace, args: &[&str]) -> String {
    space.run(&[&["plan"], args].concat()).ok()
}

#[test]
fn the_recipe_waits_for_runs_and_then_for_gates() {
    let space = project();
    let text = space.run(&["plan"]).fails_with(3);
    assert!(text.contains("no runs yet: put them into raw/"), "{text}");
    space.write("raw/run_0001.h5", "");
    space.write("raw/run_0002.h5", "");
    space.write("gas.json", "{}");
    // The environment, and three phases of two runs.
    let plan = planned(&space, &[]);
    assert!(plan.contains("7 would run"), "{plan}");
    space.write("pid_2H.json", PARTICLE);
    // A mesh and phase 4 of two runs.
    let plan = planned(&space, &[]);
    assert!(plan.contains("10 would run") && plan.contains("mesh_2H"), "{plan}");
}

#[test]
fn the_drift_map_is_made_once_and_for_all_runs() {
    let space = project();
    space.write("raw/run_0001.h5", "");
    space.write("raw/run_0002.h5", "");
    space.write("detector/garfield.txt", "");
    let plan = planned(&space, &["--set", "detector.do_garfield_correction=true"]);
    assert!(plan.contains("8 would run") && plan.contains("drift_map"), "{plan}");
}
