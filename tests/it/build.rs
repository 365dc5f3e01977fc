//! What a build runs, what it does not run, and what it says.

use std::fs::{self, File, FileTimes};
use std::time::{Duration, SystemTime};

use crate::space::TestSpace;

/// Two steps for each of three runs, and a table of all.
const RECIPE: &str = r#"
let runs = scan("raw/run_{run}.txt");
let p = params("params.toml");

rule("clean", #{
    over:   runs,
    input:  "raw/run_{run}.txt",
    output: "clean/run_{run}.txt",
    params: p.clean,
    shell:  "tr a-z A-Z < {input} | cut -c1-{params.width} > {output}; echo cleaned {run}",
});

rule("count", #{
    over:   runs * sweep(#{ letter: ["A", "B"] }),
    input:  #{ clean: "clean/run_{run}.txt", script: "count.sh" },
    output: "count/{letter}/run_{run}.txt",
    argv:   ["/bin/sh", "{input.script}", "{letter}", "{input.clean}", "{output}"],
});

rule("table", #{
    input:  "count/{letter}/run_{run}.txt",
    output: "table.txt",
    shell:  "cat {input} > {output}",
    tags:   "results",
});

default_targets("table");
"#;

fn project() -> TestSpace {
    let space = TestSpace::new();
    space.write("recipe.rhai", RECIPE);
    space.write("params.toml", "[clean]\nwidth = 8\n\n[other]\nwidth = 1\n");
    space.write("count.sh", "grep -o \"$1\" \"$2\" | wc -l > \"$3\"\n");
    for (run, text) in [("1", "abba"), ("2", "bbb"), ("10", "aaaa")] {
        space.write(&format!("raw/run_{run}.txt"), text);
    }
    space
}

/// Builds and gives (executed, fresh) of the last event.
fn build(space: &TestSpace, args: &[&str]) -> (u64, u64) {
    let text = space.run(&[&["build", "--json"], args].concat()).ok();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "build_finished", "{last}");
    (last["executed"].as_u64().unwrap(), last["fresh"].as_u64().unwrap())
}

const NOTHING: (u64, u64) = (0, 10);

#[test]
fn a_build_makes_everything_once() {
    let space = project();
    assert_eq!(build(&space, &[]), (10, 0));
    assert_eq!(
        space.read("table.txt").split_whitespace().collect::<Vec<_>>(),
        ["2", "0", "4", "2", "3", "0"]
    );
    assert_eq!(build(&space, &[]), NOTHING);
}

#[test]
fn touching_an_input_without_changing_it_stays_fresh() {
    let space = project();
    assert_eq!(build(&space, &[]), (10, 0));
    let text = space.read("raw/run_2.txt");
    space.write("raw/run_2.txt", &text);
    assert_eq!(build(&space, &[]), NOTHING);
}

#[test]
fn older_dated_content_is_a_change() {
    let space = project();
    assert_eq!(build(&space, &[]), (10, 0));
    let path = space.write("raw/run_2.txt", "aab");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(long_ago)).unwrap();
    assert_eq!(build(&space, &[]), (4, 6));
}

#[test]
fn same_size_with_the_time_put_back_is_a_change() {
    let space = project();
    assert_eq!(build(&space, &[]), (10, 0));
    let path = space.path().join("raw/run_2.txt");
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "aab").unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_times(FileTimes::new().set_modified(before)).unwrap();
    assert_eq!(build(&space, &[]), (4, 6));
}

#[test]
fn equal_bytes_upstream_cut_the_build_off() {
    let space = project();
    assert_eq!(build(&space, &[]), (10, 0));
    // Beyond the eight letters that the first step keeps.
    space.write("raw/run_2.txt", "bbb");
    assert_eq!(build(&space, &[]), NOTHING);
    space.write("raw/run_1.txt", "ABBA");
    assert_eq!(build(&space, &[]), (1, 9));
}

#[test]
fn only_declared_parameters_count() {
    let space = project();
    assert_eq!(build(&space, &[]), (10, 0));
    space.write("params.toml", "# a comment\n[other]\nwidth = 9\n[clean]\nwidth = 8\n");
    assert_eq!(build(&space, &[]), NOTHING);
    space.write("params.toml", "[clean]\nwidth = 3\n");
    let plan = space.run(&["plan"]).ok();
    assert!(
        plan.contains(
            "3 actions of clean  because parameter width changed  8 -> 3  (params.toml:2"
        ),
        "{plan}"
    );
    // Three are cleaned again; the shortest text comes out as before.
    let (executed, fresh) = build(&space, &[]);
    assert_eq!((executed, fresh), (8, 2));
    // Back again: what lies there already as the earlier build made it is not run.
    assert_eq!(build(&space, &["--set", "clean.width=8"]), (5, 5));
}

#[test]
fn a_new_run_and_a_removed_run_change_only_what_they_must() {
    let space = project();
    assert_eq!(build(&space, &[]), (10, 0));
    space.write("raw/run_3.txt", "ab");
    assert_eq!(build(&space, &[]), (4, 9));
    let why = space.run(&["why", "clean/run_3.txt"]).ok();
    assert!(why.contains("up to date\n  from  raw/run_3.txt\n  with  width = 8\n"), "{why}");
    fs::remove_file(space.path().join("raw/run_3.txt")).unwrap();
    let why = space.run(&["why", "table.txt"]).ok();
    assert!(why.contains("input count/A/run_3.txt"), "{why}");
    assert_eq!(build(&space, &[]), (1, 9));
}

#[test]
fn a_script_named_by_a_command_is_an_input() {
    let space = project();
    assert_eq!(build(&space, &[]), (10, 0));
    space.write("count.sh", "grep -o \"$1\" \"$2\" | wc -l | sed 's/$/ x/' > \"$3\"\n");
    assert_eq!(build(&space, &[]), (7, 3));
}

#[test]
fn a_changed_command_and_a_renamed_rule_are_told_apart() {
    let space = project();
    assert_eq!(build(&space, &[]), (10, 0));
    space.write(
        "recipe.rhai",
        &RECIPE.replace("\"count\"", "\"letters\"").replace("\nlet runs", "\n// why\nlet runs"),
    );
    assert_eq!(build(&space, &[]), NOTHING);
    space.write("recipe.rhai", &RECIPE.replace("cat {input}", "sort {input}"));
    let why = space.run(&["why", "table.txt"]).ok();
    assert!(why.contains("command changed"), "{why}");
    assert_eq!(build(&space, &[]), (1, 9));
}

#[test]
fn outputs_that_are_gone_or_changed_by_hand_are_made_again() {
    let space = project();
    assert_eq!(build(&space, &[]), (10, 0));
    fs::remove_file(space.path().join("table.txt")).unwrap();
    space.write("clean/run_1.txt", "by hand");
    let why = space.run(&["why", "table.txt", "clean/run_1.txt"]).ok();
    assert!(why.contains("output clean/run_1.txt was modified after it was made"), "{why}");
    assert_eq!(build(&space, &[]), (2, 8));
    assert_eq!(space.read("clean/run_1.txt"), "ABBA\n");
}

#[test]
fn forcing_runs_the_target_and_nothing_else() {
    let space = project();
    assert_eq!(build(&space, &[]), (10, 0));
    assert_eq!(build(&space, &["--force", "clean@1"]), (1, 0));
    assert_eq!(build(&space, &[]), NOTHING);
}

#[test]
fn a_part_can_be_built_alone() {
    let space = project();
    assert_eq!(build(&space, &["count@10,A"]), (2, 0));
    assert_eq!(build(&space, &["clean/run_1.txt"]), (1, 0));
    assert_eq!(build(&space, &["run:10"]), (1, 2));
    assert_eq!(build(&space, &["tag:results"]), (6, 4));
}

#[test]
fn a_plan_runs_nothing_and_says_what_is_certain() {
    let space = project();
    let text = space.run(&["plan", "--json"]).ok();
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    let plan = plan.as_array().unwrap();
    assert_eq!(plan.len(), 10);
    let table = plan.iter().find(|action| action["id"] == "table").unwrap();
    assert_eq!((&table["verdict"], &table["runs"]), (&"pending".into(), &"certain".into()));
    let clean = plan.iter().find(|action| action["id"] == "clean@1").unwrap();
    assert_eq!(clean["verdict"], "stale");
    assert_eq!(clean["reasons"][0]["reason"], "never_built");
    assert!(!space.path().join("clean").exists());
    assert_eq!(space.run(&["build", "-n"]).ok(), space.run(&["plan"]).ok());
    assert!(!space.path().join("clean").exists());
}

#[test]
fn a_failure_is_shown_with_everything_and_costs_nothing_else() {
    let space = project();
    space.write("count.sh", "echo to the log; echo \"cannot count $1\" >&2; [ \"$1\" != B ] || exit 3\ngrep -o \"$1\" \"$2\" | wc -l > \"$3\"\n");
    let words = space.run(&["build", "-k", "-j", "1"]).fails_with(1);
    assert!(words.contains("exit status 3"), "{words}");
    assert!(words.contains("to the log") && words.contains("cannot count B"), "{words}");
    assert!(words.contains("/bin/sh count.sh B clean/run_1.txt"), "{words}");
    assert!(words.contains("3 failed"), "{words}");
    let (executed, fresh) = {
        space.write("count.sh", "grep -o \"$1\" \"$2\" | wc -l > \"$3\"\n");
        build(&space, &[])
    };
    assert_eq!((executed, fresh), (7, 3));
}

#[test]
fn a_command_that_fails_after_writing_leaves_the_old_output() {
    let space = TestSpace::new();
    let recipe = |text: &str| {
        let rule = format!("rule(\"a\", #{{ output: \"a.txt\", shell: \"{text}\" }});");
        space.write("recipe.rhai", &rule);
    };
    recipe("echo good > {output}");
    assert_eq!(build(&space, &[]), (1, 0));
    recipe("echo bad > {output}; exit 1");
    let words = space.run(&["build"]).fails_with(1);
    assert!(words.contains("exit status 1"), "{words}");
    assert_eq!(space.read("a.txt"), "good\n");
    let why = space.run(&["why", "a.txt"]).ok();
    assert!(why.contains("command changed") && why.contains("failed"), "{why}");
    assert_eq!(space.run(&["log", "a.txt"]).ok(), "");
    recipe("echo good > {output}");
    assert_eq!(build(&space, &[]), (0, 1));
}

#[test]
fn outputs_must_be_written_where_they_are_expected() {
    let space = TestSpace::new();
    let fails = |recipe: &str| {
        space.write("recipe.rhai", recipe);
        space.run(&["build"]).fails_with(1)
    };
    let words = fails("rule(\"a\", #{ output: \"a.txt\", shell: \"echo x > a.txt\" });");
    assert!(
        words.contains("output `a.txt` was written under that name: write to `{output}`"),
        "{words}"
    );
    let words = fails("rule(\"b\", #{ output: \"b.txt\", argv: [\"true\"] });");
    assert!(words.contains("output `b.txt` was not written to `{output}`"), "{words}");
    let words =
        fails("rule(\"c\", #{ output: \"c/\", shell: \"rmdir {output}; echo > {output}\" });");
    assert!(words.contains("output `c/` is not a directory"), "{words}");
    let words =
        fails("rule(\"d\", #{ output: \"d\", argv: [\"no-such-program\", \"{output}\"] });");
    assert!(words.contains("found no program `no-such-program`"), "{words}");
}

#[test]
fn directories_depfiles_and_environment_count() {
    let space = TestSpace::new();
    space.write("found.txt", "1");
    space.write("recipe.rhai", r#"
        rule("tree", #{ output: "tree/", shell: "mkdir {output}/sub; cp found.txt {output}/sub/x; echo \"out: found.txt other.txt\" > {output}.d", depfile: "{output}.d" });
        rule("use", #{ input: "tree/", output: "use.txt", env: ["FLAVOUR"], shell: "cat {input}/sub/x > {output}; echo $FLAVOUR $HIDDEN >> {output}" });
    "#);
    space.write("other.txt", "2");
    let with = |flavour: &str| {
        let mut command = space.command(&["build", "--json"]);
        command.env("FLAVOUR", flavour).env("HIDDEN", "secret");
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        last["executed"].as_u64().unwrap_or(99)
    };
    assert_eq!(with("sweet"), 2);
    assert_eq!(space.read("use.txt"), "1sweet\n");
    assert_eq!(with("sweet"), 0);
    assert_eq!(with("sour"), 1);
    // Discovered by the depfile, not declared.
    space.write("other.txt", "3");
    assert_eq!(with("sour"), 1);
    space.write("tree/sub/new", "by hand");
    assert_eq!(with("sour"), 1);
    assert!(!space.path().join("tree/sub/new").exists());
    assert_eq!(with("sour"), 0);
}

#[test]
fn resources_are_held_and_enforced() {
    let space = TestSpace::new();
    space.write("attpc.toml", "[pools]\nlicence = 1\n");
    space.write("recipe.rhai", r#"
        let n = sweep(#{ n: [1, 2, 3, 4] });
        rule("one", #{ over: n, output: "one/{n}", resources: #{ pools: #{ licence: 1 } },
            shell: "mkdir busy && rmdir busy && echo {resources.cores} > {output}" });
        rule("slow", #{ output: "slow", timeout: "0.2 s", argv: ["sleep", "1000"] });
        rule("huge", #{ output: "huge", resources: #{ memory: "20 MB" }, shell: "head -c 20000000000 /dev/zero | tail > {output}" });
        rule("again", #{ output: "again", retries: 2, shell: "echo x >> tries; [ $(wc -l < tries) = 3 ] && echo ok > {output}" });
    "#);
    let words = space.run(&["build", "-k", "-j", "4"]).fails_with(1);
    assert!(words.contains("time limit") && words.contains("of memory"), "{words}");
    for done in ["one/1", "one/4", "again"] {
        assert!(space.path().join(done).exists(), "{done}: {words}");
    }
    space.write("recipe.rhai", "rule(\"a\", #{ output: \"a\", argv: [\"true\"], resources: #{ pools: #{ licence: 2 } } });");
    let words = space.run(&["build"]).fails_with(3);
    assert!(words.contains("asks for 2 of `licence`, but there is only 1"), "{words}");
}

#[test]
fn missing_sources_are_named_with_near_ones() {
    let space = TestSpace::new();
    space.write("raw/run_0104.h5", "");
    space.write("recipe.rhai", "rule(\"a\", #{ input: \"raw/run_0140.h5\", output: \"a\", argv: [\"cp\", \"{input}\", \"{output}\"] });");
    assert_eq!(
        space.run(&["build"]).fails_with(3),
        "error: 1 source file of this build is missing\n\
         caused by: `raw/run_0140.h5`, needed by `a`; did you mean `raw/run_0104.h5`?\n\
         hint: put the files in place, or change the recipe's `input`\n"
    );
    assert_eq!(
        space.run(&["build", "b"]).fails_with(2),
        "error: no rule, output or action is called `b`\nhint: did you mean `a`?\n"
    );
}

#[test]
fn clean_removes_what_was_made_and_nothing_else() {
    let space = project();
    assert_eq!(build(&space, &[]), (10, 0));
    space.write("clean/run_1.txt", "by hand");
    let text = space.run(&["clean", "-n", "clean"]).ok();
    assert!(text.contains("would remove clean/run_2.txt"), "{text}");
    let text = space.run(&["clean", "clean"]).ok();
    assert!(text.contains("removed 2 outputs") && text.contains("kept clean/run_1.txt"), "{text}");
    assert!(space.path().join("raw/run_2.txt").exists());
    assert_eq!(build(&space, &[]), (3, 7));
}

#[test]
fn losing_the_index_or_the_caches_loses_nothing() {
    let space = project();
    assert_eq!(build(&space, &[]), (10, 0));
    fs::remove_dir_all(space.path().join(".attpc/store")).unwrap();
    fs::remove_file(space.path().join(".attpc/snapshot")).unwrap();
    fs::remove_file(space.path().join(".attpc/graph")).unwrap();
    assert_eq!(build(&space, &[]), NOTHING);
    let text = space.run(&["doctor", "--rebuild"]).ok();
    assert!(text.contains("journal: 10 records"), "{text}");
    fs::remove_file(space.path().join(".attpc/snapshot")).unwrap();
    assert_eq!(build(&space, &[]), NOTHING);
}

#[test]
fn a_project_can_move() {
    let space = project();
    assert_eq!(build(&space, &[]), (10, 0));
    let elsewhere = space.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for entry in fs::read_dir(space.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.path() != elsewhere {
            fs::rename(entry.path(), elsewhere.join(entry.file_name())).unwrap();
        }
    }
    assert_eq!(build(&space, &["-C", "elsewhere"]), NOTHING);
}

#[test]
fn what_is_not_there_yet_is_said_and_not_passed_over() {
    let space = TestSpace::new();
    let rule = |keys: &str| {
        let text =
            format!("rule(\"a\", #{{ output: \"a\", shell: \"echo > {{output}}\", {keys} }});");
        space.write("recipe.rhai", &text);
        space.run(&["build"])
    };
    let words = rule("on: \"slurm\"").fails_with(3);
    assert!(words.contains("rule `a` wants the executor `slurm`, which is not set up"), "{words}");
    let ran = rule("container: \"fit:1.0\"");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("not in its container `fit:1.0`"), "{}", ran.stderr);
}

#[test]
fn recipes_are_laid_out() {
    let space = TestSpace::new();
    space.write("recipe.rhai", "rule(\"a\", #{\noutput: \"a\",\nargv: [\"true\"] });\n");
    assert_eq!(space.run(&["fmt", "--check"]).code, Some(1));
    assert_eq!(space.run(&["fmt"]).ok(), "changed recipe.rhai\n");
    assert_eq!(space.run(&["fmt", "--check"]).ok(), "");
    assert!(space.read("recipe.rhai").contains("\n    output: \"a\",\n"));
    space.write("broken.rhai", "rule(");
    let _ = space.run(&["fmt", "broken.rhai"]).fails_with(3);
}

#[test]
fn what_no_build_made_is_kept_when_an_output_takes_its_place() {
    let space = TestSpace::new();
    space.write("d/thesis.tex", "precious");
    space.write("c.txt", "by hand");
    space.write(
        "recipe.rhai",
        r#"rule("d", #{ output: "d/", shell: "echo x > {output}/x" });
           rule("c", #{ output: "c.txt", shell: "echo c > {output}" });"#,
    );
    let ran = space.run(&["build"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("`d` was not as a build made it: kept as `.attpc/replaced/"),
        "{}",
        ran.stderr
    );
    let kept = |name: &str| {
        let attempts = fs::read_dir(space.path().join(".attpc/replaced")).unwrap();
        let paths = attempts.map(|attempt| attempt.unwrap().path().join(name));
        paths.filter_map(|path| fs::read_to_string(path).ok()).collect::<Vec<_>>()
    };
    assert_eq!(
        (kept("d/thesis.tex"), kept("c.txt")),
        (vec!["precious".into()], vec!["by hand".into()])
    );
    assert_eq!(space.read("c.txt"), "c\n");
    // Results of builds are replaced without a word.
    let ran = space.run(&["build", "--force", "c", "d"]);
    assert!(!ran.stderr.contains("kept as"), "{}", ran.stderr);
}

#[test]
fn an_output_changed_during_the_build_is_never_taken_for_a_result() {
    let space = TestSpace::new();
    space.write("raw.txt", "right\n");
    space.write(
        "recipe.rhai",
        r#"rule("a", #{ input: "raw.txt", output: "a.txt", shell: "cat {input} > {output}" });
           rule("b", #{ input: "a.txt", output: "b.txt",
               shell: "[ -e once ] || {{ touch once; echo mine > a.txt; }}; cat {input} > {output}" });"#,
    );
    let words = space.run(&["build"]).fails_with(1);
    assert!(words.contains("input `a.txt` changed while the command ran"), "{words}");
    let plan = space.run(&["plan"]).ok();
    assert!(plan.contains("output a.txt was modified"), "{plan}");
    assert_eq!(build(&space, &[]), (2, 0));
    assert_eq!((space.read("a.txt"), space.read("b.txt")), ("right\n".into(), "right\n".into()));
    assert_eq!(build(&space, &[]), (0, 2));
}

#[test]
fn a_source_read_by_two_and_changed_between_them_leaves_nothing_wrong() {
    let space = TestSpace::new();
    space.write("raw.txt", "old\n");
    space.write(
        "recipe.rhai",
        r#"rule("a", #{ input: "raw.txt", output: "a.txt", shell: "cat {input} > {output}" });
           rule("b", #{ input: ["raw.txt", "a.txt"], output: "b.txt",
               shell: "cat {input} > {output}; [ -e once ] || {{ touch once; echo new > raw.txt; }}" });"#,
    );
    let ran = space.run(&["build"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // The first action saw the old content: the next build makes it again.
    assert_eq!(build(&space, &[]), (2, 0));
    assert_eq!(space.read("b.txt"), "new\nnew\n");
    assert_eq!(build(&space, &[]), (0, 2));
}

#[test]
fn a_recipe_cannot_overwrite_what_it_is_read_from() {
    let space = TestSpace::new();
    space.write("p.toml", "x = 1\n");
    for path in ["recipe.rhai", "p.toml", "attpc.toml"] {
        let recipe = format!(
            "params(\"p.toml\"); rule(\"a\", #{{ output: \"{path}\", argv: [\"true\"] }});"
        );
        space.write("recipe.rhai", &recipe);
        let words = space.run(&["build"]).fails_with(3);
        assert!(words.contains(&format!("rule `a` would write `{path}`")), "{words}");
    }
}

#[test]
fn files_that_a_command_writes_itself_are_not_its_inputs() {
    let space = TestSpace::new();
    space.write("raw.txt", "x\n");
    space.write(
        "recipe.rhai",
        r#"rule("a", #{ input: "raw.txt", output: "a.txt",
            shell: "cat {input} | tee {output} > fit.log; date +%N >> conf.json" });"#,
    );
    assert_eq!(build(&space, &[]), (1, 0));
    space.write("raw.txt", "y\n");
    assert_eq!(build(&space, &[]), (1, 0));
    assert_eq!(build(&space, &[]), (0, 1));
}

#[test]
fn the_stream_of_events_ends_with_the_last_event_whatever_goes_wrong() {
    let space = TestSpace::new();
    space.write("recipe.rhai", "rule(");
    let ran = space.run(&["build", "--json"]);
    assert_eq!(ran.code, Some(3));
    let last: serde_json::Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["exit_code"]), (&"build_finished".into(), &3.into()));
}

#[test]
fn a_gpu_that_is_not_there_is_refused_before_anything_runs() {
    let space = project();
    let ran = space.run(&["build", "--device", "cuda"]);
    if ran.code == Some(0) {
        println!("NOT RUN, this machine has a GPU");
        return;
    }
    let words = ran.fails_with(4);
    assert!(words.contains("hint: `--device cpu` works"), "{words}");
    assert!(!space.path().join("clean").exists());
    assert_eq!(build(&space, &["--device", "auto"]).0, 10);
}
