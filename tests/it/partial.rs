//! Rules that go on with what there is when other inputs could not be made.

use crate::space::TestSpace;

/// A run whose text is `bad` fails; the list takes what there is.
const RECIPE: &str = r#"
let runs = scan("raw/run_{run}.txt");

rule("clean", #{
    over:   runs,
    input:  "raw/run_{run}.txt",
    output: "clean/run_{run}.txt",
    shell:  "! grep -q bad {input} && cp {input} {output}",
});

rule("count", #{
    over:   runs,
    input:  "clean/run_{run}.txt",
    output: "count/run_{run}.txt",
    shell:  "wc -c < {input} > {output}",
});

rule("list", #{
    input:   #{ counts: "count/run_{run}.txt", title: "title.txt" },
    output:  "list.txt",
    partial: true,
    shell:   "cat {input.title} {input.counts} > {output}",
});

default_targets("list");
"#;

fn project(texts: &[&str]) -> TestSpace {
    let space = TestSpace::new();
    space.write("recipe.rhai", RECIPE);
    space.write("title.txt", "counts\n");
    for (run, text) in texts.iter().enumerate() {
        space.write(&format!("raw/run_{run}.txt"), text);
    }
    space
}

/// Builds and gives (executed, fresh, failed, skipped) of the last event.
fn build(space: &TestSpace, args: &[&str]) -> [u64; 4] {
    let ran = space.run(&[&["build", "--json"], args].concat());
    let last: serde_json::Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    ["executed", "fresh", "failed", "skipped"].map(|name| last[name].as_u64().unwrap())
}

#[test]
fn a_failed_run_is_left_out_and_the_build_still_says_that_it_failed() {
    let space = project(&["a", "bad", "ccc"]);
    let words = space.run(&["build", "-k"]).fails_with(1);
    assert!(words.contains("clean@1"), "{words}");
    assert_eq!(space.read("list.txt"), "counts\n1\n3\n");
    // The failed one is tried again, all else is as it was.
    assert_eq!(build(&space, &["-k"]), [0, 5, 1, 1]);
    // Mended, it takes its place.
    space.write("raw/run_1.txt", "bb");
    assert_eq!(build(&space, &[]), [3, 4, 0, 0]);
    assert_eq!(space.read("list.txt"), "counts\n1\n2\n3\n");
}

#[test]
fn an_old_result_does_not_stand_in_for_one_that_could_not_be_made() {
    let space = project(&["a", "bb", "ccc"]);
    space.run(&["build"]).ok();
    space.write("raw/run_1.txt", "bad");
    assert_eq!(build(&space, &["-k"]), [1, 4, 1, 1]);
    assert_eq!(space.read("list.txt"), "counts\n1\n3\n");
    // What has gone from the recipe and what could not be made are the same to who reads it.
    std::fs::remove_file(space.path().join("raw/run_1.txt")).unwrap();
    assert_eq!(build(&space, &[]), [0, 5, 0, 0]);
}

#[test]
fn nothing_left_of_an_input_skips_the_action() {
    let space = project(&["bad", "bad"]);
    let words = space.run(&["build", "-k"]).fails_with(1);
    assert!(!space.path().join("list.txt").exists());
    assert_eq!(build(&space, &["-k"]), [0, 0, 2, 3], "{words}");
}

#[test]
fn a_build_that_stops_at_its_first_failure_makes_no_partial_result() {
    let space = project(&["bad", "bb"]);
    space.run(&["build", "-j1"]).fails_with(1);
    assert!(!space.path().join("list.txt").exists());
    space.write("attpc.toml", "keep_going = true\n");
    space.run(&["build"]).fails_with(1);
    assert_eq!(space.read("list.txt"), "counts\n2\n");
}
