//! The command line around the commands: first words, errors, exit codes, pipes, `init`, `kernel`.

use std::process::Stdio;

use crate::space::TestSpace;

#[test]
fn a_newcomer_is_led_to_the_first_command() {
    let text = TestSpace::new().run(&[]).ok();
    assert!(text.starts_with("attpc is make for experiments"), "{text}");
    assert!(text.contains("\n  attpc init        copy a shipped recipe"), "{text}");
    assert!(text.ends_with("\n  attpc --help      list all commands and options\n"), "{text}");
}

#[test]
fn a_misspelt_command_is_a_usage_error_with_the_near_one() {
    let text = TestSpace::new().run(&["kernle"]).fails_with(2);
    assert!(text.contains("a similar subcommand exists: 'kernel'"), "{text}");
}

#[test]
fn a_directory_that_is_not_there_is_a_usage_error() {
    assert_eq!(
        TestSpace::new().run(&["-C", "nowhere", "init"]).fails_with(2),
        "error: cannot work in `nowhere`\ncaused by: No such file or directory (os error 2)\n"
    );
}

#[test]
fn a_shipped_recipe_is_copied_once() {
    let space = TestSpace::new();
    let text = space.run(&["init", "new project"]);
    assert!(text.stderr.contains("`attpc -C 'new project' plan`"), "{}", text.stderr);
    assert!(space.read("new project/recipe.rhai").contains("rule("));
    space.write("new project/params.toml", "mine = 1\n");
    let text = space.run(&["-C", "new project", "init"]).fails_with(2);
    assert!(text.contains("already has") && text.contains("`recipe.rhai`"), "{text}");
    assert_eq!(space.read("new project/params.toml"), "mine = 1\n");
}

#[test]
fn kernels_answer_in_json() {
    let text = TestSpace::new().run(&["kernel", "list", "--json"]).ok();
    let kernels: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names: Vec<_> = kernels.as_array().unwrap().iter().map(|k| &k["name"]).collect();
    let expected = cfg!(feature = "hdf5");
    assert_eq!(names.iter().any(|name| *name == "attpc.pointcloud"), expected, "{text}");
}

#[test]
fn a_step_that_fits_no_kernel_is_a_usage_error() {
    let space = TestSpace::new();
    space.write(
        "spec.json",
        r#"{"kernel": "attpc.nothing", "params": {}, "item": {}, "inputs": [], "outputs": [],
            "cores": 1, "progress": null}"#,
    );
    assert_eq!(
        space.run(&["kernel", "run", "spec.json"]).fails_with(2),
        "error: no kernel named `attpc.nothing`\nhint: `attpc kernel list` names all kernels\n"
    );
}

#[test]
fn a_reader_that_leaves_early_is_no_trouble() {
    let space = TestSpace::new();
    let mut child = space
        .command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The pipe's reading end is closed before the program can have written.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
